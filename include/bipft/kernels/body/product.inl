// Compiled once per target, inside its namespace and region: no include guard, no #include, and no
// words but the target's own (target/scalar.hpp lists them).
//
// Float products. Contract in table.hpp.
//
// Blocks of both operands are copied into panels that a register tile reads from front to back
// (product_tiles.inl). An element of c is one chain of multiply-adds over k; between two
// blocks it waits in c itself, which rounds nothing, so no block's size can be seen in the result.

inline constexpr std::size_t product_depth = 128;
inline constexpr std::size_t product_rows = 384;
inline constexpr std::size_t product_cols = 384;
inline constexpr std::size_t product_workspace = product_depth * (product_rows + tile_cols);

struct FusedChain {
  static Lanes step(Lanes a, Lanes b, Lanes sum) { return fused(a, b, sum); }
};

struct PlainChain {
  static Lanes step(Lanes a, Lanes b, Lanes sum) { return add(multiply(a, b), sum); }
};

/// Where nothing is fused, both are one, which is compiled once.
using ProductChain = std::conditional_t<fuses, FusedChain, PlainChain>;

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

/// c [rows, cols] (+)= a b over one block of k, where c begins at row m and column n.
template <class Chain>
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
    multiply_panels<Chain>(padded, a_panels, rows, b_panels, width, depth, k == 0, c,
                                of.c_stride);
  }
}

template <class Chain>
inline void product_by(const MatrixProduct& of, float* workspace) {
  for (std::size_t n = 0; n < of.n; n += product_cols) {
    const std::size_t cols = of.n - n < product_cols ? of.n - n : product_cols;
    for (std::size_t m = 0; m < of.m; m += product_rows) {
      const std::size_t rows = of.m - m < product_rows ? of.m - m : product_rows;
      for (std::size_t k = 0; k < of.k; k += product_depth) {
        const std::size_t depth = of.k - k < product_depth ? of.k - k : product_depth;
        multiply_block<Chain>(of, m, rows, n, cols, k, depth, workspace);
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

inline void product(const MatrixProduct& of, float* workspace) {
  product_by<ProductChain>(of, workspace);
}
inline void plain_product(const MatrixProduct& of, float* workspace) {
  product_by<PlainChain>(of, workspace);
}
