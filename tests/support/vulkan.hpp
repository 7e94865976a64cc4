#pragma once
/// Test support: a Vulkan device to test, and a plan on both sides.

#include "bipft/device/vulkan.hpp"

#if BIPFT_VULKAN

#include <cstddef>
#include <cstdint>
#include <cstdio>
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

}  // namespace bipft::test

#endif
