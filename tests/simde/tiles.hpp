#pragma once
/// The words of bipft/kernels/tiles.hpp in plain C++, for a program that is compiled with
/// BIPFT_SIMDE. Whoever uses a tile that is not configured, or reads one that was never written,
/// is stopped.

#include <bit>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <limits>

namespace bipft::kernels::amx {

struct alignas(64) Tile {
  unsigned char bytes[1024];
};

/// The tiles of one thread.
struct StandInTiles {
  bool configured = false;
  bool written[8] = {};
  Tile tile[8];

  void demand(bool condition, const char* what) const {
    if (condition) return;
    std::fprintf(stderr, "tiles: %s\n", what);
    std::abort();
  }
  Tile& to_write(int t) {
    demand(configured, "written without a configuration");
    written[t] = true;
    return tile[t];
  }
  const Tile& to_read(int t) const {
    demand(configured, "read without a configuration");
    demand(written[t], "read before being written");
    return tile[t];
  }
};

inline StandInTiles& stand_in() {
  static thread_local StandInTiles tiles;
  return tiles;
}

[[nodiscard]] inline bool tiles_permitted() { return true; }

class UseOfTiles {
 public:
  UseOfTiles() {
    stand_in().demand(!stand_in().configured, "configured twice");
    stand_in() = {};
    stand_in().configured = true;
  }
  UseOfTiles(const UseOfTiles&) = delete;
  UseOfTiles& operator=(const UseOfTiles&) = delete;
  ~UseOfTiles() { stand_in().configured = false; }
};

template <int T>
void tile_zero() {
  stand_in().to_write(T) = {};
}
template <int T>
void tile_load(const Tile& from) {
  stand_in().to_write(T) = from;
}
template <int T>
void tile_store(Tile& to) {
  to = stand_in().to_read(T);
}

template <int C, int A, int B>
void tile_dot_bytes() {
  static_assert(C != A && C != B && A != B, "the instruction does not exist");
  const Tile& a = stand_in().to_read(A);
  const Tile& b = stand_in().to_read(B);
  std::uint32_t sum[16][16];
  std::memcpy(sum, stand_in().to_read(C).bytes, sizeof sum);
  for (unsigned row = 0; row < 16; ++row) {
    for (unsigned k = 0; k < 64; ++k) {
      const std::uint32_t factor = a.bytes[64 * row + k];
      for (unsigned column = 0; column < 16; ++column) {
        sum[row][column] += factor * b.bytes[64 * (k / 4) + 4 * column + k % 4];
      }
    }
  }
  std::memcpy(stand_in().to_write(C).bytes, sum, sizeof sum);
}

/// The bfloat16 at `from`, and what a product or a sum leaves: denormal numbers are zeros.
inline float without_denormals(float x) {
  return std::fabs(x) < std::numeric_limits<float>::min() ? std::copysign(0.0F, x) : x;
}
inline float bfloat16_at(const unsigned char* from) {
  const auto bits = static_cast<std::uint32_t>(from[0] << 16U | from[1] << 24U);
  return without_denormals(std::bit_cast<float>(bits));
}

template <int C, int A, int B>
void tile_dot_pairs() {
  static_assert(C != A && C != B && A != B, "the instruction does not exist");
  const Tile& a = stand_in().to_read(A);
  const Tile& b = stand_in().to_read(B);
  float sum[16][16];
  std::memcpy(sum, stand_in().to_read(C).bytes, sizeof sum);
  for (unsigned row = 0; row < 16; ++row) {
    for (unsigned column = 0; column < 16; ++column) {
      float part[2] = {};
      for (unsigned k = 0; k < 32; ++k) {
        const float x = bfloat16_at(a.bytes + 64 * row + 2 * k);
        const float y = bfloat16_at(b.bytes + 64 * (k / 2) + 4 * column + 2 * (k % 2));
        part[k % 2] = without_denormals(std::fma(x, y, part[k % 2]));
      }
      const float both = without_denormals(part[0] + part[1]);
      sum[row][column] = without_denormals(without_denormals(sum[row][column]) + both);
    }
  }
  std::memcpy(stand_in().to_write(C).bytes, sum, sizeof sum);
}

}  // namespace bipft::kernels::amx
