#pragma once
/// BinaryWeight: a weight matrix as signs and their scales.

#include <concepts>
#include <string_view>

#include "bipft/autograd/tape.hpp"
#include "bipft/core/bit_matrix.hpp"

namespace bipft {

/// w[o][c] = scale[o] · (bit ? +1 : -1).
struct SignMatrix {
  BitMatrix bits;                ///< [O, C]
  Tensor scale{Shape{1}, 1.0F};  ///< [O], or [1] for the whole matrix
};

/// A SignMatrix on a tape. `levels` stands in for its floats as BinaryVar's does: the latent
/// weights are its value, and gradients of the signed weights are accumulated to it.
struct BinaryWeight {
  Var levels;
  SignMatrix matrix;
};

namespace detail {

/// The floats that signs and scales stand for.   bits: [O, C]   scale: [O], or [1] for all
[[nodiscard]] inline Tensor signed_values(Device& device, const BitMatrix& bits,
                                          const Tensor& scale) {
  if (scale.numel() == 1) return device.unpack(bits, -scale.data()[0], scale.data()[0]);
  return device.threshold_select_rows(device.unpack(bits, -1.0F, 1.0F), 0.0F, scale);
}

/// dy ŵ.   dy: [N, O]   w: [O, C]   result: [N, C]
[[nodiscard]] inline Tensor times_weight(Device& device, const Tensor& dy, const SignMatrix& w) {
  if (w.scale.numel() == 1) return device.binary_matmul(dy, w.bits, false, w.scale.data()[0]);
  const Tensor scaled = device.scale_add_row(dy, w.scale, Tensor(Shape{dy.cols()}));
  return device.binary_matmul(scaled, w.bits, false, 1.0F);
}

}  // namespace detail

/// A way of turning the latent weights of a linear layer into signs.
template <class B>
concept WeightBinarizer = std::default_initializable<B> &&
    requires(const B& binarizer, Device& device, const Tensor& latent, const Var& w) {
  { B::name } -> std::convertible_to<std::string_view>;
  { binarizer.signs(device, latent) } -> std::same_as<SignMatrix>;  // what packing stores
  { binarizer(w) } -> std::same_as<BinaryWeight>;
};

/// A way of turning the rows of an embedding table into signs with a scale each.
template <class B>
concept TableBinarizer = std::default_initializable<B> &&
    requires(const B& binarizer, Device& device, const Tensor& table, const Var& rows) {
  { B::name } -> std::convertible_to<std::string_view>;
  { binarizer.signs(device, table) } -> std::same_as<SignMatrix>;  // what packing stores
  { binarizer(rows, table) } -> std::same_as<Var>;                 // of the rows of a batch
};

}  // namespace bipft
