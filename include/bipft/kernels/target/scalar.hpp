#pragma once
/// Target `scalar`: standard C++ for any machine, and the meaning of every other target.
///
/// A target defines the words below and includes the bodies; the bodies are written once, in these
/// words only. To add a target, copy this file, translate the words, and list it in targets.hpp.

#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include "bipft/kernels/region.hpp"
#include "bipft/kernels/table.hpp"
#include "bipft/kernels/training_table.hpp"

BIPFT_PLAIN_REGION_BEGIN
namespace bipft::kernels::scalar {

inline constexpr std::string_view target_name = "scalar";
inline bool supported() { return true; }

// --- The words: floats, 16 lanes at a time -------------------------------------------------------
inline constexpr std::size_t lanes = 16;
/// Rows or queries that are worth computing in turns, as each waits for its own last result; <= 4.
inline constexpr std::size_t abreast = 1;

// Four numbers, the widest vector that every machine has a way with; the compiler knows its own.
using Quad [[gnu::vector_size(16)]] = float;
using QuadBits [[gnu::vector_size(16)]] = std::int32_t;

struct Lanes {
  Quad q0, q1, q2, q3;
};
/// A lane is chosen where its bits are all ones.
struct Mask {
  QuadBits q0, q1, q2, q3;
};

inline Quad splat_quad(float x) { return Quad{x, x, x, x}; }
inline Lanes splat(float x) { return {splat_quad(x), splat_quad(x), splat_quad(x), splat_quad(x)}; }
inline Lanes load(const float* p) {
  Lanes y;
  std::memcpy(&y, p, sizeof y);
  return y;
}
inline void store(float* p, Lanes x) { std::memcpy(p, &x, sizeof x); }
/// The first n numbers, then zeros; nothing behind them is touched.
[[gnu::noinline]] inline Lanes load_part(const float* p, std::size_t n) {
  float lane[lanes] = {};
  for (std::size_t i = 0; i < n; ++i) lane[i] = p[i];
  return load(lane);
}
[[gnu::noinline]] inline void store_part(float* p, Lanes x, std::size_t n) {
  float lane[lanes];
  store(lane, x);
  for (std::size_t i = 0; i < n; ++i) p[i] = lane[i];
}
[[gnu::noinline]] inline Lanes load_u16(const std::uint16_t* p) {
  float lane[lanes];
  for (std::size_t i = 0; i < lanes; ++i) lane[i] = static_cast<float>(p[i]);
  return load(lane);
}

inline Lanes add(Lanes a, Lanes b) { return {a.q0 + b.q0, a.q1 + b.q1, a.q2 + b.q2, a.q3 + b.q3}; }
inline Lanes subtract(Lanes a, Lanes b) {
  return {a.q0 - b.q0, a.q1 - b.q1, a.q2 - b.q2, a.q3 - b.q3};
}
inline Lanes multiply(Lanes a, Lanes b) {
  return {a.q0 * b.q0, a.q1 * b.q1, a.q2 * b.q2, a.q3 * b.q3};
}
inline Lanes divide(Lanes a, Lanes b) {
  return {a.q0 / b.q0, a.q1 / b.q1, a.q2 / b.q2, a.q3 / b.q3};
}
inline Quad root_quad(Quad a) {
  return Quad{std::sqrt(a[0]), std::sqrt(a[1]), std::sqrt(a[2]), std::sqrt(a[3])};
}
[[gnu::noinline]] inline Lanes root(Lanes a) {
  return {root_quad(a.q0), root_quad(a.q1), root_quad(a.q2), root_quad(a.q3)};
}
/// a b + c, in one rounding where the target fuses: for fused products only.
inline constexpr bool fuses = false;
inline Lanes fused(Lanes a, Lanes b, Lanes c) { return add(multiply(a, b), c); }

inline Mask above(Lanes a, Lanes b) { return {a.q0 > b.q0, a.q1 > b.q1, a.q2 > b.q2, a.q3 > b.q3}; }
inline Mask at_least(Lanes a, Lanes b) {
  return {a.q0 >= b.q0, a.q1 >= b.q1, a.q2 >= b.q2, a.q3 >= b.q3};
}
inline Mask both(Mask a, Mask b) { return {a.q0 & b.q0, a.q1 & b.q1, a.q2 & b.q2, a.q3 & b.q3}; }
/// Bit i of the result is lane i.
[[gnu::noinline]] inline std::uint32_t bits_of(Mask mask) {
  std::int32_t lane[lanes];
  std::memcpy(lane, &mask, sizeof mask);
  std::uint32_t bits = 0;
  for (std::size_t i = 0; i < lanes; ++i) bits |= (lane[i] != 0 ? 1U : 0U) << i;
  return bits;
}
[[gnu::noinline]] inline Mask mask_of(std::uint32_t bits) {
  std::int32_t lane[lanes];
  for (std::size_t i = 0; i < lanes; ++i) lane[i] = (bits >> i & 1U) != 0 ? -1 : 0;
  Mask mask;
  std::memcpy(&mask, lane, sizeof mask);
  return mask;
}
/// The first n <= 16 lanes.
inline Mask first(std::size_t n) { return mask_of((1U << n) - 1U); }

inline QuadBits bits_of_quad(Quad a) { return std::bit_cast<QuadBits>(a); }
inline Quad quad_of_bits(QuadBits a) { return std::bit_cast<Quad>(a); }
inline Quad select_quad(QuadBits mask, Quad yes, Quad no) {
  return quad_of_bits((bits_of_quad(yes) & mask) | (bits_of_quad(no) & ~mask));
}
inline Lanes select(Mask mask, Lanes yes, Lanes no) {
  return {select_quad(mask.q0, yes.q0, no.q0), select_quad(mask.q1, yes.q1, no.q1),
          select_quad(mask.q2, yes.q2, no.q2), select_quad(mask.q3, yes.q3, no.q3)};
}
/// a < b ? a : b, so that a NaN or an equal leaves b.
inline Lanes lower(Lanes a, Lanes b) { return select(above(b, a), a, b); }
/// a > b ? a : b
inline Lanes upper(Lanes a, Lanes b) { return select(above(a, b), a, b); }

inline Lanes absolute(Lanes a) {
  constexpr QuadBits magnitude{0x7FFFFFFF, 0x7FFFFFFF, 0x7FFFFFFF, 0x7FFFFFFF};
  return {
      quad_of_bits(bits_of_quad(a.q0) & magnitude), quad_of_bits(bits_of_quad(a.q1) & magnitude),
      quad_of_bits(bits_of_quad(a.q2) & magnitude), quad_of_bits(bits_of_quad(a.q3) & magnitude)};
}
/// |a| with the sign of b.
inline Lanes copy_sign(Lanes a, Lanes b) {
  constexpr QuadBits all{0x7FFFFFFF, 0x7FFFFFFF, 0x7FFFFFFF, 0x7FFFFFFF};
  const Mask magnitude{all, all, all, all};
  return select(magnitude, a, b);
}
inline Quad shift_quad(Quad a) { return quad_of_bits(bits_of_quad(a) << 23); }
/// The float whose bits are those of `a`, shifted left by 23: the last bits become the exponent.
inline Lanes shift_to_exponent(Lanes a) {
  return {shift_quad(a.q0), shift_quad(a.q1), shift_quad(a.q2), shift_quad(a.q3)};
}

/// Lanes folded in halves: l with l+8, then l+4, l+2, l+1.
inline float fold_sum(Lanes a) {
  const Quad four = (a.q0 + a.q2) + (a.q1 + a.q3);
  return (four[0] + four[2]) + (four[1] + four[3]);
}
inline float upper_of(float a, float b) { return a > b ? a : b; }
[[gnu::noinline]] inline float fold_upper(Lanes a) {
  float lane[lanes];
  store(lane, a);
  for (std::size_t half = lanes / 2; half != 0; half /= 2) {
    for (std::size_t i = 0; i < half; ++i) lane[i] = upper_of(lane[i], lane[i + half]);
  }
  return lane[0];
}
/// The 16 x 16 matrix with rows `row`, turned.
inline void transpose(Lanes (&row)[lanes]) {
  float from[lanes][lanes];
  std::memcpy(from, row, sizeof from);
  float to[lanes];
  for (std::size_t i = 0; i < lanes; ++i) {
    for (std::size_t j = 0; j < lanes; ++j) to[j] = from[j][i];
    row[i] = load(to);
  }
}

// --- The words: doubles, as many lanes -----------------------------------------------------------
struct Wide {
  double lane[lanes];
};

inline Wide wide_zero() { return {}; }
[[gnu::noinline]] inline Wide wide_add(Wide sum, Lanes a) {
  float lane[lanes];
  store(lane, a);
  for (std::size_t i = 0; i < lanes; ++i) sum.lane[i] += static_cast<double>(lane[i]);
  return sum;
}
/// sum + a b; the product of two floats is exact in double.
[[gnu::noinline]] inline Wide wide_add_product(Wide sum, Lanes a, Lanes b) {
  float left[lanes];
  float right[lanes];
  store(left, a);
  store(right, b);
  for (std::size_t i = 0; i < lanes; ++i) {
    sum.lane[i] += static_cast<double>(left[i]) * static_cast<double>(right[i]);
  }
  return sum;
}
[[gnu::noinline]] inline double wide_fold(Wide a) {
  for (std::size_t half = lanes / 2; half != 0; half /= 2) {
    for (std::size_t i = 0; i < half; ++i) a.lane[i] += a.lane[i + half];
  }
  return a.lane[0];
}

// --- The words: integers and bits, 16 lanes of 32 bits -------------------------------------------
using QuadWords [[gnu::vector_size(16)]] = std::uint32_t;
struct Words {
  QuadWords q0, q1, q2, q3;
};

inline QuadWords splat_quad_word(std::uint32_t x) { return QuadWords{x, x, x, x}; }
inline Words splat_word(std::uint32_t x) {
  return {splat_quad_word(x), splat_quad_word(x), splat_quad_word(x), splat_quad_word(x)};
}
inline Words no_words() { return splat_word(0); }
/// `p` is std::uint32_t* or std::int32_t*, and need not be aligned.
template <class Int>
inline Words load_words(const Int* p) {
  Words y;
  std::memcpy(&y, p, sizeof y);
  return y;
}
template <class Int>
inline void store_words(Int* p, Words x) {
  std::memcpy(p, &x, sizeof x);
}
inline Words bit_xor(Words a, Words b) {
  return {a.q0 ^ b.q0, a.q1 ^ b.q1, a.q2 ^ b.q2, a.q3 ^ b.q3};
}
inline Words bit_and(Words a, Words b) {
  return {a.q0 & b.q0, a.q1 & b.q1, a.q2 & b.q2, a.q3 & b.q3};
}
inline Words add(Words a, Words b) { return {a.q0 + b.q0, a.q1 + b.q1, a.q2 + b.q2, a.q3 + b.q3}; }
inline Words subtract(Words a, Words b) {
  return {a.q0 - b.q0, a.q1 - b.q1, a.q2 - b.q2, a.q3 - b.q3};
}
/// The lower of two numbers below 2^31, and the lowest of all lanes.
inline QuadWords lower_quad(QuadWords a, QuadWords b) {
  const auto less =
      std::bit_cast<QuadWords>(std::bit_cast<QuadBits>(a) < std::bit_cast<QuadBits>(b));
  return (a & less) | (b & ~less);
}
inline Words lower(Words a, Words b) {
  return {lower_quad(a.q0, b.q0), lower_quad(a.q1, b.q1), lower_quad(a.q2, b.q2),
          lower_quad(a.q3, b.q3)};
}
inline std::uint32_t fold_lower(Words a) {
  const QuadWords four = lower_quad(lower_quad(a.q0, a.q1), lower_quad(a.q2, a.q3));
  std::uint32_t lowest = four[0];
  for (std::size_t i = 1; i < 4; ++i) lowest = four[i] < lowest ? four[i] : lowest;
  return lowest;
}
/// The ones of each lane.
inline QuadWords popcount_quad(QuadWords a) {
  a -= a >> 1U & splat_quad_word(0x5555'5555U);
  a = (a & splat_quad_word(0x3333'3333U)) + (a >> 2U & splat_quad_word(0x3333'3333U));
  a = (a + (a >> 4U)) & splat_quad_word(0x0F0F'0F0FU);
  a += a >> 8U;
  return (a + (a >> 16U)) & splat_quad_word(0x3FU);
}
[[gnu::noinline]] inline Words popcount(Words a) {
  return {popcount_quad(a.q0), popcount_quad(a.q1), popcount_quad(a.q2), popcount_quad(a.q3)};
}
/// As signed numbers: bit i is lane i of a >= b.
[[gnu::noinline]] inline std::uint32_t signed_at_least(Words a, Words b) {
  std::int32_t left[16];
  std::int32_t right[16];
  store_words(left, a);
  store_words(right, b);
  std::uint32_t bits = 0;
  for (std::size_t i = 0; i < 16; ++i) bits |= (left[i] >= right[i] ? 1U : 0U) << i;
  return bits;
}
/// The floats nearest to signed numbers.
[[gnu::noinline]] inline Lanes to_lanes(Words a) {
  std::int32_t number[lanes];
  float lane[lanes];
  store_words(number, a);
  for (std::size_t i = 0; i < lanes; ++i) lane[i] = static_cast<float>(number[i]);
  return load(lane);
}

/// A table of 33 floats, or 65 if it is `wide`, and 16 looks into it: at either end only if it is
/// told so, else at no index of 0, where that makes a difference.
inline constexpr bool tables_differ = false;
template <bool wide, bool both_ends>
struct Table {
  const float* value;

  void fill(const float* from) { value = from; }
  [[gnu::noinline]] Lanes look_up(Words at) const {
    std::uint32_t index[lanes];
    float lane[lanes];
    store_words(index, at);
    for (std::size_t i = 0; i < lanes; ++i) lane[i] = value[index[i]];
    return load(lane);
  }
};

#include "bipft/kernels/body/bwords.inl"

#include "bipft/kernels/body/bcount_plain.inl"

// --- Tiles of float products ---------------------------------------------------------------------
inline constexpr std::size_t tile_rows = 2;     // of the result, a register tile
inline constexpr std::size_t tile_vectors = 1;  // of 16 columns each

// --- The bodies ----------------------------------------------------------------------------------
#include "bipft/kernels/body/all.inl"

}  // namespace bipft::kernels::scalar
BIPFT_PLAIN_REGION_END
