#pragma once
/// Elastic: what the two elastic binarizers have in common, a learned scale and learned shifts.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string_view>
#include <utility>

#include "bipft/binarize/binarizer.hpp"

namespace bipft {

struct Elastic {
  /// The least α, so that it may drift towards zero harmlessly.
  static constexpr float min_scale = 1e-5F;

  Parameter alpha{Tensor(Shape{1}, 1.0F)};  ///< [1]  the scale
  Parameter shift;                          ///< [C]  minus the thresholds; empty: no shift
  Calibrated calibrated;                    ///< false until α was set from a first batch

  /// For inputs of `channels` channels, or without a shift if 0: for what has no channels
  /// (attention probabilities) and where the methods have none (Q, K and V, whose shifts BiT's
  /// published code constructs and then never uses).
  explicit Elastic(std::size_t channels) {
    // The papers write one threshold β a layer; their code learns one a channel, added: shift = -β.
    if (channels != 0) shift = Parameter(Tensor(Shape{channels}));
  }

  void visit(auto&& part) {
    part("alpha", alpha);
    if (!shift.value.empty()) part("shift", shift);
    part("calibrated", calibrated);
  }

  /// max(α, min_scale): what is meant by α in every equation.
  [[nodiscard]] float scale() const { return std::max(alpha.value.data()[0], min_scale); }

  /// Holds the parameter itself at min_scale, where published code only reads it so: an α that
  /// drifted far below would need as long to come back.
  void clamp() {
    if (alpha.value.data()[0] < min_scale) alpha.value = Tensor(Shape{1}, min_scale);
  }

 protected:
  /// On the first training batch sets α = factor · mean|x + shift|, [LSQ]'s rule for one bit, as
  /// published code does; BiT's text has the L2-optimal scale instead. Published statistics include
  /// the padding of a batch, of which bipft has none.
  /// Throws Error if x is not C wide.
  void prepare(std::string_view who, const Var& x, float factor) {
    if (!shift.value.empty() && shift.value.numel() != x.value().cols()) {
      fail(who, ": x is ", x.shape(), " but C is ", shift.value.numel());
    }
    if (calibrated.value || !x.tape().training() || x.value().empty()) return;
    const Tensor xs = BitRule{shift.value}.shifted(x.device(), x.value());
    calibrate(x.device().sums(xs).absolute / static_cast<double>(xs.numel()), factor);
  }
  void calibrate(double mean, float factor) {
    alpha.value = Tensor(Shape{1}, std::max(static_cast<float>(factor * mean), min_scale));
    calibrated.value = true;
  }

  /// Records rule(x). Backward, for dy = dloss/dlevels and N elements in x:
  ///   dx = dy 1{low <= x + shift <= high}          straight through, both ends included
  ///   dshift = Σ_rows dx
  ///   dα = slope(Σ unit dy, Σ (x + shift) dx) / √N √N is the published code's, from [LSQ]; the
  ///                                                papers print none
  /// x is kept for the second sum.
  template <class Slope>
  [[nodiscard]] BinaryVar record(const Var& x, const BitRule& rule, float low, float high,
                                 Slope slope) {
    return record_by(x, rule, rule.bits(x.device(), x.value()),
                     [window = window_of(rule, low, high), kept = x.value(), slope](
                         Device& device, Tensor dy, double& dalpha) {
                       WindowGrad grad = device.window_backward(kept, window, dy);
                       dalpha = slope(grad.units, grad.inside);
                       return grad;
                     });
  }
  /// The same for slope(units, inside) = units: of x two bits an element are kept and no more.
  [[nodiscard]] BinaryVar record(const Var& x, const BitRule& rule, float low, float high) {
    if (!x.tape().training()) return {x, rule};
    const Window window = window_of(rule, low, high);
    const WindowBits bits = x.device().pack_window(x.value(), window);
    return record_by(x, rule, bits.units, [=](Device& device, Tensor dy, double& dalpha) {
      WindowGrad grad = device.window_backward(bits, window, std::move(dy));
      dalpha = grad.units;
      return grad;
    });
  }

  [[nodiscard]] static Window window_of(const BitRule& rule, float low, float high) {
    return {rule.shift, low, high, rule.threshold, rule.strict, rule.low_unit()};
  }

 private:
  ///   pass(device, dy, dalpha): the window's gradient, and what dα is but for √N
  template <class Pass>
  [[nodiscard]] BinaryVar record_by(const Var& x, const BitRule& rule, BitMatrix bits, Pass pass) {
    Tape& tape = x.tape();
    const Slot of_alpha = tape.leaf(alpha);
    const bool shifted = !rule.shift.empty();
    const Slot of_shift = shifted ? Slot(tape.leaf(shift)) : of_alpha;
    const Slot levels =
        tape.record(x.value(), {x, of_alpha, of_shift}, [=, to = Slot(x)](Tape& t, Tensor dy) {
          const double root = std::sqrt(static_cast<double>(dy.numel()));
          double dalpha = 0;
          WindowGrad grad = pass(t.device(), std::move(dy), dalpha);
          t.accumulate(to, std::move(grad.dx));
          if (shifted) t.accumulate(of_shift, std::move(grad.dshift));
          t.accumulate(of_alpha, Tensor(Shape{1}, static_cast<float>(dalpha / root)));
        });
    return {levels, rule, std::move(bits)};
  }
};

}  // namespace bipft
