#pragma once
/// MNLI: does the second text follow from the first, contradict it, or neither? [Williams et al.
/// 2018], as GLUE [Wang et al. 2019] cuts it. Matched and mismatched dev sets are two files.

#include <string>
#include <string_view>
#include <vector>

#include "bipft/tasks/task.hpp"

namespace bipft {

struct Mnli {
  static constexpr std::string_view name = "mnli";
  static constexpr Metric metric = Metric::accuracy;

  /// GLUE's files call the label, their last column, `gold_label`; before it stand votes. Numbers
  /// instead of words are refused: their order differs between sources.
  [[nodiscard]] std::vector<Columns> layouts() const {
    return {Columns{
        .text = "sentence1|premise", .text2 = "sentence2|hypothesis", .label = "gold_label|label"}};
  }
  [[nodiscard]] std::vector<std::string> labels() const {
    return {"contradiction", "entailment", "neutral"};
  }
};

static_assert(Task<Mnli>);

}  // namespace bipft
