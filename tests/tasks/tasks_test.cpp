#include "bipft/tasks/tasks.hpp"

#include <doctest/doctest.h>

#include "bipft/core/menu.hpp"

using namespace bipft;

TEST_CASE("Tasks: chosen by name; a task that is not there is refused with the list") {
  CHECK(name_of(choose<Tasks>("task", "sst2")) == "sst2");
  CHECK_THROWS_WITH_AS((void)choose<Tasks>("task", "squad"),
                       doctest::Contains("no task is called 'squad'; choose one of: "), Error);
}
