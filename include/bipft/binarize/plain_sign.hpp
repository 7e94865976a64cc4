#pragma once
/// PlainSign: activations to {-1, +1}, with nothing learned: no scale, no shift.
///
/// [BiBERT], whose authors leave scales of activations out to save work at inference. Square
/// brackets name papers listed in bipft/README.md.

#include <cstddef>
#include <string_view>

#include "bipft/binarize/binarizer.hpp"

namespace bipft {

/// The float before 1: |x| <= just_below_one is |x| < 1.
inline constexpr float just_below_one = 0x1.fffffep-1F;

struct PlainSign {
  static constexpr std::string_view name = "plain_sign";

  float window = just_below_one;  ///< gradients pass where |x| is at most that

  /// For q, k and v: gradients pass where |x| < 1.
  PlainSign() = default;
  /// For inputs of a linear layer: where |x| <= 1. The paper has this window everywhere ([BNN]
  /// eq. 5.29); published code has these two.
  explicit PlainSign(std::size_t channels) : window(channels == 0 ? just_below_one : 1.0F) {}

  void visit(auto&& /*part*/) {}
  void clamp() {}

  [[nodiscard]] BitRule rule() const { return {}; }

  /// Forward:    y = sign(x), with sign(0) = +1 as in the paper; published code has 0, which no bit
  ///             can store
  /// Backward:   dx = dy 1{|x| <= 1}, or dy 1{|x| < 1}     straight through [STE]
  ///
  ///   x, y: any one shape
  [[nodiscard]] BinaryVar operator()(const Var& x) const {
    return detail::straight_through(x, rule(), window);
  }
};

static_assert(Binarizer<PlainSign>);

}  // namespace bipft
