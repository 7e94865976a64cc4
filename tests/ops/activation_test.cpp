#include "bipft/ops/activation.hpp"

#include <doctest/doctest.h>

#include <cmath>

#include "support/devices.hpp"
#include "support/grad_check.hpp"
#include "support/random_tensor.hpp"
#include "support/tensors.hpp"

using namespace bipft;

namespace {

const Tensor points = test::tensor({2, 4}, {-3, -1, -0.25, -0.125, 0.125, 0.5, 1, 3});

}  // namespace

TEST_CASE("activate: relu, the exact gelu, and tanh") {
  for (Device* device : test::devices()) {
    Tape tape(*device);
    const Var x = tape.constant(test::tensor({4}, {-2, 0, 0.5, 3}));
    test::check_equal(activate(Activation::relu, x).value(), test::tensor({4}, {0, 0, 0.5, 3}));
    // x Φ(x), from tables of the normal distribution; the tanh approximation is 5e-4 off at 3.
    test::check_close(activate(Activation::gelu, x).value(),
                      test::tensor({4}, {-0.0455002639, 0, 0.3457312306, 2.9959503049}));
    test::check_close(activate(Activation::tanh, x).value(),
                      test::tensor({4}, {-0.9640275801, 0, 0.4621171573, 0.9950547537}));
  }
}

TEST_CASE("activate: gradients agree with differences") {
  for (Device* device : test::devices()) {
    for (const Activation f : {Activation::relu, Activation::gelu, Activation::tanh}) {
      Parameter x(points);
      const Tensor weights = test::random_tensor(points.shape(), 1);
      const auto loss = [&](Tape& tape) {
        return test::weighted_sum(activate(f, tape.leaf(x)), weights);
      };
      CAPTURE(static_cast<int>(f));
      test::grad_check(*device, loss, {&x});
    }
  }
}

TEST_CASE("activate: relu passes nothing on at 0") {
  for (Device* device : test::devices()) {
    Parameter x(test::tensor({3}, {-1, 0, 1}));
    test::run_backward(*device,
                       [&](Tape& tape) {
                         return test::weighted_sum(activate(Activation::relu, tape.leaf(x)),
                                                   test::tensor({3}, {1, 2, 3}));
                       },
                       {&x});
    test::check_equal(x.grad, test::tensor({3}, {0, 0, 3}));
  }
}

TEST_CASE("sigmoid: agrees with its table, and its gradient with differences") {
  for (Device* device : test::devices()) {
    Tape tape(*device);
    const Var y = sigmoid(tape.constant(test::tensor({1, 5}, {-100, -1, 0, 2, 100})));
    test::check_close(y.value(), test::tensor({1, 5}, {0, 0.2689414214, 0.5, 0.8807970780, 1}),
                      1e-7F);
    Parameter x(points);
    const Tensor weights = test::random_tensor(points.shape(), 1);
    const auto loss = [&](Tape& on) { return test::weighted_sum(sigmoid(on.leaf(x)), weights); };
    test::grad_check(*device, loss, {&x});
  }
}
