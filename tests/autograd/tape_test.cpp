#include "bipft/autograd/tape.hpp"

#include <doctest/doctest.h>

#include <vector>

#include "bipft/ops/arithmetic.hpp"
#include "support/devices.hpp"
#include "support/grad_check.hpp"
#include "support/tensors.hpp"

using namespace bipft;

namespace {

[[nodiscard]] Parameter scalar(double value) { return Parameter(test::tensor({1}, {value})); }

}  // namespace

TEST_CASE("Tape: gradients of a value used several times add up") {
  Parameter x = scalar(3);
  Tape tape(test::plain_device());
  const Var leaf = tape.leaf(x);
  tape.backward(multiply(multiply(leaf, leaf), leaf));
  CHECK(x.grad.data()[0] == 27.0F);  // d x³ = 3 x²
}

TEST_CASE("Tape: gradients of several leaves, and of several steps, add up until cleared") {
  Parameter x = scalar(3);
  for (int step = 0; step < 2; ++step) {
    Tape tape(test::plain_device());
    tape.backward(multiply(tape.leaf(x), tape.leaf(x)));
  }
  CHECK(x.grad.data()[0] == 12.0F);
  x.grad = {};
  Tape tape(test::plain_device());
  tape.backward(tape.leaf(x));
  CHECK(x.grad.data()[0] == 1.0F);
}

TEST_CASE("Tape: a gradient that two values share is not written through") {
  // add hands one tensor to both; x's second gradient must not reach y's.
  Parameter x = scalar(3);
  Parameter y = scalar(4);
  Tape tape(test::plain_device());
  const Var a = tape.leaf(x);
  const Var b = tape.leaf(y);
  tape.backward(add(add(a, b), scale(a, 5.0F)));
  CHECK(x.grad.data()[0] == 6.0F);
  CHECK(y.grad.data()[0] == 1.0F);
}

TEST_CASE("Tape: keeps no value that no derivative asks for") {
  Parameter x(Tensor(Shape{4}, 3.0F));
  Tape tape(test::plain_device());
  Tensor sum;
  {
    const Var first = add(tape.leaf(x), tape.leaf(x));
    sum = first.value();
    CHECK(scale(first, 2.0F).needs_grad());
  }
  CHECK_FALSE(sum.shared());  // neither by add nor by scale
}

TEST_CASE("Tape: constants cost nothing and get nothing") {
  Tape tape(test::plain_device());
  const Var a = tape.constant(Tensor(Shape{1}, 2.0F));
  CHECK_FALSE(multiply(a, a).needs_grad());
  tape.accumulate(a, Tensor(Shape{7}));  // not even looked at
}

TEST_CASE("Tape: one input that needs a gradient is enough, wherever it stands") {
  Parameter x = scalar(3);
  Tape tape(test::plain_device());
  const Var constant = tape.constant(Tensor(Shape{1}, 2.0F));
  CHECK(multiply(tape.leaf(x), constant).needs_grad());
  tape.backward(multiply(constant, tape.leaf(x)));
  CHECK(x.grad.data()[0] == 2.0F);
}

TEST_CASE("Tape: an inference tape records nothing") {
  Parameter x = scalar(3);
  Tape tape(test::plain_device(), Tape::Mode::inference);
  const Var y = multiply(tape.leaf(x), tape.leaf(x));
  CHECK_FALSE(tape.training());
  CHECK_FALSE(y.needs_grad());
  CHECK(y.value().data()[0] == 9.0F);
  tape.backward(y);
  CHECK(x.grad.empty());
}

TEST_CASE("Tape: nodes run from the last to the first, and each once") {
  Parameter x = scalar(1);
  Tape tape(test::plain_device());
  std::vector<int> order;
  const Var leaf = tape.leaf(x);
  const auto note = [&](const Var& input, int number) {
    return tape.record(input.value(), {input}, [&order, input, number](Tape& t, const Tensor& g) {
      order.push_back(number);
      t.accumulate(input, g);
    });
  };
  const Var first = note(leaf, 1);
  const Var unused = note(first, 2);
  const Var third = note(first, 3);
  tape.backward(add(first, third));
  CHECK(order == std::vector<int>{3, 1});  // nothing reaches 2
  CHECK(x.grad.data()[0] == 2.0F);
}

TEST_CASE("Tape: backward empties the tape, and may start from a scaled loss") {
  Parameter x = scalar(3);
  Tape tape(test::plain_device());
  tape.backward(scale(tape.leaf(x), 2.0F), 0.25F);
  CHECK(x.grad.data()[0] == 0.5F);
  tape.backward(scale(tape.leaf(x), 2.0F));
  CHECK(x.grad.data()[0] == 2.5F);
}

TEST_CASE("Tape: refuses to differentiate anything but a scalar, and gradients of other shapes") {
  Parameter x(Tensor(Shape{2}));
  Tape tape(test::plain_device());
  CHECK_THROWS_WITH_AS(tape.backward(tape.leaf(x)), "Tape::backward: loss is [2], not a scalar",
                       Error);
  CHECK_THROWS_WITH_AS(tape.accumulate(tape.leaf(x), Tensor(Shape{3})),
                       "Tape: gradient [3] for a value [2]", Error);
}

TEST_CASE("Tape: draws are numbered from each set_random on") {
  Tape tape(test::plain_device());
  tape.set_random(1, 2);
  const std::uint64_t first = tape.next_random().u64(0);
  CHECK(tape.next_random().u64(0) != first);
  tape.set_random(1, 2);
  CHECK(tape.next_random().u64(0) == first);
  tape.set_random(1, 3);
  CHECK(tape.next_random().u64(0) != first);
}

TEST_CASE("Tape: a Var that backward has done with is refused, not followed") {
  Parameter x = scalar(2);
  Tape tape(test::plain_device());
  const Var loss = tape.leaf(x);
  tape.backward(loss);
  CHECK_THROWS_AS(tape.backward(loss), Error);
  Tape other(test::plain_device());
  CHECK_THROWS_AS(other.accumulate(tape.leaf(x), Tensor(Shape{1})), Error);
}
