#include "bipft/kernels/dispatch.hpp"

#include <doctest/doctest.h>

#include <cstdlib>
#include <string>

using namespace bipft;

TEST_CASE("dispatch: every machine can run scalar, and prefers what is better") {
  const auto targets = kernels::supported_targets();
  REQUIRE(!targets.empty());
  CHECK(targets.back()->name == "scalar");
  for (const kernels::KernelTable* target : targets) CHECK(target->supported());
}

TEST_CASE("dispatch: a target can be chosen by name, and what runs is that one") {
  const std::string before(kernels::active().name);
  for (const kernels::KernelTable* target : kernels::supported_targets()) {
    kernels::select_target(target->name);
    CHECK(&kernels::active() == target);
  }
  kernels::select_target(before);
}

TEST_CASE("dispatch: an unknown target is refused with the choices") {
  const kernels::KernelTable& before = kernels::active();
  try {
    kernels::select_target("abacus");
    FAIL("no error");
  } catch (const Error& error) {
    const std::string message = error.what();
    CHECK(error.fault() == Fault::usage);
    CHECK(message.find("'abacus'") != std::string::npos);
    CHECK(message.find("scalar") != std::string::npos);
  }
  CHECK(&kernels::active() == &before);
}

TEST_CASE("dispatch: BIPFT_TARGET decides which target runs") {
  const char* wanted = std::getenv("BIPFT_TARGET");
  if (wanted == nullptr || *wanted == '\0') {
    CHECK(&kernels::active() == kernels::supported_targets().front());
  } else {
    CHECK(kernels::active().name == wanted);
  }
}
