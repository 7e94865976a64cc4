#pragma once
/// PackedLinear: what is left of a binary linear layer when training is over.
///
/// Bits and a few floats, as the model file holds them. Nothing is computed here: model/compile.hpp
/// turns these parts into the steps of a Plan.

#include <cstddef>

#include "bipft/core/bit_matrix.hpp"
#include "bipft/core/tensor.hpp"

namespace bipft {

/// y = scale(o) · Σ_c level(x[c] + shift[c]) sign(bits[o][c]) + bias[o], one rounding for · and +.
///
/// The level is ±1 by x + shift >= 0, or 0/1 by x + shift > in_alpha / 2: [BiT]'s two sets.
/// [BiBERT] has ±1 alone, with neither shift nor in_alpha. Floats have no level: they are summed up
/// as they are, y = scale(o) · Σ_c ±x[c] + bias[o].
struct PackedLinear {
  BitMatrix bits;  ///< [O, C]  the signs of the weights
  Tensor shift;    ///< [C]     added to the input; or empty
  Tensor bias;     ///< [O]
  Tensor alpha{Shape{1},
               1.0F};     ///< [O]  the scales of the weights, mean |w| of a row; or [1] for all
  float in_alpha = 1;     ///< the scale of the input's levels
  bool zero_one = false;  ///< 0/1 inputs; follows from the config, not in the file

  [[nodiscard]] float scale(std::size_t o) const {
    return in_alpha * alpha.data()[alpha.numel() == 1 ? 0 : o];
  }
  [[nodiscard]] float shift_of(std::size_t c) const {
    return shift.empty() ? 0.0F : shift.data()[c];
  }
  [[nodiscard]] float threshold() const { return zero_one ? in_alpha / 2.0F : 0.0F; }
};

}  // namespace bipft
