#include <doctest/doctest.h>

#include <cstring>
#include <memory>
#include <variant>
#include <vector>

#include "bipft/device/vulkan.hpp"
#include "support/random_plan.hpp"

using namespace bipft;

#if BIPFT_VULKAN

namespace {

std::unique_ptr<VulkanRunner> opened(bool validate, bool barriers = true) {
  vulkan::VulkanOptions options;
  options.allow_cpu = true;
  options.validate = validate;
  options.barriers = barriers;
  try {
    return std::make_unique<VulkanRunner>(options);
  } catch (const vulkan::VulkanError& error) {
    MESSAGE("skipped: ", error.what());
    return nullptr;
  }
}

bool equal_bytes(const Tensor& a, const Tensor& b) {
  return a.shape() == b.shape() &&
         std::memcmp(a.data().data(), b.data().data(), a.data().size_bytes()) == 0;
}

}  // namespace

TEST_CASE("vulkan: random plans give the CPU's bytes, and validation has nothing to say") {
  const auto runner = opened(true);
  if (!runner) return;
  for (std::uint64_t seed = 0; seed < 24; ++seed) {
    CAPTURE(seed);
    test::Dice dice(seed);
    const std::size_t head_size = seed % 2 == 0 ? 32 : 64;
    const std::size_t width = head_size == 32 ? 96 : 128;
    std::vector<BitMatrix> weights;
    Plan plan = test::random_plan(1 + seed % 2, width, 200, head_size, seed % 3 == 0, seed,
                                  &weights, seed % 4 != 3);
    Plan there = plan;
    std::size_t next = 0;
    for (Step& step : there.steps) {
      if (auto* s = std::get_if<LinearStep>(&step)) {
        s->product.weight = runner->lay_out(weights[next++]);
      } else if (auto* bits = std::get_if<LinearBitsStep>(&step)) {
        bits->product.weight = runner->lay_out(weights[next++]);
      }
    }
    std::vector<std::size_t> lengths;
    for (std::size_t b = 0; b < 1 + seed % 5; ++b) lengths.push_back(dice.between(1, 70));
    const Ragged texts(lengths);
    const IdTensor ids = test::random_ids(dice, texts.tokens(), test::random_plan_vocabulary);
    const IdTensor types = test::random_ids(dice, texts.tokens(), 2);
    const PlanResult expected = run_plan_on_cpu(plan, ids, types, texts, true);
    const PlanResult result = runner->run(there, ids, types, texts, true);
    CHECK(equal_bytes(expected.hidden, result.hidden));
    CHECK(equal_bytes(expected.logits, result.logits));
  }
  CHECK(runner->device().validation_errors() == 0);
}

TEST_CASE("vulkan: without barriers validation finds hazards") {
  const auto runner = opened(true, false);
  if (!runner) return;
  CHECK(runner->device().validation_errors() > 0);
}

#else

TEST_CASE("vulkan: a program without the Vulkan headers is refused the device") {
  CHECK_THROWS_AS((void)select_device("vulkan"), Error);
  CHECK(!select_device("auto").empty());
}

#endif
