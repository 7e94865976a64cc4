#pragma once
/// MultiLabelObjective: several labels a text.

#include <cstddef>
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

  template <class Model>
  [[nodiscard]] Outcome operator()(Tape& tape, Model& model, const Batch& batch) const {
    const Var logits = model(tape, batch);
    const Tensor& targets = batch.targets;
    if (!positive.empty() && positive.size() != targets.cols()) {
      fail("MultiLabelObjective: ", positive.size(), " weights for ", targets.cols(), " labels");
    }
    Tensor weights(targets.shape());
    std::size_t right = 0;
    for (std::size_t b = 0; b < targets.rows(); ++b) {
      const auto row = weights.mutable_row(b);
      bool all = true;
      for (std::size_t k = 0; k < row.size(); ++k) {
        const bool there = targets.row(b)[k] > 0.5F;
        row[k] = batch.weights.data()[b] * (there && !positive.empty() ? positive[k] : 1.0F);
        all = all && (logits.value().row(b)[k] >= 0.0F) == there;
      }
      right += all ? 1U : 0U;
    }
    return {binary_cross_entropy(logits, targets, weights, label_smoothing), right};
  }
};

}  // namespace bipft
