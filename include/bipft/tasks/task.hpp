#pragma once
/// Task: what a data set means: where its columns are, which labels it has, and how it is measured.

#include <concepts>
#include <string>
#include <string_view>
#include <vector>

#include "bipft/data/columns.hpp"
#include "bipft/data/dataset.hpp"
#include "bipft/data/labels.hpp"
#include "bipft/tasks/metrics.hpp"

namespace bipft {

/// A task has
///   name       as the command calls it
///   metric     its one number
///   layouts()  the columns of its files, the usual ones first; the first that fits is taken
///   labels()   in the order of their indices; empty if they are found in the data
template <class T>
concept Task = requires(const T& task) {
  { T::name } -> std::convertible_to<std::string_view>;
  { T::metric } -> std::convertible_to<Metric>;
  { task.layouts() } -> std::same_as<std::vector<Columns>>;
  { task.labels() } -> std::same_as<std::vector<std::string>>;
};

/// The examples of `paths`, by the columns of `task` but for those that `wanted` names. Throws as
/// read_dataset does.
template <Task T>
[[nodiscard]] Dataset read_task(const T& task, const std::vector<std::string>& paths,
                                const Columns& wanted = {}) {
  std::vector<Columns> layouts = task.layouts();
  for (Columns& layout : layouts) layout = layout.overridden_by(wanted);
  return read_dataset(paths, layouts);
}

/// The labels that a model for `task` learns from `train`, in the order of their indices: the
/// task's own, or those found; of numbers "value". Throws Error{Fault::data} if there is nothing to
/// learn in the data, or a label that the task does not have.
template <Task T>
[[nodiscard]] std::vector<std::string> labels_to_learn(const T& task, const Dataset& train) {
  const std::vector<std::string> found = labels_to_learn(train);
  const std::vector<std::string> own = task.labels();
  if (own.empty()) return found;
  (void)label_ids(train, own);
  return own;
}

}  // namespace bipft
