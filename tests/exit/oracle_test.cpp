#include "bipft/exit/oracle.hpp"

#include <doctest/doctest.h>

#include <cmath>

#include "exit/support.hpp"

using namespace bipft;

TEST_CASE("oracle: the first exit that is right, else the last") {
  const test::Points points =
      test::points_of(test::Rows{{std::nan(""), 0, 0}, {0, 1, 0}, {1, 0, 0}, {0, 1, 0}, {0, 1, 0}});
  const auto at = [&](std::size_t label) {
    OracleExit oracle;
    oracle.label = label;
    return exit_of(oracle, points);
  };
  CHECK(at(0) == 3);
  CHECK(at(1) == 2);
  CHECK(at(2) == 5);
}
