#pragma once
/// Arithmetic on values of a tape: add, add_row, multiply, scale, scale_gradient.
///
/// There is no broadcasting: what is repeated along rows says so in its name.

#include <utility>

#include "bipft/autograd/tape.hpp"

namespace bipft {

/// Forward:    y = a + b            (a residual connection)
/// Backward:   da = dy,   db = dy
///
///   a, b, y: any one shape
/// Throws Error if the shapes differ.
[[nodiscard]] inline Var add(const Var& a, const Var& b) {
  if (a.shape() != b.shape()) fail("add: a is ", a.shape(), ", b is ", b.shape());
  return a.tape().record(a.device().add(a.value(), b.value()), {a, b},
                         [of_a = Slot(a), of_b = Slot(b)](Tape& tape, Tensor dy) {
                           tape.accumulate(of_a, dy);
                           tape.accumulate(of_b, std::move(dy));
                         });
}

/// Forward:    y[n] = x[n] + row
/// Backward:   dx = dy,   drow = Σ_n dy[n]
///
///   x, y: [N, C]   row: [C]
/// Throws Error if the shapes do not fit.
[[nodiscard]] inline Var add_row(const Var& x, const Var& row) {
  if (row.shape() != Shape{x.value().cols()}) {
    fail("add_row: x is ", x.shape(), ", row is ", row.shape());
  }
  return x.tape().record(x.device().add_row(x.value(), row.value()), {x, row},
                         [of_x = Slot(x), of_row = Slot(row)](Tape& tape, Tensor dy) {
                           tape.accumulate(of_row, tape.device().sum_rows(dy));
                           tape.accumulate(of_x, std::move(dy));
                         });
}

/// Forward:    y = a ⊙ b
/// Backward:   da = dy ⊙ b,   db = dy ⊙ a
///
///   a, b, y: any one shape
/// Throws Error if the shapes differ.
[[nodiscard]] inline Var multiply(const Var& a, const Var& b) {
  if (a.shape() != b.shape()) fail("multiply: a is ", a.shape(), ", b is ", b.shape());
  return a.tape().record(a.device().multiply(a.value(), b.value()), {a, b},
                         [=](Tape& tape, const Tensor& dy) {
                           tape.accumulate(a, tape.device().multiply(dy, b.value()));
                           tape.accumulate(b, tape.device().multiply(dy, a.value()));
                         });
}

/// Forward:    y = factor · x
/// Backward:   dx = factor · dy
///
///   x, y: any one shape
[[nodiscard]] inline Var scale(const Var& x, float factor) {
  return x.tape().record(x.device().scale(x.value(), factor), {x},
                         [=, to = Slot(x)](Tape& tape, const Tensor& dy) {
                           tape.accumulate(to, tape.device().scale(dy, factor));
                         });
}

/// Forward:    y = x
/// Backward:   dx = factor · dy
///
///   x, y: any one shape
[[nodiscard]] inline Var scale_gradient(const Var& x, float factor) {
  return x.tape().record(x.value(), {x}, [=, to = Slot(x)](Tape& tape, const Tensor& dy) {
    tape.accumulate(to, tape.device().scale(dy, factor));
  });
}

}  // namespace bipft
