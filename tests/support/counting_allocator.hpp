#pragma once
/// Counts what the whole test program takes from operator new: how often, and how many bytes at a
/// time. `counting_allocator.cpp` replaces operator new; under a sanitizer, which has its own, it
/// does not, and `counts_allocations()` is false.
///
///   const std::size_t mark = test::allocation_mark();
///   (void)load(path);
///   if (test::counts_allocations()) CHECK(test::allocated_peak_since(mark) <= size + 4'000'000);

#include <cstddef>

namespace bipft::test {

/// Whether anything is counted in this build.
[[nodiscard]] bool counts_allocations();
/// Allocations since the program began.
[[nodiscard]] std::size_t allocation_count();
/// Bytes allocated now; peaks are taken from here on.
[[nodiscard]] std::size_t allocation_mark();
/// The most bytes that were allocated at one time since `mark`, beyond those that were then.
[[nodiscard]] std::size_t allocated_peak_since(std::size_t mark);

}  // namespace bipft::test
