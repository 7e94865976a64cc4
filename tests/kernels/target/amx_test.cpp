#include "bipft/kernels/target/amx.hpp"

#include <doctest/doctest.h>

#include "bipft/kernels/target/scalar.hpp"

// What its products compute is tested in bgemm_test.cpp, with those of every target.

using namespace bipft::kernels;

#if defined(__x86_64__) || defined(BIPFT_SIMDE)

namespace {

/// A row of the second half of a hundred is wrong by one bit.
void broken_floats(const BinaryProduct& product, float scale, const float* bias,
                   const float* residual, float* y) {
  scalar::table.bgemm_floats(product, scale, bias, residual, y);
  if (product.a.rows > 50) y[product.outputs * 99 + 47] += 2;
}

}  // namespace

TEST_CASE("amx: a target whose product differs in one number would be found out") {
  CHECK(amx::same_product(scalar::table, scalar::table));
  KernelTable broken = scalar::table;
  broken.bgemm_floats = broken_floats;
  CHECK(!amx::same_product(broken, scalar::table));
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

TEST_CASE("amx: weights lie behind avx512's own, in blocks of 64 x 128 bits") {
  CHECK(amx::layout_words(48, 200) == avx512::layout_words(48, 200) + 128 + 4 * 256);
  CHECK(amx::layout_words(129, 64) == avx512::layout_words(129, 64) + 256 + 2 * 256);
}

#endif
