#pragma once
/// SST-2: is a sentence of a film review positive (1) or negative (0)? [Socher et al. 2013], as
/// GLUE [Wang et al. 2019] cuts it.

#include <string>
#include <string_view>
#include <vector>

#include "bipft/tasks/task.hpp"

namespace bipft {

struct Sst2 {
  static constexpr std::string_view name = "sst2";
  static constexpr Metric metric = Metric::accuracy;

  /// GLUE's files call the text `sentence`, plain ones `sentence1`. GLUE's test file has no labels.
  [[nodiscard]] std::vector<Columns> layouts() const {
    return {Columns{.text = "sentence|sentence1", .label = "label"}};
  }
  [[nodiscard]] std::vector<std::string> labels() const { return {"0", "1"}; }
};

static_assert(Task<Sst2>);

}  // namespace bipft
