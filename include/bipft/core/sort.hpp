#pragma once
/// sort_by: numbers sorted by what they stand for.
///
/// std::stable_sort is compiled anew for every comparison, some 5 KB each time; this once for all.
/// It costs a call a comparison: right for names and headers, wrong for millions of floats.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace bipft {

namespace detail {

/// Merges ever longer runs, so that no order makes it slow.
[[gnu::noinline]] inline void merge_sort(std::vector<std::uint32_t>& numbers,
                                         bool (*before)(const void*, std::uint32_t, std::uint32_t),
                                         const void* context) {
  const std::size_t size = numbers.size();
  std::vector<std::uint32_t> merged(size);
  for (std::size_t run = 1; run < size; run *= 2) {
    for (std::size_t begin = 0; begin < size; begin += 2 * run) {
      const std::size_t middle = std::min(begin + run, size);
      const std::size_t end = std::min(middle + run, size);
      std::size_t left = begin;
      std::size_t right = middle;
      for (std::size_t i = begin; i < end; ++i) {
        const bool take_right =
            left == middle || (right < end && before(context, numbers[right], numbers[left]));
        merged[i] = numbers[take_right ? right++ : left++];
      }
    }
    numbers.swap(merged);
  }
}

}  // namespace detail

/// Sorts `numbers` so that none stands behind one that it is `before`; of equal ones the first
/// stays first.
template <class Before>
void sort_by(std::vector<std::uint32_t>& numbers, const Before& before) {
  if (numbers.size() < 2) return;
  detail::merge_sort(
      numbers,
      [](const void* raw, std::uint32_t a, std::uint32_t b) {
        return (*static_cast<const Before*>(raw))(a, b);
      },
      &before);
}

}  // namespace bipft
