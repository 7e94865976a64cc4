#pragma once
/// Aims: what a training makes small, and what its epochs are ranked by, for each kind of answer.

#include <vector>

#include "bipft/core/error.hpp"
#include "bipft/data/answer_kind.hpp"
#include "bipft/train/fit.hpp"
#include "bipft/train/multi_label_objective.hpp"
#include "bipft/train/regress_objective.hpp"
#include "bipft/train/scores.hpp"
#include "train_options.hpp"

namespace bipft::cli {

/// `label_weights` are those of --class-weight. Throws Error{Fault::usage} for an option that
/// answers of this kind have no use for.
[[nodiscard]] inline Trainer::Objective objective_of(AnswerKind answer, const LearnOptions& learn,
                                                     const std::vector<double>& label_weights) {
  const auto smoothing = static_cast<float>(learn.label_smoothing);
  switch (answer) {
    case AnswerKind::label:
      break;
    case AnswerKind::value:
      if (smoothing > 0)
        fail("--label-smoothing: labels that are numbers are not spread over others");
      return RegressObjective{};
    case AnswerKind::labels:
      return MultiLabelObjective{smoothing,
                                 std::vector<float>(label_weights.begin(), label_weights.end())};
  }
  return ClassifyObjective{smoothing};
}

[[nodiscard]] inline Score score_of(AnswerKind answer, Metric metric) {
  switch (answer) {
    case AnswerKind::label:
      break;
    case AnswerKind::value:
      return ValueScore{};
    case AnswerKind::labels:
      return LabelSetScore{};
  }
  return LabelScore{metric};
}

}  // namespace bipft::cli
