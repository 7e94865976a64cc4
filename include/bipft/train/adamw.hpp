#pragma once
/// AdamW: the optimizer. Adam with weight decay taken out of the gradient.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "bipft/autograd/tape.hpp"
#include "bipft/core/visit.hpp"
#include "bipft/train/moments.hpp"

namespace bipft {

struct AdamWOptions {
  float beta1 = 0.9F;
  float beta2 = 0.999F;
  float epsilon = 1e-8F;
  float weight_decay = 0.01F;

  void visit(auto&& option) {
    option("beta1", beta1, "decay of the mean of gradients");
    option("beta2", beta2, "decay of the mean of squared gradients");
    option("epsilon", epsilon, "added to the root of the latter");
    option("weight_decay", weight_decay, "share of a weight taken off, times the learning rate");
  }
};

/// For every parameter θ with gradient g, at update t = 1, 2, ...          [AdamW] algorithm 2
///   m = β₁ m + (1 - β₁) g            v = β₂ v + (1 - β₂) g²
///   θ = θ - lr ( m/(1 - β₁ᵗ) / (√(v/(1 - β₂ᵗ)) + ε) + λ θ )
/// with λ = weight_decay for matrices and 0 for the rest: biases, norms, scales and shifts; scales
/// may have a learning rate of their own.
/// Where only some rows of θ have a gradient (words of a batch), this holds for these rows, with
/// the same t, and all others keep θ, m and v: no update takes place for a word that no text has.
/// Published BiT trains with BertAdam instead (train/bert_adam.hpp); BiPFT trains with this, and
/// λ = 0.
class AdamW {
 public:
  static constexpr std::string_view name = "adamw";
  static constexpr bool clips_each = false;  ///< clipping is the caller's, by the global norm

  /// For all parameters below `model`, which must outlive the optimizer and stay where it is.
  /// Throws Error if an option makes no sense.
  template <class Model>
  AdamW(Device& device, Model& model, const AdamWOptions& options = {})
      : AdamW(Trainees{.device = &device,
                       .parameters = Trainees::of(model),
                       .weight_decay = options.weight_decay},
              options) {}
  explicit AdamW(const Trainees& of) : AdamW(of, {.weight_decay = of.weight_decay}) {}

  /// Updates every parameter that has a gradient, and takes the gradient away; one without keeps
  /// its value and its means. `gradient_scale`, which clip_scale gives, multiplies the gradients.
  void step(float lr, float gradient_scale = 1.0F) {
    ++updates_;
    moments_.step({.lr = lr,
                   .beta1 = options_.beta1,
                   .beta2 = options_.beta2,
                   .epsilon = options_.epsilon,
                   .weight_decay = 0.0F,
                   .correction1 = correction(options_.beta1, updates_),
                   .correction2 = correction(options_.beta2, updates_),
                   .gradient_scale = 1.0F},
                  [gradient_scale](const Tensor&) { return gradient_scale; });
  }

  /// t, the number of updates so far.
  [[nodiscard]] std::uint64_t updates() const { return updates_; }

  /// All that a checkpoint must hold: "updates", and for every parameter "m.<name>", "v.<name>".
  void visit(auto&& part) {
    part("updates", updates_);
    moments_.visit(part);
  }

  [[nodiscard]] static bool decays(std::string_view name_of, const Shape& shape) {
    return Moments::decays(name_of, shape);
  }

 private:
  AdamW(const Trainees& of, const AdamWOptions& options) : options_(options), moments_(of) {
    const auto decay = [](float beta) { return beta >= 0.0F && beta < 1.0F; };
    if (!decay(options.beta1) || !decay(options.beta2) || !(options.epsilon > 0.0F) ||
        !(options.weight_decay >= 0.0F)) {
      fail("AdamW: beta1 ", options.beta1, ", beta2 ", options.beta2, ", epsilon ", options.epsilon,
           ", weight decay ", options.weight_decay,
           "; betas must be in [0, 1), epsilon above 0 and weight decay not below 0");
    }
  }

  /// 1 - βᵗ, by squaring: std::pow rounds differently from one C library to the next.
  [[nodiscard]] static float correction(float beta, std::uint64_t t) {
    double power = 1.0;
    for (double square = static_cast<double>(beta); t != 0; t >>= 1U, square *= square) {
      if ((t & 1U) != 0) power *= square;
    }
    return static_cast<float>(1.0 - power);
  }

  AdamWOptions options_;
  std::uint64_t updates_ = 0;
  Moments moments_;
};

}  // namespace bipft
