#pragma once
/// LayerNorm: every token's hidden state to mean 0 and variance 1, then scaled and shifted.

#include <cstddef>

#include "bipft/ops/layer_norm.hpp"
#include "bipft/ops/residual_norm.hpp"

namespace bipft {

struct LayerNorm {
  Parameter gamma;  ///< [C], 1 at first
  Parameter beta;   ///< [C], 0 at first
  float epsilon;

  LayerNorm(std::size_t channels, double variance_floor)
      : gamma(Tensor(Shape{channels}, 1.0F)),
        beta(Tensor(Shape{channels})),
        epsilon(static_cast<float>(variance_floor)) {}

  void visit(auto&& part) {
    part("gamma", gamma);
    part("beta", beta);
  }

  [[nodiscard]] Var operator()(const Var& x) {
    return layer_norm(x, x.tape().leaf(gamma), x.tape().leaf(beta), epsilon);
  }
  /// Of hidden + dropout(branch).
  [[nodiscard]] Var operator()(const Var& hidden, const Var& branch, float dropout_rate) {
    Tape& tape = hidden.tape();
    return residual_norm(hidden, branch, dropout_rate, tape.leaf(gamma), tape.leaf(beta), epsilon);
  }
};

}  // namespace bipft
