// Compiled inside its target's namespace and region; for bgemm.inl.
//
// Popcount by a table of 16 bytes, for processors that have no popcount but can look every byte of
// a register up at once. Both operands are stored as low and high halves of their bytes, so that
// the xor of two halves is an index as it stands. That takes twice the memory of bits and saves a
// third of the instructions.

inline constexpr std::size_t row_block = 4;
inline constexpr std::size_t panel_words = 64;  // a panel's 32-bit words for 64 columns of a
inline constexpr std::size_t depth_block = 30;  // 32-bit words; a byte counts to 8 times that

inline constexpr std::uint64_t low_halves = 0x0F0F'0F0F'0F0F'0F0FU;

inline void spread_rows(const std::uint64_t* a, std::size_t stride, std::size_t rows,
                        std::size_t words, std::uint32_t* spread) {
  for (std::size_t i = 0; i < rows; ++i) {
    for (std::size_t k = 0; k < words; ++k) {
      const std::uint64_t low = a[i * stride + k] & low_halves;
      const std::uint64_t high = a[i * stride + k] >> 4U & low_halves;
      std::uint32_t* to = spread + 4 * row_block * k + 2 * i;
      to[0] = static_cast<std::uint32_t>(low);
      to[1] = static_cast<std::uint32_t>(high);
      to[2 * row_block] = static_cast<std::uint32_t>(low >> 32U);
      to[2 * row_block + 1] = static_cast<std::uint32_t>(high >> 32U);
    }
  }
}

inline void lay_column(const std::uint64_t* row, std::size_t words, std::size_t lane,
                       std::uint32_t* panel) {
  for (std::size_t k = 0; k < words; ++k) {
    const std::uint64_t word = row == nullptr ? 0 : row[k];
    const std::uint64_t low = word & low_halves;
    const std::uint64_t high = word >> 4U & low_halves;
    std::uint32_t* to = panel + 64 * k + lane;
    to[0] = static_cast<std::uint32_t>(low);
    to[16] = static_cast<std::uint32_t>(high);
    to[32] = static_cast<std::uint32_t>(low >> 32U);
    to[48] = static_cast<std::uint32_t>(high >> 32U);
  }
}

template <std::size_t Rows>
inline void count_rows(const std::uint32_t* spread, const std::uint32_t* panel, std::size_t words,
                       std::uint32_t* counts) {
  for (std::size_t i = 0; i < Rows; ++i) store_words(counts + 16 * i, no_words());
  const Words table = ones_of_nibbles();
  for (std::size_t left = 2 * words; left > 0;) {
    const std::size_t depth = left < depth_block ? left : depth_block;
    Words bytes[Rows];
    BIPFT_UNROLL
    for (std::size_t i = 0; i < Rows; ++i) bytes[i] = no_words();
    for (std::size_t k = 0; k < depth; ++k) {
      const Words low = load_words(panel);
      const Words high = load_words(panel + 16);
      BIPFT_UNROLL
      for (std::size_t i = 0; i < Rows; ++i) {
        bytes[i] =
            add_bytes(bytes[i], look_up_bytes(table, bit_xor(splat_word(spread[2 * i]), low)));
        bytes[i] =
            add_bytes(bytes[i], look_up_bytes(table, bit_xor(splat_word(spread[2 * i + 1]), high)));
      }
      panel += 32;
      spread += 2 * row_block;
    }
    BIPFT_UNROLL
    for (std::size_t i = 0; i < Rows; ++i) {
      store_words(counts + 16 * i, add(load_words(counts + 16 * i), sum_bytes(bytes[i])));
    }
    left -= depth;
  }
}

/// counts: [rows, 16]
inline void count_ones(const std::uint32_t* spread, const std::uint32_t* panel, std::size_t rows,
                       std::size_t words, std::uint32_t* counts) {
  if (rows == 4) return count_rows<4>(spread, panel, words, counts);
  if (rows >= 2) {
    count_rows<2>(spread, panel, words, counts);
    spread += 4;
    counts += 32;
    rows -= 2;
  }
  if (rows == 1) count_rows<1>(spread, panel, words, counts);
}
