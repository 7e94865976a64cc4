#pragma once
/// Binarizer: what every way of turning activations into bits must provide.
///
/// However it learns, a binarizer ends as a BitRule: one threshold per channel and two levels.
/// Packing knows no more, so a new binarizer needs neither kernel nor shader.

#include <concepts>
#include <cstddef>
#include <string_view>
#include <utility>

#include "bipft/autograd/tape.hpp"
#include "bipft/binarize/binary_var.hpp"

namespace bipft {

template <class B>
concept Binarizer = std::constructible_from<B, std::size_t> &&  // from the number of channels
    requires(B binarizer, const B& trained, const Var& x) {
  { B::name } -> std::convertible_to<std::string_view>;
  { binarizer(x) } -> std::same_as<BinaryVar>;
  { trained.rule() } -> std::same_as<BitRule>;
  binarizer.clamp();  // after each update of its parameters, to keep them meaningful
};

/// Whether a binarizer has seen its first batch. A stored bit of its own, which checkpoints hold
/// beside the parameters: published code infers it from a scale that is exactly 1, and forgets it.
struct Calibrated {
  bool value = false;
};

namespace detail {

/// What the rule makes of x, with gradients that pass where |x| <= limit: of x two bits an element
/// are kept and no more.
[[nodiscard]] inline BinaryVar straight_through(const Var& x, const BitRule& rule, float limit) {
  if (!x.tape().training()) return {x, rule};
  const Window window{{}, -limit, limit, rule.threshold, rule.strict, rule.low_unit()};
  const WindowBits bits = x.device().pack_window(x.value(), window);
  const Slot levels = x.tape().record(x.value(), {x}, [=, to = Slot(x)](Tape& tape, Tensor dy) {
    tape.accumulate(to, tape.device().window_backward(bits, window, std::move(dy)).dx);
  });
  return {levels, rule, bits.units};
}

}  // namespace detail

}  // namespace bipft
