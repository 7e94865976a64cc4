#pragma once
/// STS-B: how alike are two sentences, from 0 to 5? [Cer et al. 2017], as GLUE [Wang et al. 2019]
/// cuts it.

#include <string>
#include <string_view>
#include <vector>

#include "bipft/tasks/task.hpp"

namespace bipft {

struct Stsb {
  static constexpr std::string_view name = "stsb";
  static constexpr Metric metric = Metric::correlation;

  /// GLUE's files: index, genre, filename, year, old_index, source1, source2, sentence1, sentence2,
  /// score.
  [[nodiscard]] std::vector<Columns> layouts() const {
    return {Columns{.text = "sentence1",
                    .text2 = "sentence2",
                    .label = "score|label",
                    .answer = AnswerKind::value}};
  }
  [[nodiscard]] std::vector<std::string> labels() const { return {}; }
};

static_assert(Task<Stsb>);

}  // namespace bipft
