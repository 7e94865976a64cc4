#pragma once
/// Test support: random bits, floats and integers, in any number.

#include <cstddef>
#include <cstdint>
#include <vector>

#include "bipft/core/bit_matrix.hpp"

namespace bipft::test {

/// A small generator for tests that need many numbers fast (Vigna's splitmix64).
class Dice {
 public:
  explicit Dice(std::uint64_t seed) : state_(seed) {}

  std::uint64_t word() {
    state_ += 0x9E3779B97F4A7C15U;
    std::uint64_t z = state_;
    z = (z ^ (z >> 30U)) * 0xBF58476D1CE4E5B9U;
    z = (z ^ (z >> 27U)) * 0x94D049BB133111EBU;
    return z ^ (z >> 31U);
  }
  /// One of low, low + 1, ..., high.
  std::size_t between(std::size_t low, std::size_t high) { return low + word() % (high - low + 1); }
  /// In [-1, 1).
  float real() {
    return static_cast<float>(static_cast<std::int32_t>(word() >> 32U)) / 2147483648.0F;
  }

 private:
  std::uint64_t state_;
};

[[nodiscard]] inline BitMatrix random_bits(Dice& dice, std::size_t rows, std::size_t cols) {
  BitMatrix bits(rows, cols);
  for (std::size_t i = 0; i < rows; ++i) {
    std::uint64_t* row = bits.mutable_row(i);
    for (std::size_t k = 0; k < words_for(cols); ++k) row[k] = dice.word();
    if (cols % 64 != 0) row[cols / 64] &= (std::uint64_t{1} << (cols % 64)) - 1;
  }
  return bits;
}

[[nodiscard]] inline std::vector<float> random_reals(Dice& dice, std::size_t count) {
  std::vector<float> x(count);
  for (float& value : x) value = dice.real();
  return x;
}

}  // namespace bipft::test
