#include "bipft/exit/learned.hpp"

#include <doctest/doctest.h>

#include "exit/support.hpp"

using namespace bipft;

TEST_CASE("learned: stops at the first exit that doubts little, of numbers too") {
  test::Points points = test::points_of(test::Rows{{1.0}, {2.0}, {3.0}, {4.0}}, ExitAnswer::value);
  CHECK(test::stop("learned:tau=0.9", points) == 4);  // no doubts are known
  const double doubts[] = {0.5, 0.3, 0.1, 0.0};
  for (std::size_t i = 0; i < 4; ++i) points[i].doubt = doubts[i];
  CHECK(test::stop("learned:tau=0.9", points) == 1);
  CHECK(test::stop("learned:tau=0.4", points) == 2);
  CHECK(test::stop("learned:tau=0.2", points) == 3);
  CHECK(test::stop("learned", points) == 4);
}

TEST_CASE("doubt_of: the sigmoid") {
  CHECK(doubt_of(1.0F) == doctest::Approx(0.7310585786300049).epsilon(1e-12));
  CHECK(doubt_of(0.0F) == 0.5);
  CHECK(doubt_of(-2000.0F) == 0.0);
  CHECK(doubt_of(2000.0F) == 1.0);
}
