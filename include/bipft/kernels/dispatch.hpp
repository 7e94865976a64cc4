#pragma once
/// Dispatch: which KernelTable the rest of bipft runs on.
///
/// Chosen on first use: the first target of the menu that this machine supports, unless the
/// environment says otherwise:  `BIPFT_TARGET=scalar bipft eval ...`

#include <atomic>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "bipft/core/error.hpp"
#include "bipft/kernels/table.hpp"
#include "bipft/kernels/targets.hpp"

namespace bipft::kernels {

/// The targets this machine can run, best first; never empty, since `scalar` always can.
[[nodiscard]] inline std::vector<const KernelTable*> supported_targets() {
  std::vector<const KernelTable*> result;
  for (const KernelTable* target : all_targets()) {
    if (target->supported()) result.push_back(target);
  }
  return result;
}

/// The target called `name`. Throws Error, listing the choices, if there is none or if this machine
/// cannot run it.
[[nodiscard]] inline const KernelTable& find_target(std::string_view name) {
  std::string choices;
  for (const KernelTable* target : supported_targets()) {
    if (target->name == name) return *target;
    choices.append(choices.empty() ? "" : ", ").append(target->name);
  }
  fail("target '", name, "' is not available on this machine; choose one of: ", choices);
}

namespace detail {

inline std::atomic<const KernelTable*>& active() {
  static std::atomic<const KernelTable*> table = [] {
    const char* wanted = std::getenv("BIPFT_TARGET");
    const bool named = wanted != nullptr && *wanted != '\0';
    return named ? &find_target(wanted) : supported_targets().front();
  }();
  return table;
}

}  // namespace detail

/// The table in use:  `kernels::active().add(...)`. The first call throws Error if BIPFT_TARGET
/// names no target of this machine.
[[nodiscard]] inline const KernelTable& active() { return *detail::active().load(); }

/// Replaces the table in use, for tests and benchmarks. Throws Error as find_target does.
inline void select_target(std::string_view name) {
  const KernelTable& table = find_target(name);
  detail::active() = &table;
}

}  // namespace bipft::kernels
