#pragma once
/// ApproxSign: activations to {-1, +1} with nothing learned, and a gradient that fades with |x|.
///
/// [BEExformer]'s surrogate of the sign, for activations of one bit; ApproxStep is its counterpart
/// for what is never negative. Square brackets name papers listed in bipft/README.md.

#include <cstddef>
#include <string_view>
#include <utility>

#include "bipft/binarize/binarizer.hpp"
#include "bipft/binarize/surrogate.hpp"

namespace bipft {

struct ApproxSign {
  static constexpr std::string_view name = "approx_sign";

  ApproxSign() = default;
  explicit ApproxSign(std::size_t /*channels*/) {}

  void visit(auto&& /*part*/) {}
  void clamp() {}

  [[nodiscard]] BitRule rule() const { return {}; }

  /// Forward:    y = sign(x), with sign(0) = +1
  /// Backward:   dx = dy max(0, 2 - 2|x|)
  ///
  ///   x, y: any one shape
  [[nodiscard]] BinaryVar operator()(const Var& x) const {
    if (!x.tape().training()) return {x, rule()};
    const Slot levels =
        x.tape().record(x.value(), {x}, [kept = x.value(), to = Slot(x)](Tape& tape, Tensor dy) {
          tape.accumulate(to, ApproxSignSurrogate{}.backward(tape.device(), kept, std::move(dy)));
        });
    return {levels, rule(), rule().bits(x.device(), x.value())};
  }
};

static_assert(Binarizer<ApproxSign>);

}  // namespace bipft
