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
  /// The bits of x as the floats that they stand for.
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
  /// A stand-in on the tape: gradients of the levels are accumulated here, and its *value* is still
  /// the x from which `rule` makes them. Levels are of one shape with x and are made when an
  /// operation wants them, as bits or as floats, rather than kept.
  Var levels;
  BitRule rule;

  [[nodiscard]] const Tensor& x() const { return levels.value(); }
  [[nodiscard]] const Shape& shape() const { return levels.shape(); }
  [[nodiscard]] Tape& tape() const { return levels.tape(); }
  [[nodiscard]] Device& device() const { return levels.device(); }
};

}  // namespace bipft
