#pragma once
/// Shape: up to four extents, outermost first.
///
/// The same letters name the same extents in every comment, test and shader of bipft:
///   B texts in a batch   N tokens of all its texts together   T tokens of one text
///   C model width   F feed-forward width   H heads   D = C/H   V vocabulary   K labels   L layers
///   O outputs of a linear layer   M rows of any other matrix

#include <array>
#include <cstddef>
#include <initializer_list>
#include <optional>
#include <string>

#include "bipft/core/checked.hpp"
#include "bipft/core/error.hpp"

namespace bipft {

class Shape {
 public:
  static constexpr std::size_t max_rank = 4;

  constexpr Shape() = default;

  /// Throws Error if more than `max_rank` extents are given, or more elements than memory holds.
  constexpr Shape(std::initializer_list<std::size_t> extents) {
    if (extents.size() > max_rank) fail("Shape: rank ", extents.size(), " exceeds ", max_rank);
    for (const std::size_t extent : extents) extents_[rank_++] = extent;
    check();
  }

  [[nodiscard]] constexpr std::size_t rank() const { return rank_; }
  [[nodiscard]] constexpr std::size_t operator[](std::size_t axis) const { return extents_[axis]; }

  /// Number of elements; 0 for the empty shape.
  [[nodiscard]] constexpr std::size_t numel() const {
    if (rank_ == 0) return 0;
    std::size_t product = 1;
    for (std::size_t axis = 0; axis < rank_; ++axis) product *= extents_[axis];
    return product;
  }

  /// The matrix view every row-wise operation works on: `rows() x cols()`, where `cols()` is the
  /// innermost extent and `rows()` folds all the others.
  [[nodiscard]] constexpr std::size_t cols() const { return rank_ == 0 ? 0 : extents_[rank_ - 1]; }
  [[nodiscard]] constexpr std::size_t rows() const { return cols() == 0 ? 0 : numel() / cols(); }

  /// The same shape with another innermost extent: [N, C].with_cols(F) is [N, F].
  [[nodiscard]] constexpr Shape with_cols(std::size_t cols) const {
    Shape result = *this;
    if (rank_ == 0) fail("Shape::with_cols: the shape is empty");
    result.extents_[rank_ - 1] = cols;
    result.check();
    return result;
  }

  friend constexpr bool operator==(const Shape&, const Shape&) = default;

  /// "[32, 384]", as error messages show it.
  [[nodiscard]] friend std::string to_string(const Shape& shape) {
    std::string text = "[";
    for (std::size_t axis = 0; axis < shape.rank_; ++axis) {
      detail::append(text, {axis == 0 ? "" : ", ", shape.extents_[axis]});
    }
    text += ']';
    return text;
  }

 private:
  /// So that neither numel() nor a tensor's bytes ever wrap to a small number.
  [[gnu::noinline]] constexpr void check() const {
    constexpr std::size_t widest_element = 8;
    std::optional<std::size_t> bytes = widest_element;
    for (std::size_t axis = 0; axis < rank_; ++axis) {
      bytes = checked_multiply(*bytes, extents_[axis]);
      if (!bytes) fail("Shape: ", *this, " has more elements than memory can hold");
    }
  }

  std::array<std::size_t, max_rank> extents_{};
  std::size_t rank_ = 0;
};

}  // namespace bipft
