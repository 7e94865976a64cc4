#pragma once
/// WNLI: does a sentence still hold (1) with its pronoun resolved so? [Levesque et al. 2012], as
/// GLUE [Wang et al. 2019] cuts it. Its dev set contradicts its training set by design: 0.563 is
/// what the answer 0 gives.

#include <string>
#include <string_view>
#include <vector>

#include "bipft/tasks/task.hpp"

namespace bipft {

struct Wnli {
  static constexpr std::string_view name = "wnli";
  static constexpr Metric metric = Metric::accuracy;

  /// GLUE's files: index, sentence1, sentence2, label.
  [[nodiscard]] std::vector<Columns> layouts() const {
    return {Columns{.text = "sentence1", .text2 = "sentence2", .label = "label"}};
  }
  [[nodiscard]] std::vector<std::string> labels() const { return {"0", "1"}; }
};

static_assert(Task<Wnli>);

}  // namespace bipft
