#include "bipft/exit/cumulative.hpp"

#include <doctest/doctest.h>

#include "exit/support.hpp"

using namespace bipft;
using test::points_of;
using test::stop;

namespace {

/// Four exits at which the better of two labels has the probability 0.75: label 1, then 0 for good.
test::Points confident() {
  const double odds = std::log(3.0);
  return points_of(test::Rows{{0, odds}, {odds, 0}, {odds, 0}, {odds, 0}, {0, odds}});
}

}  // namespace

TEST_CASE("cumulative: adds up the confidence of exits that agree") {
  CHECK(stop("cumulative:theta=0.7", confident()) == 1);
  CHECK(stop("cumulative:theta=0.8", confident()) == 3);
  CHECK(stop("cumulative:theta=1.4", confident()) == 3);
  CHECK(stop("cumulative:theta=1.6", confident()) == 4);
  CHECK(stop("cumulative:theta=2.3", confident()) == 5);
}

TEST_CASE("cumulative: weighs each exit by its own weight") {
  CHECK(stop("cumulative:theta=1.4,weights=1/1/0.5/1/1", confident()) == 4);
  CHECK(stop("cumulative:theta=1.4,weights=1/2/1/1/1", confident()) == 2);
  CHECK(stop("cumulative:theta=0,weights=0/0/1/1/1", confident()) == 3);
}

TEST_CASE("cumulative: its grid follows its weights") {
  const ExitSetting setting{.exits = 3};
  CumulativeExit weighted;
  weighted.weights = {2.0, 4.0, 6.0};
  const auto plain = CumulativeExit().grid(setting);
  const auto scaled = weighted.grid(setting);
  REQUIRE(plain.size() == scaled.size());
  CHECK(plain.front().theta == 1.98);
  CHECK(scaled.front().theta == 7.92);
  CHECK(scaled.back().weights == weighted.weights);
}
