#pragma once
/// layer_norm: every row to mean 0 and variance 1, then scaled and shifted by what was learned.

#include <utility>

#include "bipft/autograd/tape.hpp"

namespace bipft {

/// Forward:    y = γ ⊙ x̂ + β,   x̂ = (x - mean) / √(variance + ε)        [LayerNorm]
///             with mean and (biased) variance of each row
/// Backward:   with g = dy ⊙ γ,
///             dx = (g - mean(g) - x̂ mean(g ⊙ x̂)) / √(variance + ε)
///             dγ = Σ_rows dy ⊙ x̂,   dβ = Σ_rows dy
///
///   x, y: [N, C]   γ, β: [C]
/// Throws Error if the shapes do not fit.
[[nodiscard]] inline Var layer_norm(const Var& x, const Var& gamma, const Var& beta,
                                    float epsilon) {
  const Shape row{x.value().cols()};
  if (gamma.shape() != row || beta.shape() != row) {
    fail("layer_norm: x is ", x.shape(), ", gamma is ", gamma.shape(), ", beta is ", beta.shape());
  }
  LayerNormResult forward = x.device().layer_norm(x.value(), gamma.value(), beta.value(), epsilon);
  const Tensor y = forward.y;
  forward.y = {};  // the backward pass has no use for it
  return x.tape().record(y, {x, gamma, beta}, [=](Tape& tape, Tensor dy) {
    LayerNormGrad grad =
        tape.device().layer_norm_backward(x.value(), forward, gamma.value(), std::move(dy));
    tape.accumulate(x, std::move(grad.dx));
    tape.accumulate(gamma, std::move(grad.dgamma));
    tape.accumulate(beta, std::move(grad.dbeta));
  });
}

}  // namespace bipft
