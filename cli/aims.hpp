#pragma once
/// Aims: what a training makes small, and what its epochs are ranked by, for each kind of answer.

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "bipft/core/error.hpp"
#include "bipft/data/answer_kind.hpp"
#include "bipft/train/fit.hpp"
#include "bipft/train/multi_label_objective.hpp"
#include "bipft/train/regress_objective.hpp"
#include "bipft/train/scores.hpp"
#include "train_options.hpp"

namespace bipft::cli {

/// How a model of `config` with such answers learns its exits in `steps` steps; nothing if it has
/// none. Throws Error{Fault::usage} for a loss that answers of this kind have no use for.
[[nodiscard]] inline std::optional<ExitTraining> exit_training_of(const ModelConfig& config,
                                                                  AnswerKind answer,
                                                                  const Recipe& recipe,
                                                                  std::size_t steps) {
  if (config.exits.empty()) return std::nullopt;
  const std::string name = recipe.exit.loss.value_or("sum");
  const ExitTraining how{exit_loss_called(name), steps, answer == AnswerKind::label};
  if (how.by_entropy() && !how.one_label) {
    fail("--exit-loss ", name, ": goes by the probabilities of labels that exclude each other; ",
         "the model answers with ", kind_text(answer), ". Try --exit-loss sum");
  }
  return how;
}

/// `label_weights` are those of --class-weight. Throws Error{Fault::usage} for an option that
/// answers of this kind have no use for.
[[nodiscard]] inline Trainer::Objective objective_of(AnswerKind answer, const LearnOptions& learn,
                                                     const std::vector<double>& label_weights,
                                                     const std::optional<ExitTraining>& exits) {
  const auto smoothing = static_cast<float>(learn.label_smoothing);
  switch (answer) {
    case AnswerKind::label:
      break;
    case AnswerKind::value:
      if (smoothing > 0)
        fail("--label-smoothing: labels that are numbers are not spread over others");
      return RegressObjective{exits};
    case AnswerKind::labels:
      return MultiLabelObjective{
          smoothing, std::vector<float>(label_weights.begin(), label_weights.end()), exits};
  }
  return ClassifyObjective{smoothing, exits};
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
