#pragma once
/// embedding: the rows of a table, by id.

#include <cstddef>
#include <cstdint>
#include <vector>

#include "bipft/autograd/tape.hpp"

namespace bipft {

/// The row that learns nothing from being looked up: [PAD]. Batches have no padding, so its id
/// occurs only where a text spells it out; the reference implementations hold it fixed, and so the
/// results of importing or exporting a model agree.
inline constexpr std::int32_t pad_id = 0;

/// Forward:    y[n] = table[ids[n]]
/// Backward:   dtable[v] = Σ_{n: ids[n] = v} dy[n] in the order of n,   and 0 for v = `fixed`
///
///   table: [V, C]   ids: [N]   y: [N, C]
/// `fixed` is the id of the row that gets no gradient; -1 for none (positions, type ids).
/// Throws Error if the table is no matrix or an id is outside it.
[[nodiscard]] inline Var embedding(const Var& table, const IdTensor& ids,
                                   std::int32_t fixed = pad_id) {
  const Shape shape = table.shape();
  if (shape.rank() != 2 || ids.shape().rank() != 1) {
    fail("embedding: table is ", shape, ", ids are ", ids.shape());
  }
  for (const std::int32_t id : ids.data()) {
    if (id < 0 || static_cast<std::size_t>(id) >= shape.rows()) {
      fail("embedding: id ", id, " is not in a table of ", shape.rows(), " rows");
    }
  }
  return table.tape().record(
      table.device().gather(table.value(), ids), {table}, [=](Tape& tape, const Tensor& dy) {
        Tensor dtable(shape);
        std::vector<std::int32_t> kept;  // the positions in the batch whose rows learn
        std::vector<std::int32_t> rows;
        for (std::size_t n = 0; n < ids.numel(); ++n) {
          if (ids.data()[n] == fixed) continue;
          kept.push_back(static_cast<std::int32_t>(n));
          rows.push_back(ids.data()[n]);
        }
        if (rows.size() == ids.numel()) {
          tape.device().scatter_add(dtable, ids, dy);
        } else if (!rows.empty()) {
          const Shape some{rows.size()};
          tape.device().scatter_add(dtable, IdTensor(some, rows),
                                    tape.device().gather(dy, IdTensor(some, kept)));
        }
        tape.accumulate(table, dtable);
      });
}

}  // namespace bipft
