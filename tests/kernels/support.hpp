#pragma once
/// What the kernels' tests share: numbers to compute with, and every way to be equal.

#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include "bipft/core/random.hpp"
#include "bipft/kernels/dispatch.hpp"
#include "bipft/kernels/training_targets.hpp"

namespace bipft::kernels {

using Floats = std::vector<float>;

/// About normal, times `size`.
inline Floats numbers(std::uint64_t seed, std::size_t n, float size = 1) {
  const Random random(seed, "kernel test");
  Floats x(n);
  for (std::size_t i = 0; i < n; ++i) x[i] = random.normal(i) * size;
  return x;
}

/// The same with every kind of special number in between.
inline Floats awkward_numbers(std::uint64_t seed, std::size_t n) {
  constexpr float special[] = {0.0F,
                               -0.0F,
                               1.0F,
                               -1.0F,
                               std::numeric_limits<float>::infinity(),
                               -std::numeric_limits<float>::infinity(),
                               std::numeric_limits<float>::quiet_NaN(),
                               std::numeric_limits<float>::denorm_min(),
                               -1e-40F,
                               std::numeric_limits<float>::max(),
                               88.7F,
                               -87.5F,
                               -103.5F};
  Floats x = numbers(seed, n, 8);
  const Random random(seed, "where specials stand");
  for (std::size_t i = 0; i < n; ++i) {
    if (random.below(2 * i, 3) == 0) x[i] = special[random.below(2 * i + 1, std::size(special))];
  }
  return x;
}

/// The first index at which two results differ in a bit (NaNs are all alike), or their size.
inline std::size_t first_difference(const Floats& a, const Floats& b) {
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (std::isnan(a[i]) && std::isnan(b[i])) continue;
    if (std::bit_cast<std::uint32_t>(a[i]) != std::bit_cast<std::uint32_t>(b[i])) return i;
  }
  return a.size();
}

/// |value - wanted| in units of the last place of `wanted` as a float.
inline double ulps(float value, double wanted) {
  if (std::isnan(wanted)) return std::isnan(value) ? 0 : 1e30;
  const float nearest = static_cast<float>(wanted);
  if (value == nearest) return 0;
  if (std::isinf(nearest) || std::isinf(value)) return 1e30;
  const float a = std::fabs(nearest);
  const double unit = static_cast<double>(std::nextafter(a, INFINITY)) - static_cast<double>(a);
  return std::fabs(static_cast<double>(value) - wanted) / unit;
}

}  // namespace bipft::kernels
