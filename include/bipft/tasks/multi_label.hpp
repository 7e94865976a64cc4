#pragma once
/// MultiLabel: any texts or pairs, each with any number of labels, or none.

#include <string>
#include <string_view>
#include <vector>

#include "bipft/tasks/task.hpp"

namespace bipft {

struct MultiLabel {
  static constexpr std::string_view name = "multi-label";
  static constexpr Metric metric = Metric::micro_f1;

  [[nodiscard]] std::vector<Columns> layouts() const {
    return {Columns{.answer = AnswerKind::labels}};
  }
  [[nodiscard]] std::vector<std::string> labels() const { return {}; }
};

static_assert(Task<MultiLabel>);

}  // namespace bipft
