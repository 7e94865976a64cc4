#pragma once
/// Test support: a Vulkan device to test, and a plan on both sides.

#include "bipft/device/vulkan.hpp"

#if BIPFT_VULKAN

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <memory>
#include <vector>

#include "support/random_plan.hpp"

namespace bipft::test {

/// A device of the machine, be it a processor that plays one; nullptr, and a line that makes the
/// test count as skipped, where there is none.
[[nodiscard]] inline std::unique_ptr<VulkanRunner> open_vulkan(vulkan::VulkanOptions options = {}) {
  options.allow_cpu = true;
  try {
    return std::make_unique<VulkanRunner>(options);
  } catch (const vulkan::VulkanError& error) {
    std::printf("skipped: %s\n", error.what());
    std::fflush(stdout);
    return nullptr;
  }
}

/// Its weights laid out by `runner`; `weights` in the order of the plan's products.
[[nodiscard]] inline Plan laid_out(Plan plan, Runner& runner,
                                   const std::vector<BitMatrix>& weights) {
  std::size_t next = 0;
  for (Step& step : plan.steps) {
    if (auto* floats = get_if<LinearStep>(&step)) {
      floats->product.weight = runner.lay_out(weights[next++]);
    } else if (auto* bits = get_if<LinearBitsStep>(&step)) {
      bits->product.weight = runner.lay_out(weights[next++]);
    }
  }
  return plan;
}

struct RandomBatch {
  Ragged texts;
  IdTensor ids, types;

  RandomBatch(Dice& dice, const std::vector<std::size_t>& lengths)
      : texts(lengths),
        ids(random_ids(dice, texts.tokens(), random_plan_vocabulary)),
        types(random_ids(dice, texts.tokens(), 2)) {}

  [[nodiscard]] PlanResult on(Runner& runner, const Plan& plan) const {
    return runner.run(plan, ids, types, texts, true);
  }
  [[nodiscard]] PlanResult on_cpu(const Plan& plan) const {
    return run_plan_on_cpu(plan, ids, types, texts, true);
  }
};

[[nodiscard]] inline bool equal_bytes(const Tensor& a, const Tensor& b) {
  return a.shape() == b.shape() &&
         std::memcmp(a.data().data(), b.data().data(), a.data().size_bytes()) == 0;
}
[[nodiscard]] inline bool equal_bytes(const PlanResult& a, const PlanResult& b) {
  return equal_bytes(a.logits, b.logits) && equal_bytes(a.hidden, b.hidden);
}

}  // namespace bipft::test

#endif
