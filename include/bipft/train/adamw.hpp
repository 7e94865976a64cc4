#pragma once
/// AdamW: the optimizer. Adam with weight decay taken out of the gradient.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "bipft/autograd/tape.hpp"
#include "bipft/core/visit.hpp"

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
/// with λ = weight_decay for matrices and 0 for the rest: biases, norms, scales and shifts.
/// Where only some rows of θ have a gradient (words of a batch), this holds for these rows, with
/// the same t, and all others keep θ, m and v: no update takes place for a word that no text has.
/// Published BiT trains with BertAdam instead, which has no bias correction and clips each tensor
/// by itself; BiPFT trains with this, and λ = 0.
class AdamW {
 public:
  /// For all parameters below `model`, which must outlive the optimizer and stay where it is.
  /// Throws Error if an option makes no sense.
  template <class Model>
  AdamW(Device& device, Model& model, const AdamWOptions& options = {})
      : device_(&device), options_(options) {
    const auto decay = [](float beta) { return beta >= 0.0F && beta < 1.0F; };
    if (!decay(options.beta1) || !decay(options.beta2) || !(options.epsilon > 0.0F) ||
        !(options.weight_decay >= 0.0F)) {
      fail("AdamW: beta1 ", options.beta1, ", beta2 ", options.beta2, ", epsilon ", options.epsilon,
           ", weight decay ", options.weight_decay,
           "; betas must be in [0, 1), epsilon above 0 and weight decay not below 0");
    }
    for_each<Parameter>(model, [this](const std::string& name, Parameter& parameter) {
      const Shape& shape = parameter.value.shape();
      slots_.push_back({name, &parameter, decays(name, shape), Tensor(shape), Tensor(shape)});
    });
  }

  /// Updates every parameter that has a gradient, and takes the gradient away; one without keeps
  /// its value and its means. `gradient_scale`, which clip_scale gives, multiplies the gradients.
  void step(float lr, float gradient_scale = 1.0F) {
    ++updates_;
    const AdamWStep common{.lr = lr,
                           .beta1 = options_.beta1,
                           .beta2 = options_.beta2,
                           .epsilon = options_.epsilon,
                           .weight_decay = 0.0F,
                           .correction1 = correction(options_.beta1, updates_),
                           .correction2 = correction(options_.beta2, updates_),
                           .gradient_scale = gradient_scale};
    for (Slot& slot : slots_) {
      if (slot.parameter->grad.empty()) continue;
      AdamWStep step = common;
      if (slot.decays) step.weight_decay = options_.weight_decay;
      update(slot, step);
      slot.parameter->clear_grad();
    }
  }

  /// t, the number of updates so far.
  [[nodiscard]] std::uint64_t updates() const { return updates_; }

  /// All that a checkpoint must hold: "updates", and for every parameter "m.<name>", "v.<name>".
  void visit(auto&& part) {
    part("updates", updates_);
    for (Slot& slot : slots_) {
      part("m." + slot.name, slot.m);
      part("v." + slot.name, slot.v);
    }
  }

  /// Whether a parameter is subject to decay: matrices are, unless their name says otherwise.
  [[nodiscard]] static bool decays(std::string_view name, const Shape& shape) {
    for (const std::string_view end : {"bias", "beta", "gamma", "shift", "alpha"}) {
      if (name.ends_with(end)) return false;
    }
    return shape.rank() > 1;
  }

 private:
  struct Slot {
    std::string name;
    Parameter* parameter;
    bool decays;
    Tensor m, v;
  };

  void update(Slot& slot, const AdamWStep& step) {
    Parameter& p = *slot.parameter;
    if (p.rows.empty()) return device_->adamw(p.value, slot.m, slot.v, p.grad, step);
    Tensor value = device_->gather(p.value, p.rows);
    Tensor m = device_->gather(slot.m, p.rows);
    Tensor v = device_->gather(slot.v, p.rows);
    device_->adamw(value, m, v, p.grad, step);
    device_->scatter(p.value, p.rows, value);
    device_->scatter(slot.m, p.rows, m);
    device_->scatter(slot.v, p.rows, v);
  }

  /// 1 - βᵗ, by squaring: std::pow rounds differently from one C library to the next.
  [[nodiscard]] static float correction(float beta, std::uint64_t t) {
    double power = 1.0;
    for (double square = static_cast<double>(beta); t != 0; t >>= 1U, square *= square) {
      if ((t & 1U) != 0) power *= square;
    }
    return static_cast<float>(1.0 - power);
  }

  Device* device_;
  AdamWOptions options_;
  std::uint64_t updates_ = 0;
  std::vector<Slot> slots_;
};

}  // namespace bipft
