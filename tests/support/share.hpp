#pragma once
/// Test support: fewer random cases where each takes long, as on an emulated processor.

#include <cstddef>
#include <cstdlib>
#include <string>

namespace bipft::test {

/// `count`, or one in BIPFT_TEST_SHARE of them:  `BIPFT_TEST_SHARE=25 ctest --preset aarch64`
[[nodiscard]] inline std::size_t share_of(std::size_t count) {
  const char* const share = std::getenv("BIPFT_TEST_SHARE");
  const std::size_t each = share == nullptr ? 1 : std::stoul(share);
  return each == 0 ? count : (count + each - 1) / each;
}

}  // namespace bipft::test
