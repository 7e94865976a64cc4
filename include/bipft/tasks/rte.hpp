#pragma once
/// RTE: does the second text follow from the first? [Dagan et al. 2006 and its successors], as
/// GLUE [Wang et al. 2019] joins them.

#include <string>
#include <string_view>
#include <vector>

#include "bipft/tasks/task.hpp"

namespace bipft {

struct Rte {
  static constexpr std::string_view name = "rte";
  static constexpr Metric metric = Metric::accuracy;

  /// GLUE's files: index, sentence1, sentence2, label.
  [[nodiscard]] std::vector<Columns> layouts() const {
    return {Columns{.text = "sentence1", .text2 = "sentence2", .label = "label"}};
  }
  [[nodiscard]] std::vector<std::string> labels() const { return {"entailment", "not_entailment"}; }
};

static_assert(Task<Rte>);

}  // namespace bipft
