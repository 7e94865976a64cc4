#pragma once
/// Binary kernels' arguments: plain structs, so that they can cross a function pointer.
///
/// Weights are ±1 (a bit of 1 is +1) in the panels of the target that laid them out; activations
/// are plain rows (core/bit_matrix.hpp), whatever their levels.

#include <cstddef>
#include <cstdint>

#include "bipft/core/bit_matrix.hpp"

namespace bipft::kernels {

/// v[n][o] = base[o] - step · popcount(a[n] xor w[o]): see LinearStep in device/plan.hpp.
struct BinaryProduct {
  BitView a;                              ///< [N, C]
  const std::uint32_t* weight = nullptr;  ///< what `lay_out` wrote for [O, C]
  std::size_t outputs = 0;                ///< O
  std::int32_t step = 2;                  ///< 1 or 2
  const std::int32_t* base = nullptr;     ///< [O]
  std::uint32_t* scratch = nullptr;       ///< product_scratch(C) words, aligned to 64 bytes
};

/// The scratch that a product needs: 32 rows of 16 bytes for every 64 columns, on every target.
[[nodiscard]] constexpr std::size_t product_scratch(std::size_t cols) {
  return 32 * 4 * words_for(cols);
}

/// What estimates give to the attention of one text: see EstimateSides in device/estimates.hpp.
/// Keys are padded with zeros to attention_keys(T).
struct BitEstimates {
  std::size_t rank = 0;          ///< of both outer products together; 0: there are no estimates
  const float* query = nullptr;  ///< [T, rank]
  const float* key = nullptr;    ///< [rank, keys]
  const float* value = nullptr;  ///< [keys]
  float mixed = 1;               ///< scale of an integer that keys' values add up to
  float p_scale = 1;             ///< of what `value` adds up to
  const float* shift = nullptr;  ///< [C]
};

/// The attention of one text, all heads: see AttentionStep in device/plan.hpp.
struct BitAttention {
  BitView q, k, v;  ///< [T, C]
  std::size_t heads = 0;
  std::size_t head_size = 0;                ///< D: 32 or 64
  const float* exponential = nullptr;       ///< [D+1, D+1]; or none, where there is no softmax
  float half_alpha = 0;                     ///< not negative
  std::int32_t most = 0;                    ///< without: a key lives if popcount(q xor k) <= most
  const std::int32_t* threshold = nullptr;  ///< [C]; not read where there are estimates
  BitEstimates estimates;                   ///< with a table only
  std::uint64_t* context = nullptr;         ///< [T, C] bits, as many words a row as v has
  std::uint32_t* scratch = nullptr;         ///< attention_scratch(T, C) words, aligned to 64 bytes
};

/// Queries that go through attention together, at most.
inline constexpr std::size_t query_block = 4;

/// A text's keys as its attention lays them out: none less than there are, in whole pairs of 16.
[[nodiscard]] constexpr std::size_t attention_keys(std::size_t tokens) {
  return (tokens + 31) / 32 * 32;
}

/// The scratch that a text's attention needs: keys and values the other way round, and the
/// distances, weights and bits of a block of queries.
[[nodiscard]] constexpr std::size_t attention_scratch(std::size_t tokens, std::size_t width) {
  const std::size_t keys = attention_keys(tokens);
  const std::size_t words = 2 * words_for(tokens);
  const std::size_t channels = 64 * words_for(width);
  return channels / 32 * keys + words * channels + query_block * (3 * keys + words);
}

}  // namespace bipft::kernels
