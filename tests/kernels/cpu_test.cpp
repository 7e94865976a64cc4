#include "bipft/kernels/cpu.hpp"

#include <doctest/doctest.h>

#include <cstdint>
#include <fstream>
#include <string>

using namespace bipft::kernels;

TEST_CASE("cpu: what is found agrees with the compiler's own detection") {
  const CpuFeatures found = detect_cpu();
#if defined(__x86_64__)
  const bool avx2 = __builtin_cpu_supports("avx2") != 0 && __builtin_cpu_supports("fma") != 0 &&
                    __builtin_cpu_supports("bmi2") != 0 && __builtin_cpu_supports("popcnt") != 0;
  CHECK(found.avx2 == avx2);
  CHECK(found.avx512 ==
        (avx2 && __builtin_cpu_supports("avx512f") != 0 &&
         __builtin_cpu_supports("avx512bw") != 0 && __builtin_cpu_supports("avx512dq") != 0 &&
         __builtin_cpu_supports("avx512vl") != 0 &&
         __builtin_cpu_supports("avx512vpopcntdq") != 0));
#else
  CHECK(!found.avx2);
  CHECK(!found.avx512);
  CHECK(!found.amx);
#endif
#if defined(__aarch64__) && defined(__linux__)
  // The register that names the instructions; Linux lets a program read it.
  std::uint64_t features = 0;
  __asm__("mrs %0, ID_AA64ISAR0_EL1" : "=r"(features));
  CHECK(found.dotprod == ((features >> 44U & 0xFU) != 0));
#elif !defined(__aarch64__)
  CHECK(!found.dotprod);
#endif
  CHECK(cpu().avx2 == found.avx2);
  CHECK(cpu().dotprod == found.dotprod);
}

TEST_CASE("cpu: AVX-512 is never claimed without AVX2, nor AMX without AVX-512") {
  CHECK((cpu().avx2 || !cpu().avx512));
  CHECK((cpu().avx512_bf16 || !cpu().amx));
}

#if defined(__linux__) && defined(__x86_64__)
TEST_CASE("cpu: AMX is found exactly where the system tells of it") {
  std::ifstream info("/proc/cpuinfo");
  std::string line;
  while (std::getline(info, line) && !line.starts_with("flags")) {
  }
  line += ' ';
  bool told = cpu().avx512_bf16;
  for (const char* flag : {" amx_tile ", " amx_int8 ", " amx_bf16 "}) {
    told = told && line.find(flag) != std::string::npos;
  }
  CHECK(cpu().amx == told);
}
#endif
