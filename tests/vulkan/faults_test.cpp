#include <doctest/doctest.h>

#include <cstddef>
#include <vector>

#include "bipft/core/error.hpp"
#include "bipft/device/vulkan.hpp"
#include "support/vulkan.hpp"
#include "support/vulkan_faults.hpp"

using namespace bipft;

#if BIPFT_VULKAN

namespace {

/// One batch from the opening of a device to its answer, by way of `runner_of(device's runner)`.
struct FaultyRun {
  test::Dice dice{3};
  std::vector<BitMatrix> weights;
  Plan plan = test::random_plan(1, 64, 96, 32, false, 3, &weights);
  test::PlanBatch batch = test::random_batch(dice, {5, 40, 1});
  PlanResult expected = batch.on_cpu(plan);
  vulkan::VulkanOptions options{.allow_cpu = true, .alter = &test::put_faults_into};
};

}  // namespace

TEST_CASE("vulkan: whatever call fails, there is a typed error, and nothing is broken after it") {
  if (!test::open_vulkan()) return;
  FaultyRun run;
  for (const VkResult fault : {VK_ERROR_OUT_OF_DEVICE_MEMORY, VK_ERROR_DEVICE_LOST}) {
    test::fault = fault;
    std::size_t refused = 0, survived = 0;
    for (long n = 0;; n += 1 + n / 16) {
      CAPTURE(n);
      test::calls_until_fault = n;
      try {
        VulkanRunner runner(run.options);
        const Plan there = test::laid_out(run.plan, runner, run.weights);
        const PlanResult result = run.batch.on(runner, there);
        CHECK(test::equal_bytes(run.expected, result));
        if (test::calls_until_fault >= 0) break;  // more calls than it takes
        ++survived;                               // a smaller block of memory was enough
      } catch (const vulkan::VulkanError& error) {
        CHECK(error.fault() == Fault::system);
        ++refused;
      }
    }
    test::calls_until_fault = -1;
    CHECK(refused > 30);
    CHECK(survived < refused);
  }
}

TEST_CASE("vulkan: with a fall-back, a device that fails leaves the CPU's answer") {
  FaultyRun run;
  test::fault = VK_ERROR_DEVICE_LOST;
  for (const long n : {0L, 1L, 2L, 5L, 20L}) {
    CAPTURE(n);
    test::calls_until_fault = -1;
    if (!test::open_vulkan()) return;
    VulkanRunner gpu(run.options);
    FallbackRunner runner(gpu);
    test::calls_until_fault = n;
    const Plan there = test::laid_out(run.plan, runner, run.weights);
    for (int round = 0; round < 3; ++round) {
      CHECK(test::equal_bytes(run.expected, run.batch.on(runner, there)));
    }
    CHECK(runner.failed());
    test::calls_until_fault = -1;
  }
}

TEST_CASE("vulkan: no step of a plan of floats, or of floats and signs, has a shader yet") {
  const Step steps[] = {MatrixStep{}, FloatAttentionStep{}, FirstStep{},
                        SignStep{},   SigmoidStep{},        MultiplyStep{}};
  for (const Step& step : steps) {
    Plan plan;
    plan.steps.push_back(step);
    CHECK(vulkan::missing_shader(plan) != nullptr);
  }
}

TEST_CASE("vulkan: a plan without a shader is refused by name, and falls back to the CPU") {
  const auto gpu = test::open_vulkan();
  if (!gpu) return;
  FaultyRun run;
  for (Step& step : run.plan.steps) {
    auto* const norm = get_if<NormStep>(&step);
    if (norm == nullptr || norm->packs.size() < 3) continue;
    norm->packs.push_back(norm->packs.front());  // one more than the shader writes
    break;
  }
  const PlanResult expected = run.batch.on_cpu(run.plan);
  const Plan there = test::laid_out(run.plan, *gpu, run.weights);
  REQUIRE(vulkan::missing_shader(there) != nullptr);
  CHECK_THROWS_AS((void)run.batch.on(*gpu, there), vulkan::NoShader);
  FallbackRunner runner(*gpu);
  CHECK(test::equal_bytes(expected, run.batch.on(runner, there)));
  CHECK(!runner.failed());
}

#endif
