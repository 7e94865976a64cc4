#include "bipft/kernels/cpu.hpp"

#include <doctest/doctest.h>

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
#endif
  CHECK(cpu().avx2 == found.avx2);
}

TEST_CASE("cpu: AVX-512 is never claimed without AVX2") { CHECK((cpu().avx2 || !cpu().avx512)); }
