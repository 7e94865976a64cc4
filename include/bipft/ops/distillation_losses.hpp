#pragma once
/// Losses that compare a student with its teacher: its logits, and its hidden states.

#include <cmath>
#include <cstddef>

#include "bipft/autograd/tape.hpp"

namespace bipft {

/// Forward:    loss = -1/(B K) Σ_b Σ_k t_bk log p_bk,   p_b = softmax(logits_b / T),
///             t_b = softmax(teacher_b / T)                              [Distillation] §2
/// Backward:   dlogits_bk = (p_bk - t_bk) / (B K T), and nothing to the teacher
/// [BiT]'s text leaves open what the mean is taken over; its published code takes it over all B K
/// elements, a K-th of the usual value, and so do we: it decides how much hidden states weigh
/// beside it. For one logit loss and gradient are 0: mean_squared_error is for those.
///
///   logits, teacher: [B, K]   loss: [1]
/// Throws Error if the shapes differ or are empty, or T is not a positive number.
[[nodiscard]] inline Var soft_cross_entropy(const Var& logits, const Tensor& teacher,
                                            float temperature = 1.0F) {
  if (logits.value().empty() || logits.shape() != teacher.shape()) {
    fail("soft_cross_entropy: logits are ", logits.shape(), ", the teacher's are ",
         teacher.shape());
  }
  if (!(temperature > 0.0F) || !std::isfinite(temperature)) {
    fail("soft_cross_entropy: a temperature of ", temperature);
  }
  const CrossEntropyResult result =
      logits.device().soft_cross_entropy(logits.value(), teacher, temperature);
  return logits.tape().record(Tensor(Shape{1}, static_cast<float>(result.loss)), {logits},
                              [logits, dlogits = result.dlogits](Tape& tape, const Tensor& dloss) {
                                tape.accumulate(logits,
                                                tape.device().scale(dlogits, dloss.data()[0]));
                              });
}

/// Forward:    loss = 1/n Σ_i (x_i - target_i)²
/// Backward:   dx_i = 2 (x_i - target_i) / n, and nothing to the target
///
///   x, target: any one shape of n elements   loss: [1]
/// Throws Error if the shapes differ or are empty.
[[nodiscard]] inline Var mean_squared_error(const Var& x, const Tensor& target) {
  if (x.value().empty() || x.shape() != target.shape()) {
    fail("mean_squared_error: x is ", x.shape(), ", the target is ", target.shape());
  }
  Device& device = x.device();
  const Tensor difference = device.add(x.value(), device.scale(target, -1.0F));
  const double count = static_cast<double>(difference.numel());
  const auto loss = static_cast<float>(device.dot(difference, difference) / count);
  return x.tape().record(Tensor(Shape{1}, loss), {x}, [=](Tape& tape, const Tensor& dloss) {
    const auto factor = static_cast<float>(2.0 * static_cast<double>(dloss.data()[0]) / count);
    tape.accumulate(x, tape.device().scale(difference, factor));
  });
}

}  // namespace bipft
