#pragma once
/// MlmHead: which word stood at a token, from its last hidden state. In full precision.

#include <cstddef>

#include "bipft/nn/init.hpp"
#include "bipft/nn/layer_norm.hpp"
#include "bipft/nn/linear.hpp"

namespace bipft {

/// [BERT]'s masked language model, logits = norm(gelu(transform(x))) Eᵀ + bias, whose matrix E is
/// the encoder's word embedding: where that is binary, E is its latent weights, as in [BiPFT]'s
/// code, and what both uses of them say of its gradient is added up. [BiPFT]'s code has a ReLU here
/// and begins with weights that were learnt with a GELU; we keep the GELU.
struct MlmHead {
  Linear transform;  ///< [C, C]
  LayerNorm norm;    ///< [C]
  Parameter bias;    ///< [V]

  MlmHead(std::size_t channels, std::size_t vocabulary, double norm_epsilon,
          const Initializer& init)
      : transform(channels, channels, init.at("transform")),
        norm(channels, norm_epsilon),
        bias(Tensor(Shape{vocabulary})) {}

  void visit(auto&& part) {
    part("transform", transform);
    part("norm", norm);
    part("bias", bias);
  }

  /// hidden: [M, C]   words: [V, C]   result: [M, V]
  /// Ask for the tokens that matter and no others: each costs a product with all of E.
  [[nodiscard]] Var operator()(const Var& hidden, Parameter& words) {
    Tape& tape = hidden.tape();
    const Var x = norm(transform(hidden, Activation::gelu));
    return linear(x, tape.leaf(words), tape.leaf(bias));
  }
};

}  // namespace bipft
