#include "bipft/ops/direction.hpp"

#include <doctest/doctest.h>

#include <cmath>

#include "golden/binarization.hpp"
#include "support/devices.hpp"
#include "support/grad_check.hpp"
#include "support/random_tensor.hpp"
#include "support/tensors.hpp"

using namespace bipft;

TEST_CASE("direction: agrees with the published vectors") {
  const Ragged one({2});
  for (Device* device : test::devices()) {
    Parameter q(test::tensor({2, 4}, golden::tv10_q_student));
    Tape tape(*device);
    const Var teacher =
        relation(tape.constant(test::tensor({2, 4}, golden::tv10_q_teacher)), one, 1);
    const Var student = relation(tape.leaf(q), one, 1);
    test::check_equal(student.value(), test::tensor({4}, golden::tv10_rel_student));
    test::check_equal(teacher.value(), test::tensor({4}, golden::tv10_rel_teacher));
    const Var loss = direction_distance(student, teacher.value());
    CHECK(static_cast<double>(loss.value().data()[0]) ==
          doctest::Approx(golden::tv10_loss).epsilon(1e-6));
    tape.backward(loss);
    test::check_close(q.grad, test::tensor({2, 4}, golden::tv10_dl_dq));

    Parameter r(student.value());
    Tape again(*device);
    again.backward(direction_distance(again.leaf(r), teacher.value()));
    test::check_close(r.grad, test::tensor({4}, golden::tv10_dl_drel));
  }
}

TEST_CASE("direction: gradients agree with differences, whatever the loss is multiplied by") {
  const Ragged texts({3, 1, 4});
  const Tensor target = test::random_tensor(Shape{2 * texts.pairs()}, 2);
  const Tensor three(Shape{1}, 3.0F);
  for (Device* device : test::devices()) {
    Parameter f(test::random_tensor(Shape{8, 6}, 1));
    test::grad_check(*device,
                     [&](Tape& tape) {
                       const Var r = relation(tape.leaf(f), texts, 2);
                       return test::weighted_sum(direction_distance(r, target), three);
                     },
                     {&f});
    const Tensor states = test::random_tensor(Shape{8, 6}, 3);
    test::grad_check(*device,
                     [&](Tape& tape) {
                       return test::weighted_sum(direction_distance(tape.leaf(f), states), three);
                     },
                     {&f});
  }
}

TEST_CASE("direction: sizes do not matter, and neither nothing nor no difference is a danger") {
  for (Device* device : test::devices()) {
    const Tensor target = test::random_tensor(Shape{4, 5}, 1);
    for (const float factor : {4.0F, 0.0F}) {
      Parameter x(device->scale(target, factor));
      Tape tape(*device);
      const Var loss = direction_distance(tape.leaf(x), target);
      CHECK(loss.value().data()[0] == doctest::Approx(factor == 0.0F ? 1.0 : 0.0).epsilon(1e-5));
      tape.backward(loss);
      for (std::size_t i = 0; i < x.grad.numel(); ++i) {
        const bool finite = std::isfinite(x.grad.data()[i]);
        CHECK(finite);
      }
    }
  }
}

TEST_CASE("direction: says which shapes do not fit") {
  Tape tape(test::plain_device());
  const Var x = tape.constant(Tensor(Shape{4, 6}));
  CHECK_THROWS_WITH_AS((void)direction_distance(x, Tensor(Shape{4, 5})),
                       "direction_distance: x is [4, 6], target is [4, 5]", Error);
  CHECK_THROWS_AS((void)relation(x, Ragged({4}), 0), Error);
  CHECK_THROWS_AS((void)relation(x, Ragged({4}), 4), Error);
}
