// Compiled inside its target's namespace and region; for bgemm.inl.
//
// Panels of 16 plain rows, and popcount by standard arithmetic: std::popcount is a function call
// where the compiler may not count on an instruction.

inline constexpr std::size_t count_rows = 1;
inline constexpr std::size_t panel_columns = 16;
inline constexpr std::size_t laid_columns = 1;  // together
inline constexpr std::size_t panel_words = 32;  // a panel's 32-bit words for 64 columns of a
inline constexpr std::size_t spread_words = 2;
inline constexpr std::size_t depth_block = 31;  // 64-bit words; a byte counts to 8 times that

inline void spread_rows(const std::uint64_t* const (&rows)[count_rows], std::size_t words,
                        std::uint32_t* spread) {
  for (std::size_t k = 0; k < words; ++k) put_halves(spread + 2 * k, rows[0][k]);
}

inline void lay_columns(const std::uint64_t* const (&rows)[laid_columns], std::size_t words,
                        std::size_t lane, std::uint32_t* panel) {
  const std::uint64_t* const row = rows[0];
  for (std::size_t k = 0; k < words; ++k) {
    put_halves(panel + 2 * (lane * words + k), row == nullptr ? 0 : row[k]);
  }
}

/// The ones of each byte of `word`, in that byte: pairs of bits, fours, then eights.
inline std::uint64_t ones_by_byte(std::uint64_t word) {
  word -= word >> 1U & 0x5555'5555'5555'5555U;
  word = (word & 0x3333'3333'3333'3333U) + (word >> 2U & 0x3333'3333'3333'3333U);
  return (word + (word >> 4U)) & 0x0F0F'0F0F'0F0F'0F0FU;
}
inline std::uint64_t sum_of_bytes(std::uint64_t word) {
  constexpr std::uint64_t every_other = 0x00FF'00FF'00FF'00FFU;
  const std::uint64_t pairs = (word & every_other) + (word >> 8U & every_other);
  return pairs * 0x0001'0001'0001'0001U >> 48U;
}

/// ones[0]: where the row and the panel's columns differ.
inline void count_tile(const std::uint32_t* spread, const std::uint32_t* panel, std::size_t words,
                       Words (&ones)[1]) {
  std::uint32_t counts[16];
  for (std::uint32_t& count : counts) {
    std::uint64_t total = 0;
    for (std::size_t first_word = 0; first_word < words; first_word += depth_block) {
      const std::size_t rest = words - first_word;
      const std::size_t end = rest < depth_block ? words : first_word + depth_block;
      std::uint64_t bytes = 0;
      for (std::size_t k = first_word; k < end; ++k) {
        bytes += ones_by_byte(halves(spread + 2 * k) ^ halves(panel + 2 * k));
      }
      total += sum_of_bytes(bytes);
    }
    count = static_cast<std::uint32_t>(total);
    panel += 2 * words;
  }
  ones[0] = load_words(counts);
}
