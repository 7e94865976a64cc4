#pragma once
/// Binarizer: what every way of turning activations into bits must provide.
///
/// However it learns, a binarizer ends as a BitRule: one threshold per channel and two levels.
/// Packing knows no more, so a new binarizer needs neither kernel nor shader.

#include <concepts>
#include <cstddef>
#include <string_view>

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

}  // namespace bipft
