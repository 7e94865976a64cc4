#include "bipft/kernels/target/amx.hpp"

#include <doctest/doctest.h>

#include <cstdint>
#include <cstring>
#include <vector>

#include "bipft/kernels/target/scalar.hpp"
#include "support/bits.hpp"
#include "support/tile_trap.hpp"

// What its products compute is tested in bgemm_test.cpp, with those of every target.

using namespace bipft;
using namespace bipft::kernels;

#if defined(__x86_64__) || defined(BIPFT_SIMDE)

namespace {

/// A row of the second half of a hundred is wrong by one bit.
void broken_floats(const BinaryProduct& product, const float* scale, const float* bias,
                   const float* residual, float* y) {
  scalar::table.bgemm_floats(product, scale, bias, residual, y);
  if (product.a.rows > 50) y[product.outputs * 99 + 47] += 2;
}

void broken_gradient(const SignProduct& product, float* workspace) {
  avx512_bf16::sign_product(product, workspace);
  product.c[product.c_stride * product.m - 1] += 1;
}

/// Whole numbers times bits: exact in bfloat16 and in any order of additions.
std::vector<float> whole_product(const TrainingKernels& kernels, std::size_t k, bool transposed) {
  constexpr std::size_t m = 41, n = 50;
  test::Dice dice(k);
  std::vector<float> a(m * k);
  for (float& x : a) x = static_cast<float>(dice.between(0, 16)) - 8;
  const BitMatrix signs = test::random_bits(dice, k, n);
  std::vector<float> c(m * n);
  SignProduct product;
  product.a = a.data();
  product.a_stride = transposed ? m : k;
  product.a_transposed = transposed;
  product.signs = signs.view();
  product.c = c.data();
  product.c_stride = product.n = n;
  product.m = m;
  std::vector<float> workspace(kernels.sign_workspace);
  kernels.sign_product(product, workspace.data());
  return c;
}

#if defined(BIPFT_SIMDE) || defined(__linux__)
void check_whole_products() {
  CHECK(amx::same_gradient(amx::sign_product, avx512_bf16::sign_product));
  TrainingKernels by_tiles = amx::training;
  by_tiles.sign_product = amx::sign_product;  // itself, not what stands in where it is wrong
  for (const std::size_t k : {1U, 3U, 33U, 600U}) {
    for (const bool transposed : {false, true}) {
      CAPTURE(k);
      CAPTURE(transposed);
      // Tiles come from the pool with what was there before: here, no numbers.
      constexpr std::size_t tiles = 4 + (2 + amx::sign_rows / 16) * amx::sign_steps;
      {
        const PoolArray<amx::Tile> buffer(tiles);
        std::memset(buffer.begin(), 0xFF, tiles * sizeof(amx::Tile));
      }
      CHECK(whole_product(by_tiles, k, transposed) ==
            whole_product(scalar::training, k, transposed));
    }
  }
}
#endif

}  // namespace

TEST_CASE("amx: a target whose product differs in one number would be found out") {
  CHECK(amx::same_product(scalar::table, scalar::table));
  KernelTable broken = scalar::table;
  broken.bgemm_floats = broken_floats;
  CHECK(!amx::same_product(broken, scalar::table));
}

TEST_CASE("amx: a gradient that differs in one number would be found out, and is not used") {
  if (!avx512_bf16::supported()) return;
  CHECK(amx::same_gradient(avx512_bf16::sign_product, avx512_bf16::sign_product));
  CHECK(!amx::same_gradient(broken_gradient, avx512_bf16::sign_product));
}

TEST_CASE("amx: is avx512 but for its products of bits") {
  CHECK(amx::table.name == "amx");
  CHECK((amx::table.bit_attention == avx512::table.bit_attention));
  CHECK((amx::table.softmax == avx512::table.softmax));
  CHECK((amx::table.bgemm_bits != avx512::table.bgemm_bits));
  CHECK((amx::training.adamw == avx512::training.adamw));
  CHECK((amx::training.sign_product != avx512::training.sign_product));
  CHECK((amx::training.bgemm_ints != avx512::training.bgemm_ints));
}

TEST_CASE("amx: no machine without its tiles is offered it") {
#if defined(BIPFT_SIMDE)
  CHECK(amx::supported());
#else
  CHECK((cpu().amx || !amx::supported()));
#endif
}

#if defined(BIPFT_SIMDE)
TEST_CASE("amx: sums of whole numbers times bits are exact, whatever lay in its tiles") {
  check_whole_products();
}
#elif defined(__linux__)
TEST_CASE("amx: its very instructions, executed by a trap where the processor has none") {
  if (!cpu().avx512_bf16 || cpu().amx) return;
  const test::TileTrap trap;
  CHECK(amx::same_product(amx::table, avx512::table));
  CHECK(test::TileTrap::executed() == 7U * 4 * 4);  // of 16 rows, 16 columns, 64 bits
  check_whole_products();
}
#endif

TEST_CASE("amx: weights lie behind avx512's own, in blocks of 64 x 128 bits") {
  CHECK(amx::layout_words(48, 200) == avx512::layout_words(48, 200) + 128 + 4 * 256);
  CHECK(amx::layout_words(129, 64) == avx512::layout_words(129, 64) + 256 + 2 * 256);
}

#endif
