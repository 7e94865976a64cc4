#pragma once
/// Classification: any texts or pairs with any labels. What a data set is when no task is named.

#include <string>
#include <string_view>
#include <vector>

#include "bipft/tasks/task.hpp"

namespace bipft {

struct Classification {
  static constexpr std::string_view name = "classification";
  static constexpr Metric metric = Metric::accuracy;

  [[nodiscard]] std::vector<Columns> layouts() const { return {Columns{}}; }
  [[nodiscard]] std::vector<std::string> labels() const { return {}; }
};

static_assert(Task<Classification>);

}  // namespace bipft
