// Compiled once per target, inside its namespace and region: no include guard, no #include, and no
// words but the target's own (target/scalar.hpp lists them).
//
// Float products. Contract in table.hpp.
//
// Blocks of both operands are copied into panels that a register tile reads from front to back:
// 16 rows of a (`product_depth` deep, [k][16]) and tile_vectors · 16 columns of b ([k][columns]).
// An element of c is one chain of fused multiply-adds over k; between two blocks it waits in c
// itself, which rounds nothing, so no block's size can be seen in the result.

inline constexpr std::size_t product_depth = 128;
inline constexpr std::size_t product_rows = 384;
inline constexpr std::size_t product_cols = 384;
inline constexpr std::size_t tile_cols = tile_vectors * lanes;
inline constexpr std::size_t product_workspace = product_depth * (product_rows + tile_cols);

/// Copies up to 16 rows of a, or columns of b, into a panel: panel[k · stride + line], zeros for
/// lines that do not exist. `by_line`: a line's numbers lie side by side, else 16 lines' do.
inline void pack_lines(const float* from, std::size_t from_stride, bool by_line,
                       std::size_t line_count, std::size_t depth, float* panel,
                       std::size_t stride) {
  if (!by_line) {
    for (std::size_t k = 0; k < depth; ++k, from += from_stride) {
      store(panel + k * stride, line_count >= lanes ? load(from) : load_part(from, line_count));
    }
    return;
  }
  for (std::size_t k = 0; k < depth; k += lanes) {
    const std::size_t width = depth - k < lanes ? depth - k : lanes;
    Lanes block[lanes];
    if (width == lanes && line_count >= lanes) {
      BIPFT_UNROLL
      for (std::size_t i = 0; i < lanes; ++i) block[i] = load(from + i * from_stride + k);
    } else {
      for (std::size_t i = 0; i < lanes; ++i) {
        block[i] = i < line_count ? load_part(from + i * from_stride + k, width) : splat(0.0F);
      }
    }
    transpose(block);
    for (std::size_t i = 0; i < width; ++i) store(panel + (k + i) * stride, block[i]);
  }
}

/// The register tile: c [rows, vectors · 16] = (fresh ? 0 : c) + a b over `depth`.
template <std::size_t rows, std::size_t vectors>
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
      for (std::size_t v = 0; v < vectors; ++v) sum[r][v] = fused(of_a, of_b[v], sum[r][v]);
    }
  }
  BIPFT_UNROLL
  for (std::size_t r = 0; r < rows; ++r) {
    BIPFT_UNROLL
    for (std::size_t v = 0; v < vectors; ++v) store(c + r * c_stride + v * lanes, sum[r][v]);
  }
}

/// All rows of one panel of a, in tiles as tall as they fit.
template <std::size_t vectors>
inline void multiply_panel(const float* a, std::size_t rows, const float* b, std::size_t depth,
                           bool fresh, float* c, std::size_t c_stride) {
  std::size_t r = 0;
  for (; r + tile_rows <= rows; r += tile_rows) {
    multiply_tile<tile_rows, vectors>(a + r, b, depth, fresh, c + r * c_stride, c_stride);
  }
  if constexpr (tile_rows > 4) {
    if (r + 4 <= rows) {
      multiply_tile<4, vectors>(a + r, b, depth, fresh, c + r * c_stride, c_stride);
      r += 4;
    }
  }
  for (; r < rows; ++r) {
    multiply_tile<1, vectors>(a + r, b, depth, fresh, c + r * c_stride, c_stride);
  }
}

/// The same with b's width, a multiple of 16, as it comes.
inline void multiply_panel(std::size_t width, const float* a, std::size_t rows, const float* b,
                           std::size_t depth, bool fresh, float* c, std::size_t c_stride) {
  if constexpr (tile_vectors > 1) {
    if (width == 2 * lanes) return multiply_panel<2>(a, rows, b, depth, fresh, c, c_stride);
    if (width == 3 * lanes) return multiply_panel<3>(a, rows, b, depth, fresh, c, c_stride);
  }
  multiply_panel<1>(a, rows, b, depth, fresh, c, c_stride);
}

inline void copy_rows(const float* from, std::size_t from_stride, std::size_t rows,
                      std::size_t cols, float* to, std::size_t to_stride) {
  for (std::size_t r = 0; r < rows; ++r) {
    for (std::size_t j = 0; j < cols; j += lanes) {
      store_some(to + r * to_stride, load_some(from + r * from_stride, j, cols), j, cols);
    }
  }
}

inline void multiply_panels(std::size_t width, const float* a, std::size_t rows, const float* b,
                            std::size_t cols, std::size_t depth, bool fresh, float* c,
                            std::size_t c_stride) {
  for (std::size_t m = 0; m < rows; m += lanes, a += lanes * depth, c += lanes * c_stride) {
    const std::size_t height = rows - m < lanes ? rows - m : lanes;
    if (cols == width) {
      multiply_panel(width, a, height, b, depth, fresh, c, c_stride);
      continue;
    }
    // The last columns: through a tile of their own, so that nothing beside c is touched.
    float edge[lanes * tile_cols] = {};
    if (!fresh) copy_rows(c, c_stride, height, cols, edge, width);
    multiply_panel(width, a, height, b, depth, fresh, edge, width);
    copy_rows(edge, width, height, cols, c, c_stride);
  }
}

/// c [rows, cols] (+)= a b over one block of k, where c begins at row m and column n.
inline void multiply_block(const MatrixProduct& of, std::size_t m, std::size_t rows, std::size_t n,
                           std::size_t cols, std::size_t k, std::size_t depth, float* workspace) {
  float* const a_panels = workspace;
  float* const b_panels = workspace + product_depth * product_rows;
  for (std::size_t i = 0; i < rows; i += lanes) {
    const float* a = of.a_transposed ? of.a + k * of.a_stride + m + i
                                     : of.a + (m + i) * of.a_stride + k;
    pack_lines(a, of.a_stride, !of.a_transposed, rows - i, depth, a_panels + i * depth, lanes);
  }
  for (std::size_t j = 0; j < cols; j += tile_cols) {
    const std::size_t width = cols - j < tile_cols ? cols - j : tile_cols;
    const std::size_t padded = (width + lanes - 1) / lanes * lanes;
    for (std::size_t v = 0; v < width; v += lanes) {
      const float* b = of.b_transposed ? of.b + (n + j + v) * of.b_stride + k
                                       : of.b + k * of.b_stride + n + j + v;
      pack_lines(b, of.b_stride, of.b_transposed, width - v, depth, b_panels + v, padded);
    }
    float* c = of.c + m * of.c_stride + n + j;
    multiply_panels(padded, a_panels, rows, b_panels, width, depth, k == 0, c, of.c_stride);
  }
}

inline void product(const MatrixProduct& of, float* workspace) {
  for (std::size_t n = 0; n < of.n; n += product_cols) {
    const std::size_t cols = of.n - n < product_cols ? of.n - n : product_cols;
    for (std::size_t m = 0; m < of.m; m += product_rows) {
      const std::size_t rows = of.m - m < product_rows ? of.m - m : product_rows;
      for (std::size_t k = 0; k < of.k; k += product_depth) {
        const std::size_t depth = of.k - k < product_depth ? of.k - k : product_depth;
        multiply_block(of, m, rows, n, cols, k, depth, workspace);
      }
    }
  }
  for (std::size_t m = 0; m < of.m; ++m) {
    float* row = of.c + m * of.c_stride;
    for (std::size_t n = 0; of.k == 0 && n < of.n; ++n) row[n] = 0;
    if (of.scale != 1.0F) scale_all(row, of.scale, of.n, row);
    if (of.bias != nullptr) add_all(row, of.bias, of.n, row);
  }
}
