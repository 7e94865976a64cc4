#pragma once
/// Objective: what a training makes small.

#include <algorithm>
#include <cstddef>
#include <functional>
#include <optional>

#include "bipft/data/batches.hpp"
#include "bipft/nn/linear.hpp"
#include "bipft/nn/mlm_head.hpp"
#include "bipft/ops/losses.hpp"
#include "bipft/train/exit_loss.hpp"

namespace bipft {

/// What an objective says of one batch.
struct Outcome {
  Var loss;               ///< [1]
  std::size_t right = 0;  ///< texts of the batch whose label was found, where labels are learnt
};

/// A loss is made of a model's forward pass over a batch, on the tape that will run backwards. It
/// must depend on nothing else that changes from step to step but the tape's random numbers: then a
/// training that was interrupted goes on as it would have.
template <class Model>
using BasicObjective = std::function<Outcome(Tape&, Model&, const Batch&)>;

/// What an objective learns besides the model, and nobody needs afterwards. The trainer updates it
/// and keeps it in checkpoints.
struct Scaffold {
  std::optional<Linear> projection;     ///< of hidden states, to another width
  std::optional<MlmHead> words;         ///< says which word was masked
  std::optional<Linear> next_sentence;  ///< [2, C]  says whether the second text follows the first

  void visit(auto&& part) {
    part("projection", projection);
    part("words", words);
    part("next_sentence", next_sentence);
  }
};

/// How many rows of `logits` have their largest number where `labels` say.
///   logits: [B, K]   labels: [B]
[[nodiscard]] inline std::size_t count_right(const Tensor& logits, const IdTensor& labels) {
  std::size_t right = 0;
  for (std::size_t b = 0; b < logits.rows(); ++b) {
    const auto row = logits.row(b);
    if (std::max_element(row.begin(), row.end()) - row.begin() == labels.data()[b]) ++right;
  }
  return right;
}

/// Labels alone: the cross-entropy of the logits.
/// With `exits` that of every exit, in one of the ways of ExitLoss.
struct ClassifyObjective {
  float label_smoothing = 0.0F;
  std::optional<ExitTraining> exits = {};

  template <class Model>
  [[nodiscard]] Outcome operator()(Tape& tape, Model& model, const Batch& batch) const {
    const auto loss_of = [&](const Var& logits) {
      return cross_entropy(logits, batch.labels, batch.weights, label_smoothing);
    };
    if (exits) {
      const auto [loss, logits] = exit_loss(
          *exits, tape, model, model.hidden_states(tape, batch, nullptr, exits->balanced()),
          batch.texts, loss_of,
          [&] {
            return WeighedTargets{
                {exit_targets(batch.labels, batch.weights, model.config.labels, label_smoothing),
                 1.0F}};
          },
          [&](const Tensor& answers) { return wrong_labels(answers, batch.labels); });
      return {loss, count_right(logits.value(), batch.labels)};
    }
    const Var logits = model(tape, batch);
    return {loss_of(logits), count_right(logits.value(), batch.labels)};
  }
};

}  // namespace bipft
