#pragma once
/// linear and ordered_linear: the differentiable y = x wᵀ + bias.

#include <cstddef>
#include <utility>

#include "bipft/autograd/tape.hpp"

namespace bipft {

namespace detail {

inline void require_linear(const char* who, const Var& x, const Var& w, const Var& bias) {
  const std::size_t outputs = w.value().rows();
  if (w.shape() != Shape{outputs, x.value().cols()} || bias.shape() != Shape{outputs}) {
    fail(who, ": x is ", x.shape(), ", w is ", w.shape(), ", bias is ", bias.shape());
  }
}
[[nodiscard]] inline Var record_linear(Tensor y, const Var& x, const Var& w, const Var& bias) {
  return x.tape().record(std::move(y), {x, w, bias}, [=](Tape& tape, const Tensor& dy) {
    Device& device = tape.device();
    // Where x is a constant its gradient, a whole product, is not made.
    if (x.needs_grad()) tape.accumulate(x, device.matmul(dy, w.value()));
    tape.accumulate(w, device.matmul_tn(dy, x.value()));
    tape.accumulate(bias, device.sum_rows(dy));
  });
}

}  // namespace detail

/// Forward:    y = x wᵀ + bias
/// Backward:   dx = dy w,   dw = dyᵀ x,   dbias = Σ_rows dy
///
///   x: [N, C]   w: [O, C]   bias: [O]   y: [N, O]
/// Throws Error if the shapes do not fit.
[[nodiscard]] inline Var linear(const Var& x, const Var& w, const Var& bias) {
  detail::require_linear("linear", x, w, bias);
  return detail::record_linear(x.device().linear(x.value(), w.value(), bias.value()), x, w, bias);
}

/// The same, summed up as rows are: y has the same bytes on every target, and in a packed model.
[[nodiscard]] inline Var ordered_linear(const Var& x, const Var& w, const Var& bias) {
  detail::require_linear("ordered_linear", x, w, bias);
  Tensor y = x.device().ordered_linear(x.value(), w.value(), bias.value());
  return detail::record_linear(std::move(y), x, w, bias);
}

}  // namespace bipft
