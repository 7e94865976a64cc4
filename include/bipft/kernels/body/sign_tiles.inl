// Compiled in the namespace and region of target `amx`: no include guard, no #include, and no words
// but avx512_bf16's and those of tiles.hpp.
//
// Products of floats with bits by tiles of bfloat16 pairs: what sign_pairs.inl says of numbers is
// true here, and of its panels those of 16 columns are tiles as they stand. A tile of a is 16 rows
// of 16 pairs. Sums of up to `sign_depth` products are made in tiles and added to c as floats.

inline constexpr std::size_t sign_depth = 512;  // 32 columns of that depth: 32 KB
inline constexpr std::size_t sign_steps = sign_depth / 32;
inline constexpr std::size_t sign_rows = 192;
inline constexpr std::size_t sign_workspace = 0;  // tiles come from the pool

inline float* floats_of(Tile& tile) { return reinterpret_cast<float*>(tile.bytes); }

/// Rows m ... m + rows - 1 of a, from column k on: tiles [rows / 16][depth / 32], filled up with
/// zeros.
inline void pack_row_tiles(const SignProduct& p, std::size_t m, std::size_t rows, std::size_t k,
                           std::size_t depth, Tile* tiles) {
  const Lanes zero = splat(0.0F);
  for (std::size_t i = 0; i < rows; i += 16) {
    const std::size_t lines = rows - i < 16 ? rows - i : 16;
    for (std::size_t step = 0; step < depth; step += 32, ++tiles) {
      const std::size_t width = depth - step < 32 ? depth - step : 32;
      Lanes block[16];
      if (p.a_transposed) {
        const float* line = p.a + (k + step) * p.a_stride + m + i;
        for (std::size_t j = 0; j < 16; ++j, line += 2 * p.a_stride) {
          const Lanes low = 2 * j < width ? load_some(line, 0, lines) : zero;
          const Lanes high = 2 * j + 1 < width ? load_some(line + p.a_stride, 0, lines) : zero;
          block[j] = avx512_bf16::pair_up(low, high);
        }
        avx512::transpose(block);
      } else {
        const float* line = p.a + (m + i) * p.a_stride + k + step;
        for (std::size_t j = 0; j < 16; ++j, line += p.a_stride) {
          const Lanes low = j < lines ? load_some(line, 0, width) : zero;
          const Lanes high = j < lines && width > 16 ? load_some(line, 16, width) : zero;
          block[j] = avx512_bf16::pair_neighbours(low, high);
        }
      }
      for (std::size_t j = 0; j < 16; ++j) store(floats_of(*tiles) + 16 * j, block[j]);
    }
  }
}

/// 16 columns of bits, from row k on: tiles [depth / 32], filled up with zeros.
inline void pack_sign_tiles(const SignProduct& p, std::size_t k, std::size_t depth,
                            std::size_t column, Tile* tiles) {
  float* const panel = floats_of(*tiles);
  avx512_bf16::pack_signs(p, k, depth, column, 16, panel);
  for (std::size_t pair = (depth + 1) / 2; pair % 16 != 0; ++pair) {
    store(panel + 16 * pair, splat(0.0F));
  }
}

/// sums [2][2] = a s of one or two tiles of rows and of columns.   a, s: [1 or 2][steps]
inline void multiply_sign_tiles(const Tile* a, bool two, const Tile* s, bool wide,
                                std::size_t steps, Tile* sums) {
  tile_zero<0>();
  tile_zero<1>();
  tile_zero<2>();
  tile_zero<3>();
  for (std::size_t k = 0; k < steps; ++k) {
    tile_load<4>(a[k]);
    tile_load<6>(s[k]);
    tile_dot_pairs<0, 4, 6>();
    if (wide) {
      tile_load<7>(s[steps + k]);
      tile_dot_pairs<1, 4, 7>();
    }
    if (!two) continue;
    tile_load<5>(a[steps + k]);
    tile_dot_pairs<2, 5, 6>();
    if (wide) tile_dot_pairs<3, 5, 7>();
  }
  tile_store<0>(sums[0]);
  tile_store<1>(sums[1]);
  tile_store<2>(sums[2]);
  tile_store<3>(sums[3]);
}

/// c [rows, cols] = factor · ((fresh ? 0 : c) + sums), of at most 32 x 32.
inline void add_sign_sums(Tile* sums, float* c, std::size_t c_stride, std::size_t rows,
                          std::size_t cols, bool fresh, float factor) {
  for (std::size_t i = 0; i < rows; ++i, c += c_stride) {
    for (std::size_t j = 0; j < cols; j += 16) {
      Lanes value = load(floats_of(sums[i / 16 * 2 + j / 16]) + i % 16 * 16);
      if (!fresh) value = add(load_some(c, j, cols), value);
      store_some(c, multiply(value, splat(factor)), j, cols);
    }
  }
}

/// c [rows, N] (+)= a s over one block of k, where c begins at row m; the last block scales it.
///   tiles: 4 of sums, 2 · sign_steps of columns, sign_rows / 16 · sign_steps of rows
inline void multiply_sign_block(const SignProduct& p, std::size_t m, std::size_t rows,
                                std::size_t k, std::size_t depth, Tile* tiles) {
  Tile* const s = tiles + 4;
  Tile* const a = s + 2 * sign_steps;
  const std::size_t steps = (depth + 31) / 32;
  const float factor = k + depth == p.signs.rows ? p.scale : 1.0F;
  pack_row_tiles(p, m, rows, k, depth, a);
  for (std::size_t j = 0; j < p.n; j += 32) {
    const std::size_t cols = p.n - j < 32 ? p.n - j : 32;
    pack_sign_tiles(p, k, depth, p.column + j, s);
    if (cols > 16) pack_sign_tiles(p, k, depth, p.column + j + 16, s + steps);
    for (std::size_t i = 0; i < rows; i += 32) {
      const std::size_t height = rows - i < 32 ? rows - i : 32;
      multiply_sign_tiles(a + i / 16 * steps, height > 16, s, cols > 16, steps, tiles);
      add_sign_sums(tiles, p.c + (m + i) * p.c_stride + j, p.c_stride, height, cols, k == 0,
                    factor);
    }
  }
}

inline void sign_product(const SignProduct& p, float*) {
  const PoolArray<Tile> buffer(4 + (2 + sign_rows / 16) * sign_steps);
  const UseOfTiles use;
  for (std::size_t m = 0; m < p.m; m += sign_rows) {
    const std::size_t rows = p.m - m < sign_rows ? p.m - m : sign_rows;
    for (std::size_t k = 0; k < p.signs.rows; k += sign_depth) {
      const std::size_t left = p.signs.rows - k;
      multiply_sign_block(p, m, rows, k, left < sign_depth ? left : sign_depth, buffer.begin());
    }
  }
}
