#include "bipft/core/checked.hpp"

#include <doctest/doctest.h>

using namespace bipft;

TEST_CASE("checked arithmetic: says no instead of wrapping") {
  constexpr std::size_t most = std::numeric_limits<std::size_t>::max();
  CHECK(checked_add(most - 1, 1) == most);
  CHECK_FALSE(checked_add(most, 1).has_value());
  CHECK_FALSE(checked_add(1, most).has_value());
  CHECK(checked_multiply(most / 2, 2) == most - 1);
  CHECK_FALSE(checked_multiply(most / 2 + 1, 2).has_value());
  CHECK_FALSE(checked_multiply(std::size_t{1} << 32U, std::size_t{1} << 32U).has_value());
  CHECK(checked_multiply(0, most) == 0);
  CHECK(checked_multiply(most, 0) == 0);
}
