#include "bipft/ops/dropout.hpp"

#include <doctest/doctest.h>

#include <cmath>

#include "support/devices.hpp"
#include "support/grad_check.hpp"
#include "support/random_tensor.hpp"
#include "support/tensors.hpp"

using namespace bipft;

namespace {

[[nodiscard]] Tensor dropped(Device& device, std::uint64_t seed, std::uint64_t step, float p,
                             int draw = 0) {
  Tape tape(device);
  tape.set_random(seed, step);
  const Var ones = tape.constant(Tensor(Shape{100, 100}, 1.0F));
  for (int i = 0; i < draw; ++i) (void)dropout(ones, p);
  return dropout(ones, p).value();
}

[[nodiscard]] bool same(const Tensor& a, const Tensor& b) {
  return std::equal(a.data().begin(), a.data().end(), b.data().begin());
}

}  // namespace

TEST_CASE("dropout: keeps 1 - p of the elements, and the mean") {
  for (Device* device : test::devices()) {
    const Tensor y = dropped(*device, 1, 1, 0.2F);
    std::size_t zeros = 0;
    for (const float value : y.data()) {
      if (value == 0.0F) {
        ++zeros;
      } else {
        REQUIRE(value == doctest::Approx(1.25).epsilon(1e-6));
      }
    }
    CHECK(zeros > 1840);  // 2000 ± 4 standard deviations
    CHECK(zeros < 2160);
  }
}

TEST_CASE("dropout: depends on seed, step and draw, and on nothing else") {
  for (Device* device : test::devices()) {
    const Tensor y = dropped(*device, 1, 1, 0.5F);
    CHECK(same(y, dropped(*device, 1, 1, 0.5F)));
    CHECK_FALSE(same(y, dropped(*device, 2, 1, 0.5F)));
    CHECK_FALSE(same(y, dropped(*device, 1, 2, 0.5F)));
    CHECK_FALSE(same(y, dropped(*device, 1, 1, 0.5F, 1)));
  }
}

TEST_CASE("dropout: gradients are dropped where values were") {
  for (Device* device : test::devices()) {
    Parameter x(test::random_tensor(Shape{8, 8}, 1));
    const Tensor weights = test::random_tensor(Shape{8, 8}, 2);
    Tape tape(*device);
    tape.set_random(5, 6);
    const Var y = dropout(tape.leaf(x), 0.25F);
    tape.backward(test::weighted_sum(y, weights));
    for (std::size_t i = 0; i < 64; ++i) {
      const float kept = y.value().data()[i] == 0.0F ? 0.0F : 1.0F / 0.75F;
      CHECK(x.grad.data()[i] == doctest::Approx(weights.data()[i] * kept));
    }
  }
}

TEST_CASE("dropout: is nothing for p = 0, and at inference") {
  Device& device = test::plain_device();
  const Tensor x = test::random_tensor(Shape{4, 4}, 1);
  Tape training(device);
  test::check_equal(dropout(training.constant(x), 0.0F).value(), x);
  Tape inference(device, Tape::Mode::inference);
  test::check_equal(dropout(inference.constant(x), 0.5F).value(), x);
}

TEST_CASE("dropout: refuses a p that is no probability, or leaves nothing") {
  Tape tape(test::plain_device());
  const Var x = tape.constant(Tensor(Shape{2}));
  CHECK_THROWS_WITH_AS((void)dropout(x, 1.0F), "dropout: p is 1; it must be at least 0 and below 1",
                       Error);
  CHECK_THROWS_AS((void)dropout(x, -0.1F), Error);
  CHECK_THROWS_AS((void)dropout(x, std::nanf("")), Error);
}
