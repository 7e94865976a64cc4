#pragma once
/// Limits: what the registers of this machine can do at most, by loops that touch no memory.
///
/// Kernels are to be compared with these. The words of a loop change nowhere, so an empty assembly
/// statement makes the compiler believe that one of them may have, or it would do the work once.
/// Arrays stand for registers: loops over them are unrolled.

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

#include "bipft/kernels/tiles.hpp"

namespace bipft::bench {

/// A loop, and the operations that a call of it does.
struct Limit {
  double operations = 0;
  void (*loop)() = nullptr;
};

/// Of a target: binary products, one with a count for every word, one that counts carries of
/// running parities, and one in a way of the target's own, if it has any (see the kernels); and
/// fused or unfused float multiply-adds.
struct Limits {
  std::string_view target;
  Limit plain, parity, own, floats;
};

namespace detail {

inline constexpr std::size_t turns = 20'000;

inline void scalar_plain() {
  std::uint64_t a[4] = {1, 2, 3, 4};
  std::uint64_t b = 0x123456789ABCDEFU;
  std::uint64_t sum[4] = {};
  for (std::size_t n = 0; n < turns; ++n) {
#pragma GCC unroll 16
    for (std::size_t i = 0; i < 4; ++i) {
      __asm__ volatile("" : "+r"(b));
      sum[i] += static_cast<std::uint64_t>(__builtin_popcountll(a[i] ^ b));
    }
  }
  for (std::uint64_t& s : sum) __asm__ volatile("" : "+r"(s));
}

/// (a, b, c) to their parity, in a, and their majority, which is returned.
[[gnu::always_inline]] inline std::uint64_t scalar_add(std::uint64_t& a, std::uint64_t b,
                                                       std::uint64_t c) {
  const std::uint64_t half = a ^ b;
  const std::uint64_t carry = (a & b) | (half & c);
  a = half ^ c;
  return carry;
}

/// Sixteen words to eight carries of running parities, and these through a tree of adders to one
/// count.
inline void scalar_parity() {
  const std::uint64_t a = 3;
  std::uint64_t b = 0x123456789ABCDEFU;
  std::uint64_t last = 0, ones = 0, twos = 0, fours = 0, sum = 0;
  for (std::size_t n = 0; n < turns; ++n) {
    std::uint64_t two[4];
#pragma GCC unroll 16
    for (std::size_t pair = 0; pair < 4; ++pair) {
      std::uint64_t carries[2];
#pragma GCC unroll 16
      for (std::uint64_t& carry : carries) {
        __asm__ volatile("" : "+r"(b));
        const std::uint64_t first = a ^ b;
        __asm__ volatile("" : "+r"(b));
        const std::uint64_t second = a ^ b;
        carry = (first & ~second) | (~first & last);
        last = second;
      }
      two[pair] = scalar_add(ones, carries[0], carries[1]);
    }
    const std::uint64_t four = scalar_add(twos, two[0], two[1]);
    const std::uint64_t other = scalar_add(twos, two[2], two[3]);
    sum += static_cast<std::uint64_t>(__builtin_popcountll(scalar_add(fours, four, other)));
  }
  __asm__ volatile("" : "+r"(sum), "+r"(ones), "+r"(twos), "+r"(fours));
}

#if defined(__x86_64__)

inline void scalar_floats() {
  __m128 sum[8] = {};
  const __m128 a = _mm_set1_ps(0.5F);
  __m128 b = _mm_set1_ps(0.25F);
  for (std::size_t n = 0; n < turns; ++n) {
#pragma GCC unroll 16
    for (__m128& s : sum) {
      __asm__ volatile("" : "+x"(b));
      s = _mm_add_ps(s, _mm_mul_ps(a, b));
    }
  }
#pragma GCC unroll 16
  for (__m128& s : sum) __asm__ volatile("" : "+x"(s));
}

#define BIPFT_BENCH_AVX2 [[gnu::target("avx2,fma,popcnt"), gnu::always_inline]] inline

/// Bits set in each byte of x.
BIPFT_BENCH_AVX2 __m256i avx2_count(__m256i x) {
  const __m256i table = _mm256_setr_epi8(0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4, 0, 1, 1, 2,
                                         1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4);
  const __m256i mask = _mm256_set1_epi8(15);
  const __m256i low = _mm256_shuffle_epi8(table, _mm256_and_si256(x, mask));
  const __m256i high = _mm256_shuffle_epi8(table, _mm256_and_si256(_mm256_srli_epi16(x, 4), mask));
  return _mm256_add_epi8(low, high);
}

/// (a, b, c) to their parity, in a, and their majority, which is returned.
BIPFT_BENCH_AVX2 __m256i avx2_add(__m256i& a, __m256i b, __m256i c) {
  const __m256i half = _mm256_xor_si256(a, b);
  const __m256i carry = _mm256_or_si256(_mm256_and_si256(a, b), _mm256_and_si256(half, c));
  a = _mm256_xor_si256(half, c);
  return carry;
}

[[gnu::target("avx2,fma,popcnt")]] inline void avx2_plain() {
  __m256i a[4];
#pragma GCC unroll 16
  for (int i = 0; i < 4; ++i) a[i] = _mm256_set1_epi32(i);
  __m256i b = _mm256_set1_epi32(77);
  __m256i sum = _mm256_setzero_si256();
  for (std::size_t n = 0; n < turns; n += 4) {  // bytes hold the counts of four turns and more
    __m256i bytes[4] = {};
#pragma GCC unroll 16
    for (int turn = 0; turn < 4; ++turn) {
#pragma GCC unroll 16
      for (int i = 0; i < 4; ++i) {
        __asm__ volatile("" : "+x"(b));
        bytes[i] = _mm256_add_epi8(bytes[i], avx2_count(_mm256_xor_si256(a[i], b)));
      }
    }
    const __m256i all =
        _mm256_add_epi8(_mm256_add_epi8(bytes[0], bytes[1]), _mm256_add_epi8(bytes[2], bytes[3]));
    sum = _mm256_add_epi64(sum, _mm256_sad_epu8(all, _mm256_setzero_si256()));
  }
  __asm__ volatile("" : "+x"(sum));
}

/// Sixteen words to eight carries, and these through a tree of adders to one count.
[[gnu::target("avx2,fma,popcnt")]] inline void avx2_parity() {
  const __m256i a = _mm256_set1_epi32(3);
  __m256i b = _mm256_set1_epi32(77);
  __m256i last = _mm256_setzero_si256();
  __m256i ones = last, twos = last, fours = last, sum = last;
  const __m256i zero = last;
  for (std::size_t n = 0; n < turns; ++n) {
    __m256i two[4];
    __m256i carries[2];
#pragma GCC unroll 16
    for (int pair = 0; pair < 4; ++pair) {
#pragma GCC unroll 16
      for (__m256i& carry : carries) {
        __asm__ volatile("" : "+x"(b));
        const __m256i first = _mm256_xor_si256(a, b);
        __asm__ volatile("" : "+x"(b));
        const __m256i second = _mm256_xor_si256(a, b);
        carry =
            _mm256_or_si256(_mm256_andnot_si256(second, first), _mm256_andnot_si256(first, last));
        last = second;
      }
      two[pair] = avx2_add(ones, carries[0], carries[1]);
    }
    const __m256i four = avx2_add(twos, two[0], two[1]);
    const __m256i other = avx2_add(twos, two[2], two[3]);
    const __m256i eight = avx2_add(fours, four, other);
    sum = _mm256_add_epi64(sum, _mm256_sad_epu8(avx2_count(eight), zero));
  }
  __asm__ volatile("" : "+x"(sum), "+x"(ones), "+x"(twos), "+x"(fours));
}

/// Looks for two rows at once: three are a sum of bytes, which is added up, and its upper halves.
[[gnu::target("avx2,fma,popcnt")]] inline void avx2_looks() {
  using Bytes [[gnu::vector_size(32)]] = unsigned char;
  Bytes sum[4] = {};
  Bytes upper[4] = {};
  __m256i table = _mm256_set1_epi8(1);
  const __m256i index[3] = {_mm256_set1_epi8(1), _mm256_set1_epi8(2), _mm256_set1_epi8(3)};
  for (std::size_t n = 0; n < turns; ++n) {
#pragma GCC unroll 16
    for (int i = 0; i < 4; ++i) {
      Bytes three = {};
#pragma GCC unroll 16
      for (int look = 0; look < 3; ++look) {
        __asm__ volatile("" : "+x"(table));
        three += reinterpret_cast<Bytes>(_mm256_shuffle_epi8(table, index[look]));
      }
      sum[i] += three;
      upper[i] += reinterpret_cast<Bytes>(_mm256_srli_epi16(reinterpret_cast<__m256i>(three), 4));
    }
  }
#pragma GCC unroll 16
  for (int i = 0; i < 4; ++i) __asm__ volatile("" : "+x"(sum[i]), "+x"(upper[i]));
}

[[gnu::target("avx2,fma,popcnt")]] inline void avx2_floats() {
  __m256 sum[12];
#pragma GCC unroll 16
  for (__m256& s : sum) s = _mm256_setzero_ps();
  const __m256 a = _mm256_set1_ps(0.5F);
  __m256 b = _mm256_set1_ps(0.25F);
  for (std::size_t n = 0; n < turns; ++n) {
#pragma GCC unroll 16
    for (__m256& s : sum) {
      __asm__ volatile("" : "+x"(b));
      s = _mm256_fmadd_ps(a, b, s);
    }
  }
#pragma GCC unroll 16
  for (__m256& s : sum) __asm__ volatile("" : "+x"(s));
}

[[gnu::target("avx512f,avx512vpopcntdq")]] inline void avx512_plain() {
  __m512i a[8];
  __m512i sum[8];
#pragma GCC unroll 16
  for (int i = 0; i < 8; ++i) {
    a[i] = _mm512_set1_epi32(i);
    sum[i] = _mm512_setzero_si512();
  }
  __m512i b = _mm512_set1_epi32(77);
  for (std::size_t n = 0; n < turns; ++n) {
#pragma GCC unroll 16
    for (int i = 0; i < 8; ++i) {
      __asm__ volatile("" : "+v"(b));
      sum[i] = _mm512_add_epi32(sum[i], _mm512_popcnt_epi32(_mm512_xor_si512(a[i], b)));
    }
  }
#pragma GCC unroll 16
  for (__m512i& s : sum) __asm__ volatile("" : "+v"(s));
}

[[gnu::target("avx512f,avx512vpopcntdq")]] inline void avx512_parity() {
  __m512i last[8];
  __m512i sum[8];
#pragma GCC unroll 16
  for (int i = 0; i < 8; ++i) last[i] = sum[i] = _mm512_setzero_si512();
  const __m512i a = _mm512_set1_epi32(3);
  __m512i b = _mm512_set1_epi32(77);
  for (std::size_t n = 0; n < turns; ++n) {
#pragma GCC unroll 16
    for (int i = 0; i < 8; ++i) {
      __asm__ volatile("" : "+v"(b));
      const __m512i first = _mm512_xor_si512(a, b);
      __asm__ volatile("" : "+v"(b));
      const __m512i second = _mm512_xor_si512(a, b);
      // first ? ~second : last
      const __m512i carry = _mm512_ternarylogic_epi32(last[i], first, second, 0x74);
      sum[i] = _mm512_add_epi32(sum[i], _mm512_popcnt_epi32(carry));
      last[i] = second;
    }
  }
#pragma GCC unroll 16
  for (__m512i& s : sum) __asm__ volatile("" : "+v"(s));
}

[[gnu::target("avx512f")]] inline void avx512_floats() {
  __m512 sum[16];
#pragma GCC unroll 16
  for (__m512& s : sum) s = _mm512_setzero_ps();
  const __m512 a = _mm512_set1_ps(0.5F);
  __m512 b = _mm512_set1_ps(0.25F);
  for (std::size_t n = 0; n < turns; ++n) {
#pragma GCC unroll 16
    for (__m512& s : sum) {
      __asm__ volatile("" : "+v"(b));
      s = _mm512_fmadd_ps(a, b, s);
    }
  }
#pragma GCC unroll 16
  for (__m512& s : sum) __asm__ volatile("" : "+v"(s));
}

#undef BIPFT_BENCH_AVX2

/// Products of bytes that are 0 or 1, two tiles of rows by two of columns.
inline void amx_tiles() {
  using namespace kernels::amx;
  const UseOfTiles use;
  tile_zero<0>(), tile_zero<1>(), tile_zero<2>(), tile_zero<3>();
  tile_zero<4>(), tile_zero<5>(), tile_zero<6>(), tile_zero<7>();
  for (std::size_t n = 0; n < turns; ++n) {
    tile_dot_bytes<0, 4, 6>();
    tile_dot_bytes<1, 4, 7>();
    tile_dot_bytes<2, 5, 6>();
    tile_dot_bytes<3, 5, 7>();
  }
}

#elif defined(__aarch64__)

inline void neon_plain() {
  uint8x16_t a[8];
  uint8x16_t sum[8];
#pragma GCC unroll 16
  for (int i = 0; i < 8; ++i) a[i] = sum[i] = vdupq_n_u8(static_cast<std::uint8_t>(i));
  uint8x16_t b = vdupq_n_u8(77);
  for (std::size_t n = 0; n < turns; ++n) {
#pragma GCC unroll 16
    for (int i = 0; i < 8; ++i) {
      __asm__ volatile("" : "+w"(b));
      sum[i] = vaddq_u8(sum[i], vcntq_u8(veorq_u8(a[i], b)));
    }
  }
#pragma GCC unroll 16
  for (uint8x16_t& s : sum) __asm__ volatile("" : "+w"(s));
}

/// first ? not second : last, which is one instruction and one to turn `second` around.
inline void neon_parity() {
  uint8x16_t last[8];
  uint8x16_t sum[8];
#pragma GCC unroll 16
  for (int i = 0; i < 8; ++i) last[i] = sum[i] = vdupq_n_u8(0);
  const uint8x16_t a = vdupq_n_u8(3);
  uint8x16_t b = vdupq_n_u8(77);
  for (std::size_t n = 0; n < turns; ++n) {
#pragma GCC unroll 16
    for (int i = 0; i < 8; ++i) {
      __asm__ volatile("" : "+w"(b));
      const uint8x16_t first = veorq_u8(a, b);
      __asm__ volatile("" : "+w"(b));
      const uint8x16_t second = veorq_u8(a, b);
      sum[i] = vaddq_u8(sum[i], vcntq_u8(vbslq_u8(first, vmvnq_u8(second), last[i])));
      last[i] = second;
    }
  }
#pragma GCC unroll 16
  for (uint8x16_t& s : sum) __asm__ volatile("" : "+w"(s));
}

#if defined(__clang__)
[[gnu::target("dotprod")]]
#else
[[gnu::target("arch=armv8.2-a+dotprod")]]
#endif
inline void
neon_dotprod_plain() {
  uint8x16_t a[8];
  uint32x4_t sum[8];
#pragma GCC unroll 16
  for (int i = 0; i < 8; ++i) {
    a[i] = vdupq_n_u8(static_cast<std::uint8_t>(i));
    sum[i] = vdupq_n_u32(0);
  }
  const uint8x16_t each = vdupq_n_u8(1);
  uint8x16_t b = vdupq_n_u8(77);
  for (std::size_t n = 0; n < turns; ++n) {
#pragma GCC unroll 16
    for (int i = 0; i < 8; ++i) {
      __asm__ volatile("" : "+w"(b));
      const uint8x16_t ones = vcntq_u8(veorq_u8(a[i], b));
      __asm__("udot %0.4s, %1.16b, %2.16b" : "+w"(sum[i]) : "w"(ones), "w"(each));
    }
  }
#pragma GCC unroll 16
  for (uint32x4_t& s : sum) __asm__ volatile("" : "+w"(s));
}

inline void neon_floats() {
  float32x4_t sum[16];
#pragma GCC unroll 16
  for (float32x4_t& s : sum) s = vdupq_n_f32(0);
  const float32x4_t a = vdupq_n_f32(0.5F);
  float32x4_t b = vdupq_n_f32(0.25F);
  for (std::size_t n = 0; n < turns; ++n) {
#pragma GCC unroll 16
    for (float32x4_t& s : sum) {
      __asm__ volatile("" : "+w"(b));
      s = vfmaq_f32(s, a, b);
    }
  }
#pragma GCC unroll 16
  for (float32x4_t& s : sum) __asm__ volatile("" : "+w"(s));
}

#endif

}  // namespace detail

/// The limits that kernels of this target are held to; all zero if it has none here.
[[nodiscard]] inline Limits limits_of(std::string_view target) {
  using namespace detail;
  // Operations a turn: words in flight x bits a word x 2.
  [[maybe_unused]] const auto ops = [](double a_turn) {
    return a_turn * static_cast<double>(turns);
  };
  const Limit plain{ops(4 * 64 * 2), scalar_plain};
  const Limit parity{ops(16 * 64 * 2), scalar_parity};
#if defined(__x86_64__)
  if (target == "scalar") return {target, plain, parity, {}, {ops(8 * 4 * 2), scalar_floats}};
  if (target == "avx2") {
    return {target,
            {ops(4 * 256 * 2), avx2_plain},
            {ops(16 * 256 * 2), avx2_parity},
            {ops(4 * 3 * 256 * 2), avx2_looks},
            {ops(12 * 8 * 2), avx2_floats}};
  }
  const bool tiles = target == "amx";
  if (tiles || target == "avx512_bf16" || target == "avx512") {
    return {target,
            {ops(8 * 512 * 2), avx512_plain},
            {ops(16 * 512 * 2), avx512_parity},
            tiles ? Limit{ops(4 * 16 * 16 * 64 * 2), amx_tiles} : Limit{},
            {ops(16 * 16 * 2), avx512_floats}};
  }
#else
  if (target == "scalar") return {target, plain, parity, {}, {}};
#if defined(__aarch64__)
  const bool dotprod = target == "neon_dotprod";
  if (dotprod || target == "neon") {
    return {target,
            {ops(8 * 128 * 2), dotprod ? neon_dotprod_plain : neon_plain},
            {ops(16 * 128 * 2), neon_parity},
            {},
            {ops(16 * 4 * 2), neon_floats}};
  }
#endif
#endif
  return {target, {}, {}, {}, {}};
}

}  // namespace bipft::bench
