#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "bipft/kernels/dispatch.hpp"
#include "support/bits.hpp"

using namespace bipft;
using kernels::KernelTable;

TEST_CASE("pack_row: every target compares the rounded sum, in every lane and leftover") {
  constexpr float infinity = std::numeric_limits<float>::infinity();
  constexpr float tiny = 0x1p-24F;  // half a unit in the last place of values below 1
  // x, shift and threshold: what 0.5 + tiny/2 rounds to decides, not what it is.
  const float xs[] = {0.5F, 0.5F, -0.0F, 0.0F, std::nanf(""), infinity, -infinity, 1.0F, -0.25F};
  const float shifts[] = {tiny / 4, -tiny, 0.0F, -0.0F, 0.0F, -1.0F, 1.0F, -0.5F, 0.75F};
  for (const KernelTable* target : kernels::supported_targets()) {
    CAPTURE(target->name);
    for (std::size_t cols = 1; cols <= 200; ++cols) {
      std::vector<float> x(cols);
      std::vector<float> shift(cols);
      for (std::size_t c = 0; c < cols; ++c) {
        x[c] = xs[(c + cols) % 9];
        shift[c] = shifts[(c + cols) % 9];
      }
      for (const bool strict : {false, true}) {
        for (const bool shifted : {false, true}) {
          for (const float threshold : {0.0F, 0.5F}) {
            std::vector<std::uint64_t> bits(words_for(cols), ~std::uint64_t{0});
            std::vector<std::uint64_t> expected(words_for(cols));
            for (std::size_t c = 0; c < cols; ++c) {
              volatile float sum = x[c];
              if (shifted) sum = x[c] + shift[c];
              const bool one = strict ? sum > threshold : sum >= threshold;
              expected[c / 64] |= std::uint64_t{one} << (c % 64);
            }
            target->pack_row(x.data(), shifted ? shift.data() : nullptr, cols, threshold, strict,
                             bits.data());
            REQUIRE(bits == expected);
          }
        }
      }
    }
  }
}

TEST_CASE("unpack_row: every target gives each bit its level, and writes nothing behind the row") {
  test::Dice dice(7);
  for (const KernelTable* target : kernels::supported_targets()) {
    CAPTURE(target->name);
    for (std::size_t cols = 1; cols <= 200; ++cols) {
      const BitMatrix bits = test::random_bits(dice, 1, cols);
      std::vector<float> y(cols + 1, 7.0F);
      target->unpack_row(bits.view().row(0), cols, -0.75F, 0.25F, y.data());
      for (std::size_t c = 0; c < cols; ++c) REQUIRE(y[c] == (bits.bit(0, c) ? 0.25F : -0.75F));
      REQUIRE(y[cols] == 7.0F);
    }
  }
}
