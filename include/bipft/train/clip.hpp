#pragma once
/// Clipping by the global norm: a step may point anywhere, but is never longer than was asked for.

#include <cmath>
#include <string>

#include "bipft/autograd/tape.hpp"
#include "bipft/core/visit.hpp"

namespace bipft {

/// √ Σ g², over all gradients below `model`, in double and in the order of its parts. Not finite if
/// any gradient is not: then there is nothing to clip, and training has diverged.
template <class Model>
[[nodiscard]] double gradient_norm(Device& device, Model& model) {
  double total = 0.0;
  for_each<Parameter>(model, [&](const std::string&, Parameter& parameter) {
    if (!parameter.grad.empty()) total += device.dot(parameter.grad, parameter.grad);
  });
  return std::sqrt(total);
}

/// What to multiply gradients of this norm by: max_norm / norm, but at most 1. A max_norm of 0
/// means no clipping.
[[nodiscard]] inline float clip_scale(double norm, double max_norm) {
  return max_norm > 0.0 && norm > max_norm ? static_cast<float>(max_norm / norm) : 1.0F;
}

}  // namespace bipft
