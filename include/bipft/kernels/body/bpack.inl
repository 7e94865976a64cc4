// Compiled once per target, inside its namespace and region: no include guard, no #include, and no
// words but the target's own (target/scalar.hpp lists them).

/// The bits of x >= threshold, or of x > threshold. NaN is neither.
template <bool Strict>
inline std::uint64_t pass(Lanes x, Lanes threshold) {
  return bits_of(Strict ? above(x, threshold) : at_least(x, threshold));
}

template <bool Strict, bool Shifted>
inline void pack_all(const float* x, const float* shift, std::size_t cols, Lanes threshold,
                     std::uint64_t* bits) {
  std::size_t first_col = 0;
  for (; first_col + 64 <= cols; first_col += 64) {
    std::uint64_t word = 0;
    BIPFT_UNROLL
    for (std::size_t c = 0; c < 64; c += 16) {
      Lanes value = load(x + first_col + c);
      if (Shifted) value = add(value, load(shift + first_col + c));
      word |= pass<Strict>(value, threshold) << c;
    }
    *bits++ = word;
  }
  if (first_col == cols) return;
  std::uint64_t word = 0;
  for (std::size_t col = first_col; col < cols; col += 16) {
    const std::size_t rest = cols - col < 16 ? cols - col : 16;
    Lanes value = load_part(x + col, rest);
    if (Shifted) value = add(value, load_part(shift + col, rest));
    const std::uint64_t there = (std::uint64_t{1} << rest) - 1;
    word |= (pass<Strict>(value, threshold) & there) << (col - first_col);
  }
  *bits = word;
}

/// Bit c is x[c] + shift[c] >= threshold (or >, if strict), the sum rounded once, as add_row rounds
/// it. Contract in table.hpp.
inline void pack_row(const float* x, const float* shift, std::size_t cols, float threshold,
                     bool strict, std::uint64_t* bits) {
  const Lanes limit = splat(threshold);
  if (shift == nullptr) {
    if (strict) {
      pack_all<true, false>(x, shift, cols, limit, bits);
    } else {
      pack_all<false, false>(x, shift, cols, limit, bits);
    }
  } else if (strict) {
    pack_all<true, true>(x, shift, cols, limit, bits);
  } else {
    pack_all<false, true>(x, shift, cols, limit, bits);
  }
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
