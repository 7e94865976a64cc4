#pragma once
/// ApproxStep: activations to {0, 1} with nothing learned, for what lies between 0 and 1: the midst
/// of a gate, behind a sigmoid.
///
/// [BEExformer]'s surrogate of the sign, of 2x - 1. Square brackets name papers listed in
/// bipft/README.md.

#include <cstddef>
#include <string_view>
#include <utility>

#include "bipft/binarize/binarizer.hpp"
#include "bipft/binarize/surrogate.hpp"

namespace bipft {

struct ApproxStep {
  static constexpr std::string_view name = "approx_step";

  ApproxStep() = default;
  explicit ApproxStep(std::size_t /*channels*/) {}

  void visit(auto&& /*part*/) {}
  void clamp() {}

  [[nodiscard]] BitRule rule() const {
    return {.shift = {}, .threshold = 0.5F, .strict = true, .zero_one = true, .scale = 1.0F};
  }

  /// Forward:    y = 1{x > 1/2}, which is (1 + sign(2x - 1)) / 2 but for x = 1/2
  /// Backward:   dx = dy F'(2x - 1), with F'(u) = max(0, 2 - 2|u|): the derivative of
  ///             (1 + F(2x - 1)) / 2
  ///
  ///   x, y: any one shape
  [[nodiscard]] BinaryVar operator()(const Var& x) const {
    if (!x.tape().training()) return {x, rule()};
    const Slot levels =
        x.tape().record(x.value(), {x}, [kept = x.value(), to = Slot(x)](Tape& tape, Tensor dy) {
          Device& on = tape.device();
          const Tensor u = on.add_row(on.scale(kept, 2.0F), Tensor(Shape{kept.cols()}, -1.0F));
          tape.accumulate(to, ApproxSignSurrogate{}.backward(on, u, std::move(dy)));
        });
    return {levels, rule(), rule().bits(x.device(), x.value())};
  }
};

static_assert(Binarizer<ApproxStep>);

}  // namespace bipft
