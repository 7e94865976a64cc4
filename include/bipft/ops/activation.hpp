#pragma once
/// activate: relu, gelu or tanh, element by element; sigmoid, by the same tanh.

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

/// Forward:    y = 1 / (1 + exp(-x)) = tanh(x/2) / 2 + 1/2, where both halvings are exact
/// Backward:   dx = y (1 - y) dy
///
///   x, y: any one shape
[[nodiscard]] inline Var sigmoid(const Var& x) {
  Device& device = x.device();
  const Tensor t = device.activate(Activation::tanh, device.scale(x.value(), 0.5F));
  const Tensor y = device.add_row(device.scale(t, 0.5F), Tensor(Shape{t.cols()}, 0.5F));
  return x.tape().record(y, {x}, [=, to = Slot(x)](Tape& tape, const Tensor& dy) {
    Device& on = tape.device();
    const Tensor rest = on.add_row(on.scale(y, -1.0F), Tensor(Shape{y.cols()}, 1.0F));
    tape.accumulate(to, on.multiply(on.multiply(y, rest), dy));
  });
}

}  // namespace bipft
