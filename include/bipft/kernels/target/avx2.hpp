#pragma once
/// Target `avx2`: 256-bit registers, every x86 since 2013 (Haswell, Zen).
///
/// With BIPFT_SIMDE it is compiled through the SIMDe headers; see avx512.hpp.

#if defined(__x86_64__) || defined(BIPFT_SIMDE)
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>
#if defined(BIPFT_SIMDE)
#include <simde/x86/avx2.h>
#include <simde/x86/fma.h>
#else
#include <immintrin.h>
#endif

#include "bipft/kernels/cpu.hpp"
#include "bipft/kernels/region.hpp"
#include "bipft/kernels/table.hpp"
#include "bipft/kernels/training_table.hpp"

namespace bipft::kernels::avx2 {
inline constexpr std::string_view target_name = "avx2";
#if defined(BIPFT_SIMDE)
inline bool supported() { return true; }
#else
inline bool supported() { return cpu().avx2; }
#endif
}  // namespace bipft::kernels::avx2

#if defined(BIPFT_SIMDE)
BIPFT_PLAIN_REGION_BEGIN
#else
BIPFT_REGION_BEGIN("avx2,fma,f16c,bmi,bmi2,popcnt")
#endif
namespace bipft::kernels::avx2 {

// --- The words: floats, 16 lanes at a time (scalar.hpp says what they mean) ----------------------
inline constexpr std::size_t lanes = 16;
inline constexpr std::size_t abreast = 4;
struct Lanes {
  __m256 low, high;
};
using Mask = Lanes;  // all ones or all zeros in each lane

inline Lanes splat(float x) { return {_mm256_set1_ps(x), _mm256_set1_ps(x)}; }
inline Lanes load(const float* p) { return {_mm256_loadu_ps(p), _mm256_loadu_ps(p + 8)}; }
inline __m256i first_eight(std::size_t n) {
  return _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(n)),
                            _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}
inline __m256i next_eight(std::size_t n) {
  return _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(n)),
                            _mm256_setr_epi32(8, 9, 10, 11, 12, 13, 14, 15));
}
inline Lanes load_part(const float* p, std::size_t n) {
  if (n <= 8) return {_mm256_maskload_ps(p, first_eight(n)), _mm256_setzero_ps()};
  return {_mm256_loadu_ps(p), _mm256_maskload_ps(p + 8, next_eight(n))};
}
inline Lanes load_u16(const std::uint16_t* p) {
  __m128i low, high;
  std::memcpy(&low, p, sizeof low);
  std::memcpy(&high, p + 8, sizeof high);
  return {_mm256_cvtepi32_ps(_mm256_cvtepu16_epi32(low)),
          _mm256_cvtepi32_ps(_mm256_cvtepu16_epi32(high))};
}
inline void store(float* p, Lanes x) {
  _mm256_storeu_ps(p, x.low);
  _mm256_storeu_ps(p + 8, x.high);
}
inline void store_part(float* p, Lanes x, std::size_t n) {
  if (n <= 8) {
    _mm256_maskstore_ps(p, first_eight(n), x.low);
  } else {
    _mm256_storeu_ps(p, x.low);
    _mm256_maskstore_ps(p + 8, next_eight(n), x.high);
  }
}

inline Lanes add(Lanes a, Lanes b) {
  return {_mm256_add_ps(a.low, b.low), _mm256_add_ps(a.high, b.high)};
}
inline Lanes subtract(Lanes a, Lanes b) {
  return {_mm256_sub_ps(a.low, b.low), _mm256_sub_ps(a.high, b.high)};
}
inline Lanes multiply(Lanes a, Lanes b) {
  return {_mm256_mul_ps(a.low, b.low), _mm256_mul_ps(a.high, b.high)};
}
inline Lanes divide(Lanes a, Lanes b) {
  return {_mm256_div_ps(a.low, b.low), _mm256_div_ps(a.high, b.high)};
}
inline Lanes root(Lanes a) { return {_mm256_sqrt_ps(a.low), _mm256_sqrt_ps(a.high)}; }
inline Lanes lower(Lanes a, Lanes b) {
  return {_mm256_min_ps(a.low, b.low), _mm256_min_ps(a.high, b.high)};
}
inline Lanes upper(Lanes a, Lanes b) {
  return {_mm256_max_ps(a.low, b.low), _mm256_max_ps(a.high, b.high)};
}
inline constexpr bool fuses = true;
inline Lanes fused(Lanes a, Lanes b, Lanes c) {
  return {_mm256_fmadd_ps(a.low, b.low, c.low), _mm256_fmadd_ps(a.high, b.high, c.high)};
}
inline Lanes absolute(Lanes a) {
  const __m256 sign = _mm256_set1_ps(-0.0F);
  return {_mm256_andnot_ps(sign, a.low), _mm256_andnot_ps(sign, a.high)};
}
inline Lanes copy_sign(Lanes a, Lanes b) {
  const __m256 sign = _mm256_set1_ps(-0.0F);
  const Lanes magnitude = absolute(a);
  return {_mm256_or_ps(magnitude.low, _mm256_and_ps(sign, b.low)),
          _mm256_or_ps(magnitude.high, _mm256_and_ps(sign, b.high))};
}
inline Lanes shift_to_exponent(Lanes a) {
  return {_mm256_castsi256_ps(_mm256_slli_epi32(_mm256_castps_si256(a.low), 23)),
          _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_castps_si256(a.high), 23))};
}

inline Mask at_least(Lanes a, Lanes b) {
  return {_mm256_cmp_ps(a.low, b.low, _CMP_GE_OQ), _mm256_cmp_ps(a.high, b.high, _CMP_GE_OQ)};
}
inline Mask above(Lanes a, Lanes b) {
  return {_mm256_cmp_ps(a.low, b.low, _CMP_GT_OQ), _mm256_cmp_ps(a.high, b.high, _CMP_GT_OQ)};
}
inline Mask both(Mask a, Mask b) {
  return {_mm256_and_ps(a.low, b.low), _mm256_and_ps(a.high, b.high)};
}
inline Mask first(std::size_t n) {
  return {_mm256_castsi256_ps(first_eight(n)), _mm256_castsi256_ps(next_eight(n))};
}
inline std::uint32_t bits_of(Mask mask) {
  return static_cast<std::uint32_t>(_mm256_movemask_ps(mask.low)) |
         static_cast<std::uint32_t>(_mm256_movemask_ps(mask.high)) << 8U;
}
inline Lanes select(Mask mask, Lanes yes, Lanes no) {
  return {_mm256_blendv_ps(no.low, yes.low, mask.low),
          _mm256_blendv_ps(no.high, yes.high, mask.high)};
}

inline float fold_sum(Lanes a) {
  const __m256 eight = _mm256_add_ps(a.low, a.high);
  const __m128 four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
  const __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(_mm_add_ss(two, _mm_shuffle_ps(two, two, 1)));
}
inline float fold_upper(Lanes a) {
  const __m256 eight = _mm256_max_ps(a.low, a.high);
  const __m128 four = _mm_max_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
  const __m128 two = _mm_max_ps(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(_mm_max_ss(two, _mm_shuffle_ps(two, two, 1)));
}

/// The 8 x 8 matrix with rows `row`, turned.
inline void transpose_eight(__m256 (&row)[8]) {
  __m256 pair[8];
  BIPFT_UNROLL
  for (std::size_t i = 0; i < 8; i += 4) {
    pair[i] = _mm256_unpacklo_ps(row[i], row[i + 1]);
    pair[i + 1] = _mm256_unpackhi_ps(row[i], row[i + 1]);
    pair[i + 2] = _mm256_unpacklo_ps(row[i + 2], row[i + 3]);
    pair[i + 3] = _mm256_unpackhi_ps(row[i + 2], row[i + 3]);
  }
  __m256 four[8];
  BIPFT_UNROLL
  for (std::size_t i = 0; i < 8; i += 4) {
    four[i] = _mm256_shuffle_ps(pair[i], pair[i + 2], 0x44);
    four[i + 1] = _mm256_shuffle_ps(pair[i], pair[i + 2], 0xEE);
    four[i + 2] = _mm256_shuffle_ps(pair[i + 1], pair[i + 3], 0x44);
    four[i + 3] = _mm256_shuffle_ps(pair[i + 1], pair[i + 3], 0xEE);
  }
  BIPFT_UNROLL
  for (std::size_t i = 0; i < 4; ++i) {
    row[i] = _mm256_permute2f128_ps(four[i], four[i + 4], 0x20);
    row[i + 4] = _mm256_permute2f128_ps(four[i], four[i + 4], 0x31);
  }
}

inline void transpose(Lanes (&row)[lanes]) {
  __m256 block[4][8];
  BIPFT_UNROLL
  for (std::size_t i = 0; i < 8; ++i) {
    block[0][i] = row[i].low;
    block[1][i] = row[i].high;
    block[2][i] = row[i + 8].low;
    block[3][i] = row[i + 8].high;
  }
  for (auto& part : block) transpose_eight(part);
  BIPFT_UNROLL
  for (std::size_t i = 0; i < 8; ++i) {
    row[i] = {block[0][i], block[2][i]};
    row[i + 8] = {block[1][i], block[3][i]};
  }
}

// --- The words: doubles, as many lanes -----------------------------------------------------------
struct Wide {
  __m256d quarter[4];
};

inline __m256d widen(__m256 a, int half) {
  return _mm256_cvtps_pd(half == 0 ? _mm256_castps256_ps128(a) : _mm256_extractf128_ps(a, 1));
}
inline Wide wide_zero() {
  const __m256d zero = _mm256_setzero_pd();
  return {{zero, zero, zero, zero}};
}
inline Wide wide_add(Wide sum, Lanes a) {
  return {{_mm256_add_pd(sum.quarter[0], widen(a.low, 0)),
           _mm256_add_pd(sum.quarter[1], widen(a.low, 1)),
           _mm256_add_pd(sum.quarter[2], widen(a.high, 0)),
           _mm256_add_pd(sum.quarter[3], widen(a.high, 1))}};
}
inline Wide wide_add_product(Wide sum, Lanes a, Lanes b) {
  return {{_mm256_add_pd(sum.quarter[0], _mm256_mul_pd(widen(a.low, 0), widen(b.low, 0))),
           _mm256_add_pd(sum.quarter[1], _mm256_mul_pd(widen(a.low, 1), widen(b.low, 1))),
           _mm256_add_pd(sum.quarter[2], _mm256_mul_pd(widen(a.high, 0), widen(b.high, 0))),
           _mm256_add_pd(sum.quarter[3], _mm256_mul_pd(widen(a.high, 1), widen(b.high, 1)))}};
}
inline double wide_fold(Wide a) {
  const __m256d four = _mm256_add_pd(_mm256_add_pd(a.quarter[0], a.quarter[2]),
                                     _mm256_add_pd(a.quarter[1], a.quarter[3]));
  const __m128d two = _mm_add_pd(_mm256_castpd256_pd128(four), _mm256_extractf128_pd(four, 1));
  return _mm_cvtsd_f64(_mm_add_sd(two, _mm_unpackhi_pd(two, two)));
}

// --- The words: integers and bits, 16 lanes of 32 bits -------------------------------------------
struct Words {
  __m256i low, high;
};

inline Words no_words() { return {_mm256_setzero_si256(), _mm256_setzero_si256()}; }
inline Words splat_word(std::uint32_t x) {
  const __m256i y = _mm256_set1_epi32(static_cast<int>(x));
  return {y, y};
}
template <class Int>
inline Words load_words(const Int* p) {
  return {_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)),
          _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p + 8))};
}
template <class Int>
inline void store_words(Int* p, Words x) {
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), x.low);
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(p + 8), x.high);
}
inline Words bit_xor(Words a, Words b) {
  return {_mm256_xor_si256(a.low, b.low), _mm256_xor_si256(a.high, b.high)};
}
inline Words bit_and(Words a, Words b) {
  return {_mm256_and_si256(a.low, b.low), _mm256_and_si256(a.high, b.high)};
}
inline Words add(Words a, Words b) {
  return {_mm256_add_epi32(a.low, b.low), _mm256_add_epi32(a.high, b.high)};
}
inline Words subtract(Words a, Words b) {
  return {_mm256_sub_epi32(a.low, b.low), _mm256_sub_epi32(a.high, b.high)};
}
inline Words lower(Words a, Words b) {
  return {_mm256_min_epu32(a.low, b.low), _mm256_min_epu32(a.high, b.high)};
}
inline std::uint32_t fold_lower(Words a) {
  const __m256i eight = _mm256_min_epu32(a.low, a.high);
  const __m128i four =
      _mm_min_epu32(_mm256_castsi256_si128(eight), _mm256_extracti128_si256(eight, 1));
  const __m128i two = _mm_min_epu32(four, _mm_shuffle_epi32(four, 0x4E));
  return static_cast<std::uint32_t>(
      _mm_cvtsi128_si32(_mm_min_epu32(two, _mm_shuffle_epi32(two, 0xB1))));
}

/// 32 numbers of 8 bits, 16 of 16. They are no __m256i, for of such a sum GCC makes a copy in every
/// turn of a loop.
using Bytes [[gnu::vector_size(32)]] = unsigned char;
using Shorts [[gnu::vector_size(32)]] = std::uint16_t;

inline Bytes as_bytes(Shorts a) { return reinterpret_cast<Bytes>(a); }
inline Shorts as_shorts(Bytes a) { return reinterpret_cast<Shorts>(a); }
/// (lddqu, which no compiler folds into every instruction that reads the register.)
inline Bytes load_bytes(const unsigned char* p) {
  return reinterpret_cast<Bytes>(_mm256_lddqu_si256(reinterpret_cast<const __m256i*>(p)));
}
/// Where each byte of `index` points to among 16, aligned.
inline Bytes look_up(const unsigned char* sixteen, Bytes index) {
  const __m128i table = _mm_load_si128(reinterpret_cast<const __m128i*>(sixteen));
  return reinterpret_cast<Bytes>(
      _mm256_shuffle_epi8(_mm256_broadcastsi128_si256(table), reinterpret_cast<__m256i>(index)));
}
inline void store_shorts(std::uint16_t* to, Shorts a) { std::memcpy(to, &a, sizeof a); }
inline void add_shorts(std::uint16_t* to, Shorts a) {
  Shorts sum;
  std::memcpy(&sum, to, sizeof sum);
  store_shorts(to, sum + a);
}
/// Eight numbers at even places and eight at odd ones.
inline Words load_woven(const std::uint16_t* even, const std::uint16_t* odd) {
  __m128i first, second;
  std::memcpy(&first, even, sizeof first);
  std::memcpy(&second, odd, sizeof second);
  return {_mm256_cvtepu16_epi32(_mm_unpacklo_epi16(first, second)),
          _mm256_cvtepu16_epi32(_mm_unpackhi_epi16(first, second))};
}

/// [8, 4]: the first bytes of four words, their second bytes, ...
struct Woven {
  __m128i low, high;

  explicit Woven(const std::uint64_t (&from)[4]) {
    __m128i word[4];
    BIPFT_UNROLL
    for (std::size_t i = 0; i < 4; ++i) {
      word[i] = _mm_cvtsi64_si128(static_cast<long long>(from[i]));
    }
    const __m128i first = _mm_unpacklo_epi8(word[0], word[1]);
    const __m128i second = _mm_unpacklo_epi8(word[2], word[3]);
    low = _mm_unpacklo_epi16(first, second);
    high = _mm_unpackhi_epi16(first, second);
  }
};
inline void weave(std::uint32_t* to, const std::uint64_t (&from)[4]) {
  const Woven woven(from);
  std::memcpy(to, &woven, sizeof woven);
}
/// The same, times 16 in 16 bits.
inline void weave_offsets(std::uint32_t* to, const std::uint64_t (&from)[4]) {
  const Woven woven(from);
  const __m256i low = _mm256_slli_epi16(_mm256_cvtepu8_epi16(woven.low), 4);
  const __m256i high = _mm256_slli_epi16(_mm256_cvtepu8_epi16(woven.high), 4);
  store_words(to, Words{low, high});
}

inline __m256i popcount_of(__m256i a) {
  const __m256i ones = _mm256_setr_epi8(0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4,  //
                                        0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4);
  const __m256i nibble = _mm256_set1_epi8(15);
  const __m256i low = _mm256_shuffle_epi8(ones, _mm256_and_si256(a, nibble));
  const __m256i high = _mm256_shuffle_epi8(ones, _mm256_and_si256(_mm256_srli_epi16(a, 4), nibble));
  return _mm256_madd_epi16(_mm256_maddubs_epi16(_mm256_add_epi8(low, high), _mm256_set1_epi8(1)),
                           _mm256_set1_epi16(1));
}
inline Words popcount(Words a) { return {popcount_of(a.low), popcount_of(a.high)}; }

inline std::uint32_t signed_at_least(Words a, Words b) {
  const __m256i low = _mm256_cmpgt_epi32(b.low, a.low);
  const __m256i high = _mm256_cmpgt_epi32(b.high, a.high);
  return ~bits_of({_mm256_castsi256_ps(low), _mm256_castsi256_ps(high)}) & 0xFFFFU;
}
inline Lanes to_lanes(Words a) { return {_mm256_cvtepi32_ps(a.low), _mm256_cvtepi32_ps(a.high)}; }
inline Mask mask_of(std::uint32_t bits) {
  const Words lane = {_mm256_setr_epi32(1, 2, 4, 8, 16, 32, 64, 128),
                      _mm256_setr_epi32(256, 512, 1024, 2048, 4096, 8192, 16384, 32768)};
  const Words set = bit_and(splat_word(bits), lane);
  return {_mm256_castsi256_ps(_mm256_cmpeq_epi32(set.low, lane.low)),
          _mm256_castsi256_ps(_mm256_cmpeq_epi32(set.high, lane.high))};
}

inline constexpr bool tables_differ = false;
template <bool wide, bool both_ends>
struct Table {
  const float* value;

  void fill(const float* from) { value = from; }
  Lanes look_up(Words index) const {
    return {_mm256_i32gather_ps(value, index.low, 4), _mm256_i32gather_ps(value, index.high, 4)};
  }
};

#include "bipft/kernels/body/bwords.inl"

#include "bipft/kernels/body/bcount_pairs.inl"

// --- Tiles of float products ---------------------------------------------------------------------
inline constexpr std::size_t tile_rows = 6;     // 6 x 2 registers of sums, 2 of b, 1 of a
inline constexpr std::size_t tile_vectors = 1;  // of 16 columns each

// --- The bodies ----------------------------------------------------------------------------------
#include "bipft/kernels/body/all.inl"

}  // namespace bipft::kernels::avx2
#if defined(BIPFT_SIMDE)
BIPFT_PLAIN_REGION_END
#else
BIPFT_REGION_END
#endif
#endif
