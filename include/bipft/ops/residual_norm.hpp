#pragma once
/// residual_norm: what a sublayer made, dropped here and there, added to what it was given; and the
/// norm of that, in one.

#include <utility>

#include "bipft/autograd/tape.hpp"
#include "bipft/core/error.hpp"
#include "bipft/core/random.hpp"

namespace bipft {

/// Forward:    x = a + dropout(b, p),   y = layer_norm(x)     [Transformer] §3.1 and §5.4
/// Backward:   da = dx and db = dx / (1 - p), or 0 where b was dropped, with dx, dγ and dβ as
///             layer_norm has them
/// The same bytes as dropout, add and layer_norm in turn; p counts only on a tape that trains.
///
///   a, b, y: [N, C]   γ, β: [C]
/// Throws Error if the shapes do not fit, or unless 0 <= p < 1.
[[nodiscard]] inline Var residual_norm(const Var& a, const Var& b, float p, const Var& gamma,
                                       const Var& beta, float epsilon) {
  const Shape row{a.value().cols()};
  if (a.shape() != b.shape() || gamma.shape() != row || beta.shape() != row) {
    fail("residual_norm: a is ", a.shape(), ", b is ", b.shape(), ", gamma is ", gamma.shape(),
         ", beta is ", beta.shape());
  }
  if (!(p >= 0.0F && p < 1.0F)) {
    fail("residual_norm: p is ", p, "; it must be at least 0 and below 1");
  }
  Tape& tape = a.tape();
  const bool drops = p != 0.0F && tape.training();
  const Random random = drops ? tape.next_random() : Random(0, "");
  const float rate = drops ? p : 0.0F;
  ResidualNorm forward = a.device().residual_norm(a.value(), b.value(), random, rate, gamma.value(),
                                                  beta.value(), epsilon);
  Tensor y = std::move(forward.norm.y);
  forward.norm.y = {};
  return tape.record(
      std::move(y), {a, b, gamma, beta},
      [=, forward = std::move(forward), factor = gamma.value(), of_a = Slot(a), of_b = Slot(b),
       of_gamma = Slot(gamma), of_beta = Slot(beta)](Tape& on, Tensor dy) {
        ResidualNormGrad grad =
            on.device().residual_norm_backward(forward, random, rate, factor, std::move(dy));
        on.accumulate(of_a, std::move(grad.norm.dx));
        on.accumulate(of_b, std::move(grad.db));
        on.accumulate(of_gamma, std::move(grad.norm.dgamma));
        on.accumulate(of_beta, std::move(grad.norm.dbeta));
      });
}

}  // namespace bipft
