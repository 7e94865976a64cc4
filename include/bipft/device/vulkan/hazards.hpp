#pragma once
/// Hazards: which of the ranges that a step uses must wait for the steps before it.

#include <algorithm>
#include <cstdint>
#include <vector>

namespace bipft::vulkan {

/// Bytes [begin, end) of a buffer that is known by a number.
struct Used {
  std::uint64_t buffer = 0;
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
  bool write = false;
};

class Hazards {
 public:
  /// Notes what the next step uses. True if a barrier must come before it: something written since
  /// the last barrier is read or written, or something read is written.
  [[nodiscard]] bool next(const std::vector<Used>& step) {
    const bool clash = std::ranges::any_of(step, [this](const Used& use) {
      return std::ranges::any_of(since_, [&use](const Used& before) {
        return before.buffer == use.buffer && before.begin < use.end && use.begin < before.end &&
               (before.write || use.write);
      });
    });
    if (clash) since_.clear();
    since_.insert(since_.end(), step.begin(), step.end());
    return clash;
  }

 private:
  std::vector<Used> since_;  // the last barrier
};

}  // namespace bipft::vulkan
