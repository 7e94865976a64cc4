#include "bipft/ops/distillation_losses.hpp"

#include <doctest/doctest.h>

#include <cmath>

#include "golden/binarization.hpp"
#include "support/devices.hpp"
#include "support/grad_check.hpp"
#include "support/random_tensor.hpp"
#include "support/tensors.hpp"

using namespace bipft;

TEST_CASE("soft_cross_entropy: agrees with the published vectors") {
  for (Device* device : test::devices()) {
    Parameter student(test::tensor({2, 3}, golden::tv12_student));
    const Tensor teacher = test::tensor({2, 3}, golden::tv12_teacher);
    Tape tape(*device);
    const Var loss = soft_cross_entropy(tape.leaf(student), teacher);
    CHECK(loss.shape() == Shape{1});
    CHECK(loss.value().data()[0] == doctest::Approx(golden::tv12_loss_code).epsilon(1e-6));
    tape.backward(loss);
    test::check_close(student.grad, test::tensor({2, 3}, golden::tv12_dstudent_code));
  }
}

TEST_CASE("soft_cross_entropy: gradients agree with differences, at any temperature") {
  const Tensor teacher = test::random_tensor(Shape{4, 5}, 2);
  for (Device* device : test::devices()) {
    for (const float temperature : {0.5F, 1.0F, 4.0F}) {
      Parameter logits(test::random_tensor(Shape{4, 5}, 1));
      const auto loss = [&](Tape& tape) {
        return test::weighted_sum(soft_cross_entropy(tape.leaf(logits), teacher, temperature),
                                  Tensor(Shape{1}, 20.0F));
      };
      test::grad_check(*device, loss, {&logits});
    }
  }
}

TEST_CASE("soft_cross_entropy: teaches nothing to one logit, and numbers may be large") {
  for (Device* device : test::devices()) {
    Parameter one(test::tensor({2, 1}, {3, -1}));
    Tape tape(*device);
    const Var loss = soft_cross_entropy(tape.leaf(one), test::tensor({2, 1}, {1, 1}));
    CHECK(std::abs(loss.value().data()[0]) < 1e-6F);
    tape.backward(loss);
    test::check_close(one.grad, Tensor(Shape{2, 1}));
  }
  Tape tape(*test::devices().front());
  const Var far = tape.constant(test::tensor({1, 2}, {500, -500}));
  CHECK(soft_cross_entropy(far, test::tensor({1, 2}, {-500, 500})).value().data()[0] ==
        doctest::Approx(500.0));
}

TEST_CASE("mean_squared_error: is what its name says, and so is its gradient") {
  const Tensor target = test::random_tensor(Shape{6, 4}, 2);
  for (Device* device : test::devices()) {
    Parameter x(test::random_tensor(Shape{6, 4}, 1));
    Tape tape(*device);
    double expected = 0;
    for (std::size_t i = 0; i < 24; ++i) {
      const double d =
          static_cast<double>(x.value.data()[i]) - static_cast<double>(target.data()[i]);
      expected += d * d / 24;
    }
    CHECK(mean_squared_error(tape.leaf(x), target).value().data()[0] ==
          doctest::Approx(expected).epsilon(1e-6));
    const auto loss = [&](Tape& on) {
      return test::weighted_sum(mean_squared_error(on.leaf(x), target), Tensor(Shape{1}, 12.0F));
    };
    test::grad_check(*device, loss, {&x});
  }
}

TEST_CASE("Losses of a student refuse what they cannot mean") {
  Tape tape(test::plain_device());
  const Var x = tape.constant(Tensor(Shape{2, 3}));
  CHECK_THROWS_WITH_AS((void)soft_cross_entropy(x, Tensor(Shape{3, 2})),
                       "soft_cross_entropy: logits are [2, 3], the teacher's are [3, 2]", Error);
  CHECK_THROWS_AS((void)soft_cross_entropy(x, Tensor(Shape{2, 3}), 0.0F), Error);
  CHECK_THROWS_AS((void)soft_cross_entropy(x, Tensor(Shape{2, 3}), std::nanf("")), Error);
  CHECK_THROWS_AS((void)soft_cross_entropy(tape.constant({}), {}), Error);
  CHECK_THROWS_WITH_AS((void)mean_squared_error(x, Tensor(Shape{6})),
                       "mean_squared_error: x is [2, 3], the target is [6]", Error);
  CHECK_THROWS_AS((void)mean_squared_error(tape.constant({}), {}), Error);
}
