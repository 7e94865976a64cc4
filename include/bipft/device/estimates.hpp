#pragma once
/// Estimates: a few floats a token that make up for what attention's bits have lost.
///
/// [BiPFT] takes a product of floats for that of bits B and of what they lost, R:
///   Q Kᵀ = B_q B_kᵀ + (B_q R_kᵀ + R_q B_kᵀ) + R_q R_kᵀ
/// and stands in for B and R with vectors of low rank that are read from the hidden state, m for B
/// and r for R. So the scores of all heads get E = (m_q + r_q) r_kᵀ + r_q m_kᵀ, and each value r_v.
///
/// A token's row has m_q, r_q, m_k and r_k, `rank` numbers each, and then r_v.

#include <cstddef>

#include "bipft/core/tensor.hpp"

namespace bipft {

[[nodiscard]] constexpr std::size_t estimate_columns(std::size_t rank) { return 4 * rank + 1; }
[[nodiscard]] constexpr std::size_t estimate_rank(std::size_t columns) { return columns / 4; }

/// E's two outer products: factor · E_ij = Σ_c query[i][c] key[c][j], c < 2 rank.
struct EstimateSides {
  float* query;  ///< [T, 2 rank]  factor · (m_q + r_q), and factor · r_q
  float* key;    ///< [2 rank, ...] r_k, and m_k; `key_stride` from one to the next
  float* value;  ///< [T]           r_v
  std::size_t key_stride;
};

/// Fills the sides from the rows of one text. The same for packed and trained forms.
///   estimates: [T, 4 rank + 1]
inline void spread_estimates(const float* estimates, std::size_t tokens, std::size_t rank,
                             float factor, const EstimateSides& to) {
  for (std::size_t t = 0; t < tokens; ++t, estimates += estimate_columns(rank)) {
    for (std::size_t c = 0; c < rank; ++c) {
      const float main = estimates[c];
      const float rest = estimates[rank + c];
      to.query[2 * rank * t + c] = (main + rest) * factor;
      to.query[2 * rank * t + rank + c] = rest * factor;
      to.key[c * to.key_stride + t] = estimates[3 * rank + c];
      to.key[(rank + c) * to.key_stride + t] = estimates[2 * rank + c];
    }
    to.value[t] = estimates[4 * rank];
  }
}

/// Adds to the gradients of one text's rows what those of its sides say.
///   dquery, dkey: [T, 2 rank]   dvalue: [T]   destimates: [T, 4 rank + 1]
inline void gather_estimates(const float* dquery, const float* dkey, const float* dvalue,
                             std::size_t tokens, std::size_t rank, float factor,
                             float* destimates) {
  for (std::size_t t = 0; t < tokens; ++t, destimates += estimate_columns(rank)) {
    for (std::size_t c = 0; c < rank; ++c) {
      const std::size_t at = 2 * rank * t + c;
      destimates[c] += dquery[at] * factor;
      destimates[rank + c] += (dquery[at] + dquery[at + rank]) * factor;
      destimates[2 * rank + c] += dkey[at + rank];
      destimates[3 * rank + c] += dkey[at];
    }
    destimates[4 * rank] += dvalue[t];
  }
}

}  // namespace bipft
