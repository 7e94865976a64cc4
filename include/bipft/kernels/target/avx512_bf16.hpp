#pragma once
/// Target `avx512_bf16`: avx512, and in training products of bfloat16 pairs (Zen 4 and later).
///
/// Where a processor has AMX as well, this target is not for it: there these instructions are no
/// faster than float multiply-adds.

#include "bipft/kernels/target/avx512.hpp"

#if defined(__x86_64__) || defined(BIPFT_SIMDE)
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace bipft::kernels::avx512_bf16 {
#if defined(BIPFT_SIMDE)
inline bool supported() { return true; }
#else
inline bool supported() { return cpu().avx512_bf16 && !cpu().amx_bf16; }
#endif
}  // namespace bipft::kernels::avx512_bf16

#if defined(BIPFT_SIMDE)
BIPFT_PLAIN_REGION_BEGIN
#else
BIPFT_REGION_BEGIN(
    "avx512bf16,avx512f,avx512bw,avx512dq,avx512vl,avx512vpopcntdq,avx2,fma,f16c,bmi,bmi2,popcnt")
#endif
namespace bipft::kernels::avx512_bf16 {

using namespace avx512;  // every word but those of pairs

/// Two numbers of each lane as bfloat16, `low` in the low half.
inline Lanes pair_up(Lanes low, Lanes high) {
  const __m512i side_by_side = reinterpret_cast<__m512i>(_mm512_cvtne2ps_pbh(high, low));
  const __m512i order = _mm512_set_epi16(31, 15, 30, 14, 29, 13, 28, 12, 27, 11, 26, 10, 25, 9, 24,
                                         8, 23, 7, 22, 6, 21, 5, 20, 4, 19, 3, 18, 2, 17, 1, 16, 0);
  return _mm512_castsi512_ps(_mm512_permutexvar_epi16(order, side_by_side));
}
/// 32 numbers in a row as bfloat16, two neighbours to a lane.
inline Lanes pair_neighbours(Lanes first_half, Lanes second_half) {
  return reinterpret_cast<Lanes>(_mm512_cvtne2ps_pbh(second_half, first_half));
}
inline Lanes add_pair_products(Lanes a, Lanes b, Lanes sum) {
  return _mm512_dpbf16_ps(sum, reinterpret_cast<__m512bh>(a), reinterpret_cast<__m512bh>(b));
}
/// where the mask's bit is set: a xor b, else a
inline Words xor_where(std::uint32_t mask, Words a, Words b) {
  return _mm512_mask_xor_epi32(a, static_cast<Mask>(mask), a, b);
}

#include "bipft/kernels/body/product_tiles.inl"

#include "bipft/kernels/body/sign_pairs.inl"

#include "bipft/kernels/body/sign_product.inl"

inline constexpr KernelTable table = [] {
  KernelTable all = avx512::table;
  all.name = "avx512_bf16";
  all.supported = supported;
  return all;
}();

inline constexpr TrainingKernels training = [] {
  TrainingKernels all = avx512::training;
  all.of = &table;
  all.sign_product = sign_product;
  all.sign_workspace = sign_workspace;
  return all;
}();

}  // namespace bipft::kernels::avx512_bf16
#if defined(BIPFT_SIMDE)
BIPFT_PLAIN_REGION_END
#else
BIPFT_REGION_END
#endif
#endif
