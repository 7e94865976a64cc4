#pragma once
/// normal_init: the one initializer.

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "bipft/core/random.hpp"
#include "bipft/core/tensor.hpp"

namespace bipft {

/// Normal numbers of mean 0, one stream for each named tensor of a model.
[[nodiscard]] inline Tensor normal_init(const Shape& shape, float deviation, std::uint64_t seed,
                                        std::string_view name) {
  const Random random(seed, name);
  Tensor result = Tensor::uninitialized(shape);
  const auto values = result.mutable_data();
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = deviation * random.normal(i);
  return result;
}

/// The deviation that a model of this width starts with: 0.02 at the width of 768, as in [BERT],
/// and 0.02 √(768/C) at others, so that what a matrix adds to a hidden state has the same share of
/// it. With 0.02 at every width a narrow binary model does not begin to learn: its weights change
/// sign within a few steps, and its attention lets no key through.
[[nodiscard]] inline float initial_deviation(std::size_t channels) {
  return 0.02F * std::sqrt(768.0F / static_cast<float>(channels));
}

/// Where initial numbers come from: a seed, and the path of the part that asks.
struct Initializer {
  std::uint64_t seed = 0;
  std::string path;
  float deviation = 0;  ///< 0: zeros, for a model whose numbers are about to be read

  [[nodiscard]] Initializer at(std::string_view name) const {
    return {seed, path.empty() ? std::string(name) : path + '.' + std::string(name), deviation};
  }
  [[nodiscard]] Tensor normal(const Shape& shape) const {
    return deviation == 0 ? Tensor(shape) : normal_init(shape, deviation, seed, path);
  }
};

}  // namespace bipft
