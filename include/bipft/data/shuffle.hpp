#pragma once
/// Shuffle: a permutation of which any place can be asked for, and nothing is stored.

#include <cstdint>

#include "bipft/core/random.hpp"

namespace bipft {

/// A permutation of 0 ... n-1, drawn by `random`: a Feistel network over the least 4ᵏ >= n numbers,
/// four rounds of it, walked on from whatever is not below n. That takes fewer than four walks on
/// average. For orders too long to keep; Random::permutation draws from all there are.
class Shuffle {
 public:
  Shuffle(std::uint64_t n, const Random& random) : n_(n), random_(random) {
    while (half_ < 31 && (std::uint64_t{1} << (2 * half_)) < n) ++half_;
  }

  /// Where place `i` of the order goes; i < n <= 2^62.
  [[nodiscard]] std::uint64_t operator()(std::uint64_t i) const {
    do {
      i = mixed(i);
    } while (i >= n_);
    return i;
  }

 private:
  [[nodiscard]] std::uint64_t mixed(std::uint64_t x) const {
    const std::uint64_t mask = (std::uint64_t{1} << half_) - 1;
    std::uint64_t left = x >> half_;
    std::uint64_t right = x & mask;
    for (std::uint64_t round = 0; round < 4; ++round) {
      const std::uint64_t drawn = random_.u64(round << 40U | right) & mask;
      const std::uint64_t sum = left ^ drawn;
      left = right;
      right = sum;
    }
    return left << half_ | right;
  }

  std::uint64_t n_;
  Random random_;
  unsigned half_ = 1;  ///< bits of a half
};

}  // namespace bipft
