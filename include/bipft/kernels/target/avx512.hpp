#pragma once
/// Target `avx512`: 512-bit registers with a popcount of their own (Ice Lake, Zen 4).
///
/// With BIPFT_SIMDE the same code is compiled through the SIMDe headers for any machine, which is
/// how a machine without these instructions tests it.

#if defined(__x86_64__) || defined(BIPFT_SIMDE)
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>
#if defined(BIPFT_SIMDE)
#include <simde/x86/avx512.h>
#else
#include <immintrin.h>
#endif

#include "bipft/kernels/cpu.hpp"
#include "bipft/kernels/region.hpp"
#include "bipft/kernels/table.hpp"
#include "bipft/kernels/training_table.hpp"

namespace bipft::kernels::avx512 {
inline constexpr std::string_view target_name = "avx512";
#if defined(BIPFT_SIMDE)
inline bool supported() { return true; }
#else
inline bool supported() { return cpu().avx512; }
#endif
}  // namespace bipft::kernels::avx512

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic push  // GCC 12's own intrinsics start from undefined registers (PR 105593)
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
#if defined(BIPFT_SIMDE)
BIPFT_PLAIN_REGION_BEGIN
#else
BIPFT_REGION_BEGIN(
    "avx512f,avx512bw,avx512dq,avx512vl,avx512vpopcntdq,avx2,fma,f16c,bmi,bmi2,popcnt")
#endif
namespace bipft::kernels::avx512 {

// --- The words: floats, 16 lanes at a time (scalar.hpp says what they mean) ----------------------
inline constexpr std::size_t lanes = 16;
inline constexpr std::size_t abreast = 4;
using Lanes = __m512;
using Mask = __mmask16;

inline Mask first(std::size_t n) { return static_cast<Mask>((1U << n) - 1U); }
inline std::uint32_t bits_of(Mask mask) { return mask; }
inline Mask both(Mask a, Mask b) { return static_cast<Mask>(a & b); }

inline Lanes splat(float x) { return _mm512_set1_ps(x); }
inline Lanes load(const float* p) { return _mm512_loadu_ps(p); }
inline Lanes load_part(const float* p, std::size_t n) { return _mm512_maskz_loadu_ps(first(n), p); }
inline Lanes load_u16(const std::uint16_t* p) {
  __m256i words;
  std::memcpy(&words, p, sizeof words);
  return _mm512_cvtepi32_ps(_mm512_cvtepu16_epi32(words));
}
inline void store(float* p, Lanes x) { _mm512_storeu_ps(p, x); }
inline void store_part(float* p, Lanes x, std::size_t n) { _mm512_mask_storeu_ps(p, first(n), x); }

inline Lanes add(Lanes a, Lanes b) { return _mm512_add_ps(a, b); }
inline Lanes subtract(Lanes a, Lanes b) { return _mm512_sub_ps(a, b); }
inline Lanes multiply(Lanes a, Lanes b) { return _mm512_mul_ps(a, b); }
inline Lanes divide(Lanes a, Lanes b) { return _mm512_div_ps(a, b); }
inline Lanes root(Lanes a) { return _mm512_sqrt_ps(a); }
inline Lanes lower(Lanes a, Lanes b) { return _mm512_min_ps(a, b); }
inline Lanes upper(Lanes a, Lanes b) { return _mm512_max_ps(a, b); }
inline constexpr bool fuses = true;
inline Lanes fused(Lanes a, Lanes b, Lanes c) { return _mm512_fmadd_ps(a, b, c); }
inline Lanes absolute(Lanes a) {
  return _mm512_castsi512_ps(
      _mm512_and_si512(_mm512_castps_si512(a), _mm512_set1_epi32(0x7FFFFFFF)));
}
inline Lanes copy_sign(Lanes a, Lanes b) {
  const __m512i magnitude = _mm512_castps_si512(absolute(a));
  const __m512i sign = _mm512_andnot_si512(_mm512_set1_epi32(0x7FFFFFFF), _mm512_castps_si512(b));
  return _mm512_castsi512_ps(_mm512_or_si512(magnitude, sign));
}
inline Lanes shift_to_exponent(Lanes a) {
  return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_castps_si512(a), 23));
}

inline Mask at_least(Lanes a, Lanes b) { return _mm512_cmp_ps_mask(a, b, _CMP_GE_OQ); }
inline Mask above(Lanes a, Lanes b) { return _mm512_cmp_ps_mask(a, b, _CMP_GT_OQ); }
inline Lanes select(Mask mask, Lanes yes, Lanes no) { return _mm512_mask_blend_ps(mask, no, yes); }

inline __m256 low_half(Lanes a) { return _mm512_castps512_ps256(a); }
inline __m256 high_half(Lanes a) {
  return _mm256_castpd_ps(_mm512_extractf64x4_pd(_mm512_castps_pd(a), 1));
}

inline float fold_sum(Lanes a) {
  const __m256 eight = _mm256_add_ps(low_half(a), high_half(a));
  const __m128 four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
  const __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(_mm_add_ss(two, _mm_shuffle_ps(two, two, 1)));
}
inline float fold_upper(Lanes a) {
  const __m256 eight = _mm256_max_ps(low_half(a), high_half(a));
  const __m128 four = _mm_max_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
  const __m128 two = _mm_max_ps(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(_mm_max_ss(two, _mm_shuffle_ps(two, two, 1)));
}

inline void transpose(Lanes (&row)[lanes]) {
  Lanes pair[lanes];  // 4 x 4 blocks: first pairs of rows, then pairs of pairs
  BIPFT_UNROLL
  for (std::size_t i = 0; i < lanes; i += 4) {
    pair[i] = _mm512_unpacklo_ps(row[i], row[i + 1]);
    pair[i + 1] = _mm512_unpackhi_ps(row[i], row[i + 1]);
    pair[i + 2] = _mm512_unpacklo_ps(row[i + 2], row[i + 3]);
    pair[i + 3] = _mm512_unpackhi_ps(row[i + 2], row[i + 3]);
  }
  BIPFT_UNROLL
  for (std::size_t i = 0; i < lanes; i += 4) {
    row[i] = _mm512_shuffle_ps(pair[i], pair[i + 2], 0x44);
    row[i + 1] = _mm512_shuffle_ps(pair[i], pair[i + 2], 0xEE);
    row[i + 2] = _mm512_shuffle_ps(pair[i + 1], pair[i + 3], 0x44);
    row[i + 3] = _mm512_shuffle_ps(pair[i + 1], pair[i + 3], 0xEE);
  }
  BIPFT_UNROLL
  for (std::size_t i = 0; i < 4; ++i) {  // row[i], row[i+4], ...: columns i, i+4, i+8, i+12
    pair[i] = _mm512_shuffle_f32x4(row[i], row[i + 4], 0x88);
    pair[i + 4] = _mm512_shuffle_f32x4(row[i], row[i + 4], 0xDD);
    pair[i + 8] = _mm512_shuffle_f32x4(row[i + 8], row[i + 12], 0x88);
    pair[i + 12] = _mm512_shuffle_f32x4(row[i + 8], row[i + 12], 0xDD);
  }
  BIPFT_UNROLL
  for (std::size_t i = 0; i < 4; ++i) {
    row[i] = _mm512_shuffle_f32x4(pair[i], pair[i + 8], 0x88);
    row[i + 4] = _mm512_shuffle_f32x4(pair[i + 4], pair[i + 12], 0x88);
    row[i + 8] = _mm512_shuffle_f32x4(pair[i], pair[i + 8], 0xDD);
    row[i + 12] = _mm512_shuffle_f32x4(pair[i + 4], pair[i + 12], 0xDD);
  }
}

// --- The words: doubles, as many lanes -----------------------------------------------------------
struct Wide {
  __m512d low, high;
};

inline Wide wide_zero() { return {_mm512_setzero_pd(), _mm512_setzero_pd()}; }
inline Wide wide_add(Wide sum, Lanes a) {
  return {_mm512_add_pd(sum.low, _mm512_cvtps_pd(low_half(a))),
          _mm512_add_pd(sum.high, _mm512_cvtps_pd(high_half(a)))};
}
inline Wide wide_add_product(Wide sum, Lanes a, Lanes b) {
  const __m512d low = _mm512_mul_pd(_mm512_cvtps_pd(low_half(a)), _mm512_cvtps_pd(low_half(b)));
  const __m512d high = _mm512_mul_pd(_mm512_cvtps_pd(high_half(a)), _mm512_cvtps_pd(high_half(b)));
  return {_mm512_add_pd(sum.low, low), _mm512_add_pd(sum.high, high)};
}
inline double wide_fold(Wide a) {
  const __m512d eight = _mm512_add_pd(a.low, a.high);
  const __m256d four =
      _mm256_add_pd(_mm512_castpd512_pd256(eight), _mm512_extractf64x4_pd(eight, 1));
  const __m128d two = _mm_add_pd(_mm256_castpd256_pd128(four), _mm256_extractf128_pd(four, 1));
  return _mm_cvtsd_f64(_mm_add_sd(two, _mm_unpackhi_pd(two, two)));
}

// --- The words: integers and bits, 16 lanes of 32 bits -------------------------------------------
using Words = __m512i;

inline Words no_words() { return _mm512_setzero_si512(); }
inline Words splat_word(std::uint32_t x) { return _mm512_set1_epi32(static_cast<int>(x)); }
template <class Int>
inline Words load_words(const Int* p) {
  return _mm512_loadu_si512(p);
}
template <class Int>
inline void store_words(Int* p, Words x) {
  _mm512_storeu_si512(p, x);
}
inline Words bit_xor(Words a, Words b) { return _mm512_xor_si512(a, b); }
inline Words bit_and(Words a, Words b) { return _mm512_and_si512(a, b); }
inline Words add(Words a, Words b) { return _mm512_add_epi32(a, b); }
inline Words subtract(Words a, Words b) { return _mm512_sub_epi32(a, b); }
inline Words lower(Words a, Words b) { return _mm512_min_epu32(a, b); }
inline std::uint32_t fold_lower(Words a) {
  const __m256i eight =
      _mm256_min_epu32(_mm512_castsi512_si256(a), _mm512_extracti64x4_epi64(a, 1));
  const __m128i four =
      _mm_min_epu32(_mm256_castsi256_si128(eight), _mm256_extracti128_si256(eight, 1));
  const __m128i two = _mm_min_epu32(four, _mm_shuffle_epi32(four, 0x4E));
  return static_cast<std::uint32_t>(
      _mm_cvtsi128_si32(_mm_min_epu32(two, _mm_shuffle_epi32(two, 0xB1))));
}
inline Words popcount(Words a) { return _mm512_popcnt_epi32(a); }
/// Of each bit: second ? not third : first.
inline Words choose_or_flip(Words first, Words second, Words third) {
  return _mm512_ternarylogic_epi32(first, second, third, 0x74);
}
inline std::uint32_t signed_at_least(Words a, Words b) { return _mm512_cmpge_epi32_mask(a, b); }
inline Lanes to_lanes(Words a) { return _mm512_cvtepi32_ps(a); }
inline Mask mask_of(std::uint32_t bits) { return static_cast<Mask>(bits); }

/// Permutations look at an index's last 5 or 6 bits, so the last entry lies where 0 does.
inline constexpr bool tables_differ = true;
template <bool wide, bool both_ends>
struct Table {
  __m512 part[4];  // two of them, if it is not wide
  __m512 last;

  void fill(const float* value) {
    last = _mm512_set1_ps(value[wide ? 64 : 32]);
    const __m512 start = _mm512_loadu_ps(value);
    part[0] = both_ends ? start : _mm512_mask_blend_ps(1, start, last);
    part[1] = _mm512_loadu_ps(value + 16);
    if (wide) {
      part[2] = _mm512_loadu_ps(value + 32);
      part[3] = _mm512_loadu_ps(value + 48);
    }
  }
  Lanes look_up(Words index) const {
    __m512 y = _mm512_permutex2var_ps(part[0], index, part[1]);
    if (wide) {
      const __m512 upper = _mm512_permutex2var_ps(part[2], index, part[3]);
      y = _mm512_mask_blend_ps(_mm512_test_epi32_mask(index, _mm512_set1_epi32(32)), y, upper);
    }
    if (!both_ends) return y;
    const Words size = _mm512_set1_epi32(wide ? 64 : 32);
    return _mm512_mask_blend_ps(_mm512_cmpeq_epi32_mask(index, size), y, last);
  }
};

#include "bipft/kernels/body/bwords.inl"

#include "bipft/kernels/body/bcount_parity.inl"

// --- Tiles of float products ---------------------------------------------------------------------
inline constexpr std::size_t tile_rows = 8;     // 8 x 3 registers of sums, 3 of b, 1 of a
inline constexpr std::size_t tile_vectors = 3;  // of 16 columns each

// --- The bodies ----------------------------------------------------------------------------------
#include "bipft/kernels/body/all.inl"

}  // namespace bipft::kernels::avx512
#if defined(BIPFT_SIMDE)
BIPFT_PLAIN_REGION_END
#else
BIPFT_REGION_END
#endif
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif
#endif
