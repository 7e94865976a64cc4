// Compiled once per target, inside its namespace and region: no include guard, no #include, and no
// words but the target's own (target/scalar.hpp lists them).
//
// Register tiles of products, over panels of 32-bit elements: 16 rows of a ([k][16]) and up to
// tile_vectors · 16 columns of b ([k][columns]). What an element is and how two of them are added
// to a sum is said by Chain::step(a, b, sum).

inline constexpr std::size_t tile_cols = tile_vectors * lanes;

/// The register tile: c [rows, vectors · 16] = (fresh ? 0 : c) + a b over `depth`.
template <class Chain, std::size_t rows, std::size_t vectors>
[[gnu::noinline]] inline void multiply_tile(const float* a, const float* b, std::size_t depth,
                                            bool fresh, float* c, std::size_t c_stride) {
  Lanes sum[rows][vectors];
  BIPFT_UNROLL
  for (std::size_t r = 0; r < rows; ++r) {
    BIPFT_UNROLL
    for (std::size_t v = 0; v < vectors; ++v) {
      sum[r][v] = fresh ? splat(0.0F) : load(c + r * c_stride + v * lanes);
    }
  }
  for (std::size_t k = 0; k < depth; ++k, a += lanes, b += vectors * lanes) {
    Lanes of_b[vectors];
    BIPFT_UNROLL
    for (std::size_t v = 0; v < vectors; ++v) of_b[v] = load(b + v * lanes);
    BIPFT_UNROLL
    for (std::size_t r = 0; r < rows; ++r) {
      const Lanes of_a = splat(a[r]);
      BIPFT_UNROLL
      for (std::size_t v = 0; v < vectors; ++v) sum[r][v] = Chain::step(of_a, of_b[v], sum[r][v]);
    }
  }
  BIPFT_UNROLL
  for (std::size_t r = 0; r < rows; ++r) {
    BIPFT_UNROLL
    for (std::size_t v = 0; v < vectors; ++v) store(c + r * c_stride + v * lanes, sum[r][v]);
  }
}

/// All rows of one panel of a, in tiles as tall as they fit.
template <class Chain, std::size_t vectors>
inline void multiply_panel(const float* a, std::size_t rows, const float* b, std::size_t depth,
                           bool fresh, float* c, std::size_t c_stride) {
  std::size_t r = 0;
  for (; r + tile_rows <= rows; r += tile_rows) {
    multiply_tile<Chain, tile_rows, vectors>(a + r, b, depth, fresh, c + r * c_stride, c_stride);
  }
  if constexpr (tile_rows > 4) {
    if (r + 4 <= rows) {
      multiply_tile<Chain, 4, vectors>(a + r, b, depth, fresh, c + r * c_stride, c_stride);
      r += 4;
    }
  }
  for (; r < rows; ++r) {
    multiply_tile<Chain, 1, vectors>(a + r, b, depth, fresh, c + r * c_stride, c_stride);
  }
}

/// The same with b's width, a multiple of 16, as it comes.
template <class Chain>
inline void multiply_panel_of(std::size_t width, const float* a, std::size_t rows, const float* b,
                              std::size_t depth, bool fresh, float* c, std::size_t c_stride) {
  if constexpr (tile_vectors > 1) {
    if (width == 2 * lanes) return multiply_panel<Chain, 2>(a, rows, b, depth, fresh, c, c_stride);
    if (width == 3 * lanes) return multiply_panel<Chain, 3>(a, rows, b, depth, fresh, c, c_stride);
  }
  multiply_panel<Chain, 1>(a, rows, b, depth, fresh, c, c_stride);
}

inline void copy_rows(const float* from, std::size_t from_stride, std::size_t rows,
                      std::size_t cols, float* to, std::size_t to_stride) {
  for (std::size_t r = 0; r < rows; ++r) {
    for (std::size_t j = 0; j < cols; j += lanes) {
      store_some(to + r * to_stride, load_some(from + r * from_stride, j, cols), j, cols);
    }
  }
}

template <class Chain>
inline void multiply_panels(std::size_t width, const float* a, std::size_t rows, const float* b,
                            std::size_t cols, std::size_t depth, bool fresh, float* c,
                            std::size_t c_stride) {
  for (std::size_t m = 0; m < rows; m += lanes, a += lanes * depth, c += lanes * c_stride) {
    const std::size_t height = rows - m < lanes ? rows - m : lanes;
    if (cols == width) {
      multiply_panel_of<Chain>(width, a, height, b, depth, fresh, c, c_stride);
      continue;
    }
    // The last columns: through a tile of their own, so that nothing beside c is touched.
    float edge[lanes * tile_cols] = {};
    if (!fresh) copy_rows(c, c_stride, height, cols, edge, width);
    multiply_panel_of<Chain>(width, a, height, b, depth, fresh, edge, width);
    copy_rows(edge, width, height, cols, c, c_stride);
  }
}
