#pragma once
/// Target `neon`: 128-bit registers (AdvSIMD), every 64-bit Arm.
///
/// With BIPFT_SIMDE it is compiled through the SIMDe headers; see avx512.hpp.

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

#include "bipft/kernels/region.hpp"
#include "bipft/kernels/table.hpp"
#include "bipft/kernels/training_table.hpp"

BIPFT_PLAIN_REGION_BEGIN
namespace bipft::kernels::neon {

inline constexpr std::string_view target_name = "neon";
inline bool supported() { return true; }

/// Ones are tallied byte by byte: a byte counts to 255, 8 at a time.
inline constexpr std::size_t tally_depth = 31;
using TallyQuad = uint8x16_t;
inline TallyQuad no_tally_quad() { return vdupq_n_u8(0); }
inline TallyQuad tally_quad(TallyQuad sum, uint32x4_t a) {
  return vaddq_u8(sum, vcntq_u8(vreinterpretq_u8_u32(a)));
}
inline uint32x4_t settle_quad(TallyQuad sum) { return vpaddlq_u16(vpaddlq_u8(sum)); }

#include "bipft/kernels/target/neon_words.inl"

}  // namespace bipft::kernels::neon
BIPFT_PLAIN_REGION_END
#endif
