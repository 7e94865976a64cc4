#pragma once
/// Target `neon_dotprod`: neon where the processor also multiplies four bytes and adds them to a
/// word (UDOT: Cortex-A76, Neoverse N1, Apple M1, and most of what came after them).
///
/// Times ones, that is the sum of four bytes' counts: the ones of a register are words at once, for
/// the price of the byte-wise add that neon has there, and neon's widening is saved. Of a binary
/// product's instructions that is one in ten where rows have 384 columns, and fewer where they have
/// more.

#if defined(__aarch64__) || defined(BIPFT_SIMDE)
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>
#if defined(BIPFT_SIMDE)
#include <simde/arm/neon.h>
#else
#include <arm_neon.h>
#endif

#include "bipft/kernels/cpu.hpp"
#include "bipft/kernels/region.hpp"
#include "bipft/kernels/table.hpp"
#include "bipft/kernels/training_table.hpp"

namespace bipft::kernels::neon_dotprod {
inline constexpr std::string_view target_name = "neon_dotprod";
#if defined(BIPFT_SIMDE)
inline bool supported() { return true; }
#else
inline bool supported() { return cpu().dotprod; }
#endif
}  // namespace bipft::kernels::neon_dotprod

#if defined(BIPFT_SIMDE)
BIPFT_PLAIN_REGION_BEGIN
#elif defined(__clang__)
BIPFT_REGION_BEGIN("dotprod")
#else
BIPFT_REGION_BEGIN("arch=armv8.2-a+dotprod")
#endif
namespace bipft::kernels::neon_dotprod {

/// Ones are tallied in words, without an end.
inline constexpr std::size_t tally_depth = ~std::size_t{0};
using TallyQuad = uint32x4_t;
inline TallyQuad no_tally_quad() { return vdupq_n_u32(0); }
inline TallyQuad tally_quad(TallyQuad sum, uint32x4_t a) {
  const uint8x16_t ones = vcntq_u8(vreinterpretq_u8_u32(a));
  const uint8x16_t each = vdupq_n_u8(1);
#if defined(__clang__) && !defined(BIPFT_SIMDE)  // before 16 it has no vdotq_u32 here
  __asm__("udot %0.4s, %1.16b, %2.16b" : "+w"(sum) : "w"(ones), "w"(each));
  return sum;
#else
  return vdotq_u32(sum, ones, each);
#endif
}
inline uint32x4_t settle_quad(TallyQuad sum) { return sum; }

#include "bipft/kernels/target/neon_words.inl"

}  // namespace bipft::kernels::neon_dotprod
#if defined(BIPFT_SIMDE)
BIPFT_PLAIN_REGION_END
#else
BIPFT_REGION_END
#endif
#endif
