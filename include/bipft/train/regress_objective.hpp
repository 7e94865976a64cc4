#pragma once
/// RegressObjective: numbers alone.

#include "bipft/data/batches.hpp"
#include "bipft/ops/losses.hpp"
#include "bipft/train/objective.hpp"

namespace bipft {

/// The mean squared error of the one logit against the number that a text's `targets` hold: its
/// label on the scale of the training labels (data/values.hpp).
struct RegressObjective {
  template <class Model>
  [[nodiscard]] Outcome operator()(Tape& tape, Model& model, const Batch& batch) const {
    return {mean_squared_error(model(tape, batch), batch.targets, batch.weights)};
  }
};

}  // namespace bipft
