#pragma once
/// Data options: where the columns of DATA are, and what the data set means.

#include <string>
#include <string_view>
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
  bool regression = false;
  bool multi_label = false;

  void visit(auto&& option) {
    option("text", text, "column of the text [text, sentence or sentence1]", Form{"C"});
    option("text2", text2, "column of the second text, for pairs", Form{"C"});
    option("label", label, "column of the label [label]", Form{"C"});
    option("weight", weight, "column of how often a line counts", Form{"C"});
    option("no-header", no_header, "the first line is data; columns have numbers, from 1");
    option("label-prefix", label_prefix, "of labels in fastText's lines", Form{"P"});
    option("task", task, "columns, labels and metric of a known data set", Form{"NAME"});
    option("regression", regression, "labels are numbers [if the model answers with them]");
    option("multi-label", multi_label,
           "a text has any number of labels, parted by , or a blank [if the model answers so]");
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

[[nodiscard]] inline std::string_view kind_text(AnswerKind kind) {
  return kind == AnswerKind::label   ? "one label"
         : kind == AnswerKind::value ? "numbers"
                                     : "any number of labels";
}

/// What the labels of `task` are.
[[nodiscard]] inline AnswerKind answer_of(const Tasks& task) {
  return std::visit([](const auto& chosen) { return chosen.layouts()[0].answer; }, task);
}
[[nodiscard]] inline Metric metric_of(const Tasks& task) {
  return std::visit([](const auto& chosen) { return chosen.metric; }, task);
}

/// The task that is asked for; otherwise the one called `usual`. Throws Error{Fault::usage} for a
/// task that is not there, or whose labels are not what --regression or --multi-label say.
[[nodiscard]] inline Tasks task_of(const DataOptions& options,
                                   std::string_view usual = Classification::name) {
  const bool both = options.regression && options.multi_label;
  if (both)
    fail("--regression and --multi-label: a label is a number, or one of several, not both");
  const std::string_view kind = options.regression    ? Regression::name
                                : options.multi_label ? MultiLabel::name
                                                      : std::string_view();
  const std::string_view name = !options.task.empty() ? std::string_view(options.task)
                                : !kind.empty()       ? kind
                                                      : usual;
  Tasks task = choose<Tasks>("task", name);
  if (!kind.empty() && answer_of(task) != answer_of(choose<Tasks>("task", kind))) {
    fail("--task ", name, ": its labels are not what --", kind, " says; leave one of them out");
  }
  return task;
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
