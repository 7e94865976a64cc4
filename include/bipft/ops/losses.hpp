#pragma once
/// Losses: scalars that say how wrong the logits of a batch are.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "bipft/autograd/tape.hpp"

namespace bipft {

namespace detail {

/// The sum of an op's `weights`. Throws Error unless they are finite, not negative and of a
/// positive sum.
[[nodiscard]] inline double total_weight(std::string_view op, const Tensor& weights) {
  double total = 0.0;
  for (const float weight : weights.data()) {
    if (!(weight >= 0.0F) || !std::isfinite(weight)) fail(op, ": a weight is ", weight);
    total += static_cast<double>(weight);
  }
  if (total <= 0.0) fail(op, ": all weights are 0");
  return total;
}

/// A loss whose gradient was found along with it.
[[nodiscard]] inline Var record_loss(const Var& x, double loss, const Tensor& dx) {
  return x.tape().record(Tensor(Shape{1}, static_cast<float>(loss)), {x},
                         [to = Slot(x), dx](Tape& tape, const Tensor& dloss) {
                           tape.accumulate(to, tape.device().scale(dx, dloss.data()[0]));
                         });
}

}  // namespace detail

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
  (void)detail::total_weight("cross_entropy", weights);

  const CrossEntropyResult result =
      logits.device().cross_entropy(logits.value(), labels, weights, smoothing);
  return detail::record_loss(logits, result.loss, result.dlogits);
}

/// Forward:    loss = Σ_b w_b Σ_k (x_bk - t_bk)² / (K Σ_b w_b)
/// Backward:   dx_bk = 2 w_b (x_bk - t_bk) / (K Σ_b w_b)
///
///   x, targets: [B, K]   weights: [B], of examples   loss: [1]
/// Throws Error if the shapes do not fit, or the weights are not finite, not negative and of a
/// positive sum.
[[nodiscard]] inline Var mean_squared_error(const Var& x, const Tensor& targets,
                                            const Tensor& weights) {
  if (x.value().numel() == 0 || targets.shape() != x.shape() ||
      weights.shape() != Shape{x.value().rows()}) {
    fail("mean_squared_error: x is ", x.shape(), ", targets are ", targets.shape(),
         ", weights are ", weights.shape());
  }
  const double total = detail::total_weight("mean_squared_error", weights);
  const double columns = static_cast<double>(x.value().cols());
  Device& device = x.device();
  const Tensor difference = device.add(x.value(), device.scale(targets, -1.0F));
  Tensor share(x.shape());  // of each element in the mean
  for (std::size_t b = 0; b < weights.numel(); ++b) {
    const double weight = static_cast<double>(weights.data()[b]);
    const auto row = share.mutable_row(b);
    std::fill(row.begin(), row.end(), static_cast<float>(weight / (columns * total)));
  }
  const Tensor weighted = device.multiply(share, difference);
  return detail::record_loss(x, device.dot(weighted, difference), device.scale(weighted, 2.0F));
}

/// Forward:    loss = -Σ_bk w_bk (t_bk log σ(x_bk) + (1 - t_bk) log σ(-x_bk)) / Σ_bk w_bk,
///             t_bk = (1 - smoothing) target_bk + smoothing / 2
/// Backward:   dx_bk = w_bk (σ(x_bk) - t_bk) / Σ_bk w_bk
///
/// σ(x) is the softmax of x and 0, so this is the cross-entropy of B K choices among two.
///
///   logits: [B, K]   targets: [B, K], 0 or 1   weights: [B, K]   loss: [1]
/// Throws as cross_entropy does, and for a target that is neither 0 nor 1.
[[nodiscard]] inline Var binary_cross_entropy(const Var& logits, const Tensor& targets,
                                              const Tensor& weights, float smoothing = 0.0F) {
  const Shape& shape = logits.shape();
  if (logits.value().numel() == 0 || targets.shape() != shape || weights.shape() != shape) {
    fail("binary_cross_entropy: logits are ", shape, ", targets are ", targets.shape(),
         ", weights are ", weights.shape());
  }
  if (!(smoothing >= 0.0F && smoothing < 1.0F)) {
    fail("binary_cross_entropy: smoothing is ", smoothing, "; it must be at least 0 and below 1");
  }
  (void)detail::total_weight("binary_cross_entropy", weights);
  const std::size_t count = targets.numel();
  Tensor pairs(Shape{count, 2});  // [x, 0]
  Tensor flat(Shape{count});
  IdTensor labels(Shape{count});
  for (std::size_t i = 0; i < count; ++i) {
    const float target = targets.data()[i];
    if (target != 0.0F && target != 1.0F) fail("binary_cross_entropy: a target is ", target);
    pairs.mutable_data()[2 * i] = logits.value().data()[i];
    flat.mutable_data()[i] = weights.data()[i];
    labels.mutable_data()[i] = target == 1.0F ? 0 : 1;
  }
  const CrossEntropyResult result = logits.device().cross_entropy(pairs, labels, flat, smoothing);
  Tensor dlogits(shape);
  for (std::size_t i = 0; i < count; ++i) {
    dlogits.mutable_data()[i] = result.dlogits.data()[2 * i];
  }
  return detail::record_loss(logits, result.loss, dlogits);
}

}  // namespace bipft
