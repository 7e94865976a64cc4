#pragma once
/// grad_check: compares what backward() says with what the function does.

#include <doctest/doctest.h>

#include <cmath>
#include <cstddef>
#include <functional>
#include <initializer_list>

#include "bipft/autograd/tape.hpp"

namespace bipft::test {

/// Σ w y, a scalar that gives every element of y its own weight: no error can hide in a sum.
///   w: shaped like y
[[nodiscard]] inline Var weighted_sum(const Var& y, const Tensor& w) {
  REQUIRE(w.shape() == y.shape());
  const auto total = static_cast<float>(y.device().dot(w, y.value()));
  return y.tape().record(Tensor(Shape{1}, total), {y}, [=](Tape& tape, const Tensor& g) {
    tape.accumulate(y, tape.device().scale(w, g.data()[0]));
  });
}

/// What dloss/dp is by central differences.
[[nodiscard]] inline Tensor differences(Device& device, const std::function<Var(Tape&)>& loss,
                                        Parameter& p, float step = 1e-2F) {
  const auto value = [&] {
    Tape tape(device, Tape::Mode::inference);
    return static_cast<double>(loss(tape).value().data()[0]);
  };
  const Tensor original = p.value;
  Tensor result(original.shape());
  for (std::size_t i = 0; i < original.numel(); ++i) {
    double at[2];
    for (const int side : {0, 1}) {
      p.value = original;
      p.value.mutable_data()[i] += side == 0 ? -step : step;
      at[side] = value();
    }
    result.mutable_data()[i] =
        static_cast<float>((at[1] - at[0]) / (2.0 * static_cast<double>(step)));
  }
  p.value = original;
  return result;
}

/// Checks that a and b agree, element by element.
inline void check_close(const Tensor& a, const Tensor& b, float tolerance = 1e-6F) {
  REQUIRE(a.shape() == b.shape());
  for (std::size_t i = 0; i < a.numel(); ++i) {
    const float x = a.data()[i];
    const float y = b.data()[i];
    const float allowed = tolerance * (1.0F + std::abs(y));
    const bool close = std::abs(x - y) <= allowed;  // false for NaN
    CAPTURE(i);
    CAPTURE(x);
    CAPTURE(y);
    CHECK(close);
  }
}

/// Checks that a and b have the same bytes, but for the sign of zero.
inline void check_equal(const Tensor& a, const Tensor& b) { check_close(a, b, 0.0F); }

/// Runs `loss` forwards and backwards; gradients are in the parameters, which are cleared first.
inline void run_backward(Device& device, const std::function<Var(Tape&)>& loss,
                         std::initializer_list<Parameter*> parameters) {
  for (Parameter* p : parameters) p->grad = {};
  Tape tape(device);
  tape.backward(loss(tape));
}

/// Checks d`loss`/dp against differences for every parameter given. `loss` must be smooth, and may
/// not depend on the tape's mode: not for functions whose gradient is a straight-through fiction.
inline void grad_check(Device& device, const std::function<Var(Tape&)>& loss,
                       std::initializer_list<Parameter*> parameters, float tolerance = 2e-3F) {
  run_backward(device, loss, parameters);
  for (Parameter* p : parameters) check_close(p->grad, differences(device, loss, *p), tolerance);
}

}  // namespace bipft::test
