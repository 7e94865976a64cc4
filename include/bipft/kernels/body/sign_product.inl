// Compiled once per target, inside its namespace and region: no include guard, no #include, and no
// words but the target's own (target/scalar.hpp lists them).
//
// Products of floats with bits, for the backward passes of binary layers. Contract in
// training_table.hpp.
//
// As in product.inl, but b's panels are made of bits, which costs next to nothing, so that b is
// made anew for every block of rows and never lies in memory as floats. How many elements of k an
// element of a panel holds, `sign_group`, and what it looks like, is said by sign_floats.inl, or by
// a target that computes in pairs.

inline constexpr std::size_t sign_depth = 128;  // elements of a panel
inline constexpr std::size_t sign_rows = 192;
inline constexpr std::size_t sign_workspace = sign_depth * (sign_rows + tile_cols);

/// c [rows, N] (+)= a s over one block of k, where c begins at row m.
inline void multiply_sign_block(const SignProduct& p, std::size_t m, std::size_t rows,
                                std::size_t k, std::size_t depth, float* workspace) {
  float* const a_panels = workspace;
  float* const b_panels = workspace + sign_depth * sign_rows;
  const std::size_t elements = (depth + sign_group - 1) / sign_group;
  for (std::size_t i = 0; i < rows; i += lanes) {
    const float* const a =
        p.a_transposed ? p.a + k * p.a_stride + m + i : p.a + (m + i) * p.a_stride + k;
    pack_sign_rows(a, p.a_stride, !p.a_transposed, rows - i, depth, a_panels + i * elements);
  }
  for (std::size_t j = 0; j < p.n; j += tile_cols) {
    const std::size_t width = p.n - j < tile_cols ? p.n - j : tile_cols;
    const std::size_t padded = (width + lanes - 1) / lanes * lanes;
    pack_signs(p, k, depth, p.column + j, padded, b_panels);
    multiply_panels<SignChain>(padded, a_panels, rows, b_panels, width, elements, k == 0,
                               p.c + m * p.c_stride + j, p.c_stride);
  }
}

inline void sign_product(const SignProduct& p, float* workspace) {
  constexpr std::size_t block = sign_depth * sign_group;
  for (std::size_t m = 0; m < p.m; m += sign_rows) {
    const std::size_t rows = p.m - m < sign_rows ? p.m - m : sign_rows;
    for (std::size_t k = 0; k < p.signs.rows; k += block) {
      const std::size_t left = p.signs.rows - k;
      multiply_sign_block(p, m, rows, k, left < block ? left : block, workspace);
    }
    for (std::size_t i = m; i < m + rows; ++i) {
      scale_all(p.c + i * p.c_stride, p.scale, p.n, p.c + i * p.c_stride);
    }
  }
}
