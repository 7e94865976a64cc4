#pragma once
/// missing_shader: what a plan would need that no shader does yet.

#include "bipft/device/vulkan/library.hpp"

#if BIPFT_VULKAN


#include "bipft/core/bit_matrix.hpp"
#include "bipft/device/plan.hpp"
#include "bipft/device/plan_check.hpp"

namespace bipft::vulkan {

namespace detail {

/// By step; nullptr: it has a shader.
struct MissingShader {
  const Plan& plan;

  const char* operator()(const AttentionStep& s) const {
    return s.estimators ? "attention with estimators" : nullptr;
  }
  const char* operator()(const NormStep& s) const {
    if (s.packs.size() > 3) return "a norm that is packed more than three times";
    for (const PackStep& pack : s.packs) {
      if (words_for(cols_of(plan, pack.to)) != words_for(plan.width)) {
        return "a norm that is packed into inner bits";
      }
    }
    return nullptr;
  }
  const char* operator()(const MatrixStep& /*s*/) const { return "a product of floats"; }
  const char* operator()(const SignStep& /*s*/) const { return "a product of floats with bits"; }
  const char* operator()(const SigmoidStep& /*s*/) const { return "a sigmoid"; }
  const char* operator()(const MultiplyStep& /*s*/) const { return "a gate"; }
  const char* operator()(const FloatAttentionStep& /*s*/) const { return "attention of floats"; }
  const char* operator()(const PackStep& s) const {
    return s.from == Floats::first ? "bits of a row a text" : nullptr;
  }
  const char* operator()(const PoolStep& s) const {
    return s.read == Floats::first ? "a pooler that adds a mean" : nullptr;
  }
  const char* operator()(const FirstStep& /*s*/) const { return "a model in full precision"; }
  template <class Other>
  const char* operator()(const Other& /*s*/) const {
    return nullptr;
  }
};

}  // namespace detail

/// Names the first of them, or returns nullptr: the plan runs on a device.
[[nodiscard]] inline const char* missing_shader(const Plan& plan) {
  if (plan.positions > 8192) return "texts of more than 8192 tokens";
  for (const Step& step : plan.steps) {
    const char* missing = nullptr;
    visit([&](const auto& s) { missing = detail::MissingShader{plan}(s); }, step);
    if (missing != nullptr) return missing;
  }
  return nullptr;
}

}  // namespace bipft::vulkan

#endif
