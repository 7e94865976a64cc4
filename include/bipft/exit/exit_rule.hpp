#pragma once
/// ExitRule: what every way of deciding that a text has been read deeply enough must provide.

#include <charconv>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <system_error>
#include <type_traits>
#include <utility>
#include <vector>

#include "bipft/core/visit.hpp"
#include "bipft/exit/exit_point.hpp"
#include "bipft/exit/knobs.hpp"

namespace bipft {

/// All that a rule remembers of a text from exit to exit: who asks it keeps one a text, zeroed
/// before its first exit.
struct ExitMemory {
  double number = 0.0;
  std::uint32_t count = 0;
};
static_assert(std::is_trivially_copyable_v<ExitMemory>);

/// Where a rule is to work.
struct ExitSetting {
  ExitAnswer answer = ExitAnswer::label;
  std::size_t exits = 1;   ///< K
  std::size_t labels = 2;  ///< C
  bool doubts = false;     ///< whether a head says how doubtful each answer is
  std::vector<double> macs =
      {};  ///< [K]: what a usual text has cost at each exit; empty if unknown
};

/// What a rule cannot do without.
struct ExitNeeds {
  bool probabilities = false;  ///< one label a text: a softmax, and its entropy
  bool divergence = false;     ///< `change` of labels: three times the work of all else
  bool doubts = false;
  bool macs = false;
};

/// `decide` is called at every exit but the last, in order, until it says true; at the last a text
/// has nowhere else to go. `grid` lists the knobs that a sweep tries; those that it does not vary
/// stay as they are; it is a template (of the setting), so that who never sweeps never compiles it.
/// A rule may also have
///   std::string problem(const ExitSetting&) const     what is wrong with its knobs there, or ""
template <class R>
concept ExitRule = std::default_initializable<R> && std::copyable<R> && Visitable<R> &&
    requires(const R& rule, const ExitPoint& at, ExitMemory& memory, const ExitSetting& setting) {
  { R::name } -> std::convertible_to<std::string_view>;
  { R::needs } -> std::convertible_to<ExitNeeds>;
  { rule.decide(at, memory) } -> std::same_as<bool>;
  { rule.grid(setting) } -> std::same_as<std::vector<R>>;
};

namespace detail {

/// Counts exits in a row at which something holds; true from the `wanted`th on.
[[nodiscard]] inline bool in_a_row(bool holds, std::size_t wanted, ExitMemory& memory) {
  memory.count = holds ? memory.count + 1 : 0;
  return memory.count >= wanted;
}

// What grids are made of.

/// One rule for each of `values`, which go to the knob `knob` of copies of `rule`.
template <class R, class Value>
[[nodiscard]] std::vector<R> vary(const R& rule, Value R::*knob, const std::vector<Value>& values) {
  std::vector<R> rules(values.size(), rule);
  for (std::size_t i = 0; i < values.size(); ++i) rules[i].*knob = values[i];
  return rules;
}

/// The same of several rules: all combinations, the last knob fastest.
template <class R, class Value>
[[nodiscard]] std::vector<R> vary(const std::vector<R>& rules, Value R::*knob,
                                  const std::vector<Value>& values) {
  std::vector<R> all;
  for (const R& rule : rules) {
    for (R& varied : vary(rule, knob, values)) all.push_back(std::move(varied));
  }
  return all;
}

/// from, from + 1, ... to; empty if there are none.
[[nodiscard, gnu::cold]] inline std::vector<std::size_t> counts(std::size_t from, std::size_t to) {
  std::vector<std::size_t> all;
  for (std::size_t n = from; n <= to; ++n) all.push_back(n);
  return all;
}

/// `value` to so many digits: grids are made of numbers as people write them.
[[nodiscard, gnu::cold]] inline double in_digits(double value, int digits = 3) {
  char text[32];
  const auto [end, error] =
      std::to_chars(text, text + sizeof text, value, std::chars_format::scientific, digits - 1);
  double rounded = value;
  if (error == std::errc()) std::from_chars(text, end, rounded);
  return rounded;
}

}  // namespace detail

}  // namespace bipft
