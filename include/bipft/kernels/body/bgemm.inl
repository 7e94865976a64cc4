// Compiled once per target, inside its namespace and region: no include guard, no #include, and no
// words but the target's own (target/scalar.hpp lists them).
//
// Binary products. Weights lie in panels of 16 or 32 columns, so that one register of counts is as
// many neighbouring outputs and no sum ever runs across lanes. A tile is up to `count_rows` rows
// and one panel: its counts stay in registers, or for a wide panel in a few lines of cache, from
// the first word to the float or bit that becomes of them. Rows are taken in blocks, which
// `spread_rows` brings into the form that the panels have; a panel meets the whole block while both
// lie in the first-level cache. How rows and panels look is the target's own affair (bcount_*.inl).

inline constexpr std::size_t block_rows = 32;  // product_scratch() counts on it

/// Numbers i ... i+15 of n, or what there is of them and then zeros.
inline Words load_some_words(const std::int32_t* p, std::size_t i, std::size_t n) {
  if (i + 16 <= n) return load_words(p + i);
  std::int32_t lane[16] = {};
  for (std::size_t l = 0; i + l < n; ++l) lane[l] = p[i + l];
  return load_words(lane);
}

/// v = base - step · ones
struct ProductIntegers {
  const std::int32_t* base;  // [O]
  std::size_t outputs;
  Words doubled;  // all ones if step is 2

  ProductIntegers(const BinaryProduct& p)
      : base(p.base), outputs(p.outputs), doubled(splat_word(p.step == 2 ? ~0U : 0U)) {}
  Words value(Words of_base, Words ones) const {
    return subtract(of_base, add(ones, bit_and(ones, doubled)));
  }
};

/// y = scale · v + bias, rounded twice, and then + residual, if there is one.
struct ProductFloats {
  ProductIntegers integers;
  const float* scale;     // [O]
  const float* bias;      // [O]
  const float* residual;  // [N, O], or none
  float* y;               // [N, O]

  template <std::size_t Rows>
  [[gnu::always_inline]] void whole(const TilePlace& at, const Words (&ones)[Rows]) const {
    const Words base = load_words(integers.base + at.column);
    const Lanes factor = load(scale + at.column);
    const Lanes shift = load(bias + at.column);
    const std::size_t stride = integers.outputs;
    float* to = y + at.row * stride + at.column;
    const float* from = residual != nullptr ? residual + (to - y) : nullptr;
    BIPFT_UNROLL
    for (std::size_t i = 0; i < Rows; ++i, to += stride) {
      if (i >= at.rows) break;
      Lanes value = add(multiply(factor, to_lanes(integers.value(base, ones[i]))), shift);
      if (from != nullptr) value = add(load(from + i * stride), value);
      store(to, value);
    }
  }
  void part(std::size_t row, std::size_t column, std::size_t left, Words ones) const {
    const Words base = load_some_words(integers.base, column, integers.outputs);
    const Lanes factor = load_part(scale + column, left);
    const Lanes shift = load_part(bias + column, left);
    const std::size_t place = row * integers.outputs + column;
    Lanes value = add(multiply(factor, to_lanes(integers.value(base, ones))), shift);
    if (residual != nullptr) value = add(load_part(residual + place, left), value);
    store_part(y + place, value, left);
  }
};

/// bit = ones <= most, or ones >= least. A tile's bits are whole bytes that no other tile writes.
struct ProductBits {
  ProductIntegers integers;
  const std::int32_t* most;   // [O]
  const std::int32_t* least;  // [O], or none
  std::uint64_t* bits;       // [N, O] in rows of `words_per_row` words
  std::size_t words_per_row;

  template <std::size_t Rows>
  [[gnu::always_inline]] void whole(const TilePlace& at, const Words (&ones)[Rows]) const {
    const Words limit = load_words(most + at.column);
    std::uint64_t* to = bits + at.row * words_per_row;
    if (least == nullptr) {
      BIPFT_UNROLL
      for (std::size_t i = 0; i < Rows; ++i, to += words_per_row) {
        if (i >= at.rows) break;
        put_16(to, at.column / 16, signed_at_least(limit, ones[i]));
      }
      return;
    }
    const Words again = load_words(least + at.column);
    BIPFT_UNROLL
    for (std::size_t i = 0; i < Rows; ++i, to += words_per_row) {
      if (i >= at.rows) break;
      const std::uint32_t one = signed_at_least(limit, ones[i]) | signed_at_least(ones[i], again);
      put_16(to, at.column / 16, one);
    }
  }
  void part(std::size_t row, std::size_t column, std::size_t left, Words ones) const {
    const Words limit = load_some_words(most, column, integers.outputs);
    std::uint32_t one = signed_at_least(limit, ones);
    if (least != nullptr) {
      one |= signed_at_least(ones, load_some_words(least, column, integers.outputs));
    }
    const std::uint32_t there = (1U << left) - 1U;
    put_16(bits + row * words_per_row, column / 16, one & there);
  }
};

/// One of the two, so that counting is compiled once for both.
struct FloatsOrBits {
  ProductIntegers integers;
  const ProductFloats* floats;
  const ProductBits* bits;

  explicit FloatsOrBits(const ProductFloats& out)
      : integers(out.integers), floats(&out), bits(nullptr) {}
  explicit FloatsOrBits(const ProductBits& out)
      : integers(out.integers), floats(nullptr), bits(&out) {}
  template <std::size_t Rows>
  [[gnu::always_inline]] void whole(const TilePlace& at, const Words (&ones)[Rows]) const {
    floats != nullptr ? floats->whole(at, ones) : bits->whole(at, ones);
  }
  void part(std::size_t row, std::size_t column, std::size_t left, Words ones) const {
    floats != nullptr ? floats->part(row, column, left, ones)
                      : bits->part(row, column, left, ones);
  }
};

/// A tile of the last columns, of which there are fewer than 16.
template <class Out>
[[gnu::noinline]] inline void finish_part(const Out& out, const TilePlace& at, const Words* ones) {
  for (std::size_t i = 0; i < at.rows; ++i) {
    out.part(at.row + i, at.column, out.integers.outputs - at.column, ones[i]);
  }
}

template <class Out, std::size_t Rows>
[[gnu::always_inline]] inline void finish(const Out& out, const TilePlace& at,
                                          const Words (&ones)[Rows]) {
  if (at.column + 16 <= out.integers.outputs) {
    out.whole(at, ones);
  } else {
    finish_part(out, at, ones);
  }
}

/// One panel and one group of rows, of which no more than 4 are counted where that will do.
template <std::size_t Rows, class Out>
[[gnu::always_inline]] inline void multiply_tile(const std::uint32_t* spread,
                                                 const std::uint32_t* panel, std::size_t words,
                                                 const TilePlace& at, const Out& out) {
  if constexpr (Rows > 4) {
    if (at.rows <= 4) return multiply_tile<4>(spread, panel, words, at, out);
  }
  Words ones[Rows];
  count_tile(spread, panel, words, ones);
  finish(out, at, ones);
}

/// Hands `out` every tile of popcounts [N, O].
template <class Out>
[[gnu::noinline]] inline void binary_product(const BinaryProduct& p, const Out& out) {
  const std::size_t words = words_for(p.a.cols);
  const std::size_t group_words = words * spread_words;
  for (std::size_t first = 0; first < p.a.rows; first += block_rows) {
    const std::size_t end = p.a.rows - first < block_rows ? p.a.rows : first + block_rows;
    std::uint32_t* spread = p.scratch;
    for (std::size_t row = first; row < end; row += count_rows, spread += group_words) {
      const std::uint64_t* rows[count_rows];
      for (std::size_t i = 0; i < count_rows; ++i) {  // past the end, the last one again
        rows[i] = p.a.row(row + i < end ? row + i : end - 1);
      }
      spread_rows(rows, words, spread);
    }
    const std::uint32_t* panel = p.weight;
    for (std::size_t column = 0; column < p.outputs; column += panel_columns) {
      spread = p.scratch;
      for (std::size_t row = first; row < end; row += count_rows, spread += group_words) {
        const std::size_t left = end - row;
        const TilePlace at{row, left < count_rows ? left : count_rows, column};
        if constexpr (panel_columns == 16) {
          multiply_tile<count_rows>(spread, panel, words, at, out);
        } else {
          multiply_wide_tile(spread, panel, words, at, out);
        }
      }
      panel += words * panel_words;
    }
  }
}

inline void bgemm_floats(const BinaryProduct& p, const float* scale, const float* bias,
                         const float* residual, float* y) {
  const ProductFloats out{ProductIntegers(p), scale, bias, residual, y};
  binary_product(p, FloatsOrBits(out));
}

/// Tiles write no more bits than they know of.
inline void clear_last_words(const BinaryProduct& p, std::uint64_t* bits,
                             std::size_t words_per_row) {
  if (p.outputs % 64 == 0) return;
  for (std::size_t i = 0; i < p.a.rows; ++i) bits[i * words_per_row + p.outputs / 64] = 0;
}

inline void bgemm_bits(const BinaryProduct& p, const std::int32_t* most, const std::int32_t* least,
                       std::uint64_t* bits, std::size_t words_per_row) {
  clear_last_words(p, bits, words_per_row);
  const ProductBits out{ProductIntegers(p), most, least, bits, words_per_row};
  binary_product(p, FloatsOrBits(out));
}

inline std::size_t layout_words(std::size_t rows, std::size_t cols) {
  return (rows + panel_columns - 1) / panel_columns * words_for(cols) * panel_words;
}

inline void lay_out(BitView weight, std::uint32_t* panels) {
  const std::size_t words = words_for(weight.cols);
  for (std::size_t column = 0; column < weight.rows; column += panel_columns) {
    for (std::size_t lane = 0; lane < panel_columns; lane += laid_columns) {
      const std::uint64_t* rows[laid_columns];
      for (std::size_t i = 0; i < laid_columns; ++i) {
        const std::size_t row = column + lane + i;
        rows[i] = row < weight.rows ? weight.row(row) : nullptr;
      }
      lay_columns(rows, words, lane, panels);
    }
    panels += words * panel_words;
  }
}
