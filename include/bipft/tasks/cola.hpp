#pragma once
/// CoLA: is an English sentence acceptable (1) or not (0)? [Warstadt et al. 2019], as
/// GLUE [Wang et al. 2019] cuts it.

#include <string>
#include <string_view>
#include <vector>

#include "bipft/tasks/task.hpp"

namespace bipft {

struct Cola {
  static constexpr std::string_view name = "cola";
  static constexpr Metric metric = Metric::matthews;

  /// GLUE's files have no header: source, label, the author's mark, sentence.
  [[nodiscard]] std::vector<Columns> layouts() const {
    return {Columns{.text = "sentence1|sentence", .label = "label"},
            Columns{.text = "4", .label = "2", .header = false}};
  }
  [[nodiscard]] std::vector<std::string> labels() const { return {"0", "1"}; }
};

static_assert(Task<Cola>);

}  // namespace bipft
