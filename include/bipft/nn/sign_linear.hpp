#pragma once
/// SignLinear: the fully connected layer whose weights are one bit each, its inputs floats.

#include <cstddef>
#include <optional>
#include <utility>
#include <variant>

#include "bipft/binarize/sign_linear.hpp"
#include "bipft/binarize/weight_binarizers.hpp"
#include "bipft/nn/binary_form.hpp"
#include "bipft/nn/init.hpp"
#include "bipft/nn/packed_linear.hpp"
#include "bipft/ops/activation.hpp"

namespace bipft {

/// [BEExformer]'s, as its text is most likely meant: sums of floats and their negatives.
struct SignLinear {
  WeightBinarizers binary;
  Parameter weight;  ///< [O, C]  latent
  Parameter bias;    ///< [O]

  /// Normal latent weights, bias 0.
  SignLinear(std::size_t inputs, std::size_t outputs, const BinaryForm& form,
             const Initializer& init)
      : binary(form.make_weight()),
        weight(init.at("weight").normal(Shape{outputs, inputs})),
        bias(Tensor(Shape{outputs})) {}

  void visit(auto&& part) {
    part("weight", weight);
    part("bias", bias);
  }

  /// y = f(α (x signs(weight)ᵀ) + bias), or without f.   x: [N, C]   y: [N, O]
  [[nodiscard]] Var operator()(const Var& x, std::optional<Activation> f = {}) {
    const BinaryWeight w =
        std::visit([&](const auto& chosen) { return chosen(x.tape().leaf(weight)); }, binary);
    const Var y = scaled_sign_linear(x, w, x.tape().leaf(bias));
    return f ? activate(*f, y) : y;
  }

  /// A snapshot, which later training does not reach.
  [[nodiscard]] PackedLinear pack(Device& device) const {
    SignMatrix signs =
        std::visit([&](const auto& chosen) { return chosen.signs(device, weight.value); }, binary);
    return {std::move(signs.bits), {}, bias.value, std::move(signs.scale), 1.0F, false};
  }
};

}  // namespace bipft
