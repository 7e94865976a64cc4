#pragma once
/// BitMatrix: rows of one bit each; what a bit means (±1 or 0/1) is its user's affair.
///
/// This is the plain form that every layer of bipft agrees on and that the model file holds: column
/// c of a row is bit c % 64 of word c / 64, rows padded with zero bits to whole 64-bit words. A
/// kernel that wants panels, wider padding or running parities lays them out itself (PackedWeight).

#include <cstddef>
#include <cstdint>

#include "bipft/core/tensor.hpp"

namespace bipft {

/// A borrowed BitMatrix: what kernels take. Plain data, so that it can cross a function pointer.
struct BitView {
  const std::uint64_t* words = nullptr;
  std::size_t rows = 0;
  std::size_t cols = 0;           ///< bits that mean something
  std::size_t words_per_row = 0;  ///< the stride

  [[nodiscard]] const std::uint64_t* row(std::size_t i) const { return words + i * words_per_row; }
};

/// 64-bit words that hold `bits` bits.
[[nodiscard]] constexpr std::size_t words_for(std::size_t bits) { return (bits + 63) / 64; }

class BitMatrix {
 public:
  BitMatrix() = default;

  /// All bits zero.
  BitMatrix(std::size_t rows, std::size_t cols)
      : cols_(cols), words_(Shape{rows, words_for(cols)}) {}

  [[nodiscard]] std::size_t rows() const { return words_.rows(); }
  [[nodiscard]] std::size_t cols() const { return cols_; }
  [[nodiscard]] bool empty() const { return words_.empty(); }

  [[nodiscard]] BitView view() const {
    return {words_.data().data(), rows(), cols_, words_.cols()};
  }

  /// Write access to the words of one row; its padding bits must stay zero.
  [[nodiscard]] std::uint64_t* mutable_row(std::size_t i) { return words_.mutable_row(i).data(); }

  [[nodiscard]] bool bit(std::size_t row, std::size_t col) const {
    return (words_.row(row)[col / 64] >> (col % 64) & 1U) != 0;
  }
  void set(std::size_t row, std::size_t col, bool value) {
    std::uint64_t& word = mutable_row(row)[col / 64];
    const std::uint64_t mask = std::uint64_t{1} << (col % 64);
    word = value ? word | mask : word & ~mask;
  }

 private:
  std::size_t cols_ = 0;
  BasicTensor<std::uint64_t> words_;
};

}  // namespace bipft
