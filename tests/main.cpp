/// The test runner. Exits with 77, "skipped", when BIPFT_TARGET names kernels this machine lacks.

#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>

#include <cstdio>

#include "bipft/core/error.hpp"
#include "bipft/kernels/dispatch.hpp"

int main(int argc, char** argv) {
  try {
    const auto name = bipft::kernels::active().name;
    std::printf("kernels: %.*s\n", static_cast<int>(name.size()), name.data());
    std::fflush(stdout);
  } catch (const bipft::Error& error) {
    std::printf("skipped: %s\n", error.what());
    return 77;
  }
  return doctest::Context(argc, argv).run();
}
