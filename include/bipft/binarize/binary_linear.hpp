#pragma once
/// binary_linear: the fully connected layer whose weights and inputs are one bit each.

#include <cstddef>
#include <optional>
#include <utility>

#include "bipft/binarize/binary_var.hpp"
#include "bipft/binarize/binary_weight.hpp"

namespace bipft {

/// Forward:    z = (α_x α_w) (units(x) signs(w)ᵀ) + bias,   y = f(z), or z if there is no f;
///             with one α_w, or one for each output.
///             The product of units is an integer and exact; the two scales are multiplied first,
///             and then there is one rounding for · and one for +. So popcounts, the reference form
///             (Tape::Products::floats) and a packed model give the same bytes.
/// Backward, with levels x̂ = α_x units(x) and ŵ = α_w signs(w):
///             dz = f'(z) dy,   dx̂ = dz ŵ,   dŵ = dzᵀ x̂,   dbias = Σ_rows dz
///             and each binarizer carries its part on to what it was made of.
///
///   x: [N, C]   w: [O, C]   bias: [O]   y: [N, O]
/// Throws Error if the shapes do not fit.
[[nodiscard]] inline Var binary_linear(const BinaryVar& x, const BinaryWeight& w, const Var& bias,
                                       std::optional<Activation> f = {}) {
  const std::size_t outputs = w.matrix.bits.rows();
  if (x.shape().cols() != w.matrix.bits.cols() || bias.shape() != Shape{outputs}) {
    fail("binary_linear: x is ", x.shape(), ", w is ", w.levels.shape(), ", bias is ",
         bias.shape());
  }
  Device& device = x.device();
  const Tensor scale = device.scale(w.matrix.scale, x.rule.scale);

  Activated forward;
  if (x.tape().products() == Tape::Products::bits) {
    const bool zero_one = x.rule.zero_one;
    if (f) {
      forward = device.binary_linear(x.bits, w.matrix.bits, zero_one, scale, bias.value(), *f);
    } else {
      forward.y = device.binary_linear(x.bits, w.matrix.bits, zero_one, scale, bias.value());
    }
  } else {
    const Tensor products = device.linear(device.unpack(x.bits, x.rule.low_unit(), 1.0F),
                                          device.unpack(w.matrix.bits, -1.0F, 1.0F), {});
    forward.y = device.scale_add_row(products, scale, bias.value());
    if (f) forward = device.activated(*f, forward.y);
  }

  return x.tape().record(
      std::move(forward.y), {x.levels, w.levels, bias},
      [x, f, kept = std::move(forward.kept), matrix = w.matrix, of_w = Slot(w.levels),
       of_bias = Slot(bias)](Tape& tape, Tensor dy) {
        Device& on = tape.device();
        const Tensor dz = f ? on.activate_backward(*f, kept, std::move(dy)) : std::move(dy);
        tape.accumulate(of_bias, on.sum_rows(dz));
        tape.accumulate(of_w, on.binary_matmul_tn(dz, x.bits, x.rule.zero_one, x.rule.scale));
        tape.accumulate(x.levels, detail::times_weight(on, dz, matrix));
      });
}

}  // namespace bipft
