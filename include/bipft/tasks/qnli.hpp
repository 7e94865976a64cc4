#pragma once
/// QNLI: does a sentence answer a question? [Rajpurkar et al. 2016], as GLUE [Wang et al. 2019]
/// cuts it.

#include <string>
#include <string_view>
#include <vector>

#include "bipft/tasks/task.hpp"

namespace bipft {

struct Qnli {
  static constexpr std::string_view name = "qnli";
  static constexpr Metric metric = Metric::accuracy;

  /// GLUE's files: index, question, sentence, label.
  [[nodiscard]] std::vector<Columns> layouts() const {
    return {Columns{.text = "question|sentence1", .text2 = "sentence|sentence2", .label = "label"}};
  }
  [[nodiscard]] std::vector<std::string> labels() const { return {"entailment", "not_entailment"}; }
};

static_assert(Task<Qnli>);

}  // namespace bipft
