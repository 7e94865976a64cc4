#pragma once
/// RegressObjective: numbers alone.

#include <optional>

#include "bipft/data/batches.hpp"
#include "bipft/ops/losses.hpp"
#include "bipft/train/objective.hpp"

namespace bipft {

/// The mean squared error of the one logit against the number that a text's `targets` hold: its
/// label on the scale of the training labels (data/values.hpp).
struct RegressObjective {
  std::optional<ExitTraining> exits = {};

  template <class Model>
  [[nodiscard]] Outcome operator()(Tape& tape, Model& model, const Batch& batch) const {
    const auto loss_of = [&](const Var& logits) {
      return mean_squared_error(logits, batch.targets, batch.weights);
    };
    if (exits) {
      return {exit_loss(*exits, tape, model,
                        model.hidden_states(tape, batch, nullptr, exits->balanced()), batch.texts,
                        loss_of, no_exit_targets,
                        [&](const Tensor& logits) { return wrong_values(logits, batch.targets); })
                  .first};
    }
    return {loss_of(model(tape, batch))};
  }
};

}  // namespace bipft
