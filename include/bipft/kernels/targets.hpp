#pragma once
/// The menu: every target this build knows, best first. Adding a target adds two lines here, and
/// one in training_targets.hpp.
///
/// A program of many files may define BIPFT_COMPILED for all of them, and BIPFT_IMPLEMENTATION for
/// the one that is to hold kernels and device; the others then compile in a fraction of the time.

#include <span>

#include "bipft/kernels/table.hpp"

#if defined(BIPFT_COMPILED)
#define BIPFT_ONCE
#else
#define BIPFT_ONCE inline
#endif

#if defined(BIPFT_COMPILED) && !defined(BIPFT_IMPLEMENTATION)

namespace bipft::kernels {
[[nodiscard]] std::span<const KernelTable* const> all_targets();
}  // namespace bipft::kernels

#else

#include <array>

#include "bipft/kernels/target/amx.hpp"
#include "bipft/kernels/target/avx2.hpp"
#include "bipft/kernels/target/avx512.hpp"
#include "bipft/kernels/target/avx512_bf16.hpp"
#include "bipft/kernels/target/neon.hpp"
#include "bipft/kernels/target/neon_dotprod.hpp"
#include "bipft/kernels/target/scalar.hpp"

namespace bipft::kernels {

[[nodiscard]] BIPFT_ONCE std::span<const KernelTable* const> all_targets() {
  static constexpr std::array all = {
#if defined(__x86_64__)
      &amx::table, &avx512_bf16::table, &avx512::table, &avx2::table,
#endif
#if defined(__aarch64__) || defined(BIPFT_SIMDE)
      &neon_dotprod::table, &neon::table,
#endif
      &scalar::table,
  };
  return all;
}

}  // namespace bipft::kernels

#endif
