#include "bipft/kernels/training_targets.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace bipft;

TEST_CASE("training: every target of the menu has its own training kernels") {
  for (const kernels::KernelTable* target : kernels::all_targets()) {
    CAPTURE(std::string(target->name));
    CHECK(kernels::training_of(*target).of == target);
  }
  CHECK(kernels::active_training().of == &kernels::active());
}

TEST_CASE("training: a table that is no target of the menu is refused") {
  const kernels::KernelTable copy = kernels::active();
  CHECK_THROWS_AS((void)kernels::training_of(copy), Error);
}
