#pragma once
/// Device inputs: random numbers, ids, bits and attentions to hand to a device.

#include <cstddef>
#include <cstdint>
#include <span>

#include "bipft/core/random.hpp"
#include "bipft/device/device.hpp"

namespace bipft::test {

[[nodiscard]] inline Tensor numbers(const Shape& shape, std::uint64_t seed, float size = 1) {
  const Random random(seed, "device test");
  Tensor x = Tensor::uninitialized(shape);
  const std::span<float> to = x.mutable_data();
  for (std::size_t i = 0; i < to.size(); ++i) to[i] = random.normal(i) * size;
  return x;
}

[[nodiscard]] inline IdTensor ids_below(std::size_t count, std::size_t end, std::uint64_t seed) {
  const Random random(seed, "device test ids");
  IdTensor ids(Shape{count});
  const std::span<std::int32_t> to = ids.mutable_data();
  for (std::size_t i = 0; i < count; ++i) to[i] = static_cast<std::int32_t>(random.below(i, end));
  return ids;
}

[[nodiscard]] inline BitMatrix random_bits(std::size_t rows, std::size_t cols, std::uint64_t seed) {
  const Random random(seed, "device test bits");
  BitMatrix bits(rows, cols);
  for (std::size_t i = 0; i < rows * cols; ++i) {
    bits.set(i / cols, i % cols, random.below(i, 2) == 1);
  }
  return bits;
}

[[nodiscard]] inline double at(const Tensor& x, std::size_t row, std::size_t col) {
  return static_cast<double>(x.data()[row * x.cols() + col]);
}
[[nodiscard]] inline double at(const Tensor& x, std::size_t i) {
  return static_cast<double>(x.data()[i]);
}

[[nodiscard]] inline Ragged lengths() { return Ragged({7, 1, 33, 128, 5, 16}); }

/// An attention whose window and threshold cut through its probabilities.
[[nodiscard]] inline BinaryAttention attention_of(const Ragged& texts, std::size_t heads,
                                                  std::size_t channels) {
  const std::size_t n = texts.tokens();
  return {.q = random_bits(n, channels, 41),
          .k = random_bits(n, channels, 42),
          .v = random_bits(n, channels, 43),
          .q_scale = 0.7F,
          .k_scale = 1.25F,
          .v_scale = 0.9F,
          .texts = texts,
          .heads = heads,
          .score_scale = 0.15F,
          .gradient_scale = 0.2F,
          .random = Random(1, "drop"),
          .dropout = 0.1F,
          .window = {{}, 0.0F, 0.05F, 0.025F, true, 0.0F},
          .p_scale = 0.05F,
          .estimates = {}};
}

}  // namespace bipft::test
