// Compiled in the namespace and region of target `amx`: no include guard, no #include, and no words
// but avx512's and those of tiles.hpp.
//
// Binary products by tiles, from ones(a xor w) = ones(a) + ones(w) - 2 ones(a and w): the last is a
// product of bytes that are 0 or 1, and zeros cost less power than the -1 of a signed product, so
// that the clock stays higher.
//
// Rows of a become bytes once for all columns. Weights stay bits: 64 inputs of 128 columns are one
// block of 1024 bytes, in whose byte [k / 4][c][k % 4] bit s is weight k of column 16 s + c. So the
// tile of columns 16 s ... 16 s + 15 is that block and'ed with 1 << s, 16 stores and no shift. Its
// sums are 2^s times too large, which the counting undoes: exactly, they are integers.

inline constexpr std::size_t most_rows = 256;      // become bytes together
inline constexpr std::size_t plane_columns = 128;  // of 16 columns for each bit of a byte
inline constexpr std::size_t plane_words = 256;    // 32-bit words of a block
inline constexpr std::size_t step_rows = 8;        // of counts that become results together
inline constexpr std::size_t steps_of_sums = 2 * 32 / step_rows;

inline std::uint32_t ones_of_row(const BitView& bits, std::size_t i) {
  std::size_t ones = 0;
  for (std::size_t k = 0; k < words_for(bits.cols); ++k) ones += avx512::ones_of(bits.row(i)[k]);
  return static_cast<std::uint32_t>(ones);
}

/// Where a weight matrix has what, in 32-bit words behind avx512's panels.
struct PlanesPlace {
  std::size_t ones, planes, end;

  PlanesPlace(std::size_t outputs, std::size_t cols) {
    const std::size_t blocks = (outputs + plane_columns - 1) / plane_columns;
    ones = avx512::layout_words(outputs, cols);
    planes = ones + blocks * plane_columns;
    end = planes + blocks * words_for(cols) * plane_words;
  }
};

inline std::size_t layout_words(std::size_t rows, std::size_t cols) {
  return PlanesPlace(rows, cols).end;
}

/// One half of a block: columns c ... c + 7 of every bit, from word k of their rows.
inline void lay_half_block(const BitView& weight, std::size_t first_row, std::size_t k,
                           std::size_t c, std::uint32_t* block) {
  std::uint64_t bits[64];  // [8 columns][8 bits of a byte], then [k][8 columns] bytes
  for (std::size_t i = 0; i < 64; ++i) {
    const std::size_t row = first_row + i % 8 * 16 + c + i / 8;
    bits[i] = row < weight.rows ? weight.row(row)[k] : 0;
  }
  avx512::transpose_bits(bits);
  for (std::size_t i = 0; i < 64; i += 4) {
    for (std::size_t column = 0; column < 8; ++column) {
      std::uint64_t four = 0;
      for (std::size_t j = 0; j < 4; ++j) {
        four |= (bits[i + j] >> 8 * column & 0xFFU) << 8 * j;
      }
      block[i / 4 * 16 + c + column] = static_cast<std::uint32_t>(four);
    }
  }
}

inline void lay_out(BitView weight, std::uint32_t* to) {
  avx512::lay_out(weight, to);
  const PlanesPlace place(weight.rows, weight.cols);
  for (std::size_t o = 0; o < place.planes - place.ones; ++o) {
    to[place.ones + o] = o < weight.rows ? ones_of_row(weight, o) : 0;
  }
  std::uint32_t* block = to + place.planes;
  for (std::size_t row = 0; row < weight.rows; row += plane_columns) {
    for (std::size_t k = 0; k < words_for(weight.cols); ++k, block += plane_words) {
      lay_half_block(weight, row, k, 0, block);
      lay_half_block(weight, row, k, 8, block);
    }
  }
}

/// Rows first ... first + rows - 1 of a as bytes 0 or 2, which doubles the product of bits: tiles
/// [rows / 16][words], the last ones filled up with zeros. ones[i] is what there is in row i.
inline void expand_rows(const BitView& a, std::size_t first, std::size_t rows, Tile* tiles,
                        std::uint32_t* ones) {
  const std::size_t words = words_for(a.cols);
  for (std::size_t i = 0; i < (rows + 15) / 16 * 16; ++i) {
    unsigned char* to = tiles[i / 16 * words].bytes + i % 16 * 64;
    const std::uint64_t* const row = i < rows ? a.row(first + i) : nullptr;
    for (std::size_t k = 0; k < words; ++k, to += sizeof(Tile)) {
      store_words(to, twos_of_bits(row == nullptr ? 0 : row[k]));
    }
    ones[i] = row == nullptr ? 0 : ones_of_row(a, first + i);
  }
}

/// Two tiles of columns, from the planes of their block: those of bits s and s + 1.
struct TwoPlanes {
  const std::uint32_t* planes;  // [words, plane_words]
  Words low, high;

  TwoPlanes(const std::uint32_t* at, std::size_t s)
      : planes(at), low(splat_word(0x01010101U << s)), high(splat_word(0x02020202U << s)) {}
  /// Step k.   tiles: [2]
  void expand(std::size_t k, Tile* tiles) const {
    const std::uint32_t* from = planes + k * plane_words;
    for (std::size_t i = 0; i < sizeof(Tile); i += 64, from += 16) {
      const Words both = load_words(from);
      store_words(tiles[0].bytes + i, bit_and(both, low));
      store_words(tiles[1].bytes + i, bit_and(both, high));
    }
  }
};

/// 32 x 32 sums on their way to becoming what the caller wants, a step at a time: while tiles
/// multiply, the processor has the time for it.
template <class Out>
struct Sums {
  const Out& out;
  const std::uint32_t* row_ones;     // of the first row
  const std::uint32_t* column_ones;  // [O]
  Tile* tiles;                       // [rows / 16][2]
  std::size_t row = 0, rows = 0, column = 0;
  std::size_t done = steps_of_sums;

  /// The sums of rows and columns that begin here wait in `tiles` from now on.
  void begin(std::size_t at_row, std::size_t row_count, std::size_t at_column) {
    row = at_row;
    rows = row_count;
    column = at_column;
    done = 0;
  }
  void finish(std::size_t first_row) {
    while (done < steps_of_sums) step(first_row);
  }
  [[gnu::noinline]] void step(std::size_t first_row) {
    if (done == steps_of_sums) return;
    const std::size_t i = done / 2 * step_rows;
    const std::size_t c = done % 2;
    ++done;
    const std::size_t at = column + 16 * c;
    if (i >= rows || at >= out.integers.outputs) return;
    const unsigned char* sums = tiles[i / 16 * 2 + c].bytes + i % 16 * 64;
    const std::uint32_t* of_row = row_ones + row + i;
    const Words of_column = load_words(column_ones + at);
    const auto plane = static_cast<std::uint32_t>(at % plane_columns / 16);
    Words ones[step_rows];
    BIPFT_UNROLL
    for (std::size_t r = 0; r < step_rows; ++r) {
      const Words twice = shift_right(load_words(sums + 64 * r), plane);
      ones[r] = subtract(add(of_column, splat_word(of_row[r])), twice);
    }
    const std::size_t left = rows - i;
    avx512::finish(out, {first_row + row + i, left < step_rows ? left : step_rows, at}, ones);
  }
};

/// `sums` = a wᵀ of at most 32 rows and of 32 columns; and meanwhile what stood in them before goes
/// its way from `before`, and the tiles of the next columns are expanded, if there are any.
///   a: [rows / 16][words]   w, next_w: [words][2]
template <class Out>
inline void multiply_tiles(const Tile* a, bool two, const Tile* w, std::size_t words,
                           const TwoPlanes* next, Tile* next_w, std::size_t first_row,
                           Sums<Out>& before, Sums<Out>& sums) {
  tile_zero<0>();
  tile_zero<1>();
  tile_zero<2>();
  tile_zero<3>();
  const std::size_t steps = words > 1 ? (steps_of_sums + words - 2) / (words - 1) : steps_of_sums;
  for (std::size_t k = 0; k < words; ++k, w += 2) {
    tile_load<4>(a[k]);
    tile_load<6>(w[0]);
    tile_load<7>(w[1]);
    tile_dot_bytes<0, 4, 6>();
    tile_dot_bytes<1, 4, 7>();
    if (two) {
      tile_load<5>(a[words + k]);
      tile_dot_bytes<2, 5, 6>();
      tile_dot_bytes<3, 5, 7>();
    }
    if (next != nullptr) next->expand(k, next_w + 2 * k);
    if (k == 0 && words > 1) continue;  // the sums before are still being stored
    for (std::size_t i = 0; i < steps; ++i) before.step(first_row);
  }
  before.finish(first_row);
  tile_store<0>(sums.tiles[0]);
  tile_store<1>(sums.tiles[1]);
  if (two) {
    tile_store<2>(sums.tiles[2]);
    tile_store<3>(sums.tiles[3]);
  }
}

/// Hands `out` the popcounts [N, O], step_rows x 16 at a time.
template <class Out>
[[gnu::noinline]] inline void tile_product(const BinaryProduct& p, const Out& out) {
  const std::size_t words = words_for(p.a.cols);
  const PlanesPlace place(p.outputs, p.a.cols);
  const std::size_t blocks = (p.a.rows + most_rows - 1) / most_rows;
  const std::size_t height = ((p.a.rows + blocks - 1) / blocks + 31) / 32 * 32;  // about alike
  const PoolArray<Tile> buffer(2 * 4 + (2 * 2 + height / 16) * words);
  Tile* const of_sums = buffer.begin();
  Tile* const w[2] = {of_sums + 8, of_sums + 8 + 2 * words};
  Tile* const a = w[1] + 2 * words;
  std::uint32_t row_ones[most_rows];
  const std::uint32_t* const column_ones = p.weight + place.ones;
  Sums<Out> sums[2] = {{out, row_ones, column_ones, of_sums},
                       {out, row_ones, column_ones, of_sums + 4}};

  const UseOfTiles use;
  for (std::size_t first = 0; first < p.a.rows; first += height) {
    const std::size_t rows = p.a.rows - first < height ? p.a.rows - first : height;
    expand_rows(p.a, first, rows, a, row_ones);
    const std::uint32_t* planes = p.weight + place.planes;
    const TwoPlanes start(planes, 0);
    for (std::size_t k = 0; k < words; ++k) start.expand(k, w[0] + 2 * k);
    std::size_t turn = 0;
    for (std::size_t column = 0, pair = 0; column < p.outputs; column += 32, ++pair) {
      const std::size_t s = (column + 32) % plane_columns / 16;
      if (s == 0) planes += words * plane_words;
      const TwoPlanes next(planes, s);
      const bool last = column + 32 >= p.outputs;
      for (std::size_t row = 0; row < rows; row += 32, turn ^= 1U) {
        const std::size_t count = rows - row < 32 ? rows - row : 32;
        multiply_tiles(a + row / 16 * words, count > 16, w[pair % 2], words,
                       row != 0 || last ? nullptr : &next, w[(pair + 1) % 2], first,
                       sums[turn ^ 1U], sums[turn]);
        sums[turn].begin(row, count, column);
      }
    }
    sums[turn ^ 1U].finish(first);
  }
}

inline void bgemm_floats(const BinaryProduct& p, const float* scale, const float* bias,
                         const float* residual, float* y) {
  if (p.a.rows < rows_for_tiles) return avx512::bgemm_floats(p, scale, bias, residual, y);
  const avx512::ProductFloats out{avx512::ProductIntegers(p), scale, bias, residual, y};
  tile_product(p, avx512::FloatsOrBits(out));
}

inline void bgemm_bits(const BinaryProduct& p, const std::int32_t* most, const std::int32_t* least,
                       std::uint64_t* bits, std::size_t words_per_row) {
  if (p.a.rows < rows_for_tiles) return avx512::bgemm_bits(p, most, least, bits, words_per_row);
  avx512::clear_last_words(p, bits, words_per_row);
  const avx512::ProductBits out{avx512::ProductIntegers(p), most, least, bits, words_per_row};
  tile_product(p, avx512::FloatsOrBits(out));
}

inline void bgemm_ints(const BinaryProduct& p, std::int32_t* v) {
  if (p.a.rows < rows_for_tiles) return avx512::bgemm_ints(p, v);
  tile_product(p, avx512::ProductInts{avx512::ProductIntegers(p), v});
}
