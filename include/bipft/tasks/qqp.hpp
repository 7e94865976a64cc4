#pragma once
/// QQP: do two questions ask the same (1)? [Iyer et al. 2017], as GLUE [Wang et al. 2019] cuts it.
/// Its F1 is that of label 1.

#include <string>
#include <string_view>
#include <vector>

#include "bipft/tasks/task.hpp"

namespace bipft {

struct Qqp {
  static constexpr std::string_view name = "qqp";
  static constexpr Metric metric = Metric::accuracy;

  /// GLUE's files: id, qid1, qid2, question1, question2, is_duplicate; some of their rows are cut
  /// short, and are left out as published code leaves them out.
  [[nodiscard]] std::vector<Columns> layouts() const {
    return {Columns{.text = "question1|sentence1",
                    .text2 = "question2|sentence2",
                    .label = "is_duplicate|label",
                    .skip_short_rows = true}};
  }
  [[nodiscard]] std::vector<std::string> labels() const { return {"0", "1"}; }
};

static_assert(Task<Qqp>);

}  // namespace bipft
