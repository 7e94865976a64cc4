#pragma once
/// SurrogateSign: weights to {-α, +α} with a gradient by a surrogate of the sign, and nothing
/// learned but the latent weights.
///
/// [BEExformer], whose text leaves open whether signs have scales and whether weights are centred:
/// both are choices here, as is the surrogate. Square brackets name papers listed in
/// bipft/README.md.

#include <string_view>
#include <utility>

#include "bipft/binarize/binary_weight.hpp"
#include "bipft/binarize/surrogate.hpp"

namespace bipft {

struct SurrogateSign {
  static constexpr std::string_view name = "surrogate_sign";

  enum class Scale { none, row };                          ///< α is 1, or αᵣ = mean|w| of row r
  enum class ScaleGradient { detached, full, reference };  ///< what becomes of αᵣ on the way back
  enum class Center { none, row, tensor };                 ///< whose mean the signs are around

  Surrogates surrogate;
  Scale scale = Scale::none;
  ScaleGradient gradient = ScaleGradient::detached;
  Center center = Center::none;

  /// What packing stores: bits = c >= 0, with c of the equations below.   w: [O, C]
  [[nodiscard]] SignMatrix signs(Device& device, const Tensor& w) const {
    SignMatrix result{device.pack(centered(device, w), {}, 0.0F, false)};
    if (scale == Scale::row) result.scale = device.mean_absolute_rows(w);
    return result;
  }

  /// Forward, with c = w, or w less the mean of its row, or of all:
  ///             y = αᵣ sign(c), αᵣ = 1, or mean|w| of row r, with sign(0) = +1
  /// Backward:   dw = αᵣ dy F'(c)                                        detached: αᵣ a constant
  ///             dw = αᵣ dy F'(c) + sign(w) mean(dy sign(c)) of its row  full
  ///             dw = dy 1{|c| <= 1}                                     reference: what Bi-Real's,
  ///                ReActNet's and [BiBERT]'s code does, by no other surrogate and without αᵣ
  ///             and from each of these its own mean is taken, where w was centred
  ///
  ///   w, y: [O, C]
  /// Throws Error if w is no matrix, or an empty one.
  [[nodiscard]] BinaryWeight operator()(const Var& w) const {
    if (w.shape().rank() != 2 || w.value().empty()) fail("surrogate_sign: w is ", w.shape());
    const Var levels = w.tape().record(
        w.value(), {w}, [self = *this, kept = w.value(), to = Slot(w)](Tape& tape, Tensor dy) {
          tape.accumulate(to, self.backward(tape.device(), kept, std::move(dy)));
        });
    return {levels, signs(w.device(), w.value())};
  }

 private:
  [[nodiscard]] Tensor centered(Device& device, const Tensor& w) const {
    if (center == Center::row) return device.center_rows(w);
    if (center == Center::none) return w;
    const auto mean = static_cast<float>(device.sums(w).sum / static_cast<double>(w.numel()));
    return device.add_row(w, Tensor(Shape{w.cols()}, -mean));
  }

  [[nodiscard]] Tensor backward(Device& device, const Tensor& w, const Tensor& dy) const {
    const Tensor c = centered(device, w);
    if (scale == Scale::none) return centered(device, detail::through(surrogate, device, c, dy));
    if (gradient == ScaleGradient::reference) {
      return centered(device, ClippedSurrogate{}.backward(device, c, dy));
    }
    const Tensor alpha =
        device.threshold_select_rows(Tensor(w.shape(), 1.0F), 0.0F, device.mean_absolute_rows(w));
    Tensor dw = centered(device, detail::through(surrogate, device, c, device.multiply(alpha, dy)));
    if (gradient == ScaleGradient::detached) return dw;
    const Tensor along = device.multiply(dy, device.threshold_select(c, 0.0F, false, -1.0F, 1.0F));
    const Tensor average(Shape{1, w.cols()}, 1.0F / static_cast<float>(w.cols()));
    const Tensor means = device.ordered_linear(along, average, Tensor(Shape{1}));
    return device.add(dw, device.threshold_select_rows(w, 0.0F, means.reshaped(Shape{w.rows()})));
  }
};

static_assert(WeightBinarizer<SurrogateSign>);

}  // namespace bipft
