#pragma once
/// binary_linear: the fully connected layer whose weights and inputs are one bit each.

#include <cstddef>
#include <utility>

#include "bipft/binarize/binary_var.hpp"
#include "bipft/binarize/binary_weight.hpp"

namespace bipft {

/// Forward:    y = (α_x α_w) (units(x) signs(w)ᵀ) + bias
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
  if (x.shape().cols() != w.matrix.bits.cols() || bias.shape() != Shape{outputs}) {
    fail("binary_linear: x is ", x.shape(), ", w is ", w.levels.shape(), ", bias is ",
         bias.shape());
  }
  Device& device = x.device();
  const float scale = x.rule.scale * w.matrix.scale;

  Tensor y;
  if (x.tape().products() == Tape::Products::bits) {
    y = device.binary_linear(x.bits, w.matrix.bits, x.rule.zero_one, scale, bias.value());
  } else {
    const Tensor products = device.linear(device.unpack(x.bits, x.rule.low_unit(), 1.0F),
                                          device.unpack(w.matrix.bits, -1.0F, 1.0F), {});
    y = device.scale_add_row(products, scale, bias.value());
  }

  return x.tape().record(
      std::move(y), {x.levels, w.levels, bias},
      [x, matrix = w.matrix, of_w = Slot(w.levels), of_bias = Slot(bias)](Tape& tape,
                                                                          const Tensor& dy) {
        Device& on = tape.device();
        tape.accumulate(of_bias, on.sum_rows(dy));
        tape.accumulate(of_w, on.binary_matmul_tn(dy, x.bits, x.rule.zero_one, x.rule.scale));
        tape.accumulate(x.levels, on.binary_matmul(dy, matrix.bits, false, matrix.scale));
      });
}

}  // namespace bipft
