// Compiled inside its target's namespace and region; for bgemm.inl.
//
// Popcount by a table of 16 bytes, for processors that have no popcount but can look every byte of
// a register up at once. Both operands are stored as low and high halves of their bytes, so that
// the xor of two halves is an index as it stands. That takes twice the memory of bits and saves a
// third of the instructions.

inline constexpr std::size_t count_rows = 4;
inline constexpr std::size_t panel_words = 64;  // a panel's 32-bit words for 64 columns of a
inline constexpr std::size_t spread_words = 4 * count_rows;
inline constexpr std::size_t depth_block = 30;  // 32-bit words; a byte counts to 8 times that

inline constexpr std::uint64_t low_halves = 0x0F0F'0F0F'0F0F'0F0FU;

/// [words, 2, count_rows, 2]: of each 32-bit word the low halves, then the high ones.
inline void spread_rows(const std::uint64_t* const (&rows)[count_rows], std::size_t words,
                        std::uint32_t* spread) {
  for (std::size_t k = 0; k < words; ++k, spread += spread_words) {
    for (std::size_t i = 0; i < count_rows; ++i) {
      const std::uint64_t low = rows[i][k] & low_halves;
      const std::uint64_t high = rows[i][k] >> 4U & low_halves;
      std::uint32_t* const to = spread + 2 * i;
      to[0] = static_cast<std::uint32_t>(low);
      to[1] = static_cast<std::uint32_t>(high);
      to[2 * count_rows] = static_cast<std::uint32_t>(low >> 32U);
      to[2 * count_rows + 1] = static_cast<std::uint32_t>(high >> 32U);
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

/// ones[i]: where row i and the panel's columns differ.
template <std::size_t Rows>
[[gnu::always_inline]] inline void count_tile(const std::uint32_t* spread,
                                              const std::uint32_t* panel, std::size_t words,
                                              Words (&ones)[Rows]) {
  const Words table = ones_of_nibbles();
  BIPFT_UNROLL
  for (std::size_t i = 0; i < Rows; ++i) ones[i] = no_words();
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
      spread += 2 * count_rows;
    }
    BIPFT_UNROLL
    for (std::size_t i = 0; i < Rows; ++i) ones[i] = add(ones[i], sum_bytes(bytes[i]));
    left -= depth;
  }
}
