#include "bipft/ops/linear.hpp"

#include <doctest/doctest.h>

#include "support/devices.hpp"
#include "support/grad_check.hpp"
#include "support/random_tensor.hpp"
#include "support/tensors.hpp"

using namespace bipft;

TEST_CASE("linear: is x wᵀ + bias") {
  for (Device* device : test::devices()) {
    Tape tape(*device);
    const Var y = linear(tape.constant(test::tensor({2, 2}, {1, 2, 3, 4})),
                         tape.constant(test::tensor({3, 2}, {1, 0, 0, 1, 1, -1})),
                         tape.constant(test::tensor({3}, {10, 20, 30})));
    test::check_equal(y.value(), test::tensor({2, 3}, {11, 22, 29, 13, 24, 29}));
  }
}

TEST_CASE("linear: gradients agree with differences") {
  for (Device* device : test::devices()) {
    Parameter x(test::random_tensor(Shape{6, 5}, 1));
    Parameter w(test::random_tensor(Shape{4, 5}, 2));
    Parameter bias(test::random_tensor(Shape{4}, 3));
    const Tensor weights = test::random_tensor(Shape{6, 4}, 4);
    const auto loss = [&](Tape& tape) {
      return test::weighted_sum(linear(tape.leaf(x), tape.leaf(w), tape.leaf(bias)), weights);
    };
    test::grad_check(*device, loss, {&x, &w, &bias});
  }
}

TEST_CASE("ordered_linear: is linear, forwards and backwards, and the same on every target") {
  for (Device* device : test::devices()) {
    Parameter x(test::random_tensor(Shape{6, 37}, 1));
    Parameter w(test::random_tensor(Shape{4, 37}, 2));
    Parameter bias(test::random_tensor(Shape{4}, 3));
    const Tensor weights = test::random_tensor(Shape{6, 4}, 4);
    const auto loss = [&](Tape& tape) {
      return test::weighted_sum(ordered_linear(tape.leaf(x), tape.leaf(w), tape.leaf(bias)),
                                weights);
    };
    test::grad_check(*device, loss, {&x, &w, &bias}, 4e-3F);
    const Tensor y = device->ordered_linear(x.value, w.value, bias.value);
    test::check_close(y, device->linear(x.value, w.value, bias.value), 1e-5F);
  }
  Tape tape(test::plain_device());
  CHECK_THROWS_WITH_AS(
      (void)ordered_linear(tape.constant(Tensor(Shape{2, 3})), tape.constant(Tensor(Shape{4, 5})),
                           tape.constant(Tensor(Shape{4}))),
      "ordered_linear: x is [2, 3], w is [4, 5], bias is [4]", Error);
}

TEST_CASE("linear: a constant input costs no gradient and changes none") {
  Device& device = test::plain_device();
  const Tensor x = test::random_tensor(Shape{3, 2}, 1);
  Parameter w(test::random_tensor(Shape{4, 2}, 2));
  Parameter bias(Tensor(Shape{4}));
  const Tensor weights = test::random_tensor(Shape{3, 4}, 4);
  const auto loss = [&](Tape& tape) {
    return test::weighted_sum(linear(tape.constant(x), tape.leaf(w), tape.leaf(bias)), weights);
  };
  test::grad_check(device, loss, {&w, &bias});
}

TEST_CASE("linear: says which shapes do not fit") {
  Tape tape(test::plain_device());
  const auto zeros = [&](const Shape& shape) { return tape.constant(Tensor(shape)); };
  CHECK_THROWS_WITH_AS((void)linear(zeros({2, 3}), zeros({4, 5}), zeros({4})),
                       "linear: x is [2, 3], w is [4, 5], bias is [4]", Error);
  CHECK_THROWS_WITH_AS((void)linear(zeros({2, 5}), zeros({4, 5}), zeros({5})),
                       "linear: x is [2, 5], w is [4, 5], bias is [5]", Error);
  CHECK_THROWS_AS((void)linear(zeros({2, 5}), zeros({2, 2, 5}), zeros({4})), Error);
}
