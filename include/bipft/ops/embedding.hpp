#pragma once
/// embedding: the rows of a table, by id.

#include <cstddef>
#include <cstdint>
#include <vector>

#include "bipft/autograd/tape.hpp"
#include "bipft/core/error.hpp"
#include "bipft/core/sort.hpp"
#include "bipft/core/tensor.hpp"

namespace bipft {

/// The row that learns nothing from being looked up: [PAD]. Batches have no padding, so its id
/// occurs only where a text spells it out; the reference implementations hold it fixed, and so the
/// results of importing or exporting a model agree.
inline constexpr std::int32_t pad_id = 0;

/// The rows that a batch asks for, ascending and each once, and which of them each token has.
struct RowsAskedFor {
  IdTensor rows;    ///< [U]
  IdTensor tokens;  ///< the tokens whose rows learn, in their order
  IdTensor places;  ///< of each of these, its row's place among `rows`

  /// All but those with the id `fixed`.   ids: [N]
  [[nodiscard]] static RowsAskedFor of(const IdTensor& ids, std::int32_t fixed) {
    std::vector<std::uint32_t> order;
    for (std::size_t n = 0; n < ids.numel(); ++n) {
      if (ids.data()[n] != fixed) order.push_back(static_cast<std::uint32_t>(n));
    }
    RowsAskedFor result;
    if (order.empty()) return result;
    const auto id = ids.data();
    std::vector<std::int32_t> tokens(order.begin(), order.end());
    sort_by(order, [id](std::uint32_t a, std::uint32_t b) { return id[a] < id[b]; });
    std::vector<std::int32_t> rows;
    std::vector<std::int32_t> place(ids.numel());
    for (const std::uint32_t n : order) {
      if (rows.empty() || rows.back() != id[n]) rows.push_back(id[n]);
      place[n] = static_cast<std::int32_t>(rows.size()) - 1;
    }
    std::vector<std::int32_t> places;
    for (const std::int32_t n : tokens) places.push_back(place[static_cast<std::size_t>(n)]);
    result.rows = IdTensor(Shape{rows.size()}, rows);
    result.tokens = IdTensor(Shape{tokens.size()}, tokens);
    result.places = IdTensor(Shape{places.size()}, places);
    return result;
  }
};

/// Forward:    y[n] = table[ids[n]]
/// Backward:   dtable[v] = Σ_{n: ids[n] = v} dy[n] in the order of n,   and 0 for v = `fixed`
///             It is kept as the rows that ids name, so that what a batch costs does not grow with
///             the vocabulary; AdamW then leaves all other rows as they are (train/adamw.hpp).
///
///   table: [V, C]   ids: [N]   y: [N, C]
/// `fixed` is the id of the row that gets no gradient; -1 for none (positions, type ids).
/// Throws Error if the table is no matrix or an id is outside it.
[[nodiscard]] inline Var embedding(Tape& tape, Parameter& table, const IdTensor& ids,
                                   std::int32_t fixed = pad_id) {
  const Shape shape = table.value.shape();
  if (shape.rank() != 2 || ids.shape().rank() != 1) {
    fail("embedding: table is ", shape, ", ids are ", ids.shape());
  }
  for (const std::int32_t id : ids.data()) {
    if (id < 0 || static_cast<std::size_t>(id) >= shape.rows()) {
      fail("embedding: id ", id, " is not in a table of ", shape.rows(), " rows");
    }
  }
  return tape.record(tape.device().gather(table.value, ids), {tape.leaf(table)},
                     [&table, ids, fixed](Tape& on, const Tensor& dy) {
                       const RowsAskedFor asked = RowsAskedFor::of(ids, fixed);
                       if (asked.rows.empty()) return;
                       Tensor grad(Shape{asked.rows.numel(), dy.cols()});
                       const bool all = asked.tokens.numel() == ids.numel();
                       on.device().scatter_add(grad, asked.places,
                                               all ? dy : on.device().gather(dy, asked.tokens));
                       on.add_rows(table, asked.rows, grad);
                     });
}

}  // namespace bipft
