#include "bipft/tasks/bootstrap.hpp"

#include <doctest/doctest.h>

using namespace bipft;

namespace {

/// The share of odd numbers in a sample.
double odd(std::span<const std::uint32_t> sample) {
  double sum = 0;
  for (const std::uint32_t i : sample) sum += i % 2;
  return sum / static_cast<double>(sample.size());
}

}  // namespace

TEST_CASE("bootstrap: is as wide as the normal distribution says, and alike on any threads") {
  // 0.5 ± 1.96 √(0.25 / 400)
  const std::size_t before = threads();
  set_threads(1);
  const Interval one = bootstrap(400, odd);
  set_threads(3);
  const Interval three = bootstrap(400, odd);
  set_threads(before);
  CHECK(one.low == three.low);
  CHECK(one.high == three.high);
  CHECK(one.low == doctest::Approx(0.451).epsilon(0.02));
  CHECK(one.high == doctest::Approx(0.549).epsilon(0.02));
  CHECK(bootstrap(400, odd, {.seed = 2}).low != one.low);
  const Interval half = bootstrap(400, odd, {.level = 0.5});
  CHECK(half.low == doctest::Approx(0.5 - 0.674 * 0.025).epsilon(0.01));
}

TEST_CASE("bootstrap: one text, or a figure that never changes, has no width") {
  const Interval one = bootstrap(1, odd);
  CHECK(one.low == 0.0);
  CHECK(one.high == 0.0);
  const Interval constant = bootstrap(9, [](auto) { return 0.25; });
  CHECK(constant.low == 0.25);
  CHECK(constant.high == 0.25);
}

TEST_CASE("bootstrap: refuses what cannot be") {
  CHECK_THROWS_AS((void)bootstrap(0, odd), Error);
  CHECK_THROWS_AS((void)bootstrap(4, odd, {.resamples = 0}), Error);
  CHECK_THROWS_AS((void)bootstrap(4, odd, {.level = 1.0}), Error);
}
