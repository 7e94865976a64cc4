#pragma once
/// The words of target `amx`: eight tiles of 16 rows x 64 bytes, and products of two of them.
///
/// Each word is one instruction, written in assembly: GCC 12 drops the stores behind its own
/// _tile_loadconfig, and no compiler then needs to know of tiles. A program that is compiled with
/// BIPFT_SIMDE brings words of its own instead, in portable code (tests/simde/tiles.hpp).

#if defined(__x86_64__) || defined(BIPFT_SIMDE)
#if !defined(BIPFT_SIMDE)
#include <cstdint>

#if defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace bipft::kernels::amx {

/// A tile in memory, row after row.
struct alignas(64) Tile {
  unsigned char bytes[1024];
};

/// Asks the system to save tiles, which it does for processes that asked once (Linux 5.16). Frames
/// of signals grow by 8 KiB, so it refuses where a thread has a smaller stack for them.
[[nodiscard]] inline bool tiles_permitted() {
#if defined(__linux__) && defined(SYS_arch_prctl)
  constexpr long request_permission = 0x1023;
  constexpr long tile_data = 18;
  return syscall(SYS_arch_prctl, request_permission, tile_data) == 0;
#else
  return false;
#endif
}

/// While one lives, this thread has eight whole tiles; before and after, a switch between threads
/// need not save them.
class UseOfTiles {
 public:
  UseOfTiles() {
    struct alignas(64) {
      std::uint8_t palette = 1, start_row = 0, reserved[14] = {};
      std::uint16_t bytes_per_row[16] = {64, 64, 64, 64, 64, 64, 64, 64};
      std::uint8_t rows[16] = {16, 16, 16, 16, 16, 16, 16, 16};
    } const configuration;
    static_assert(sizeof configuration == 64);
    __asm__ volatile("ldtilecfg %0" : : "m"(configuration));
  }
  UseOfTiles(const UseOfTiles&) = delete;
  UseOfTiles& operator=(const UseOfTiles&) = delete;
  ~UseOfTiles() { __asm__ volatile("tilerelease"); }
};

template <int T>
[[gnu::always_inline]] inline void tile_zero() {
  __asm__ volatile("tilezero %%tmm%c0" : : "i"(T));
}
template <int T>
[[gnu::always_inline]] inline void tile_load(const Tile& from) {
  __asm__ volatile("tileloadd (%1,%2,1), %%tmm%c0" : : "i"(T), "r"(&from), "r"(64L), "m"(from));
}
template <int T>
[[gnu::always_inline]] inline void tile_store(Tile& to) {
  __asm__ volatile("tilestored %%tmm%c1, (%2,%3,1)" : "=m"(to) : "i"(T), "r"(&to), "r"(64L));
}
/// Of 16 x 16 sums, C += A B: A's rows and B's columns are 64 unsigned bytes, B's four by four,
/// B[k / 4][column][k % 4].
template <int C, int A, int B>
[[gnu::always_inline]] inline void tile_dot_bytes() {
  __asm__ volatile("tdpbuud %%tmm%c2, %%tmm%c1, %%tmm%c0" : : "i"(C), "i"(A), "i"(B));
}
/// The same of floats, with 32 bfloat16 where there were 64 bytes, and B's two by two. Sums over
/// even and over odd k are added at the end, and denormal numbers are zeros.
template <int C, int A, int B>
[[gnu::always_inline]] inline void tile_dot_pairs() {
  __asm__ volatile("tdpbf16ps %%tmm%c2, %%tmm%c1, %%tmm%c0" : : "i"(C), "i"(A), "i"(B));
}

}  // namespace bipft::kernels::amx
#endif
#endif
