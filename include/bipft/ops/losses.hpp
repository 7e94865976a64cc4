#pragma once
/// Losses: scalars that say how wrong the logits of a batch are.

#include <cmath>
#include <cstddef>
#include <cstdint>

#include "bipft/autograd/tape.hpp"

namespace bipft {

/// Forward:    loss = -Σ_b w_b Σ_k t_bk log p_bk / Σ_b w_b,   p_b = softmax(logits_b),
///             t_bk = (1 - smoothing) 1{k = label_b} + smoothing / K     [Inception] §7
/// Backward:   dlogits_bk = w_b (p_bk - t_bk) / Σ_b w_b
///
///   logits: [B, K]   labels: [B], in 0 ... K-1   weights: [B], of examples   loss: [1]
/// Throws Error if the shapes do not fit, a label is none of the K, smoothing is outside [0, 1), or
/// the weights are not finite, not negative and of a positive sum.
[[nodiscard]] inline Var cross_entropy(const Var& logits, const IdTensor& labels,
                                       const Tensor& weights, float smoothing = 0.0F) {
  const Shape batch{logits.value().rows()};
  if (logits.value().numel() == 0 || labels.shape() != batch || weights.shape() != batch) {
    fail("cross_entropy: logits are ", logits.shape(), ", labels are ", labels.shape(),
         ", weights are ", weights.shape());
  }
  if (!(smoothing >= 0.0F && smoothing < 1.0F)) {
    fail("cross_entropy: smoothing is ", smoothing, "; it must be at least 0 and below 1");
  }
  const std::size_t classes = logits.value().cols();
  for (const std::int32_t label : labels.data()) {
    if (label < 0 || static_cast<std::size_t>(label) >= classes) {
      fail("cross_entropy: label ", label, " is none of the ", classes, " of the logits");
    }
  }
  double total = 0.0;
  for (const float weight : weights.data()) {
    if (!(weight >= 0.0F) || !std::isfinite(weight)) fail("cross_entropy: a weight is ", weight);
    total += static_cast<double>(weight);
  }
  if (total <= 0.0) fail("cross_entropy: all weights are 0");

  const CrossEntropyResult result =
      logits.device().cross_entropy(logits.value(), labels, weights, smoothing);
  return logits.tape().record(
      Tensor(Shape{1}, static_cast<float>(result.loss)), {logits},
      [to = Slot(logits), dlogits = result.dlogits](Tape& tape, const Tensor& dloss) {
        tape.accumulate(to, tape.device().scale(dlogits, dloss.data()[0]));
      });
}

}  // namespace bipft
