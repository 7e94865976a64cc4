// Compiled once per target, inside its namespace and region; for sign_product.inl: panels of
// floats.

inline constexpr std::size_t sign_group = 1;
using SignChain = ProductChain;

/// [depth][16]
inline void pack_sign_rows(const float* a, std::size_t stride, bool by_line, std::size_t lines,
                           std::size_t depth, float* panel) {
  pack_lines(a, stride, by_line, lines, depth, panel, lanes);
}

/// [depth][width], from column `column` on, a multiple of 16 as `width` is.
inline void pack_signs(const SignProduct& p, std::size_t k, std::size_t depth, std::size_t column,
                       std::size_t width, float* panel) {
  const Lanes one = splat(1.0F);
  const Lanes other = splat(p.zero_one ? 0.0F : -1.0F);
  for (std::size_t i = k; i < k + depth; ++i) {
    const std::uint64_t* const row = p.signs.row(i);
    for (std::size_t c = column; c < column + width; c += 16, panel += 16) {
      const auto bits = static_cast<std::uint32_t>(row[c / 64] >> c % 64 & 0xFFFFU);
      store(panel, select(mask_of(bits), one, other));
    }
  }
}
