#pragma once
/// What the processor can do and the system lets it: CPUID feature bits and the registers that the
/// system saves (XCR0), or the features that Linux tells of an Arm. Never the model's name, which
/// virtual machines mask.

#include <cstdint>

#if defined(__x86_64__)
#include <cpuid.h>
#elif defined(__aarch64__) && defined(__linux__)
#include <sys/auxv.h>
#endif

namespace bipft::kernels {

/// The sets of instructions that a target may need.
struct CpuFeatures {
  bool avx2 = false;    ///< AVX2, FMA, F16C, BMI2, POPCNT and the 256-bit registers
  bool avx512 = false;  ///< the above, AVX-512 F, BW, DQ, VL, VPOPCNTDQ and the 512-bit registers
  bool avx512_bf16 = false;  ///< the above and AVX-512 BF16
  bool amx_bf16 = false;     ///< tiles of bfloat16, whether or not they may be used
  /// AVX-512 BF16, AMX-TILE, INT8 and BF16, and eight tiles of 16 rows x 64 bytes
  bool amx = false;
  bool dotprod = false;      ///< Arm's UDOT; the registers it works on are in every 64-bit Arm
};

#if defined(__x86_64__)
namespace detail {

/// The register states that the system saves: bit 1 SSE, 2 AVX, 5 to 7 AVX-512, 17 and 18 AMX.
[[nodiscard]] inline std::uint32_t saved_states() {
  std::uint32_t low = 0;
  std::uint32_t high = 0;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return low;
}

[[nodiscard]] constexpr bool has_all(std::uint32_t word, std::uint32_t bits) {
  return (word & bits) == bits;
}

/// Whether tiles have the shape that the kernels count on, as every processor's have so far.
[[nodiscard]] inline bool usual_tiles() {
  std::uint32_t a = 0, b = 0, c = 0, d = 0;
  if (__get_cpuid_count(0x1D, 1, &a, &b, &c, &d) == 0) return false;
  return a == (1024U << 16U | 8192U) && b == (8U << 16U | 64U) && (c & 0xFFFFU) == 16;
}

}  // namespace detail
#endif

[[nodiscard]] inline CpuFeatures detect_cpu() {
  CpuFeatures cpu;
#if defined(__x86_64__)
  using detail::has_all;
  std::uint32_t a = 0, b = 0, c = 0, d = 0;
  constexpr std::uint32_t fma = 1U << 12U, popcnt = 1U << 23U, osxsave = 1U << 27U,
                          avx = 1U << 28U, f16c = 1U << 29U;
  if (__get_cpuid(1, &a, &b, &c, &d) == 0) return cpu;
  if (!has_all(c, fma | popcnt | osxsave | avx | f16c)) return cpu;
  const std::uint32_t states = detail::saved_states();
  if (!has_all(states, 0x06U)) return cpu;

  constexpr std::uint32_t avx2 = 1U << 5U, bmi2 = 1U << 8U;
  constexpr std::uint32_t f = 1U << 16U, dq = 1U << 17U, bw = 1U << 30U, vl = 1U << 31U;
  constexpr std::uint32_t vpopcntdq = 1U << 14U;
  if (__get_cpuid_count(7, 0, &a, &b, &c, &d) == 0) return cpu;
  cpu.avx2 = has_all(b, avx2 | bmi2);
  cpu.avx512 = cpu.avx2 && has_all(states, 0xE6U) && has_all(b, f | dq | bw | vl) &&
               has_all(c, vpopcntdq);
  constexpr std::uint32_t amx_bf16 = 1U << 22U, amx_tile = 1U << 24U, amx_int8 = 1U << 25U;
  cpu.amx_bf16 = has_all(d, amx_bf16);
  const bool tiles = has_all(states, 0x600E6U) && has_all(d, amx_bf16 | amx_tile | amx_int8);
  if (cpu.avx512 && a >= 1 && __get_cpuid_count(7, 1, &a, &b, &c, &d) != 0) {
    cpu.avx512_bf16 = has_all(a, 1U << 5U);
  }
  cpu.amx = tiles && cpu.avx512_bf16 && detail::usual_tiles();
#elif defined(__aarch64__) && defined(__linux__)
  constexpr unsigned long asimddp = 1UL << 20U;  // HWCAP_ASIMDDP, which old headers do not name
  cpu.dotprod = (getauxval(AT_HWCAP) & asimddp) != 0;
#elif defined(__ARM_FEATURE_DOTPROD)  // elsewhere, what the compiler may use anyway
  cpu.dotprod = true;
#endif
  return cpu;
}

/// The machine that this process runs on.
[[nodiscard]] inline const CpuFeatures& cpu() {
  static const CpuFeatures features = detect_cpu();
  return features;
}

}  // namespace bipft::kernels
