#pragma once
/// StagedLinear: the fully connected layer of a stage, one-bit weights and inputs of 2 or 4 bits.

#include <cstddef>
#include <optional>
#include <utility>

#include "bipft/binarize/elastic_bits.hpp"
#include "bipft/binarize/sign_linear.hpp"
#include "bipft/binarize/weight_binarizers.hpp"
#include "bipft/ops/activation.hpp"

namespace bipft {

/// Its parameters have the names of a BinaryLinear's, which they begin or go on as.
struct StagedLinear {
  ElasticBits input;
  WeightBinarizers binary;
  Parameter weight;  ///< [O, C]  latent
  Parameter bias;    ///< [O]

  void visit(auto&& part) {
    part("input", input);
    part("weight", weight);
    part("bias", bias);
  }

  /// y = f(levels(x) signs(weight)ᵀ + bias), or without f.   x: [N, C], rows of `texts`   y: [N, O]
  [[nodiscard]] Var operator()(const Var& x, const Ragged& texts,
                               std::optional<Activation> f = {}) {
    const BinaryWeight w =
        std::visit([&](const auto& chosen) { return chosen(x.tape().leaf(weight)); }, binary);
    const Var y = sign_linear(input(x, texts), w, x.tape().leaf(bias));
    return f ? activate(*f, y) : y;
  }
};

/// What turns the operands of a stage's attention into levels; named as AttentionBinarizers.
struct StagedAttention {
  ElasticBits query, key, value, probability;

  explicit StagedAttention(std::size_t bits)
      : query(0, bits, true),
        key(0, bits, true),
        value(0, bits, true),
        probability(0, bits, false) {}

  void visit(auto&& part) {
    part("query", query);
    part("key", key);
    part("value", value);
    part("probability", probability);
  }
};

}  // namespace bipft
