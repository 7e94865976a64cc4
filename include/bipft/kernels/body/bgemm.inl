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

/// The panel's numbers: 16 that may be read, copied to `edge` if there are not as many.
inline const std::int32_t* of_panel(const std::int32_t* values, Panel panel, std::int32_t* edge) {
  if (panel.columns == 16) return values + panel.column;
  for (std::size_t i = 0; i < 16; ++i) edge[i] = i < panel.columns ? values[panel.column + i] : 0;
  return edge;
}

/// The integers of a block of rows and one panel: v[i][lane], some lanes at once.
struct PanelValues {
  const std::uint32_t* count;  // [rows, 16]
  const std::int32_t* base;    // [16]
  bool doubled;

  Words at(std::size_t row, std::size_t lane) const {
    const Words ones = load_words(count + 16 * row + lane);
    return subtract(load_words(base + lane), doubled ? add(ones, ones) : ones);
  }
  /// All of one row.
  void store_row(std::size_t row, std::int32_t* to) const {
    for (std::size_t lane = 0; lane < 16; lane += word_lanes) store_words(to + lane, at(row, lane));
  }
};

/// Calls `out(panel, first_row, rows, values)` for each panel of each block of rows.
template <class Out>
[[gnu::noinline]] inline void binary_product(const BinaryProduct& p, const Out& out) {
  const std::size_t words = words_for(p.a.cols);
  alignas(64) std::uint32_t counts[row_block * 16];
  alignas(64) std::int32_t edge[16];
  for (std::size_t first = 0; first < p.a.rows; first += row_block) {
    const std::size_t rows = p.a.rows - first < row_block ? p.a.rows - first : row_block;
    spread_rows(p.a.row(first), p.a.words_per_row, rows, words, p.scratch);
    const std::uint32_t* weight = p.weight;
    for (std::size_t column = 0; column < p.outputs; column += 16) {
      const Panel panel{column, p.outputs - column < 16 ? p.outputs - column : 16};
      count_ones(p.scratch, weight, rows, words, counts);
      weight += words * panel_words;
      out(panel, first, rows, PanelValues{counts, of_panel(p.base, panel, edge), p.step == 2});
    }
  }
}

/// What becomes of a product's integers: floats, or bits if there is no y. One type for both, so
/// that the product is compiled once.
struct ProductResults {
  std::size_t outputs;
  float* y;  // [N, O]
  float scale;
  const float* bias;
  std::uint64_t* bits;  // [N, O] bits
  std::size_t words_per_row;
  const std::int32_t* threshold;

  void operator()(Panel panel, std::size_t row, std::size_t rows, const PanelValues& v) const {
    if (y != nullptr) {
      put_floats(panel, row, rows, v);
    } else {
      put_bits(panel, row, rows, v);
    }
  }
  void put_floats(Panel panel, std::size_t row, std::size_t rows, const PanelValues& v) const {
    const Lanes factor = splat(scale);
    const Lanes shift = load_some(bias, panel.column, outputs);
    for (std::size_t i = 0; i < rows; ++i) {
      alignas(64) std::int32_t integers[16];
      v.store_row(i, integers);
      const Lanes value = add(multiply(factor, signed_to_lanes(integers)), shift);
      store_some(y + (row + i) * outputs, value, panel.column, outputs);
    }
  }
  void put_bits(Panel panel, std::size_t row, std::size_t rows, const PanelValues& v) const {
    alignas(64) std::int32_t edge[16];
    const std::int32_t* const limit = of_panel(threshold, panel, edge);
    const std::uint64_t there = (std::uint64_t{1} << panel.columns) - 1;
    const std::size_t place = panel.column % 64;
    for (std::size_t i = 0; i < rows; ++i) {
      std::uint64_t passed = 0;
      for (std::size_t lane = 0; lane < 16; lane += word_lanes) {
        const Words least = load_words(limit + lane);
        passed |= std::uint64_t{signed_at_least(v.at(i, lane), least)} << lane;
      }
      passed &= there;
      std::uint64_t& word = bits[(row + i) * words_per_row + panel.column / 64];
      word = place == 0 ? passed : word | passed << place;
    }
  }
};

inline void bgemm_floats(const BinaryProduct& p, float scale, const float* bias, float* y) {
  binary_product(p, ProductResults{p.outputs, y, scale, bias, nullptr, 0, nullptr});
}

inline void bgemm_bits(const BinaryProduct& p, const std::int32_t* threshold, std::uint64_t* bits,
                       std::size_t words_per_row) {
  binary_product(p,
                 ProductResults{p.outputs, nullptr, 0, nullptr, bits, words_per_row, threshold});
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
