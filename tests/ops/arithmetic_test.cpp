#include "bipft/ops/arithmetic.hpp"

#include <doctest/doctest.h>

#include "support/devices.hpp"
#include "support/grad_check.hpp"
#include "support/random_tensor.hpp"
#include "support/tensors.hpp"

using namespace bipft;

TEST_CASE("arithmetic: add, add_row, multiply and scale are what they are called") {
  for (Device* device : test::devices()) {
    Tape tape(*device);
    const Var a = tape.constant(test::tensor({2, 2}, {1, 2, 3, 4}));
    const Var b = tape.constant(test::tensor({2, 2}, {10, 20, 30, 40}));
    const Var row = tape.constant(test::tensor({2}, {5, 6}));
    test::check_equal(add(a, b).value(), test::tensor({2, 2}, {11, 22, 33, 44}));
    test::check_equal(add_row(a, row).value(), test::tensor({2, 2}, {6, 8, 8, 10}));
    test::check_equal(multiply(a, b).value(), test::tensor({2, 2}, {10, 40, 90, 160}));
    test::check_equal(scale(a, -2.0F).value(), test::tensor({2, 2}, {-2, -4, -6, -8}));
  }
}

TEST_CASE("arithmetic: gradients agree with differences") {
  for (Device* device : test::devices()) {
    Parameter a(test::random_tensor(Shape{4, 3}, 1));
    Parameter b(test::random_tensor(Shape{4, 3}, 2));
    Parameter row(test::random_tensor(Shape{3}, 3));
    const Tensor weights = test::random_tensor(Shape{4, 3}, 4);
    const auto loss = [&](Tape& tape) {
      const Var sum = add(add_row(tape.leaf(a), tape.leaf(row)), scale(tape.leaf(b), 0.75F));
      return test::weighted_sum(multiply(sum, tape.leaf(b)), weights);
    };
    test::grad_check(*device, loss, {&a, &b, &row});
  }
}

TEST_CASE("arithmetic: a value combined with itself gets both gradients") {
  Parameter x(test::random_tensor(Shape{4}, 1));
  const Tensor weights = test::random_tensor(Shape{4}, 2);
  const auto loss = [&](Tape& tape) {
    const Var leaf = tape.leaf(x);
    return test::weighted_sum(add(multiply(leaf, leaf), add(leaf, leaf)), weights);
  };
  test::grad_check(test::plain_device(), loss, {&x});
}

TEST_CASE("arithmetic: says which shapes do not fit") {
  Tape tape(test::plain_device());
  const Var a = tape.constant(Tensor(Shape{2, 3}));
  const Var b = tape.constant(Tensor(Shape{3, 2}));
  CHECK_THROWS_WITH_AS((void)add(a, b), "add: a is [2, 3], b is [3, 2]", Error);
  CHECK_THROWS_WITH_AS((void)multiply(a, b), "multiply: a is [2, 3], b is [3, 2]", Error);
  CHECK_THROWS_WITH_AS((void)add_row(a, b), "add_row: x is [2, 3], row is [3, 2]", Error);
}
