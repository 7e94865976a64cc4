#pragma once
/// MultiLabelObjective: several labels a text.

#include <cstddef>
#include <optional>
#include <vector>

#include "bipft/data/batches.hpp"
#include "bipft/ops/losses.hpp"
#include "bipft/train/objective.hpp"

namespace bipft {

/// The binary cross-entropy of each logit against 1 where a text's `targets` hold the label, 0
/// where not. A label that is there counts `positive[k]` times.
struct MultiLabelObjective {
  float label_smoothing = 0.0F;
  std::vector<float> positive = {};  ///< [K], or empty: once
  std::optional<ExitTraining> exits = {};

  template <class Model>
  [[nodiscard]] Outcome operator()(Tape& tape, Model& model, const Batch& batch) const {
    const Tensor& targets = batch.targets;
    if (!positive.empty() && positive.size() != targets.cols()) {
      fail("MultiLabelObjective: ", positive.size(), " weights for ", targets.cols(), " labels");
    }
    Tensor weights(targets.shape());
    for (std::size_t b = 0; b < targets.rows(); ++b) {
      const auto row = weights.mutable_row(b);
      for (std::size_t k = 0; k < row.size(); ++k) {
        const bool there = targets.row(b)[k] > 0.5F;
        row[k] = batch.weights.data()[b] * (there && !positive.empty() ? positive[k] : 1.0F);
      }
    }
    const auto loss_of = [&](const Var& logits) {
      return binary_cross_entropy(logits, targets, weights, label_smoothing);
    };
    if (exits) {
      const auto [loss, logits] = exit_loss(
          *exits, tape, model, model.hidden_states(tape, batch, nullptr, exits->balanced()),
          batch.texts, loss_of, no_exit_targets,
          [&](const Tensor& answers) { return wrong_sets(answers, targets); });
      return {loss, right_sets(logits.value(), targets)};
    }
    const Var logits = model(tape, batch);
    return {loss_of(logits), right_sets(logits.value(), targets)};
  }

 private:
  /// Texts whose labels are all found, and no others.
  [[nodiscard]] static std::size_t right_sets(const Tensor& logits, const Tensor& targets) {
    std::size_t right = 0;
    for (std::size_t b = 0; b < targets.rows(); ++b) {
      bool all = true;
      for (std::size_t k = 0; k < targets.cols(); ++k) {
        all = all && (logits.row(b)[k] >= 0.0F) == (targets.row(b)[k] > 0.5F);
      }
      right += all ? 1U : 0U;
    }
    return right;
  }
};

}  // namespace bipft
