#pragma once
/// Target `amx`: avx512, and tiles for binary products of many rows and, in training, for products
/// of floats with bits (Sapphire Rapids and later).
///
/// Everything but those products is avx512's own code. With BIPFT_SIMDE the tiles are a stand-in's.

#if defined(__x86_64__) || defined(BIPFT_SIMDE)
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "bipft/core/pool.hpp"
#include "bipft/kernels/cpu.hpp"
#include "bipft/kernels/region.hpp"
#include "bipft/kernels/table.hpp"
#include "bipft/kernels/target/avx512.hpp"
#include "bipft/kernels/target/avx512_bf16.hpp"
#include "bipft/kernels/tiles.hpp"
#include "bipft/kernels/training_table.hpp"

namespace bipft::kernels::amx {

/// Which rows go where: fewer should not pay for expanding the weights' bits. A prototype with the
/// same two ways, at widths of 384 to 3072, was slower by tiles up to 64 rows and faster at 128; no
/// processor has timed these.
inline constexpr std::size_t rows_for_tiles = 96;

}  // namespace bipft::kernels::amx

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic push  // as in avx512.hpp
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
#if defined(BIPFT_SIMDE)
BIPFT_PLAIN_REGION_BEGIN
#else
BIPFT_REGION_BEGIN(
    "avx512bf16,avx512f,avx512bw,avx512dq,avx512vl,avx512vpopcntdq,avx2,fma,f16c,bmi,bmi2,popcnt")
#endif
namespace bipft::kernels::amx {

// --- The words: avx512's, and three more ---------------------------------------------------------
using avx512::add;
using avx512::bit_and;
using avx512::Lanes;
using avx512::load;
using avx512::load_some;
using avx512::load_words;
using avx512::multiply;
using avx512::splat;
using avx512::splat_word;
using avx512::store;
using avx512::store_some;
using avx512::store_words;
using avx512::subtract;
using avx512::Words;

inline Words shift_right(Words a, std::uint32_t n) { return _mm512_srlv_epi32(a, splat_word(n)); }
/// A byte for each bit: 0 or 2.
inline Words twos_of_bits(std::uint64_t bits) { return _mm512_maskz_set1_epi8(bits, 2); }

#include "bipft/kernels/body/bgemm_tiles.inl"

#include "bipft/kernels/body/sign_tiles.inl"

}  // namespace bipft::kernels::amx
#if defined(BIPFT_SIMDE)
BIPFT_PLAIN_REGION_END
#else
BIPFT_REGION_END
#endif
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif

namespace bipft::kernels::amx {

/// Whether two targets make the same floats of one product of a hundred rows, by tiles of which
/// some are full and some are not.
[[nodiscard]] inline bool same_product(const KernelTable& one, const KernelTable& other) {
  constexpr std::size_t rows = 100, outputs = 48, inputs = 200, words = words_for(inputs);
  std::vector<std::uint64_t> bits((rows + outputs) * words);
  std::uint64_t state = 1;
  for (std::size_t i = 0; i < bits.size(); ++i) {
    state = state * 6364136223846793005U + 1442695040888963407U;  // Knuth's
    bits[i] = state ^ state >> 29U;
    if (i % words == inputs / 64) bits[i] &= (std::uint64_t{1} << inputs % 64) - 1;
  }
  const std::vector<std::int32_t> base(outputs, inputs);
  const std::vector<float> scale(outputs, 1.0F);
  const std::vector<float> bias(outputs);
  const auto floats_of = [&](const KernelTable& table) {
    std::vector<std::uint32_t> weight(table.layout_words(outputs, inputs));
    table.lay_out({bits.data() + rows * words, outputs, inputs, words}, weight.data());
    std::vector<std::uint32_t> scratch(product_scratch(inputs));
    const BinaryProduct product{
        {bits.data(), rows, inputs, words}, weight.data(), outputs, 2, base.data(), scratch.data()};
    std::vector<float> y(rows * outputs);
    table.bgemm_floats(product, scale.data(), bias.data(), nullptr, y.data());
    return y;
  };
  return floats_of(one) == floats_of(other);
}

using SignKernel = void (*)(const SignProduct&, float*);

/// The same of a product of floats with bits. Its numbers are small and whole, so that both are
/// exact.
[[nodiscard]] inline bool same_gradient(SignKernel one, SignKernel other) {
  constexpr std::size_t rows = 40, cols = 50, depth = 70, words = words_for(cols);
  std::vector<float> a(rows * depth);
  for (std::size_t i = 0; i < a.size(); ++i) a[i] = static_cast<float>(i * i % 31) - 15.0F;
  std::vector<std::uint64_t> bits(depth * words);
  for (std::size_t i = 0; i < bits.size(); ++i) {
    bits[i] = (i + 1) * 6364136223846793005U & ((std::uint64_t{1} << cols) - 1);
  }
  const auto floats_of = [&](SignKernel multiply) {
    std::vector<float> c(rows * cols);
    std::vector<float> workspace(avx512_bf16::sign_workspace);
    SignProduct product;
    product.a = a.data();
    product.a_stride = depth;
    product.signs = {bits.data(), depth, cols, words};
    product.c = c.data();
    product.c_stride = product.n = cols;
    product.m = rows;
    multiply(product, workspace.data());
    return c;
  };
  return floats_of(one) == floats_of(other);
}

/// sign_product, once it has shown that it computes; until a processor does, bfloat16 pairs'.
inline void proven_sign_product(const SignProduct& p, float* workspace) {
  static const bool right = same_gradient(sign_product, avx512_bf16::sign_product);
  return right ? sign_product(p, workspace) : avx512_bf16::sign_product(p, workspace);
}

bool supported();

inline constexpr KernelTable table = [] {
  KernelTable all = avx512::table;
  all.name = "amx";
  all.supported = supported;
  all.layout_words = layout_words;
  all.lay_out = lay_out;
  all.bgemm_floats = bgemm_floats;
  all.bgemm_bits = bgemm_bits;
  return all;
}();

inline constexpr TrainingKernels training = [] {
  TrainingKernels all = avx512::training;
  all.of = &table;
  all.bgemm_ints = bgemm_ints;
  all.sign_product = proven_sign_product;
  all.sign_workspace = avx512_bf16::sign_workspace;  // tiles bring their own
  return all;
}();

/// Asked for the first time where there are tiles: the system's permission, and one product. Tiles
/// are rare and virtual machines many, so they have to show that they compute what avx512 does.
inline bool supported() {
#if defined(BIPFT_SIMDE)
  constexpr bool present = true;
#else
  const bool present = cpu().amx;
#endif
  static const bool usable = present && tiles_permitted() && same_product(table, avx512::table);
  return usable;
}

}  // namespace bipft::kernels::amx
#endif
