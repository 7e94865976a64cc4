#pragma once
/// Data options: where the columns of DATA are, and what the data set means.

#include <array>
#include <string>
#include <utility>
#include <vector>

#include "bipft/core/menu.hpp"
#include "bipft/data/columns.hpp"
#include "bipft/data/dataset.hpp"
#include "bipft/tasks/tasks.hpp"
#include "console.hpp"
#include "options.hpp"

namespace bipft::cli {

struct DataOptions {
  std::string text;
  std::string text2;
  std::string label;
  std::string weight;
  bool no_header = false;
  std::string label_prefix = Columns{}.label_prefix;
  std::string task;

  void visit(auto&& option) {
    option("text", text, "column of the text [text, sentence or sentence1]", Form{"C"});
    option("text2", text2, "column of the second text, for pairs", Form{"C"});
    option("label", label, "column of the label [label]", Form{"C"});
    option("weight", weight, "column of how often a line counts", Form{"C"});
    option("no-header", no_header, "the first line is data; columns have numbers, from 1");
    option("label-prefix", label_prefix, "of labels in fastText's lines", Form{"P"});
    option("task", task, "columns, labels and metric of a known data set", Form{"NAME"});
  }

  [[nodiscard]] Columns columns() const {
    return {.text = text,
            .text2 = text2,
            .label = label,
            .weight = weight,
            .header = !no_header,
            .label_prefix = label_prefix};
  }
};

/// Tasks and kinds of data that a later version knows.
inline constexpr auto later_data =
    std::to_array<Later>({{"task=stsb", "STS-B"},
                          {"regression", "regression"},
                          {"multi-label", "several labels for one text"}});

/// The task called `name`; without a name any classification.
[[nodiscard]] inline Tasks task_called(const std::string& name) {
  return choose<Tasks>("task", name.empty() ? std::string(Classification::name) : name);
}

/// The examples of `paths` as `task` and `options` see them; their warnings are said.
[[nodiscard]] inline Dataset read_data(const Tasks& task, const std::vector<std::string>& paths,
                                       const DataOptions& options, Console& console) {
  Dataset data = std::visit(
      [&](const auto& chosen) { return read_task(chosen, paths, options.columns()); }, task);
  for (const std::string& warning : data.warnings) console.warn(warning);
  data.warnings.clear();
  if (data.skipped > 0) console.say(paths[0], ": ", data.skipped, " short rows are left out");
  return data;
}

}  // namespace bipft::cli
