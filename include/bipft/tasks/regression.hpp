#pragma once
/// Regression: any texts or pairs with any numbers.

#include <string>
#include <string_view>
#include <vector>

#include "bipft/tasks/task.hpp"

namespace bipft {

struct Regression {
  static constexpr std::string_view name = "regression";
  static constexpr Metric metric = Metric::correlation;

  [[nodiscard]] std::vector<Columns> layouts() const {
    return {Columns{.answer = AnswerKind::value}};
  }
  [[nodiscard]] std::vector<std::string> labels() const { return {}; }
};

static_assert(Task<Regression>);

}  // namespace bipft
