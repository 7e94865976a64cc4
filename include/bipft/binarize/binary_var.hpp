#pragma once
/// BinaryVar: a binarized value on a tape, as units and a scale.
///
/// A level is scale · unit, with units ±1 or 0/1. Products are taken of units alone, so that they
/// are integers and exact, and scaled once at the end; that is why a trained model and its packed
/// form agree to the last byte. Gradients are with respect to the levels, as in the papers.

#include <cstddef>
#include <utility>

#include "bipft/autograd/tape.hpp"
#include "bipft/core/bit_matrix.hpp"

namespace bipft {

/// How floats become bits, and what the bits mean. All that packing needs of a binarizer.
struct BitRule {
  Tensor shift;            ///< [C], added to every row first; or empty
  float threshold = 0.0F;  ///< a bit is 1 from here on ...
  bool strict = false;     ///< ... or only above, if strict
  bool zero_one = false;   ///< units are 0 and 1; else -1 and +1
  float scale = 1.0F;      ///< α

  [[nodiscard]] float low_unit() const { return zero_one ? 0.0F : -1.0F; }

  /// x + shift.   x: [N, C]
  [[nodiscard]] Tensor shifted(Device& device, const Tensor& x) const {
    return shift.empty() ? x : device.add_row(x, shift);
  }
  [[nodiscard]] BitMatrix bits(Device& device, const Tensor& x) const {
    return device.pack(x, shift, threshold, strict);
  }
  /// The same in floats: the units, or the levels, that the bits of x stand for.
  [[nodiscard]] Tensor units(Device& device, const Tensor& x) const {
    return device.threshold_select(shifted(device, x), threshold, strict, low_unit(), 1.0F);
  }
  [[nodiscard]] Tensor levels(Device& device, const Tensor& x) const {
    return device.threshold_select(shifted(device, x), threshold, strict, scale * low_unit(),
                                   scale);
  }
};

/// What a binarizer makes of a Var, and operations on bits take.
struct BinaryVar {
  Slot levels;     ///< where gradients of the levels go
  BitRule rule;    ///< what was asked of each element
  BitMatrix bits;  ///< and the answers, with leading extents folded into the rows

  BinaryVar(Slot of_levels, BitRule by_rule, BitMatrix answers)
      : levels(std::move(of_levels)), rule(std::move(by_rule)), bits(std::move(answers)) {}
  /// What the rule makes of x. Gradients of the levels go where those of x do.
  BinaryVar(const Var& x, const BitRule& by_rule)
      : BinaryVar(x, by_rule, by_rule.bits(x.device(), x.value())) {}

  [[nodiscard]] const Shape& shape() const { return levels.shape(); }
  [[nodiscard]] Tape& tape() const { return levels.tape(); }
  [[nodiscard]] Device& device() const { return tape().device(); }

  /// The floats that the bits stand for, shaped like what was binarized: made when an operation
  /// wants them rather than kept.
  [[nodiscard]] Tensor unit_values(Device& on) const {
    return on.unpack(bits, rule.low_unit(), 1.0F).reshaped(shape());
  }
  [[nodiscard]] Tensor level_values(Device& on) const {
    return on.unpack(bits, rule.scale * rule.low_unit(), rule.scale).reshaped(shape());
  }
};

}  // namespace bipft
