#include "bipft/ops/losses.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "support/devices.hpp"
#include "support/grad_check.hpp"
#include "support/random_tensor.hpp"
#include "support/tensors.hpp"

using namespace bipft;

TEST_CASE("cross_entropy: is a weighted mean of -log p") {
  for (Device* device : test::devices()) {
    Tape tape(*device);
    const Var logits = tape.constant(test::tensor({2, 2}, {0, std::log(3.0F), 500, 500}));
    const IdTensor labels = test::ids({1, 0});
    const Var loss = cross_entropy(logits, labels, test::tensor({2}, {3, 1}));
    CHECK(loss.shape() == Shape{1});
    const double expected = (3 * std::log(4.0 / 3.0) + std::log(2.0)) / 4;
    CHECK(loss.value().data()[0] == doctest::Approx(expected).epsilon(1e-6));

    // Smoothing of s moves s/2 of the target to the other label.
    const Var smooth = cross_entropy(logits, labels, test::tensor({2}, {1, 0}), 0.5F);
    const double moved = 0.75 * std::log(4.0 / 3.0) + 0.25 * std::log(4.0);
    CHECK(smooth.value().data()[0] == doctest::Approx(moved).epsilon(1e-6));
  }
}

TEST_CASE("cross_entropy: gradients agree with differences, whatever the loss is multiplied by") {
  const IdTensor labels = test::ids({2, 0, 1});
  const Tensor weights = test::tensor({3}, {1, 0.5, 2});
  for (Device* device : test::devices()) {
    Parameter logits(test::random_tensor(Shape{3, 4}, 1));
    const auto loss = [&](Tape& tape) {
      return test::weighted_sum(cross_entropy(tape.leaf(logits), labels, weights, 0.1F),
                                Tensor(Shape{1}, 3.0F));
    };
    test::grad_check(*device, loss, {&logits});
  }
}

TEST_CASE("cross_entropy: refuses what it cannot mean") {
  Tape tape(test::plain_device());
  const Var logits = tape.constant(Tensor(Shape{2, 3}));
  const Tensor ones(Shape{2}, 1.0F);
  const IdTensor labels = test::ids({0, 2});
  const float infinity = std::numeric_limits<float>::infinity();
  CHECK_THROWS_WITH_AS((void)cross_entropy(logits, test::ids({0, 3}), ones),
                       "cross_entropy: label 3 is none of the 3 of the logits", Error);
  CHECK_THROWS_AS((void)cross_entropy(logits, test::ids({-1, 0}), ones), Error);
  CHECK_THROWS_WITH_AS((void)cross_entropy(logits, test::ids({0}), ones),
                       "cross_entropy: logits are [2, 3], labels are [1], weights are [2]", Error);
  CHECK_THROWS_AS((void)cross_entropy(logits, labels, Tensor(Shape{3}, 1.0F)), Error);
  CHECK_THROWS_AS((void)cross_entropy(tape.constant({}), {}, {}), Error);
  CHECK_THROWS_WITH_AS((void)cross_entropy(logits, labels, test::tensor({2}, {1, -1})),
                       "cross_entropy: a weight is -1", Error);
  CHECK_THROWS_AS((void)cross_entropy(logits, labels, Tensor(Shape{2}, infinity)), Error);
  CHECK_THROWS_WITH_AS((void)cross_entropy(logits, labels, Tensor(Shape{2})),
                       "cross_entropy: all weights are 0", Error);
  CHECK_THROWS_AS((void)cross_entropy(logits, labels, ones, 1.0F), Error);
  CHECK_THROWS_AS((void)cross_entropy(logits, labels, ones, std::nanf("")), Error);
}

TEST_CASE("mean_squared_error: is a weighted mean over texts of the mean over columns") {
  for (Device* device : test::devices()) {
    Tape tape(*device);
    const Var x = tape.constant(test::tensor({2, 2}, {1, 2, 3, 5}));
    const Var loss =
        mean_squared_error(x, test::tensor({2, 2}, {0, 2, 1, 4}), test::tensor({2}, {1, 3}));
    CHECK(loss.shape() == Shape{1});
    CHECK(loss.value().data()[0] == (1 + 3 * (4 + 1)) / 8.0F);
  }
}

TEST_CASE("binary_cross_entropy: is a weighted mean of -log σ, for the label or against it") {
  for (Device* device : test::devices()) {
    Tape tape(*device);
    const Var logits = tape.constant(test::tensor({1, 3}, {0, std::log(3.0F), -500}));
    const Tensor targets = test::tensor({1, 3}, {1, 0, 0});
    const Var loss = binary_cross_entropy(logits, targets, test::tensor({1, 3}, {1, 2, 1}));
    const double expected = (std::log(2.0) + 2 * std::log(4.0)) / 4;
    CHECK(loss.value().data()[0] == doctest::Approx(expected).epsilon(1e-6));
    // Smoothing of s moves s/2 of the target to the other side.
    const Var smooth = binary_cross_entropy(logits, targets, test::tensor({1, 3}, {0, 1, 0}), 0.5F);
    const double moved = 0.75 * std::log(4.0) + 0.25 * std::log(4.0 / 3.0);
    CHECK(smooth.value().data()[0] == doctest::Approx(moved).epsilon(1e-6));
  }
}

TEST_CASE("mean_squared_error, binary_cross_entropy: gradients agree with differences") {
  const Tensor numbers = test::random_tensor(Shape{3, 2}, 2);
  const Tensor targets = test::tensor({3, 2}, {0, 1, 1, 1, 0, 0});
  const Tensor weights = test::tensor({3, 2}, {1, 0.5, 2, 1, 0, 3});
  for (Device* device : test::devices()) {
    Parameter x(test::random_tensor(Shape{3, 2}, 1));
    const auto squares = [&](Tape& tape) {
      return test::weighted_sum(
          mean_squared_error(tape.leaf(x), numbers, test::tensor({3}, {1, 0.5, 2})),
          Tensor(Shape{1}, 3.0F));
    };
    test::grad_check(*device, squares, {&x});
    const auto entropy = [&](Tape& tape) {
      return test::weighted_sum(binary_cross_entropy(tape.leaf(x), targets, weights, 0.1F),
                                Tensor(Shape{1}, 3.0F));
    };
    test::grad_check(*device, entropy, {&x});
  }
}

TEST_CASE("mean_squared_error, binary_cross_entropy: refuse what they cannot mean") {
  Tape tape(test::plain_device());
  const Var x = tape.constant(Tensor(Shape{2, 1}));
  const Tensor ones(Shape{2, 1}, 1.0F);
  const Tensor weights(Shape{2}, 1.0F);
  CHECK_THROWS_WITH_AS((void)mean_squared_error(x, Tensor(Shape{2}), weights),
                       "mean_squared_error: x is [2, 1], targets are [2], weights are [2]", Error);
  CHECK_THROWS_AS((void)mean_squared_error(x, ones, Tensor(Shape{1})), Error);
  CHECK_THROWS_WITH_AS((void)mean_squared_error(x, ones, Tensor(Shape{2})),
                       "mean_squared_error: all weights are 0", Error);
  CHECK_THROWS_WITH_AS((void)binary_cross_entropy(x, Tensor(Shape{2, 1}, 0.5F), ones),
                       "binary_cross_entropy: a target is 0.5", Error);
  CHECK_THROWS_AS((void)binary_cross_entropy(x, ones, weights), Error);
  CHECK_THROWS_AS((void)binary_cross_entropy(x, ones, ones, 1.0F), Error);
  CHECK_THROWS_AS((void)binary_cross_entropy(x, ones, Tensor(Shape{2, 1}, -1.0F)), Error);
}
