#pragma once
/// EmbeddingRows: the rows of an embedding table to {-αᵣ, +αᵣ}, a scale a row.
///
/// [BiT]'s published code, which [BiPFT] shares. The table is looked up first (`embedding`), and
/// the rows of the batch are binarized; published code binarizes all others too, to no effect.

#include <string_view>
#include <utility>

#include "bipft/binarize/binary_weight.hpp"

namespace bipft {

struct EmbeddingRows {
  static constexpr std::string_view name = "embedding_rows";

  /// The mean of the whole table, where signs change in every row.   table: [V, C]
  [[nodiscard]] float threshold(Device& device, const Tensor& table) const {
    return static_cast<float>(device.sums(table).sum / static_cast<double>(table.numel()));
  }

  /// What packing stores.   table: [V, C]
  [[nodiscard]] SignMatrix signs(Device& device, const Tensor& table) const {
    return {device.pack(table, {}, threshold(device, table), false),
            device.mean_absolute_rows(table)};
  }

  /// Forward:    y[n] = mean|rows[n]| sign(rows[n] - mean(table)), with sign(0) = +1
  /// Backward:   drows = dy: straight through, and nothing through the means
  ///
  ///   rows, y: [N, C], rows of the table   table: [V, C]
  /// Throws Error if rows are not as wide as the table.
  [[nodiscard]] Var operator()(const Var& rows, const Tensor& table) const {
    if (table.empty() || rows.value().cols() != table.cols()) {
      fail("embedding_rows: rows are ", rows.shape(), " of a table ", table.shape());
    }
    Device& device = rows.device();
    const Tensor scale = device.mean_absolute_rows(rows.value());
    return rows.tape().record(
        device.threshold_select_rows(rows.value(), threshold(device, table), scale), {rows},
        [to = Slot(rows)](Tape& tape, Tensor dy) { tape.accumulate(to, std::move(dy)); });
  }
};

static_assert(TableBinarizer<EmbeddingRows>);

}  // namespace bipft
