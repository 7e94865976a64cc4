// Compiled inside its target's namespace and region; for bgemm.inl.
//
// Popcount by running parities, for processors that count a register's ones in one instruction and
// select bits in another. Both operands are stored as running xors of their 32-bit words, so that
// p = spread ^ panel is the running xor of the words x = a ^ w that are to be counted. For two
// words x1, x2 after a running xor p0, with p1 = p0 ^ x1 and p2 = p1 ^ x2, bit by bit
//   p0 + x1 + x2 = p2 + 2 · majority(p0, x1, x2)   and   majority = p1 ? not p2 : p0,
// which telescopes: Σ popcount(x) = popcount(p_last) + 2 Σ popcount(majority). So one popcount does
// for two words, and the running xors cost nothing at all.

inline constexpr std::size_t count_rows = 8;  // 8 registers of carries, 8 of parities
inline constexpr std::size_t panel_columns = 16;
inline constexpr std::size_t laid_columns = 1;  // together
inline constexpr std::size_t panel_words = 32;  // a panel's 32-bit words for 64 columns of a
inline constexpr std::size_t spread_words = 2 * count_rows;

/// The running xor of a word's halves after `before`, low half first; and for the next word, the
/// xor of all halves so far, twice.
inline std::uint64_t running_parity(std::uint64_t word, std::uint64_t& before) {
  const std::uint64_t parity = before ^ word ^ word << 32U;
  before ^= word ^ (word >> 32U | word << 32U);
  return parity;
}

/// [words, count_rows, 2]
inline void spread_rows(const std::uint64_t* const (&rows)[count_rows], std::size_t words,
                        std::uint32_t* spread) {
  std::uint64_t before[count_rows] = {};
  for (std::size_t k = 0; k < words; ++k, spread += spread_words) {
    for (std::size_t i = 0; i < count_rows; ++i) {
      put_halves(spread + 2 * i, running_parity(rows[i][k], before[i]));
    }
  }
}

inline void lay_columns(const std::uint64_t* const (&rows)[laid_columns], std::size_t words,
                        std::size_t lane, std::uint32_t* panel) {
  const std::uint64_t* const row = rows[0];
  std::uint64_t before = 0;
  for (std::size_t k = 0; k < words; ++k, panel += panel_words) {
    const std::uint64_t parity = row == nullptr ? 0 : running_parity(row[k], before);
    panel[lane] = static_cast<std::uint32_t>(parity);
    panel[lane + 16] = static_cast<std::uint32_t>(parity >> 32U);
  }
}

/// Two words of each row. `parity` becomes that behind them; where it was is free for the next,
/// so that a loop of two such steps moves no register.
template <std::size_t Rows>
[[gnu::always_inline]] inline void count_step(const std::uint32_t* spread,
                                              const std::uint32_t* panel, Words (&carries)[Rows],
                                              Words (&parity)[Rows]) {
  const Words first = load_words(panel);
  const Words second = load_words(panel + 16);
  BIPFT_UNROLL
  for (std::size_t i = 0; i < Rows; ++i) {
    const Words p1 = bit_xor(splat_word(spread[2 * i]), first);
    const Words p2 = bit_xor(splat_word(spread[2 * i + 1]), second);
    carries[i] = add(carries[i], popcount(choose_or_flip(parity[i], p1, p2)));
    parity[i] = p2;
  }
}

/// ones[i]: where row i and the panel's columns differ.
template <std::size_t Rows>
[[gnu::always_inline]] inline void count_tile(const std::uint32_t* spread,
                                              const std::uint32_t* panel, std::size_t words,
                                              Words (&ones)[Rows]) {
  Words carries[Rows];
  Words parity[Rows];
  BIPFT_UNROLL
  for (std::size_t i = 0; i < Rows; ++i) carries[i] = parity[i] = no_words();
  std::size_t k = 0;
  for (; k + 2 <= words; k += 2, spread += 2 * spread_words, panel += 2 * panel_words) {
    count_step(spread, panel, carries, parity);
    count_step(spread + spread_words, panel + panel_words, carries, parity);
  }
  if (k < words) count_step(spread, panel, carries, parity);
  BIPFT_UNROLL
  for (std::size_t i = 0; i < Rows; ++i) {
    ones[i] = add(add(carries[i], carries[i]), popcount(parity[i]));
  }
}
