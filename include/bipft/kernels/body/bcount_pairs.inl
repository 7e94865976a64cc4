// Compiled inside its target's namespace and region; for bgemm.inl.
//
// Popcount by looking up two rows at once, for processors that have no popcount but can look every
// byte of a register up in 16 of them. A byte of the panel is four bits of a weight, and those of
// the rows choose the 16 bytes to look into: the ones that differ from each index, of one row in a
// byte's low half and of another in its high half. So no xor is left to do, one look counts for two
// rows, and three looks fit a byte before its low half could run over. With t such a sum of three,
// and l and h what it holds of the two rows, a step keeps, modulo 256,
//   sum += l + 16 h   and   upper += (t of 16 bits) >> 4
// where of each two bytes the upper one gains h and the lower one h + 16 l', l' being the upper
// one's. Nothing is masked: the upper h follow, from them the upper l, from these the lower h, and
// from these the lower l, each of them exactly while it is below 256.
//
// That is 8 instructions for 3 x 256 bits of xor and popcount: 96 each. A count by nibbles (xor,
// look, add of each 128) makes 43 of them, and carries of running parities through a tree of adders
// 49. On a Zen 5, g++ 12, GbinOP/s of nibbles / carries / this, where loops without memory reach
// 1060 / 1530 / 2900:
//   K      M = 1              M = 2               M = 4               M = 16 ... 256
//   64     170 / 190 / 190    310 / 200 / 330     550 / 200 / 490     530 / 190 / 550
//   384    300 / 610 / 560    580 / 620 / 1060    1070 / 620 / 1440   1100 / 630 / 1650
//   768    320 / 890 / 680    630 / 900 / 1330    1230 / 900 / 1750   1230 / 900 / 1950
//   3072   330 / 1210 / 750   650 / 1210 / 1370   1290 / 1240 / 1880  1280 / 1250 / 2200
// Carries are ahead for a single row, which is half a pair; that is not worth a second layout.

inline constexpr std::size_t count_rows = 8;
inline constexpr std::size_t panel_columns = 32;
inline constexpr std::size_t laid_columns = 4;   // together
inline constexpr std::size_t panel_words = 128;  // a panel's 32-bit words for 64 columns of a
inline constexpr std::size_t spread_words = 4 * count_rows;
inline constexpr std::size_t most_words = 1023;  // of 64 columns: 16 bits count them

inline constexpr std::size_t looks = 16;  // for each 64-bit word: bytes' low halves, then high
inline constexpr std::size_t offset_bytes = 8;    // of the four pairs of rows, for one look
inline constexpr std::size_t depth_block = 21;    // threes; a byte counts to 12 times that
inline constexpr std::size_t nothing = 16 * 256;  // offset of 16 zeros

/// For each two rows' four bits, high and low half of the index, the ones where either differs from
/// 0, 1, ..., 15; then 16 zeros.
struct Lookup {
  alignas(64) unsigned char ones[nothing + 16] = {};

  constexpr Lookup() {
    for (unsigned i = 0; i < nothing; ++i) {
      const unsigned low = (i >> 4U ^ i) & 15U;
      const unsigned high = (i >> 8U ^ i) & 15U;
      ones[i] = static_cast<unsigned char>(std::popcount(low) | std::popcount(high) << 4);
    }
  }
};
inline constexpr Lookup lookup;

/// [words, looks, 4 pairs of rows] offsets of 16 bits into `lookup`.
inline void spread_rows(const std::uint64_t* const (&rows)[count_rows], std::size_t words,
                        std::uint32_t* spread) {
  constexpr std::uint64_t low_halves = 0x0F0F'0F0F'0F0F'0F0FU;
  for (std::size_t k = 0; k < words; ++k, spread += spread_words) {
    std::uint64_t low[count_rows / 2];
    std::uint64_t high[count_rows / 2];
    BIPFT_UNROLL
    for (std::size_t p = 0; p < count_rows / 2; ++p) {
      const std::uint64_t first = rows[2 * p][k];
      const std::uint64_t second = rows[2 * p + 1][k];
      low[p] = (first & low_halves) | (second & low_halves) << 4U;
      high[p] = (first >> 4U & low_halves) | (second & ~low_halves);
    }
    weave_offsets(spread, low);
    weave_offsets(spread + spread_words / 2, high);
  }
}

/// [words, looks, panel_columns] bytes, of which it writes four columns.
inline void lay_columns(const std::uint64_t* const (&rows)[laid_columns], std::size_t words,
                        std::size_t lane, std::uint32_t* panel) {
  std::uint32_t* to = panel + lane / 4;
  for (std::size_t k = 0; k < words; ++k, to += panel_words) {
    std::uint64_t word[laid_columns];
    for (std::size_t i = 0; i < laid_columns; ++i) word[i] = rows[i] == nullptr ? 0 : rows[i][k];
    std::uint32_t byte[8];
    weave(byte, word);
    for (std::size_t i = 0; i < 8; ++i) {
      to[i * panel_columns / 4] = byte[i] & 0x0F0F'0F0FU;
      to[(i + 8) * panel_columns / 4] = byte[i] >> 4U & 0x0F0F'0F0FU;
    }
  }
}

inline Bytes look_for_pair(const unsigned char* offset, Bytes index) {
  std::uint16_t place;
  std::memcpy(&place, offset, sizeof place);
  return look_up(lookup.ones + place, index);
}

/// counts += ones, over `threes` times three looks, at most depth_block.
///   offsets: [3 threes, 4]   panel: [3 threes, panel_columns]
///   counts: [2 Pairs, panel_columns], of each row first those of even columns, then of odd ones
template <std::size_t Pairs>
[[gnu::noinline]] inline void count_block(const unsigned char* offsets, const unsigned char* panel,
                                          std::size_t threes, std::uint16_t* counts) {
  Bytes sum[Pairs];
  Bytes upper[Pairs];
  BIPFT_UNROLL
  for (std::size_t p = 0; p < Pairs; ++p) sum[p] = upper[p] = Bytes{};
  do {
    Bytes index[3];
    BIPFT_UNROLL
    for (std::size_t i = 0; i < 3; ++i) index[i] = load_bytes(panel + i * panel_columns);
    BIPFT_UNROLL
    for (std::size_t p = 0; p < Pairs; ++p) {
      Bytes three = look_for_pair(offsets + 2 * p, index[0]);
      three += look_for_pair(offsets + offset_bytes + 2 * p, index[1]);
      three += look_for_pair(offsets + 2 * offset_bytes + 2 * p, index[2]);
      sum[p] += three;
      upper[p] += as_bytes(as_shorts(three) >> 4);
    }
    offsets += 3 * offset_bytes;
    panel += 3 * panel_columns;
  } while (--threes != 0);
  BIPFT_UNROLL
  for (std::size_t p = 0; p < Pairs; ++p, counts += 2 * panel_columns) {
    const Shorts above = as_shorts(upper[p]);
    const Bytes sixteenfold = as_bytes(above << 4 & 0xF0F0);
    const Shorts first = as_shorts(sum[p] - sixteenfold);
    add_shorts(counts, first & 0xFF);
    add_shorts(counts + 16, first >> 8);
    add_shorts(counts + 32, (above - (first >> 8 << 4)) & 0xFF);
    add_shorts(counts + 48, above >> 8);
  }
}

/// The same over whole rows.
template <std::size_t Pairs>
inline void count_pairs(const unsigned char* offsets, const unsigned char* panel, std::size_t words,
                        std::uint16_t* counts) {
  const std::size_t rest = words * looks % 3;
  for (std::size_t left = words * looks / 3; left != 0;) {
    const std::size_t depth = left < depth_block ? left : depth_block;
    count_block<Pairs>(offsets, panel, depth, counts);
    offsets += 3 * depth * offset_bytes;
    panel += 3 * depth * panel_columns;
    left -= depth;
  }
  if (rest == 0) return;
  std::uint16_t last[3][4];  // three looks once more, of which some were counted and add nothing
  for (std::size_t i = 0; i < 3; ++i) {
    for (std::uint16_t& place : last[i]) place = nothing;
    if (i + rest >= 3) std::memcpy(last[i], offsets + (i + rest - 3) * offset_bytes, offset_bytes);
  }
  count_block<Pairs>(reinterpret_cast<const unsigned char*>(last),
                     panel - (3 - rest) * panel_columns, 1, counts);
}

/// counts: [count_rows, panel_columns], where each of `rows` rows and the panel's columns differ.
[[gnu::noinline]] inline void count_panel(const std::uint32_t* spread, const std::uint32_t* panel,
                                          std::size_t words, std::size_t rows,
                                          std::uint16_t* counts) {
  const auto* const offsets = reinterpret_cast<const unsigned char*>(spread);
  const auto* const bytes = reinterpret_cast<const unsigned char*>(panel);
  BIPFT_UNROLL
  for (std::size_t i = 0; i < count_rows * panel_columns; i += 16) {
    store_shorts(counts + i, Shorts{});
  }
  if (rows > 4) return count_pairs<4>(offsets, bytes, words, counts);
  if (rows > 2) return count_pairs<2>(offsets, bytes, words, counts);
  count_pairs<1>(offsets, bytes, words, counts);
}

/// Of 16 columns.
inline Words load_counts(const std::uint16_t* counts, std::size_t row, std::size_t column) {
  const std::uint16_t* const even = counts + row * panel_columns + column / 2;
  return load_woven(even, even + panel_columns / 2);
}

/// ones[i] += the ones of row i and 16 columns in what lies beyond most_words: seldom any.
///   row, column: of the tile
[[gnu::noinline]] inline void add_ones_beyond(const std::uint32_t* spread,
                                              const std::uint32_t* panel, std::size_t words,
                                              std::size_t row, std::size_t column,
                                              Words (&ones)[4]) {
  for (std::size_t done = most_words; done < words; done += most_words) {
    const std::size_t depth = words - done < most_words ? words - done : most_words;
    std::uint16_t counts[count_rows * panel_columns];
    count_panel(spread + done * spread_words, panel + done * panel_words, depth, count_rows,
                counts);
    for (std::size_t i = 0; i < 4; ++i) {
      ones[i] = add(ones[i], load_counts(counts, row + i, column));
    }
  }
}

/// One panel and one group of rows: four rows and 16 columns at a time go to `out`.
template <class Out>
[[gnu::always_inline]] inline void multiply_wide_tile(const std::uint32_t* spread,
                                                      const std::uint32_t* panel, std::size_t words,
                                                      const TilePlace& at, const Out& out) {
  alignas(64) std::uint16_t counts[count_rows * panel_columns];
  count_panel(spread, panel, words < most_words ? words : most_words, at.rows, counts);
  for (std::size_t row = 0; row < at.rows; row += 4) {
    const std::size_t rows = at.rows - row < 4 ? at.rows - row : 4;
    for (std::size_t column = 0; column < panel_columns; column += 16) {
      if (at.column + column >= out.integers.outputs) break;
      Words ones[4];
      BIPFT_UNROLL
      for (std::size_t i = 0; i < 4; ++i) {
        ones[i] = load_counts(counts, row + i, column);
      }
      if (words > most_words) add_ones_beyond(spread, panel, words, row, column, ones);
      finish(out, TilePlace{at.row + row, rows, at.column + column}, ones);
    }
  }
}
