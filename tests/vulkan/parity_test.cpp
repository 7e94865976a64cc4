#include <doctest/doctest.h>

#include <cstddef>
#include <cstdint>
#include <vector>

#include "bipft/device/vulkan.hpp"
#include "support/vulkan.hpp"

using namespace bipft;

#if BIPFT_VULKAN

TEST_CASE("vulkan: random plans and batches give the CPU's bytes, and validation is silent") {
  const auto counting = test::open_vulkan({.validate = true, .adders = false});
  const auto adding = test::open_vulkan({.validate = true, .adders = true});
  if (!counting || !adding) return;
  constexpr std::uint64_t plans = 64, batches = 16;
  std::size_t equal = 0;
  for (std::uint64_t seed = 0; seed < plans; ++seed) {
    CAPTURE(seed);
    test::Dice dice(seed);
    const auto& runner = seed / 4 % 2 == 0 ? counting : adding;
    const std::size_t head_size = seed % 2 == 0 ? 32 : 64;
    const bool wide = seed % 16 == 5;  // more columns than the lanes of a row exchange at once
    const std::size_t width = head_size * (wide ? dice.between(9, 17) : dice.between(1, 3));
    const std::size_t inner = 8 * dice.between(1, 40);
    std::vector<BitMatrix> weights;
    const Plan here = test::random_plan(1 + seed % 2, width, inner, head_size, seed % 3 == 0, seed,
                                        &weights, seed % 4 != 3);
    const Plan there = test::laid_out(here, *runner, weights);
    for (std::uint64_t b = 0; b < batches; ++b) {
      CAPTURE(b);
      std::vector<std::size_t> lengths(dice.between(1, 6));
      for (std::size_t& length : lengths) length = dice.between(1, b == 0 ? 200 : 40);
      const test::PlanBatch batch = test::random_batch(dice, lengths);
      if (test::equal_bytes(batch.on_cpu(here), batch.on(*runner, there))) ++equal;
    }
  }
  CHECK(equal == plans * batches);
  CHECK(counting->device().validation_errors() == 0);
  CHECK(adding->device().validation_errors() == 0);
}

TEST_CASE("vulkan: a text has the same bytes alone and in any batch") {
  const auto runner = test::open_vulkan();
  if (!runner) return;
  test::Dice dice(5);
  std::vector<BitMatrix> weights;
  const Plan here = test::random_plan(2, 128, 200, 64, false, 5, &weights);
  const Plan there = test::laid_out(here, *runner, weights);
  std::vector<std::size_t> lengths;
  for (std::size_t b = 0; b < 40; ++b) lengths.push_back(dice.between(1, 300));
  const test::PlanBatch all =
      test::random_batch(dice, lengths);  // more tokens than one recording takes
  REQUIRE(all.texts.tokens() > vulkan::DevicePlan::most_tokens);
  const PlanResult together = all.on(*runner, there);
  for (std::size_t b = 0; b < lengths.size(); ++b) {
    CAPTURE(b);
    const Ragged text(std::vector<std::size_t>{lengths[b]});
    IdTensor ids(Shape{lengths[b]}), types(Shape{lengths[b]});
    for (std::size_t t = 0; t < lengths[b]; ++t) {
      ids.mutable_data()[t] = all.ids.data()[all.texts.begin(b) + t];
      types.mutable_data()[t] = all.types.data()[all.texts.begin(b) + t];
    }
    const PlanResult alone = runner->run(there, ids, types, text, false);
    for (std::size_t k = 0; k < there.labels; ++k) {
      CHECK(alone.logits.data()[k] == together.logits.data()[b * there.labels + k]);
    }
  }
}

TEST_CASE("vulkan: without barriers validation finds hazards") {
  const auto runner = test::open_vulkan({.validate = true, .barriers = false});
  if (!runner) return;
  CHECK(runner->device().validation_errors() > 0);
}

#else

TEST_CASE("vulkan: a program without the Vulkan headers is refused the device") {
  CHECK_THROWS_AS((void)select_device("vulkan"), Error);
  CHECK(!select_device("auto").empty());
}

#endif
