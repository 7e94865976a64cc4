// Compiled inside its target's namespace and region; for bgemm.inl.
//
// Popcount by running parities, for processors that count a register's ones in one instruction and
// select bits in another. Both operands are stored as running xors of their 32-bit words, so that
// p = spread ^ panel is the running xor of the words x = a ^ w that are to be counted. For two
// words x1, x2 after a running xor p0, with p1 = p0 ^ x1 and p2 = p1 ^ x2, bit by bit
//   p0 + x1 + x2 = p2 + 2 · majority(p0, x1, x2)   and   majority = p1 ? not p2 : p0,
// which telescopes: Σ popcount(x) = popcount(p_last) + 2 Σ popcount(majority). So one popcount does
// for two words, and the running xors cost nothing at all.

inline constexpr std::size_t row_block = 8;
inline constexpr std::size_t panel_words = 32;  // a panel's 32-bit words for 64 columns of a

/// The running xor of the two halves of `word`, after `before` (that of all words before, twice).
inline std::uint64_t running_parity(std::uint64_t word, std::uint64_t before) {
  return word ^ (word << 32U) ^ before;
}
inline std::uint64_t last_parity(std::uint64_t parity) { return (parity >> 32U) * 0x1'0000'0001U; }

inline void spread_rows(const std::uint64_t* a, std::size_t stride, std::size_t rows,
                        std::size_t words, std::uint32_t* spread) {
  for (std::size_t i = 0; i < rows; ++i) {
    std::uint64_t before = 0;
    for (std::size_t k = 0; k < words; ++k) {
      const std::uint64_t parity = running_parity(a[i * stride + k], before);
      put_halves(spread + 2 * (k * row_block + i), parity);
      before = last_parity(parity);
    }
  }
}

inline void lay_column(const std::uint64_t* row, std::size_t words, std::size_t lane,
                       std::uint32_t* panel) {
  std::uint64_t before = 0;
  for (std::size_t k = 0; k < words; ++k) {
    const std::uint64_t parity = row == nullptr ? 0 : running_parity(row[k], before);
    panel[32 * k + lane] = static_cast<std::uint32_t>(parity);
    panel[32 * k + 16 + lane] = static_cast<std::uint32_t>(parity >> 32U);
    before = last_parity(parity);
  }
}

template <std::size_t Rows>
inline void count_rows(const std::uint32_t* spread, const std::uint32_t* panel, std::size_t words,
                       std::uint32_t* counts) {
  Words carries[Rows];
  Words parity[Rows];
  BIPFT_UNROLL
  for (std::size_t i = 0; i < Rows; ++i) carries[i] = parity[i] = no_words();
  for (std::size_t k = 0; k < words; ++k) {
    const Words first = load_words(panel);
    const Words second = load_words(panel + 16);
    BIPFT_UNROLL
    for (std::size_t i = 0; i < Rows; ++i) {
      const Words p1 = bit_xor(splat_word(spread[2 * i]), first);
      const Words p2 = bit_xor(splat_word(spread[2 * i + 1]), second);
      carries[i] = add(carries[i], popcount(choose_or_flip(parity[i], p1, p2)));
      parity[i] = p2;
    }
    panel += 32;
    spread += 2 * row_block;
  }
  BIPFT_UNROLL
  for (std::size_t i = 0; i < Rows; ++i) {
    store_words(counts + 16 * i, add(add(carries[i], carries[i]), popcount(parity[i])));
  }
}

/// counts: [rows, 16]
inline void count_ones(const std::uint32_t* spread, const std::uint32_t* panel, std::size_t rows,
                       std::size_t words, std::uint32_t* counts) {
  if (rows == 8) return count_rows<8>(spread, panel, words, counts);
  if (rows >= 4) {  // five to seven rows: four of them, then the others
    count_rows<4>(spread, panel, words, counts);
    spread += 8;
    counts += 64;
    rows -= 4;
  }
  switch (rows) {
    case 1:
      return count_rows<1>(spread, panel, words, counts);
    case 2:
      return count_rows<2>(spread, panel, words, counts);
    case 3:
      return count_rows<3>(spread, panel, words, counts);
    default:
      return;
  }
}
