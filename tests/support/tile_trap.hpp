#pragma once
/// TileTrap: executes tile instructions that the processor refuses, so that the machine code of
/// target `amx` can be tested without tiles. What it understands are the instructions' encodings,
/// as the manual has them: it shares nothing with the words that emit them.

#if defined(__linux__) && defined(__x86_64__)
#include <bit>
#include <cmath>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <limits>

#include <ucontext.h>

namespace bipft::test {

/// While one lives, an illegal instruction of this process is a tile instruction, or its end.
class TileTrap {
 public:
  TileTrap() {
    struct sigaction action = {};
    action.sa_sigaction = execute;
    action.sa_flags = SA_SIGINFO;
    sigaction(SIGILL, &action, &before_);
    executed() = 0;
  }
  TileTrap(const TileTrap&) = delete;
  TileTrap& operator=(const TileTrap&) = delete;
  ~TileTrap() { sigaction(SIGILL, &before_, nullptr); }

  /// Products of two tiles so far.
  static std::size_t& executed() {
    static std::size_t count = 0;
    return count;
  }

 private:
  using Bytes = unsigned char[64];
  struct Tiles {
    bool configured = false;
    Bytes row[8][16] = {};
  };

  /// VEX.128, map 0F38, as all of them are; an address is base + i · stride.
  struct Instruction {
    unsigned opcode, prefix, reg, rm, third;
    bool memory;
    std::uint64_t base, stride;
    const unsigned char* end;
  };

  static void demand(bool condition) {
    if (!condition) std::abort();
  }

  static std::uint64_t value_of(const ucontext_t& at, unsigned number) {
    constexpr int place[] = {REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP,
                             REG_RSI, REG_RDI, REG_R8,  REG_R9,  REG_R10, REG_R11,
                             REG_R12, REG_R13, REG_R14, REG_R15};
    return static_cast<std::uint64_t>(at.uc_mcontext.gregs[place[number]]);
  }

  static Instruction decode(const ucontext_t& at) {
    const auto* p = std::bit_cast<const unsigned char*>(at.uc_mcontext.gregs[REG_RIP]);
    demand(p[0] == 0xC4 && (p[1] & 0x1FU) == 2);
    const unsigned inverted = ~unsigned{p[1]};
    const unsigned high_reg = (inverted >> 7U & 1U) * 8;
    const unsigned high_index = (inverted >> 6U & 1U) * 8;
    const unsigned high_base = (inverted >> 5U & 1U) * 8;
    Instruction found = {};
    found.third = ~unsigned{p[2]} >> 3U & 15U;
    found.prefix = p[2] & 3U;
    demand((p[2] & 0x84U) == 0);  // neither W nor L
    found.opcode = p[3];
    const unsigned mod = p[4] >> 6U;
    found.reg = (p[4] >> 3U & 7U) + high_reg;
    found.rm = p[4] & 7U;
    found.memory = mod != 3;
    found.end = p + 5;
    if (!found.memory) {
      found.rm += high_base;
      return found;
    }
    bool has_base = true;
    std::size_t displacement = mod == 1 ? 1 : mod == 2 ? 4 : 0;
    unsigned base = found.rm + high_base;
    const bool relative = mod == 0 && found.rm == 5;  // to the next instruction
    if (found.rm == 4) {
      const unsigned sib = *found.end++;
      const unsigned index = (sib >> 3U & 7U) + high_index;
      if (index != 4) found.stride = value_of(at, index) << (sib >> 6U);
      base = (sib & 7U) + high_base;
      has_base = mod != 0 || (sib & 7U) != 5;
    }
    if (relative || !has_base) displacement = 4;
    std::int32_t offset = 0;
    if (displacement == 1) {
      offset = static_cast<std::int8_t>(*found.end);
    } else if (displacement == 4) {
      std::memcpy(&offset, found.end, 4);
    }
    found.end += displacement;
    if (relative) {
      found.base = std::bit_cast<std::uint64_t>(found.end);
    } else if (has_base) {
      found.base = value_of(at, base);
    }
    found.base += static_cast<std::uint64_t>(std::int64_t{offset});
    return found;
  }

  static void execute(int, siginfo_t*, void* context) {
    static Tiles tiles;
    auto& at = *static_cast<ucontext_t*>(context);
    const Instruction now = decode(at);
    const unsigned kind = now.opcode << 4U | now.prefix;
    if (kind == 0x490 && now.memory && now.reg == 0) {
      configure(tiles, now.base + now.stride);
    } else {
      demand(tiles.configured);
      if (kind == 0x490 && !now.memory && now.reg == 0 && now.rm == 0) {  // tilerelease
        tiles.configured = false;
      } else if (kind == 0x493 && !now.memory && now.reg < 8) {  // tilezero
        std::memset(tiles.row[now.reg], 0, sizeof tiles.row[now.reg]);
      } else if ((kind == 0x4B3 || kind == 0x4B2) && now.memory && now.reg < 8) {
        for (std::size_t i = 0; i < 16; ++i) {
          auto* const line = std::bit_cast<unsigned char*>(now.base + i * now.stride);
          unsigned char* const row = tiles.row[now.reg][i];
          std::memcpy(kind == 0x4B3 ? row : line, kind == 0x4B3 ? line : row, 64);
        }
      } else {
        demand(!now.memory && now.reg < 8 && now.rm < 8 && now.third < 8);
        demand(now.reg != now.rm && now.reg != now.third && now.rm != now.third);
        demand(kind == 0x5E0 || kind == 0x5C2);
        const auto multiply = kind == 0x5E0 ? multiply_bytes : multiply_pairs;
        for (std::size_t m = 0; m < 16; ++m) {
          multiply(tiles.row[now.rm][m], tiles.row[now.third], tiles.row[now.reg][m]);
        }
        ++executed();
      }
    }
    at.uc_mcontext.gregs[REG_RIP] = std::bit_cast<greg_t>(now.end);
  }

  /// Only the configuration that the kernels use: eight whole tiles of palette 1.
  static void configure(Tiles& tiles, std::uint64_t from) {
    unsigned char wanted[64] = {1};
    for (std::size_t i = 0; i < 8; ++i) {
      wanted[16 + 2 * i] = 64;
      wanted[48 + i] = 16;
    }
    demand(std::memcmp(std::bit_cast<const void*>(from), wanted, 64) == 0);
    tiles = {};
    tiles.configured = true;
  }

  /// tdpbuud, one row of c.
  static void multiply_bytes(const Bytes& a, const Bytes (&b)[16], Bytes& c) {
    for (std::size_t n = 0; n < 64; n += 4) {
      std::uint32_t sum;
      std::memcpy(&sum, c + n, 4);
      for (std::size_t k = 0; k < 64; ++k) sum += unsigned{a[k]} * b[k / 4][n + k % 4];
      std::memcpy(c + n, &sum, 4);
    }
  }

  static float flushed(float x) {
    return std::fabs(x) < std::numeric_limits<float>::min() ? std::copysign(0.0F, x) : x;
  }
  static float bfloat16_at(const unsigned char* from) {
    std::uint32_t bits = 0;
    std::memcpy(std::bit_cast<unsigned char*>(&bits) + 2, from, 2);
    return flushed(std::bit_cast<float>(bits));
  }
  /// tdpbf16ps, one row of c.
  static void multiply_pairs(const Bytes& a, const Bytes (&b)[16], Bytes& c) {
    for (std::size_t n = 0; n < 64; n += 4) {
      float even = 0, odd = 0, sum;
      for (std::size_t k = 0; k < 64; k += 4) {
        even = flushed(std::fma(bfloat16_at(a + k), bfloat16_at(b[k / 4] + n), even));
        odd = flushed(std::fma(bfloat16_at(a + k + 2), bfloat16_at(b[k / 4] + n + 2), odd));
      }
      std::memcpy(&sum, c + n, 4);
      sum = flushed(flushed(sum) + flushed(even + odd));
      std::memcpy(c + n, &sum, 4);
    }
  }

  struct sigaction before_ = {};
};

}  // namespace bipft::test
#endif
