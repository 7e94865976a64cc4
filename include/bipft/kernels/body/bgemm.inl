// Compiled once per target, inside its namespace and region: no include guard, no #include, and no
// words but the target's own (target/scalar.hpp lists them).
//
// Binary products. Weights lie in panels of 16 columns, so that one register of counts is 16
// neighbouring outputs and no sum ever runs across lanes. Rows of `a` are taken `row_block` at a
// time: `spread_rows` brings them into the form that the panels have, `count_ones` meets one panel.
// How both look is the target's own affair (bcount_*.inl).

/// Where one panel begins, and what remains of it in the last one.
struct Panel {
  std::size_t column;
  std::size_t columns;  // 1 ... 16
};

inline Words load_first(const std::int32_t* values, std::size_t count) {
  if (count == 16) return load_words(values);
  alignas(64) std::int32_t lane[16] = {};
  for (std::size_t i = 0; i < count; ++i) lane[i] = values[i];
  return load_words(lane);
}

/// Calls `out.begin(panel)` for each panel of each block of rows, `out.put(row, v)` for its rows.
template <class Out>
inline void binary_product(const BinaryProduct& p, Out out) {
  const std::size_t words = words_for(p.a.cols);
  Words counts[row_block];
  for (std::size_t first = 0; first < p.a.rows; first += row_block) {
    const std::size_t rows = p.a.rows - first < row_block ? p.a.rows - first : row_block;
    spread_rows(p.a.row(first), p.a.words_per_row, rows, words, p.scratch);
    const std::uint32_t* weight = p.weight;
    for (std::size_t column = 0; column < p.outputs; column += 16) {
      const Panel panel{column, p.outputs - column < 16 ? p.outputs - column : 16};
      count_ones(p.scratch, weight, rows, words, counts);
      weight += words * panel_words;
      const Words base = load_first(p.base + column, panel.columns);
      out.begin(panel);
      if (p.step == 2) {
        for (std::size_t i = 0; i < rows; ++i) {
          out.put(first + i, subtract(base, add(counts[i], counts[i])));
        }
      } else {
        for (std::size_t i = 0; i < rows; ++i) out.put(first + i, subtract(base, counts[i]));
      }
    }
  }
}

struct ProductInts {
  std::int32_t* v;  // [N, O]
  std::size_t outputs;
  Panel panel{};

  void begin(Panel next) { panel = next; }
  void put(std::size_t row, Words value) {
    std::int32_t* to = v + row * outputs + panel.column;
    if (panel.columns == 16) {
      store_words(to, value);
      return;
    }
    alignas(64) std::int32_t lane[16];
    store_words(lane, value);
    for (std::size_t i = 0; i < panel.columns; ++i) to[i] = lane[i];
  }
};

struct ProductFloats {
  float* y;  // [N, O]
  std::size_t outputs;
  Lanes scale;
  const float* bias;
  Panel panel{};
  Lanes shift{};

  void begin(Panel next) {
    panel = next;
    shift = panel.columns == 16 ? load(bias + panel.column)
                                : load_part(bias + panel.column, panel.columns);
  }
  void put(std::size_t row, Words value) {
    const Lanes result = add(multiply(scale, signed_to_lanes(value)), shift);
    float* to = y + row * outputs + panel.column;
    if (panel.columns == 16) {
      store(to, result);
    } else {
      store_part(to, result, panel.columns);
    }
  }
};

struct ProductBits {
  std::uint64_t* bits;  // [N, O] bits
  std::size_t words_per_row;
  const std::int32_t* threshold;
  Panel panel{};
  Words limit{};

  void begin(Panel next) {
    panel = next;
    limit = load_first(threshold + panel.column, panel.columns);
  }
  void put(std::size_t row, Words value) {
    const std::uint64_t there = (std::uint64_t{1} << panel.columns) - 1;
    const std::uint64_t passed = signed_at_least(value, limit) & there;
    std::uint64_t& word = bits[row * words_per_row + panel.column / 64];
    const std::size_t place = panel.column % 64;
    word = place == 0 ? passed : word | passed << place;
  }
};

inline void bgemm_ints(const BinaryProduct& p, std::int32_t* v) {
  binary_product(p, ProductInts{v, p.outputs});
}

inline void bgemm_floats(const BinaryProduct& p, float scale, const float* bias, float* y) {
  binary_product(p, ProductFloats{y, p.outputs, splat(scale), bias});
}

inline void bgemm_bits(const BinaryProduct& p, const std::int32_t* threshold, std::uint64_t* bits,
                       std::size_t words_per_row) {
  binary_product(p, ProductBits{bits, words_per_row, threshold});
}

inline std::size_t layout_words(std::size_t rows, std::size_t cols) {
  return (rows + 15) / 16 * words_for(cols) * panel_words;
}

inline void lay_out(BitView weight, std::uint32_t* panels) {
  const std::size_t words = words_for(weight.cols);
  for (std::size_t column = 0; column < weight.rows; column += 16) {
    for (std::size_t lane = 0; lane < 16; ++lane) {
      const bool there = column + lane < weight.rows;
      lay_column(there ? weight.row(column + lane) : nullptr, words, lane, panels);
    }
    panels += words * panel_words;
  }
}
