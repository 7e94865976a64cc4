#pragma once
/// linear: the differentiable y = x wᵀ + bias.

#include <cstddef>

#include "bipft/autograd/tape.hpp"

namespace bipft {

/// Forward:    y = x wᵀ + bias
/// Backward:   dx = dy w,   dw = dyᵀ x,   dbias = Σ_rows dy
///
///   x: [N, C]   w: [O, C]   bias: [O]   y: [N, O]
/// Throws Error if the shapes do not fit.
[[nodiscard]] inline Var linear(const Var& x, const Var& w, const Var& bias) {
  const std::size_t outputs = w.value().rows();
  if (w.shape() != Shape{outputs, x.value().cols()} || bias.shape() != Shape{outputs}) {
    fail("linear: x is ", x.shape(), ", w is ", w.shape(), ", bias is ", bias.shape());
  }
  return x.tape().record(x.device().linear(x.value(), w.value(), bias.value()), {x, w, bias},
                         [=](Tape& tape, const Tensor& dy) {
                           Device& device = tape.device();
                           // Where x is a constant its gradient, a whole product, is not made.
                           if (x.needs_grad()) tape.accumulate(x, device.matmul(dy, w.value()));
                           tape.accumulate(w, device.matmul_tn(dy, x.value()));
                           tape.accumulate(bias, device.sum_rows(dy));
                         });
}

}  // namespace bipft
