#pragma once
/// Exit grid: all rules with all knobs that a sweep tries.

#include <cstddef>
#include <span>
#include <utility>
#include <variant>
#include <vector>

#include "bipft/exit/exit_rules.hpp"

namespace bipft {

/// Every rule of the menu that can work in `setting` over its grid, in the menu's order, and after
/// them `fitted` over theirs: rules whose other knobs come from data.
[[nodiscard, gnu::cold]] inline std::vector<ExitRules> exit_grid(
    const ExitSetting& setting, std::span<const ExitRules> fitted = {}) {
  std::vector<ExitRules> all;
  const auto add = [&](const auto& base) {
    if (!detail::lacking(base.needs, setting).empty()) return;
    for (const auto& rule : base.grid(setting)) {
      if (detail::problem_of(rule, setting).empty()) all.emplace_back(rule);
    }
  };
  [&]<std::size_t... I>(std::index_sequence<I...>) {
    (add(std::variant_alternative_t<I, ExitRules>()), ...);
  }
  (std::make_index_sequence<std::variant_size_v<ExitRules>>{});
  for (const ExitRules& rule : fitted) std::visit(add, rule);
  return all;
}

}  // namespace bipft
