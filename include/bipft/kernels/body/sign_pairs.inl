// Compiled once per target, inside its namespace and region; for sign_product.inl: panels of pairs
// of bfloat16, neighbours in k, the first in the low half. A bit's two levels are exact in
// bfloat16, a is rounded to it, and sums are floats.

inline constexpr std::size_t sign_group = 2;
struct SignChain {
  static Lanes step(Lanes a, Lanes b, Lanes sum) { return add_pair_products(a, b, sum); }
};

/// [depth/2][16]
inline void pack_sign_rows(const float* a, std::size_t stride, bool by_line, std::size_t lines,
                           std::size_t depth, float* panel) {
  if (!by_line) {
    for (std::size_t k = 0; k < depth; k += 2, a += 2 * stride, panel += lanes) {
      const Lanes low = load_some(a, 0, lines);
      const Lanes high = k + 1 < depth ? load_some(a + stride, 0, lines) : splat(0.0F);
      store(panel, pair_up(low, high));
    }
    return;
  }
  for (std::size_t k = 0; k < depth; k += 2 * lanes) {
    const std::size_t width = depth - k < 2 * lanes ? depth - k : 2 * lanes;
    Lanes block[lanes];
    for (std::size_t i = 0; i < lanes; ++i) {
      const float* const line = a + i * stride + k;
      if (i >= lines) {
        block[i] = splat(0.0F);
      } else if (width == 2 * lanes) {
        block[i] = pair_neighbours(load(line), load(line + lanes));
      } else {
        const Lanes rest = width > lanes ? load_part(line + lanes, width - lanes) : splat(0.0F);
        block[i] = pair_neighbours(load_some(line, 0, width), rest);
      }
    }
    transpose(block);
    for (std::size_t i = 0; 2 * i < width; ++i, panel += lanes) store(panel, block[i]);
  }
}

/// [depth/2][width], from column `column` on, a multiple of 16 as `width` is.
inline void pack_signs(const SignProduct& p, std::size_t k, std::size_t depth, std::size_t column,
                       std::size_t width, float* panel) {
  // The bits of -1 or 0, twice, and what makes +1 of the low and of the high one.
  const Words none = splat_word(p.zero_one ? 0 : 0xBF80'BF80U);
  const Words low = splat_word(p.zero_one ? 0x3F80U : 0x8000U);
  const Words high = splat_word(p.zero_one ? 0x3F80'0000U : 0x8000'0000U);
  for (std::size_t i = k; i < k + depth; i += 2) {
    const std::uint64_t* const row = p.signs.row(i);
    const std::uint64_t* const next = i + 1 < k + depth ? p.signs.row(i + 1) : row;
    for (std::size_t c = column; c < column + width; c += 16, panel += 16) {
      const auto first_bits = static_cast<std::uint32_t>(row[c / 64] >> c % 64 & 0xFFFFU);
      const auto second_bits = static_cast<std::uint32_t>(next[c / 64] >> c % 64 & 0xFFFFU);
      const Words pair = xor_where(first_bits, xor_where(second_bits, none, high), low);
      store_words(reinterpret_cast<std::uint32_t*>(panel), pair);
    }
  }
}
