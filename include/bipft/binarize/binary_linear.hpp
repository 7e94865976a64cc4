#pragma once
/// binary_linear: the fully connected layer whose weights and inputs are one bit each.

#include <cstddef>
#include <utility>

#include "bipft/binarize/binary_var.hpp"
#include "bipft/binarize/binary_weight.hpp"

namespace bipft {

namespace detail {

/// dy ŵ.   dy: [N, O]   w: [O, C]   result: [N, C]
[[nodiscard]] inline Tensor times_weight(Device& device, const Tensor& dy, const SignMatrix& w) {
  if (w.scale.numel() == 1) return device.binary_matmul(dy, w.bits, false, w.scale.data()[0]);
  const Tensor scaled = device.scale_add_row(dy, w.scale, Tensor(Shape{dy.cols()}));
  return device.binary_matmul(scaled, w.bits, false, 1.0F);
}

}  // namespace detail

/// Forward:    y = (α_x α_w) (units(x) signs(w)ᵀ) + bias, with one α_w or one for each output
///             The product of units is an integer and exact; the two scales are multiplied first,
///             and then there is one rounding for · and one for +. So popcounts, the reference form
///             (Tape::Products::floats) and a packed model give the same bytes.
/// Backward, with levels x̂ = α_x units(x) and ŵ = α_w signs(w):
///             dx̂ = dy ŵ,   dŵ = dyᵀ x̂,   dbias = Σ_rows dy
///             and each binarizer carries its part on to what it was made of.
///
///   x: [N, C]   w: [O, C]   bias: [O]   y: [N, O]
/// Throws Error if the shapes do not fit.
[[nodiscard]] inline Var binary_linear(const BinaryVar& x, const BinaryWeight& w, const Var& bias) {
  const std::size_t outputs = w.matrix.bits.rows();
  if (x.x().cols() != w.matrix.bits.cols() || bias.shape() != Shape{outputs}) {
    fail("binary_linear: x is ", x.shape(), ", w is ", w.levels.shape(), ", bias is ",
         bias.shape());
  }
  Device& device = x.device();
  const Tensor scale = device.scale(w.matrix.scale, x.rule.scale);
  const BitMatrix bits = x.rule.bits(device, x.x());

  Tensor y;
  if (x.tape().products() == Tape::Products::bits) {
    y = device.binary_linear(bits, w.matrix.bits, x.rule.zero_one, scale, bias.value());
  } else {
    const Tensor products = device.linear(device.unpack(bits, x.rule.low_unit(), 1.0F),
                                          device.unpack(w.matrix.bits, -1.0F, 1.0F), {});
    y = device.scale_add_row(products, scale, bias.value());
  }

  return x.tape().record(std::move(y), {x.levels, w.levels, bias},
                         [levels = x.levels, zero_one = x.rule.zero_one, alpha = x.rule.scale, bits,
                          w, bias](Tape& tape, const Tensor& dy) {
                           Device& on = tape.device();
                           tape.accumulate(levels, detail::times_weight(on, dy, w.matrix));
                           tape.accumulate(w.levels,
                                           on.binary_matmul_tn(dy, bits, zero_one, alpha));
                           tape.accumulate(bias, on.sum_rows(dy));
                         });
}

}  // namespace bipft
