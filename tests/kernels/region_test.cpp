#include "bipft/kernels/region.hpp"

#include <doctest/doctest.h>

#include "bipft/kernels/cpu.hpp"

#if defined(__x86_64__)
BIPFT_REGION_BEGIN("avx2,fma")
namespace {
/// Rounds a b before it adds c, however tempting a fused instruction may be.
[[gnu::noinline]] float twice_rounded(float a, float b, float c) { return a * b + c; }
}  // namespace
BIPFT_REGION_END
#endif

BIPFT_PLAIN_REGION_BEGIN
namespace {
[[gnu::noinline]] float plainly(float a, float b, float c) { return a * b + c; }
}  // namespace
BIPFT_PLAIN_REGION_END

TEST_CASE("region: a product is rounded before it is added to") {
  const float near_one = 1.0F + 0x1p-12F;  // its square has a last bit that a float drops
  const float square = near_one * near_one;
  CHECK(plainly(near_one, near_one, -square) == 0.0F);
#if defined(__x86_64__)
  if (bipft::kernels::cpu().avx2) CHECK(twice_rounded(near_one, near_one, -square) == 0.0F);
#endif
}
