#pragma once
/// MeanSign: weights to {-α, +α} around their mean, nothing learned but the latent weights.
///
/// [XNOR] for the scale; the centring is that of [BiT]'s published code, which [BiPFT] shares.

#include <string_view>

#include "bipft/binarize/binary_weight.hpp"

namespace bipft {

struct MeanSign {
  static constexpr std::string_view name = "mean_sign";

  /// bits = w >= mean(w), scale = mean|w|: of the raw weights, which the mean only moves the signs
  /// of. Both means are sums in double, rounded once.   w: [O, C]
  [[nodiscard]] SignMatrix signs(Device& device, const Tensor& w) const {
    const Sums sums = device.sums(w);
    const double count = static_cast<double>(w.numel());
    return {device.pack(w, {}, static_cast<float>(sums.sum / count), false),
            Tensor(Shape{1}, static_cast<float>(sums.absolute / count))};
  }

  /// Forward:    y = mean|w| sign(w - mean(w)), with sign(0) = +1
  /// Backward:   dw = dy: straight through, with no window and nothing through the two means
  ///
  ///   w, y: [O, C]
  /// Throws Error if w is no matrix, or an empty one.
  [[nodiscard]] BinaryWeight operator()(const Var& w) const {
    if (w.shape().rank() != 2 || w.value().empty()) fail("mean_sign: w is ", w.shape());
    return {w, signs(w.device(), w.value())};
  }
};

static_assert(WeightBinarizer<MeanSign>);

}  // namespace bipft
