#pragma once
/// The instruction sets of kernels/target/ through SIMDe, for a program that is compiled with
/// BIPFT_SIMDE; and the few intrinsics they use that Debian 12's SIMDe (0.7.4) lacks, in plain
/// loops (a later SIMDe's own win); and tiles, which it has not. Every file of that program
/// includes this one before any header of bipft.

#include <cmath>
#include <cstdint>
#include <cstring>

#include <simde/arm/neon.h>
#include <simde/x86/avx2.h>
#include <simde/x86/avx512.h>
#include <simde/x86/fma.h>

#include "simde/tiles.hpp"

#if !defined(__AVX512F__)
using __mmask16 = simde__mmask16;

inline simde__m512 bipft_maskz_loadu_ps(simde__mmask16 mask, const void* from) {
  float lane[16] = {};
  for (unsigned i = 0; i < 16; ++i) {  // a lane that is not asked for is not touched
    if ((mask >> i & 1U) != 0) std::memcpy(lane + i, static_cast<const float*>(from) + i, 4);
  }
  return simde_mm512_loadu_ps(lane);
}
inline void bipft_mask_storeu_ps(void* to, simde__mmask16 mask, simde__m512 x) {
  float lane[16];
  simde_mm512_storeu_ps(lane, x);
  for (unsigned i = 0; i < 16; ++i) {
    if ((mask >> i & 1U) != 0) std::memcpy(static_cast<float*>(to) + i, lane + i, 4);
  }
}
inline simde__m512 bipft_cvtepi32_ps(simde__m512i x) {
  std::int32_t from[16];
  float to[16];
  std::memcpy(from, &x, sizeof from);
  for (unsigned i = 0; i < 16; ++i) to[i] = static_cast<float>(from[i]);
  return simde_mm512_loadu_ps(to);
}
inline simde__m512i bipft_cvtepu16_epi32(simde__m256i x) {
  std::uint16_t from[16];
  std::int32_t to[16];
  std::memcpy(from, &x, sizeof from);
  for (unsigned i = 0; i < 16; ++i) to[i] = from[i];
  return simde_mm512_loadu_si512(to);
}
inline simde__m512d bipft_cvtps_pd(simde__m256 x) {
  float from[8];
  double to[8];
  std::memcpy(from, &x, sizeof from);
  for (unsigned i = 0; i < 8; ++i) to[i] = static_cast<double>(from[i]);
  return simde_mm512_loadu_pd(to);
}
/// Quarters of four floats: two of a, then two of b, as the pairs of bits of `order` say.
inline simde__m512 bipft_shuffle_f32x4(simde__m512 a, simde__m512 b, unsigned order) {
  float from_a[16];
  float from_b[16];
  float to[16];
  simde_mm512_storeu_ps(from_a, a);
  simde_mm512_storeu_ps(from_b, b);
  for (unsigned quarter = 0; quarter < 4; ++quarter) {
    const float* const from = quarter < 2 ? from_a : from_b;
    std::memcpy(to + 4 * quarter, from + 4 * (order >> 2 * quarter & 3U), 16);
  }
  return simde_mm512_loadu_ps(to);
}

/// 32 floats rounded to bfloat16, ties to even, those of `low` first. No NaN comes here.
inline simde__m512bh bipft_cvtne2ps_pbh(simde__m512 high, simde__m512 low) {
  std::uint32_t from[32];
  std::uint16_t to[32];
  std::memcpy(from, &low, sizeof low);
  std::memcpy(from + 16, &high, sizeof high);
  for (unsigned i = 0; i < 32; ++i) {
    to[i] = static_cast<std::uint16_t>((from[i] + 0x7FFFU + (from[i] >> 16U & 1U)) >> 16U);
  }
  simde__m512bh rounded;
  std::memcpy(&rounded, to, sizeof to);
  return rounded;
}

#if !defined(_mm512_maskz_loadu_ps)
#define _mm512_maskz_loadu_ps bipft_maskz_loadu_ps
#endif
#if !defined(_mm512_mask_storeu_ps)
#define _mm512_mask_storeu_ps bipft_mask_storeu_ps
#endif
#if !defined(_mm512_cvtepi32_ps)
#define _mm512_cvtepi32_ps bipft_cvtepi32_ps
#endif
#if !defined(_mm512_cvtepu16_epi32)
#define _mm512_cvtepu16_epi32 bipft_cvtepu16_epi32
#endif
#if !defined(_mm512_cvtps_pd)
#define _mm512_cvtps_pd bipft_cvtps_pd
#endif
#if !defined(_mm512_cvtne2ps_pbh)
#define _mm512_cvtne2ps_pbh bipft_cvtne2ps_pbh
#endif
#if !defined(_mm512_shuffle_f32x4)
#define _mm512_shuffle_f32x4 bipft_shuffle_f32x4
#endif
#endif

#if !defined(__aarch64__)
inline simde_float32x4_t bipft_divq_f32(simde_float32x4_t a, simde_float32x4_t b) {
  float numerator[4];
  float denominator[4];
  simde_vst1q_f32(numerator, a);
  simde_vst1q_f32(denominator, b);
  for (unsigned i = 0; i < 4; ++i) numerator[i] /= denominator[i];
  return simde_vld1q_f32(numerator);
}
inline simde_float32x4_t bipft_sqrtq_f32(simde_float32x4_t a) {
  float lane[4];
  simde_vst1q_f32(lane, a);
  for (float& x : lane) x = std::sqrt(x);
  return simde_vld1q_f32(lane);
}

#if !defined(vdivq_f32)
#define vdivq_f32 bipft_divq_f32
#endif
#if !defined(vsqrtq_f32)
#define vsqrtq_f32 bipft_sqrtq_f32
#endif
#endif
