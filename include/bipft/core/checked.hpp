#pragma once
/// Checked arithmetic on sizes that come from outside: a product or a sum that would wrap is an
/// answer ("no"), never a small number.

#include <cstddef>
#include <limits>
#include <optional>

namespace bipft {

/// a + b, or nothing if it does not fit.
[[nodiscard]] constexpr std::optional<std::size_t> checked_add(std::size_t a, std::size_t b) {
  if (b > std::numeric_limits<std::size_t>::max() - a) return std::nullopt;
  return a + b;
}

/// a * b, or nothing if it does not fit.
[[nodiscard]] constexpr std::optional<std::size_t> checked_multiply(std::size_t a, std::size_t b) {
  if (a != 0 && b > std::numeric_limits<std::size_t>::max() / a) return std::nullopt;
  return a * b;
}

}  // namespace bipft
