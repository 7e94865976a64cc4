#pragma once
/// sign_linear: the fully connected layer whose weights are one bit each, and whose inputs are not.

#include <utility>

#include "bipft/binarize/binary_weight.hpp"

namespace bipft {

namespace detail {

/// Records y, made of x and the weight: both forms below have one backward pass.
[[nodiscard]] inline Var record_sign_linear(Tensor y, const Var& x, const BinaryWeight& w,
                                            const Var& bias) {
  return x.tape().record(std::move(y), {x, w.levels, bias}, [=](Tape& tape, const Tensor& dy) {
    Device& on = tape.device();
    tape.accumulate(x, times_weight(on, dy, w.matrix));
    tape.accumulate(w.levels, on.matmul_tn(dy, x.value()));
    tape.accumulate(bias, on.sum_rows(dy));
  });
}

inline void check_sign_linear(const char* operation, const Var& x, const BinaryWeight& w,
                              const Var& bias) {
  if (x.value().cols() == w.matrix.bits.cols() && bias.shape() == Shape{w.matrix.bits.rows()}) {
    return;
  }
  fail(operation, ": x is ", x.shape(), ", w is ", w.levels.shape(), ", bias is ", bias.shape());
}

}  // namespace detail

/// Forward, with levels ŵ = α_w signs(w), and one α_w or one for each output:
///             y = x ŵᵀ + bias
/// Backward:   dx = dy ŵ,   dŵ = dyᵀ x,   dbias = Σ_rows dy
///             and the weight's binarizer carries its part on to the latent weights.
///
///   x: [N, C]   w: [O, C]   bias: [O]   y: [N, O]
/// Throws Error if the shapes do not fit.
[[nodiscard]] inline Var sign_linear(const Var& x, const BinaryWeight& w, const Var& bias) {
  detail::check_sign_linear("sign_linear", x, w, bias);
  Device& device = x.device();
  const Tensor levels = detail::signed_values(device, w.matrix.bits, w.matrix.scale);
  return detail::record_sign_linear(device.linear(x.value(), levels, bias.value()), x, w, bias);
}

/// The same, but for where numbers are rounded: sums of ±x, whose products are exact, and then one
/// rounding for · and one for +.
///             y = α_w (x signs(w)ᵀ) + bias
/// So bits that are never made floats give the same bytes, and every target does.
[[nodiscard]] inline Var scaled_sign_linear(const Var& x, const BinaryWeight& w, const Var& bias) {
  detail::check_sign_linear("scaled_sign_linear", x, w, bias);
  Device& device = x.device();
  const Tensor sums = device.linear(x.value(), device.unpack(w.matrix.bits, -1.0F, 1.0F), {});
  return detail::record_sign_linear(device.scale_add_row(sums, w.matrix.scale, bias.value()), x, w,
                                    bias);
}

}  // namespace bipft
