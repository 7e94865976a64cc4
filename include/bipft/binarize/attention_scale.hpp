#pragma once
/// attention_scale: what a score's integer is multiplied by, in both forms of a model.

#include <cmath>
#include <cstddef>

namespace bipft {

/// The one factor of a score: (α_q α_k) / √D, each operation rounded.
[[nodiscard]] inline float attention_scale(float q_scale, float k_scale, std::size_t head_size) {
  return q_scale * k_scale / std::sqrt(static_cast<float>(head_size));
}

}  // namespace bipft
