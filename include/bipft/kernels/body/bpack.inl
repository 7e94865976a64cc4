// Compiled once per target, inside its namespace and region: no include guard, no #include, and no
// words but the target's own (target/scalar.hpp lists them).

/// Numbers of the last columns, and zeros up to 64 of them.
inline void copy_edge(const float* x, std::size_t cols, float* edge) {
  for (std::size_t i = 0; i < 64; i += 16) {
    store(edge + i, i < cols ? load_some(x, i, cols) : splat(0.0F));
  }
}

/// Bit c is x[c] + shift[c] >= threshold (or >, if strict), the sum rounded once, as add_row rounds
/// it. Contract in table.hpp.
[[gnu::noinline]] inline void pack_row(const float* x, const float* shift, std::size_t cols,
                                       float threshold, bool strict, std::uint64_t* bits) {
  const Lanes limit = splat(threshold);
  std::size_t col = 0;
  for (; cols - col >= 64; col += 64) {
    Lanes value[4];
    BIPFT_UNROLL
    for (std::size_t i = 0; i < 4; ++i) value[i] = load(x + col + 16 * i);
    if (shift != nullptr) {
      BIPFT_UNROLL
      for (std::size_t i = 0; i < 4; ++i) value[i] = add(value[i], load(shift + col + 16 * i));
    }
    std::uint64_t word = 0;
    if (strict) {
      BIPFT_UNROLL
      for (std::size_t i = 0; i < 4; ++i) {
        word |= std::uint64_t{bits_of(above(value[i], limit))} << 16 * i;
      }
    } else {
      BIPFT_UNROLL
      for (std::size_t i = 0; i < 4; ++i) {
        word |= std::uint64_t{bits_of(at_least(value[i], limit))} << 16 * i;
      }
    }
    bits[col / 64] = word;
  }
  if (col == cols) return;
  float edge[2][64];
  copy_edge(x + col, cols - col, edge[0]);
  if (shift != nullptr) copy_edge(shift + col, cols - col, edge[1]);
  pack_row(edge[0], shift != nullptr ? edge[1] : nullptr, 64, threshold, strict, bits + col / 64);
  bits[col / 64] &= (std::uint64_t{1} << (cols - col)) - 1;
}

/// y[c] = bits[c] ? high : low.
inline void unpack_row(const std::uint64_t* bits, std::size_t cols, float low, float high,
                       float* y) {
  const Lanes zero = splat(low);
  const Lanes one = splat(high);
  for (std::size_t col = 0; col < cols; col += 16) {
    const auto here = static_cast<std::uint32_t>(bits[col / 64] >> (col % 64) & 0xFFFFU);
    const Lanes value = select(mask_of(here), one, zero);
    if (cols - col >= 16) {
      store(y + col, value);
    } else {
      store_part(y + col, value, cols - col);
    }
  }
}
