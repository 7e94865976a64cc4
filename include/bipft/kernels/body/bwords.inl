// Compiled once per target, inside its namespace and region: no include guard, no #include, and no
// words but the target's own (target/scalar.hpp lists them).
//
// What the other bodies over bits share.

/// Where a tile begins, and how many of its rows exist.
struct TilePlace {
  std::size_t row, rows, column;
};

/// A 64-bit word as two of 32 bits, the low one first, and back.
inline void put_halves(std::uint32_t* to, std::uint64_t word) {
  to[0] = static_cast<std::uint32_t>(word);
  to[1] = static_cast<std::uint32_t>(word >> 32U);
}
inline std::uint64_t halves(const std::uint32_t* from) {
  return std::uint64_t{from[0]} | std::uint64_t{from[1]} << 32U;
}

/// Bits 16 i ... 16 i + 15 of a row, in memory whose bytes ascend.
inline void put_16(std::uint64_t* row, std::size_t i, std::uint32_t bits) {
  static_assert(std::endian::native == std::endian::little, "rows of bits are little-endian");
  const auto half = static_cast<std::uint16_t>(bits);
  std::memcpy(reinterpret_cast<unsigned char*>(row) + 2 * i, &half, sizeof half);
}

/// In place: bit c of row r becomes bit r of row c. Halves are swapped across the diagonal, then
/// quarters within them, and so on down to single bits.
inline void transpose_bits(std::uint64_t* rows) {
  std::uint64_t low = 0x0000'0000'FFFF'FFFFU;
  for (std::size_t size = 32; size != 0; size /= 2, low ^= low << size) {
    for (std::size_t block = 0; block < 64; block += 2 * size) {
      for (std::size_t i = block; i < block + size; ++i) {
        const std::uint64_t swapped = (rows[i] >> size ^ rows[i + size]) & low;
        rows[i] ^= swapped << size;
        rows[i + size] ^= swapped;
      }
    }
  }
}

inline std::size_t ones_of(std::uint64_t word) {
  return static_cast<std::size_t>(std::popcount(word));
}
