#include "bipft/core/sort.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "bipft/core/random.hpp"

using namespace bipft;

TEST_CASE("sort_by: gives what std::stable_sort gives, whatever the length and the order") {
  const Random random(1, "sort_by");
  for (std::size_t size = 0; size < 70; ++size) {
    std::vector<std::uint64_t> keys(size);
    std::vector<std::uint32_t> numbers(size);
    for (std::size_t i = 0; i < size; ++i) {
      keys[i] = random.below(size * 100 + i, size / 2 + 1);  // some are equal
      numbers[i] = static_cast<std::uint32_t>(i);
    }
    const auto before = [&](std::uint32_t a, std::uint32_t b) { return keys[a] < keys[b]; };
    std::vector<std::uint32_t> expected = numbers;
    std::stable_sort(expected.begin(), expected.end(), before);
    sort_by(numbers, before);
    CHECK(numbers == expected);
    sort_by(numbers, before);
    CHECK(numbers == expected);
    std::reverse(numbers.begin(), numbers.end());
    expected = numbers;
    std::stable_sort(expected.begin(), expected.end(), before);
    sort_by(numbers, before);
    CHECK(numbers == expected);
  }
}
