#pragma once
/// sign_linear: the fully connected layer whose weights are one bit each, and whose inputs are not.

#include <cstddef>

#include "bipft/binarize/binary_weight.hpp"

namespace bipft {

/// Forward, with levels ŵ = α_w signs(w), and one α_w or one for each output:
///             y = x ŵᵀ + bias
/// Backward:   dx = dy ŵ,   dŵ = dyᵀ x,   dbias = Σ_rows dy
///             and the weight's binarizer carries its part on to the latent weights.
///
///   x: [N, C]   w: [O, C]   bias: [O]   y: [N, O]
/// Throws Error if the shapes do not fit.
[[nodiscard]] inline Var sign_linear(const Var& x, const BinaryWeight& w, const Var& bias) {
  const std::size_t outputs = w.matrix.bits.rows();
  if (x.value().cols() != w.matrix.bits.cols() || bias.shape() != Shape{outputs}) {
    fail("sign_linear: x is ", x.shape(), ", w is ", w.levels.shape(), ", bias is ", bias.shape());
  }
  Device& device = x.device();
  const Tensor levels = detail::signed_values(device, w.matrix.bits, w.matrix.scale);
  return x.tape().record(device.linear(x.value(), levels, bias.value()), {x, w.levels, bias},
                         [=](Tape& tape, const Tensor& dy) {
                           Device& on = tape.device();
                           tape.accumulate(x, detail::times_weight(on, dy, w.matrix));
                           tape.accumulate(w.levels, on.matmul_tn(dy, x.value()));
                           tape.accumulate(bias, on.sum_rows(dy));
                         });
}

}  // namespace bipft
