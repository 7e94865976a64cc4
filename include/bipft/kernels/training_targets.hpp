#pragma once
/// The menu of targets once more, for those who train: a target adds one line here. Whoever does
/// not include this header has none of these functions in his program.

#include "bipft/core/error.hpp"
#include "bipft/kernels/dispatch.hpp"
#include "bipft/kernels/table.hpp"
#include "bipft/kernels/targets.hpp"
#include "bipft/kernels/training_table.hpp"

namespace bipft::kernels {

/// The other half of a target of the menu in targets.hpp.
[[nodiscard]] const TrainingKernels& training_of(const KernelTable& target);

#if !defined(BIPFT_COMPILED) || defined(BIPFT_IMPLEMENTATION)

[[nodiscard]] BIPFT_ONCE const TrainingKernels& training_of(const KernelTable& target) {
  static constexpr const TrainingKernels* all[] = {
#if defined(__x86_64__)
      &amx::training, &avx512_bf16::training, &avx512::training, &avx2::training,
#endif
#if defined(__aarch64__) || defined(BIPFT_SIMDE)
      &neon_dotprod::training, &neon::training,
#endif
      &scalar::training,
  };
  for (const TrainingKernels* training : all) {
    if (training->of == &target) return *training;
  }
  fail("target '", target.name, "' has no training kernels");
}

#endif

/// That of the target in use:  `kernels::active_training().adamw(...)`.
[[nodiscard]] inline const TrainingKernels& active_training() { return training_of(active()); }

}  // namespace bipft::kernels
