#pragma once
/// Random tensors for tests: the same numbers on every machine and every run.

#include <cstddef>
#include <cstdint>

#include "bipft/core/random.hpp"
#include "bipft/core/tensor.hpp"

namespace bipft::test {

/// Uniform in [-1, 1).
[[nodiscard]] inline Tensor random_tensor(const Shape& shape, std::uint64_t seed) {
  const Random random(seed, "test");
  Tensor result(shape);
  const auto values = result.mutable_data();
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = 2.0F * random.uniform(i) - 1.0F;
  return result;
}

}  // namespace bipft::test
