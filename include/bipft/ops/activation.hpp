#pragma once
/// activate: relu, gelu or tanh, element by element.

#include <utility>

#include "bipft/autograd/tape.hpp"

namespace bipft {

/// Forward:    y = f(x)
/// Backward:   dx = f'(x) dy, where
///             relu'(x) = 1{x > 0}
///             gelu'(x) = Φ(x) + x φ(x), for the exact form x Φ(x)       [GELU] §2
///             tanh'(x) = 1 - y²
/// Of relu and tanh the result is kept, which tells as much as x, and which others keep as well.
///
///   x, y: any one shape
[[nodiscard]] inline Var activate(Activation f, const Var& x) {
  const Tensor y = x.device().activate(f, x.value());
  const Tensor kept = f == Activation::gelu ? x.value() : y;  // what activate_backward wants
  return x.tape().record(y, {x}, [=, to = Slot(x)](Tape& tape, Tensor dy) {
    tape.accumulate(to, tape.device().activate_backward(f, kept, std::move(dy)));
  });
}

}  // namespace bipft
