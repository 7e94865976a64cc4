#pragma once
/// Magnitudes: how far latent weights are from where they change sign, in a few bits each.
///
/// What a binary model needs to go on learning, besides its bits. For weight c of row o
///   w[o][c] = center[o] + s · scale[o] · levels[code],   s the packed model's sign, ±1,
/// center being what the binarizer takes signs around. A gradient sees of a latent weight nothing
/// but its sign; what the rest of it says is how soon it changes, beside the others of its row. So
/// the row has a scale, and few levels tell apart what matters. model/latent_bits.hpp makes them of
/// floats, and floats of them.

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "bipft/core/bit_matrix.hpp"
#include "bipft/core/tensor.hpp"
#include "bipft/model/config.hpp"

namespace bipft {

/// Those of one matrix [O, C], b bits each.
struct MatrixMagnitudes {
  std::string name;  ///< the matrix's, without ".bits"
  BitMatrix planes;  ///< [b O, C]: bit k of the code of row o in row k O + o
  Tensor levels;     ///< [2^b], above 0 and never falling
  Tensor scale;      ///< [O]
  Tensor center;     ///< [O], or [1] for all rows, or empty where signs are around 0
};

/// Those of all binary matrices, in the order of for_each_packed.
struct Magnitudes {
  std::size_t bits = 0;
  std::vector<MatrixMagnitudes> matrices;
};

/// Whether latent weights are kept in so many bits.
[[nodiscard]] constexpr bool is_latent_bits(std::size_t bits) {
  return bits == 2 || bits == 3 || bits == 4 || bits == 8 || bits == 32;
}

namespace detail {

/// How many centers a matrix of `rows` rows has: what its binarizer takes means of.
[[nodiscard, gnu::cold]] inline std::size_t centers_of(const ModelConfig& config,
                                                       std::string_view name, std::size_t rows) {
  const bool words = name == "embedding.word";
  if (words || !config.by_surrogate()) return config.scale_a_row() ? rows : 1;
  return config.weight_center == "row" ? rows : config.weight_center == "tensor" ? 1 : 0;
}

}  // namespace detail

}  // namespace bipft
