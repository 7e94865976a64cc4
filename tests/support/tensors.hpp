#pragma once
/// Tensors from lists of numbers.

#include <cstdint>
#include <initializer_list>
#include <span>
#include <vector>

#include "bipft/core/tensor.hpp"

namespace bipft::test {

/// From doubles, as golden vectors are; each must be a float.
[[nodiscard]] inline Tensor tensor(const Shape& shape, std::span<const double> values) {
  const std::vector<float> floats(values.begin(), values.end());
  return Tensor(shape, std::span<const float>(floats));
}
[[nodiscard]] inline Tensor tensor(const Shape& shape, std::initializer_list<double> values) {
  return tensor(shape, std::span<const double>(values.begin(), values.size()));
}

[[nodiscard]] inline IdTensor ids(std::initializer_list<std::int32_t> values) {
  return IdTensor(Shape{values.size()},
                  std::span<const std::int32_t>(values.begin(), values.size()));
}

}  // namespace bipft::test
