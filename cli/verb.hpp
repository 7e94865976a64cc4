#pragma once
/// What all verbs begin with: their options, their help, threads and instruction set.

#include <cstddef>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bipft/core/error.hpp"
#include "bipft/core/parallel.hpp"
#include "bipft/device/runners.hpp"
#include "bipft/kernels/dispatch.hpp"
#include "commands.hpp"
#include "console.hpp"
#include "options.hpp"
#include "output.hpp"

namespace bipft::cli {

/// Prints the help of a verb: how it is called, examples, and every option of `Options`.
template <Visitable Options>
void print_help(std::string_view usage) {
  Options options;
  Output out;
  out.write(concat(usage, help_of(options_of(options))));
  out.flush();
}

/// The number of threads that was asked for: --threads, else BIPFT_THREADS, else the usable cores.
[[nodiscard]] inline std::size_t wanted_threads(const CommonOptions& common) {
  if (common.threads) return *common.threads;
  const char* const variable = std::getenv("BIPFT_THREADS");
  if (variable == nullptr || *variable == '\0') return usable_cores();
  const std::optional<std::size_t> number = number_in<std::size_t>(variable);
  if (!number || *number < 1 || *number > 1024) {
    fail("BIPFT_THREADS: '", variable, "' is not a whole number from 1 to 1024");
  }
  return *number;
}

/// Sets threads, device and instruction set.
/// Throws Error{Fault::usage} for a target that is unknown or
/// that this machine lacks.
inline void prepare(const CommonOptions& common) {
  set_threads(wanted_threads(common));
  if (!common.target.empty()) kernels::select_target(common.target);
  const std::string why = select_device(common.device);
  if (!why.empty()) Console(common).say("--device auto: the CPU computes; ", why);
  (void)kernels::active();  // BIPFT_TARGET may be wrong: say so now, not after an hour of reading
}

/// The only plain word, or the first of them; `what` is missing otherwise.
[[nodiscard]] inline std::string required(const std::vector<std::string>& plain, std::size_t index,
                                          std::string_view verb, std::string_view what) {
  if (plain.size() > index) return plain[index];
  fail(verb, ": ", what, " is missing; bipft help ", verb, " shows how it is called");
}

/// Refuses plain words beyond `most`.
inline void at_most(const std::vector<std::string>& plain, std::size_t most,
                    std::string_view verb) {
  if (plain.size() > most) {
    fail(verb, ": '", plain[most], "' is one word too many; bipft help ", verb,
         " shows how it is called");
  }
}

}  // namespace bipft::cli
