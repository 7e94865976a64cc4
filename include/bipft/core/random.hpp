#pragma once
/// Random: numbers that are a pure function of (seed, purpose, step, index).
///
/// There is no state to advance, save or restore: thread 3 may draw number 4,711 before thread 0
/// draws number 0, and a resumed run needs only its step. Two streams of different seed, purpose or
/// step are independent.
///
///   const Random noise(seed, "dropout", step);
///   float u = noise.uniform(i);      // the same on every machine, thread count and run
///
/// Not for cryptography.

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

namespace bipft {

class Random {
 public:
  constexpr Random(std::uint64_t seed, std::string_view purpose, std::uint64_t step = 0,
                   std::uint64_t part = 0)
      : key_(mix(mix(mix(seed) ^ hash(purpose)) + 0x9E3779B97F4A7C15U * step) +
             0xD1B54A32D192ED03U * part) {}

  /// 64 random bits: two rounds of a SplitMix-style finalizer over key and index.
  [[nodiscard]] constexpr std::uint64_t u64(std::uint64_t index) const {
    return mix(mix(key_ + 0x9E3779B97F4A7C15U * (index + 1)) ^ key_);
  }
  [[nodiscard]] constexpr std::uint32_t u32(std::uint64_t index) const {
    return static_cast<std::uint32_t>(u64(index) >> 32U);
  }

  /// Uniform in [0, 1), a multiple of 2^-24.
  [[nodiscard]] constexpr float uniform(std::uint64_t index) const {
    return static_cast<float>(u64(index) >> 40U) * 0x1p-24F;
  }

  /// Standard normal, as the sum of twelve uniforms (|x| < 6): integers only until the last
  /// multiplication, so it needs no `log` or `cos`, which round differently from machine to
  /// machine.
  [[nodiscard]] constexpr float normal(std::uint64_t index) const {
    std::int64_t total = -6 * 65535;
    for (std::uint64_t draw = 0; draw < 3; ++draw) {
      const std::uint64_t bits = u64(3 * index + draw);
      for (unsigned shift = 0; shift < 64; shift += 16) {
        total += static_cast<std::int64_t>(bits >> shift & 0xFFFFU);
      }
    }
    return static_cast<float>(total) * 0x1p-16F;
  }

  /// Uniform in 0 ... n-1; n > 0. The bias of the multiplication is below n / 2^64.
  [[nodiscard]] constexpr std::uint64_t below(std::uint64_t index, std::uint64_t n) const {
    // High word of a 64 x 64 product, from 32-bit halves: no 128-bit type is standard.
    const std::uint64_t x = u64(index);
    const std::uint64_t x_low = x & 0xFFFFFFFFU;
    const std::uint64_t x_high = x >> 32U;
    const std::uint64_t n_low = n & 0xFFFFFFFFU;
    const std::uint64_t n_high = n >> 32U;
    const std::uint64_t middle = x_high * n_low + ((x_low * n_low) >> 32U);
    const std::uint64_t other = x_low * n_high + (middle & 0xFFFFFFFFU);
    return x_high * n_high + (middle >> 32U) + (other >> 32U);
  }

  /// A permutation of 0 ... n-1 (Fisher-Yates).
  [[nodiscard]] std::vector<std::uint32_t> permutation(std::size_t n) const {
    std::vector<std::uint32_t> order(n);
    for (std::size_t i = 0; i < n; ++i) order[i] = static_cast<std::uint32_t>(i);
    for (std::size_t i = n; i > 1; --i) std::swap(order[i - 1], order[below(i, i)]);
    return order;
  }

 private:
  [[nodiscard]] static constexpr std::uint64_t mix(std::uint64_t x) {
    x = (x ^ (x >> 30U)) * 0xBF58476D1CE4E5B9U;
    x = (x ^ (x >> 27U)) * 0x94D049BB133111EBU;
    return x ^ (x >> 31U);
  }
  [[nodiscard]] static constexpr std::uint64_t hash(std::string_view text) {  // FNV-1a
    std::uint64_t h = 0xCBF29CE484222325U;
    for (const char c : text) h = (h ^ static_cast<unsigned char>(c)) * 0x100000001B3U;
    return h;
  }

  std::uint64_t key_;
};

}  // namespace bipft
