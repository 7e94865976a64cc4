#pragma once
/// RowSign: the rows of a matrix to {-αᵣ, +αᵣ} around their own mean, for the weights of linear
/// layers and for embedding tables.
///
/// [BiBERT] ([BNN] eq. 5.3), as its published code has it. Square brackets name papers listed in
/// bipft/README.md.

#include <string_view>
#include <utility>

#include "bipft/binarize/binary_weight.hpp"

namespace bipft {

struct RowSign {
  static constexpr std::string_view name = "row_sign";

  /// What packing stores: bits = w >= mean of its row, scale = mean|w| of the raw row.   w: [O, C]
  [[nodiscard]] SignMatrix signs(Device& device, const Tensor& w) const {
    return {device.pack(device.center_rows(w), {}, 0.0F, false), device.mean_absolute_rows(w)};
  }

  /// Forward, with c = w - mean of its row:
  ///             y = αᵣ sign(c), αᵣ = mean|w| of row r, with sign(0) = +1
  /// Backward:   g = dy 1{|c| <= 1},   dw = g - mean of g's row: straight through the sign and
  ///             through the centring, and nothing through αᵣ, which does not multiply it either
  ///
  ///   w, y: [O, C]
  /// Throws Error if w is no matrix, or an empty one.
  [[nodiscard]] BinaryWeight operator()(const Var& w) const {
    if (w.shape().rank() != 2 || w.value().empty()) fail("row_sign: w is ", w.shape());
    return {straight_through(w, w.value()), signs(w.device(), w.value())};
  }

  /// The same of the rows of a table that a batch has looked up, in floats. Published code does so
  /// with all rows of the table, to no effect on the others.
  ///   rows, y: [N, C], rows of the table   table: [V, C]
  /// Throws Error if rows are not as wide as the table.
  [[nodiscard]] Var operator()(const Var& rows, const Tensor& table) const {
    if (table.empty() || rows.value().cols() != table.cols()) {
      fail("row_sign: rows are ", rows.shape(), " of a table ", table.shape());
    }
    Device& device = rows.device();
    return straight_through(rows,
                            device.threshold_select_rows(device.center_rows(rows.value()), 0.0F,
                                                         device.mean_absolute_rows(rows.value())));
  }

 private:
  [[nodiscard]] static Var straight_through(const Var& w, Tensor value) {
    return w.tape().record(std::move(value), {w}, [w](Tape& tape, const Tensor& dy) {
      Device& on = tape.device();
      const Tensor inside = on.window_mask(on.center_rows(w.value()), -1.0F, 1.0F, dy);
      tape.accumulate(w, on.center_rows(inside));
    });
  }
};

static_assert(WeightBinarizer<RowSign>);
static_assert(TableBinarizer<RowSign>);

}  // namespace bipft
