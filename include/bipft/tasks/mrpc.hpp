#pragma once
/// MRPC: do two sentences of the news say the same (1)? [Dolan and Brockett 2005], as GLUE
/// [Wang et al. 2019] cuts it. Its F1 is that of label 1.

#include <string>
#include <string_view>
#include <vector>

#include "bipft/tasks/task.hpp"

namespace bipft {

struct Mrpc {
  static constexpr std::string_view name = "mrpc";
  static constexpr Metric metric = Metric::accuracy;

  /// GLUE's files: Quality, #1 ID, #2 ID, #1 String, #2 String.
  [[nodiscard]] std::vector<Columns> layouts() const {
    return {Columns{.text = "sentence1|#1 String",
                    .text2 = "sentence2|#2 String",
                    .label = "label|Quality|quality"}};
  }
  [[nodiscard]] std::vector<std::string> labels() const { return {"0", "1"}; }
};

static_assert(Task<Mrpc>);

}  // namespace bipft
