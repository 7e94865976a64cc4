#pragma once
/// Moments: what optimizers of Adam's family remember of every parameter, and how it is used.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "bipft/autograd/tape.hpp"
#include "bipft/core/visit.hpp"

namespace bipft {

struct NamedParameter {
  std::string name;
  Parameter* parameter;
};

/// What an optimizer of the menu (train/optimizers.hpp) is made of.
struct Trainees {
  Device* device;
  std::vector<NamedParameter> parameters;  ///< which outlive the optimizer and stay where they are
  float weight_decay = 0.01F;
  float scale_rate = 1.0F;  ///< learning rate of scales α, as a share of that of all others
  float clip = 1.0F;        ///< longest gradient of one tensor, where the optimizer clips those

  /// All parameters below `model`.
  template <class Model>
  [[nodiscard]] static std::vector<NamedParameter> of(Model& model) {
    std::vector<NamedParameter> all;
    for_each<Parameter>(model, [&](const std::string& name, Parameter& parameter) {
      all.push_back({name, &parameter});
    });
    return all;
  }
};

/// The means m and v of gradients and of their squares, parameter by parameter.
/// Where only some rows of a parameter have a gradient (words of a batch), an update takes place
/// for these rows, and all others keep value, m and v.
class Moments {
 public:
  explicit Moments(const Trainees& of)
      : device_(of.device), weight_decay_(of.weight_decay), scale_rate_(of.scale_rate) {
    for (const auto& [name, parameter] : of.parameters) {
      const Shape& shape = parameter->value.shape();
      slots_.push_back(
          {name, parameter, decays(name, shape), is_scale(name), Tensor(shape), Tensor(shape)});
    }
  }

  [[nodiscard]] Device& device() const { return *device_; }

  /// Counts an update, and changes every parameter that has a gradient by `common` with its own
  /// decay and rate and the factor gradient_scale(gradient); then takes the gradient away.
  template <class GradientScale>
  void step(const AdamWStep& common, const GradientScale& gradient_scale) {
    for (Slot& slot : slots_) {
      if (slot.parameter->grad.empty()) continue;
      AdamWStep step = common;
      step.gradient_scale = gradient_scale(slot.parameter->grad);
      step.weight_decay = slot.decays ? weight_decay_ : 0.0F;
      if (slot.is_scale) step.lr *= scale_rate_;
      update(slot, step);
      slot.parameter->clear_grad();
    }
  }

  /// All that a checkpoint must hold: for every parameter "m.<name>" and "v.<name>".
  void visit(auto&& part) {
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
  /// Whether a parameter is the scale of a binarizer.
  [[nodiscard]] static bool is_scale(std::string_view name) { return name.ends_with("alpha"); }

 private:
  struct Slot {
    std::string name;
    Parameter* parameter;
    bool decays, is_scale;
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

  Device* device_;
  float weight_decay_, scale_rate_;
  std::vector<Slot> slots_;
};

}  // namespace bipft
