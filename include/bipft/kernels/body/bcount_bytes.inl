// Compiled inside its target's namespace and region; for bgemm.inl.
//
// Popcount by bytes, for processors that count the ones of every byte of a register in one
// instruction. A lane is a word of 64 columns of `a`, so that a register is one word of two of the
// panel's columns: a row's words are stored twice each, and the innermost loop only loads, xors,
// counts and adds. Half a panel and four rows meet at a time: 16 registers of sums, 4 of weights
// and 1 of a, of the 32 that there are.

inline constexpr std::size_t count_rows = 4;
inline constexpr std::size_t panel_columns = 16;
inline constexpr std::size_t laid_columns = 1;  // together
inline constexpr std::size_t panel_words = 32;  // a panel's 32-bit words for 64 columns of a
inline constexpr std::size_t spread_words = 4 * count_rows;

/// [words, count_rows], each word twice.
inline void spread_rows(const std::uint64_t* const (&rows)[count_rows], std::size_t words,
                        std::uint32_t* spread) {
  for (std::size_t k = 0; k < words; ++k) {
    for (std::size_t i = 0; i < count_rows; ++i, spread += 4) {
      put_halves(spread, rows[i][k]);
      put_halves(spread + 2, rows[i][k]);
    }
  }
}

/// [2, words, 8]: both halves of a panel from front to back.
inline void lay_columns(const std::uint64_t* const (&rows)[laid_columns], std::size_t words,
                        std::size_t lane, std::uint32_t* panel) {
  const std::uint64_t* const row = rows[0];
  std::uint32_t* const to = panel + lane / 8 * 16 * words + lane % 8 * 2;
  for (std::size_t k = 0; k < words; ++k) put_halves(to + 16 * k, row == nullptr ? 0 : row[k]);
}

/// The ones of half a panel over `depth` words, two sums a column.
template <std::size_t Rows>
[[gnu::always_inline]] inline void count_block(const std::uint32_t* spread,
                                               const std::uint32_t* panel, std::size_t depth,
                                               Words (&ones)[Rows]) {
  Tally sum[Rows];
  BIPFT_UNROLL
  for (std::size_t i = 0; i < Rows; ++i) sum[i] = no_tally();
  for (std::size_t k = 0; k < depth; ++k) {
    const Words weights = load_words(panel + 16 * k);
    BIPFT_UNROLL
    for (std::size_t i = 0; i < Rows; ++i) {
      const Words row = repeat_quad(spread + spread_words * k + 4 * i);
      sum[i] = tally(sum[i], bit_xor(row, weights));
    }
  }
  BIPFT_UNROLL
  for (std::size_t i = 0; i < Rows; ++i) ones[i] = settle(sum[i]);
}

/// counts: [Rows, 16], of which it writes eight columns a row.
template <std::size_t Rows>
[[gnu::noinline]] inline void count_half(const std::uint32_t* spread, const std::uint32_t* panel,
                                         std::size_t words, std::uint32_t* counts) {
  std::size_t done = words < tally_depth ? words : tally_depth;
  Words ones[Rows];
  count_block(spread, panel, done, ones);
  while (done < words) {  // seldom: the rows are long
    const std::size_t rest = words - done;
    const std::size_t depth = rest < tally_depth ? rest : tally_depth;
    Words more[Rows];
    count_block(spread + spread_words * done, panel + 16 * done, depth, more);
    BIPFT_UNROLL
    for (std::size_t i = 0; i < Rows; ++i) ones[i] = add(ones[i], more[i]);
    done += depth;
  }
  BIPFT_UNROLL
  for (std::size_t i = 0; i < Rows; ++i) store_sums_of_two(counts + 16 * i, ones[i]);
}

/// ones[i]: where row i and the panel's columns differ.
template <std::size_t Rows>
[[gnu::always_inline]] inline void count_tile(const std::uint32_t* spread,
                                              const std::uint32_t* panel, std::size_t words,
                                              Words (&ones)[Rows]) {
  alignas(64) std::uint32_t counts[16 * Rows];
  count_half<Rows>(spread, panel, words, counts);
  count_half<Rows>(spread, panel + 16 * words, words, counts + 8);
  BIPFT_UNROLL
  for (std::size_t i = 0; i < Rows; ++i) ones[i] = load_words(counts + 16 * i);
}
