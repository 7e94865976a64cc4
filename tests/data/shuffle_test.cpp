#include "bipft/data/shuffle.hpp"

#include <doctest/doctest.h>

#include <cstddef>
#include <vector>

using namespace bipft;

TEST_CASE("Shuffle: every number once, whatever their number") {
  for (const std::size_t n : {1U, 2U, 3U, 4U, 5U, 16U, 17U, 1000U, 4097U}) {
    CAPTURE(n);
    const Shuffle shuffle(n, Random(1, "test", n));
    std::vector<int> seen(n);
    for (std::size_t i = 0; i < n; ++i) {
      const std::uint64_t to = shuffle(i);
      REQUIRE(to < n);
      ++seen[static_cast<std::size_t>(to)];
    }
    for (const int count : seen) CHECK(count == 1);
  }
}

TEST_CASE("Shuffle: neighbours part, and each place goes anywhere") {
  constexpr std::size_t n = 1000;
  // Over 2000 orders the mean of where a place goes is near the middle, and so is that of how far
  // its neighbour is from it: a third of n.
  for (const std::size_t place : {0U, 1U, 500U, 998U}) {
    double sum = 0;
    double apart = 0;
    for (std::uint64_t step = 0; step < 2000; ++step) {
      const Shuffle shuffle(n, Random(7, "test", step));
      const auto a = static_cast<double>(shuffle(place));
      const auto b = static_cast<double>(shuffle(place + 1));
      sum += a;
      apart += a > b ? a - b : b - a;
    }
    CHECK(sum / 2000 == doctest::Approx(499.5).epsilon(0.06));
    CHECK(apart / 2000 == doctest::Approx(333.0).epsilon(0.08));
  }
}
