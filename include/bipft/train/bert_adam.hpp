#pragma once
/// BertAdam: the optimizer that [BERT], [BiT] and [BiBERT] were published with.

#include <cmath>
#include <cstdint>
#include <string_view>

#include "bipft/train/clip.hpp"
#include "bipft/train/moments.hpp"

namespace bipft {

/// For every parameter θ with gradient g:
///   g = g min(1, clip / |g|)         each tensor by itself, not all by their common norm
///   m = β₁ m + (1 - β₁) g            v = β₂ v + (1 - β₂) g²
///   θ = θ - lr ( m / (√v + ε) + λ θ )
/// with β₁ = 0.9, β₂ = 0.999, ε = 1e-6 and λ as AdamW has it: Adam without bias correction, which
/// the published codes share and the papers do not mention. Without it first steps are √(1 - β₂ᵗ) /
/// (1 - β₁ᵗ) times as long, up to 3; warm-up is what makes that harmless. As in AdamW, rows of a
/// word embedding that no text of the batch has are left alone.
/// Published clipping divides by |g| + 1e-6, which is the same to the sixth digit.
class BertAdam {
 public:
  static constexpr std::string_view name = "bertadam";
  static constexpr bool clips_each = true;

  /// A clip of 0 means no clipping.
  explicit BertAdam(const Trainees& of) : clip_(of.clip), moments_(of) {
    if (!(of.weight_decay >= 0.0F) || !(of.clip >= 0.0F)) {
      fail("BertAdam: weight decay ", of.weight_decay, ", clip ", of.clip,
           "; neither may be below 0");
    }
  }

  /// Updates every parameter that has a gradient, and takes the gradient away. `gradient_scale`
  /// multiplies the gradients before they are clipped.
  void step(float lr, float gradient_scale = 1.0F) {
    ++updates_;
    moments_.step({.lr = lr,
                   .beta1 = 0.9F,
                   .beta2 = 0.999F,
                   .epsilon = 1e-6F,
                   .weight_decay = 0.0F,
                   .correction1 = 1.0F,
                   .correction2 = 1.0F,
                   .gradient_scale = 1.0F},
                  [&](const Tensor& gradient) {
                    const double norm = static_cast<double>(gradient_scale) *
                                        std::sqrt(moments_.device().dot(gradient, gradient));
                    return gradient_scale * clip_scale(norm, static_cast<double>(clip_));
                  });
  }

  /// The number of updates so far.
  [[nodiscard]] std::uint64_t updates() const { return updates_; }

  /// All that a checkpoint must hold: "updates", and for every parameter "m.<name>", "v.<name>".
  void visit(auto&& part) {
    part("updates", updates_);
    moments_.visit(part);
  }

 private:
  float clip_;
  std::uint64_t updates_ = 0;
  Moments moments_;
};

}  // namespace bipft
