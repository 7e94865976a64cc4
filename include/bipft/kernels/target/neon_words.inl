// Compiled inside the namespace and region of each 128-bit Arm target (neon.hpp, neon_dotprod.hpp):
// all words but the few that the two do not share. scalar.hpp says what each one means.

// --- The words: floats, 16 lanes at a time -------------------------------------------------------
inline constexpr std::size_t lanes = 16;
inline constexpr std::size_t abreast = 2;  // two rows are eight chains of sums
struct Lanes {
  float32x4_t q0, q1, q2, q3;
};
/// A lane is chosen where its bits are all ones.
struct Mask {
  uint32x4_t q0, q1, q2, q3;
};

inline Lanes splat(float x) {
  const float32x4_t y = vdupq_n_f32(x);
  return {y, y, y, y};
}
inline Lanes load(const float* p) {
  return {vld1q_f32(p), vld1q_f32(p + 4), vld1q_f32(p + 8), vld1q_f32(p + 12)};
}
inline void store(float* p, Lanes x) {
  vst1q_f32(p, x.q0);
  vst1q_f32(p + 4, x.q1);
  vst1q_f32(p + 8, x.q2);
  vst1q_f32(p + 12, x.q3);
}
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
inline Lanes load_u16(const std::uint16_t* p) {
  const uint16x8_t low = vld1q_u16(p);
  const uint16x8_t high = vld1q_u16(p + 8);
  return {vcvtq_f32_u32(vmovl_u16(vget_low_u16(low))), vcvtq_f32_u32(vmovl_u16(vget_high_u16(low))),
          vcvtq_f32_u32(vmovl_u16(vget_low_u16(high))),
          vcvtq_f32_u32(vmovl_u16(vget_high_u16(high)))};
}

inline Lanes add(Lanes a, Lanes b) {
  return {vaddq_f32(a.q0, b.q0), vaddq_f32(a.q1, b.q1), vaddq_f32(a.q2, b.q2),
          vaddq_f32(a.q3, b.q3)};
}
inline Lanes subtract(Lanes a, Lanes b) {
  return {vsubq_f32(a.q0, b.q0), vsubq_f32(a.q1, b.q1), vsubq_f32(a.q2, b.q2),
          vsubq_f32(a.q3, b.q3)};
}
inline Lanes multiply(Lanes a, Lanes b) {
  return {vmulq_f32(a.q0, b.q0), vmulq_f32(a.q1, b.q1), vmulq_f32(a.q2, b.q2),
          vmulq_f32(a.q3, b.q3)};
}
inline Lanes divide(Lanes a, Lanes b) {
  return {vdivq_f32(a.q0, b.q0), vdivq_f32(a.q1, b.q1), vdivq_f32(a.q2, b.q2),
          vdivq_f32(a.q3, b.q3)};
}
inline Lanes root(Lanes a) {
  return {vsqrtq_f32(a.q0), vsqrtq_f32(a.q1), vsqrtq_f32(a.q2), vsqrtq_f32(a.q3)};
}
inline constexpr bool fuses = true;
inline Lanes fused(Lanes a, Lanes b, Lanes c) {
  return {vfmaq_f32(c.q0, a.q0, b.q0), vfmaq_f32(c.q1, a.q1, b.q1), vfmaq_f32(c.q2, a.q2, b.q2),
          vfmaq_f32(c.q3, a.q3, b.q3)};
}

inline Mask above(Lanes a, Lanes b) {
  return {vcgtq_f32(a.q0, b.q0), vcgtq_f32(a.q1, b.q1), vcgtq_f32(a.q2, b.q2),
          vcgtq_f32(a.q3, b.q3)};
}
inline Mask at_least(Lanes a, Lanes b) {
  return {vcgeq_f32(a.q0, b.q0), vcgeq_f32(a.q1, b.q1), vcgeq_f32(a.q2, b.q2),
          vcgeq_f32(a.q3, b.q3)};
}
inline Mask both(Mask a, Mask b) {
  return {vandq_u32(a.q0, b.q0), vandq_u32(a.q1, b.q1), vandq_u32(a.q2, b.q2),
          vandq_u32(a.q3, b.q3)};
}
inline Lanes select(Mask mask, Lanes yes, Lanes no) {
  return {vbslq_f32(mask.q0, yes.q0, no.q0), vbslq_f32(mask.q1, yes.q1, no.q1),
          vbslq_f32(mask.q2, yes.q2, no.q2), vbslq_f32(mask.q3, yes.q3, no.q3)};
}
/// Not vminq and vmaxq: they hand a NaN on, and tell the two zeros apart.
inline Lanes lower(Lanes a, Lanes b) { return select(above(b, a), a, b); }
inline Lanes upper(Lanes a, Lanes b) { return select(above(a, b), a, b); }

inline constexpr std::uint32_t lane_bits[lanes] = {1,   2,   4,    8,    16,   32,   64,    128,
                                                   256, 512, 1024, 2048, 4096, 8192, 16384, 32768};
inline std::uint32_t bits_of(Mask mask) {
  const uint32x4_t low = vorrq_u32(vandq_u32(mask.q0, vld1q_u32(lane_bits)),
                                   vandq_u32(mask.q1, vld1q_u32(lane_bits + 4)));
  const uint32x4_t high = vorrq_u32(vandq_u32(mask.q2, vld1q_u32(lane_bits + 8)),
                                    vandq_u32(mask.q3, vld1q_u32(lane_bits + 12)));
  return vaddvq_u32(vorrq_u32(low, high));
}
inline Mask mask_of(std::uint32_t bits) {
  const uint32x4_t all = vdupq_n_u32(bits);
  return {vtstq_u32(all, vld1q_u32(lane_bits)), vtstq_u32(all, vld1q_u32(lane_bits + 4)),
          vtstq_u32(all, vld1q_u32(lane_bits + 8)), vtstq_u32(all, vld1q_u32(lane_bits + 12))};
}
inline Mask first(std::size_t n) { return mask_of((1U << n) - 1U); }

inline Lanes absolute(Lanes a) {
  return {vabsq_f32(a.q0), vabsq_f32(a.q1), vabsq_f32(a.q2), vabsq_f32(a.q3)};
}
inline Lanes copy_sign(Lanes a, Lanes b) {
  const uint32x4_t magnitude = vdupq_n_u32(0x7FFF'FFFFU);
  return select({magnitude, magnitude, magnitude, magnitude}, a, b);
}
inline float32x4_t shift_quad(float32x4_t a) {
  return vreinterpretq_f32_u32(vshlq_n_u32(vreinterpretq_u32_f32(a), 23));
}
inline Lanes shift_to_exponent(Lanes a) {
  return {shift_quad(a.q0), shift_quad(a.q1), shift_quad(a.q2), shift_quad(a.q3)};
}

inline float fold_sum(Lanes a) {
  const float32x4_t four = vaddq_f32(vaddq_f32(a.q0, a.q2), vaddq_f32(a.q1, a.q3));
  const float32x2_t two = vadd_f32(vget_low_f32(four), vget_high_f32(four));
  return vget_lane_f32(two, 0) + vget_lane_f32(two, 1);
}
inline float32x4_t upper_quad(float32x4_t a, float32x4_t b) {
  return vbslq_f32(vcgtq_f32(a, b), a, b);
}
inline float upper_of(float a, float b) { return a > b ? a : b; }
inline float fold_upper(Lanes a) {
  const float32x4_t four = upper_quad(upper_quad(a.q0, a.q2), upper_quad(a.q1, a.q3));
  return upper_of(upper_of(vgetq_lane_f32(four, 0), vgetq_lane_f32(four, 2)),
                  upper_of(vgetq_lane_f32(four, 1), vgetq_lane_f32(four, 3)));
}

/// The 4 x 4 matrix with rows `row`, turned.
inline void transpose_four(float32x4_t (&row)[4]) {
  const float64x2_t low01 = vreinterpretq_f64_f32(vtrn1q_f32(row[0], row[1]));
  const float64x2_t high01 = vreinterpretq_f64_f32(vtrn2q_f32(row[0], row[1]));
  const float64x2_t low23 = vreinterpretq_f64_f32(vtrn1q_f32(row[2], row[3]));
  const float64x2_t high23 = vreinterpretq_f64_f32(vtrn2q_f32(row[2], row[3]));
  row[0] = vreinterpretq_f32_f64(vtrn1q_f64(low01, low23));
  row[1] = vreinterpretq_f32_f64(vtrn1q_f64(high01, high23));
  row[2] = vreinterpretq_f32_f64(vtrn2q_f64(low01, low23));
  row[3] = vreinterpretq_f32_f64(vtrn2q_f64(high01, high23));
}
inline void transpose(Lanes (&row)[lanes]) {
  float32x4_t block[4][4][4];  // block row, block column, row within the block
  BIPFT_UNROLL
  for (std::size_t i = 0; i < lanes; ++i) {
    block[i / 4][0][i % 4] = row[i].q0;
    block[i / 4][1][i % 4] = row[i].q1;
    block[i / 4][2][i % 4] = row[i].q2;
    block[i / 4][3][i % 4] = row[i].q3;
  }
  for (auto& line : block) {
    for (auto& part : line) transpose_four(part);
  }
  BIPFT_UNROLL
  for (std::size_t i = 0; i < lanes; ++i) {
    row[i] = {block[0][i / 4][i % 4], block[1][i / 4][i % 4], block[2][i / 4][i % 4],
              block[3][i / 4][i % 4]};
  }
}

// --- The words: doubles, as many lanes -----------------------------------------------------------
struct Wide {
  float64x2_t pair[8];
};

inline Wide wide_zero() {
  const float64x2_t zero = vdupq_n_f64(0.0);
  return {{zero, zero, zero, zero, zero, zero, zero, zero}};
}
inline Wide widen(Lanes a) {
  return {{vcvt_f64_f32(vget_low_f32(a.q0)), vcvt_f64_f32(vget_high_f32(a.q0)),
           vcvt_f64_f32(vget_low_f32(a.q1)), vcvt_f64_f32(vget_high_f32(a.q1)),
           vcvt_f64_f32(vget_low_f32(a.q2)), vcvt_f64_f32(vget_high_f32(a.q2)),
           vcvt_f64_f32(vget_low_f32(a.q3)), vcvt_f64_f32(vget_high_f32(a.q3))}};
}
inline Wide wide_add(Wide sum, Lanes a) {
  const Wide wide = widen(a);
  BIPFT_UNROLL
  for (std::size_t i = 0; i < 8; ++i) sum.pair[i] = vaddq_f64(sum.pair[i], wide.pair[i]);
  return sum;
}
inline Wide wide_add_product(Wide sum, Lanes a, Lanes b) {
  const Wide left = widen(a);
  const Wide right = widen(b);
  BIPFT_UNROLL
  for (std::size_t i = 0; i < 8; ++i) {
    sum.pair[i] = vaddq_f64(sum.pair[i], vmulq_f64(left.pair[i], right.pair[i]));
  }
  return sum;
}
inline double wide_fold(Wide a) {
  BIPFT_UNROLL
  for (std::size_t i = 0; i < 4; ++i) a.pair[i] = vaddq_f64(a.pair[i], a.pair[i + 4]);
  const float64x2_t two =
      vaddq_f64(vaddq_f64(a.pair[0], a.pair[2]), vaddq_f64(a.pair[1], a.pair[3]));
  return vgetq_lane_f64(two, 0) + vgetq_lane_f64(two, 1);
}

// --- The words: integers and bits, 16 lanes of 32 bits -------------------------------------------
struct Words {
  uint32x4_t q0, q1, q2, q3;
};

inline Words splat_word(std::uint32_t x) {
  const uint32x4_t y = vdupq_n_u32(x);
  return {y, y, y, y};
}
inline Words no_words() { return splat_word(0); }
template <class Int>
inline Words load_words(const Int* p) {
  const auto* const from = reinterpret_cast<const std::uint32_t*>(p);
  return {vld1q_u32(from), vld1q_u32(from + 4), vld1q_u32(from + 8), vld1q_u32(from + 12)};
}
template <class Int>
inline void store_words(Int* p, Words x) {
  auto* const to = reinterpret_cast<std::uint32_t*>(p);
  vst1q_u32(to, x.q0);
  vst1q_u32(to + 4, x.q1);
  vst1q_u32(to + 8, x.q2);
  vst1q_u32(to + 12, x.q3);
}
inline Words bit_xor(Words a, Words b) {
  return {veorq_u32(a.q0, b.q0), veorq_u32(a.q1, b.q1), veorq_u32(a.q2, b.q2),
          veorq_u32(a.q3, b.q3)};
}
inline Words bit_and(Words a, Words b) {
  return {vandq_u32(a.q0, b.q0), vandq_u32(a.q1, b.q1), vandq_u32(a.q2, b.q2),
          vandq_u32(a.q3, b.q3)};
}
inline Words add(Words a, Words b) {
  return {vaddq_u32(a.q0, b.q0), vaddq_u32(a.q1, b.q1), vaddq_u32(a.q2, b.q2),
          vaddq_u32(a.q3, b.q3)};
}
inline Words subtract(Words a, Words b) {
  return {vsubq_u32(a.q0, b.q0), vsubq_u32(a.q1, b.q1), vsubq_u32(a.q2, b.q2),
          vsubq_u32(a.q3, b.q3)};
}
inline Words lower(Words a, Words b) {
  return {vminq_u32(a.q0, b.q0), vminq_u32(a.q1, b.q1), vminq_u32(a.q2, b.q2),
          vminq_u32(a.q3, b.q3)};
}
inline std::uint32_t fold_lower(Words a) {
  return vminvq_u32(vminq_u32(vminq_u32(a.q0, a.q1), vminq_u32(a.q2, a.q3)));
}
/// Tallies of the ones of each lane, at most `tally_depth` deep, and the numbers that they are.
struct Tally {
  TallyQuad q0, q1, q2, q3;
};
inline Tally no_tally() {
  const TallyQuad y = no_tally_quad();
  return {y, y, y, y};
}
inline Tally tally(Tally sum, Words a) {
  return {tally_quad(sum.q0, a.q0), tally_quad(sum.q1, a.q1), tally_quad(sum.q2, a.q2),
          tally_quad(sum.q3, a.q3)};
}
inline Words settle(Tally sum) {
  return {settle_quad(sum.q0), settle_quad(sum.q1), settle_quad(sum.q2), settle_quad(sum.q3)};
}
inline Words popcount(Words a) { return settle(tally(no_tally(), a)); }
/// Four words, four times.
inline Words repeat_quad(const std::uint32_t* p) {
  const uint32x4_t y = vld1q_u32(p);
  return {y, y, y, y};
}
/// The eight sums of two neighbouring lanes.
inline void store_sums_of_two(std::uint32_t* p, Words x) {
  vst1q_u32(p, vpaddq_u32(x.q0, x.q1));
  vst1q_u32(p + 4, vpaddq_u32(x.q2, x.q3));
}

inline uint32x4_t signed_quad_at_least(uint32x4_t a, uint32x4_t b) {
  return vcgeq_s32(vreinterpretq_s32_u32(a), vreinterpretq_s32_u32(b));
}
inline std::uint32_t signed_at_least(Words a, Words b) {
  return bits_of({signed_quad_at_least(a.q0, b.q0), signed_quad_at_least(a.q1, b.q1),
                  signed_quad_at_least(a.q2, b.q2), signed_quad_at_least(a.q3, b.q3)});
}
inline float32x4_t signed_quad_to_floats(uint32x4_t a) {
  return vcvtq_f32_s32(vreinterpretq_s32_u32(a));
}
inline Lanes to_lanes(Words a) {
  return {signed_quad_to_floats(a.q0), signed_quad_to_floats(a.q1), signed_quad_to_floats(a.q2),
          signed_quad_to_floats(a.q3)};
}

/// Looks are loads, one a number: 65 floats fill 17 registers, more than table instructions reach.
inline constexpr bool tables_differ = false;
template <bool wide, bool both_ends>
struct Table {
  const float* value;

  void fill(const float* from) { value = from; }
  float32x4_t look_up_quad(const std::uint32_t* index) const {
    float32x4_t y = vdupq_n_f32(value[index[0]]);
    y = vsetq_lane_f32(value[index[1]], y, 1);
    y = vsetq_lane_f32(value[index[2]], y, 2);
    return vsetq_lane_f32(value[index[3]], y, 3);
  }
  Lanes look_up(Words at) const {
    std::uint32_t index[lanes];
    store_words(index, at);
    return {look_up_quad(index), look_up_quad(index + 4), look_up_quad(index + 8),
            look_up_quad(index + 12)};
  }
};

#include "bipft/kernels/body/bwords.inl"

#include "bipft/kernels/body/bcount_bytes.inl"

// --- Tiles of float products ---------------------------------------------------------------------
inline constexpr std::size_t tile_rows = 4;     // 4 x 4 registers of sums, 4 of b, 4 of a
inline constexpr std::size_t tile_vectors = 1;  // of 16 columns each

// --- The bodies ----------------------------------------------------------------------------------
#include "bipft/kernels/body/all.inl"
