#pragma once
/// BinaryWeight: a weight matrix as signs and one scale.

#include <concepts>
#include <string_view>

#include "bipft/autograd/tape.hpp"
#include "bipft/core/bit_matrix.hpp"

namespace bipft {

/// w[o][c] = scale · (bit ? +1 : -1).
struct SignMatrix {
  BitMatrix bits;      ///< [O, C]
  float scale = 1.0F;  ///< one for the whole matrix: a scale a row would be another multiplication
};

/// A SignMatrix on a tape. `levels` stands in for its floats as BinaryVar's does: the latent
/// weights are its value, and gradients of the signed weights are accumulated to it.
struct BinaryWeight {
  Var levels;
  SignMatrix matrix;
};

/// A way of turning the latent weights of a linear layer into signs.
template <class B>
concept WeightBinarizer = std::default_initializable<B> &&
    requires(const B& binarizer, Device& device, const Tensor& latent, const Var& w) {
  { B::name } -> std::convertible_to<std::string_view>;
  { binarizer.signs(device, latent) } -> std::same_as<SignMatrix>;  // what packing stores
  { binarizer(w) } -> std::same_as<BinaryWeight>;
};

}  // namespace bipft
