#pragma once
/// PatienceConfExit: stop when exits in a row are sure. [PCEE]

#include <algorithm>
#include <cstddef>
#include <string_view>
#include <vector>

#include "bipft/exit/exit_rule.hpp"

namespace bipft {

/// Stops at the t-th exit in a row with H_i / ln C < s. [PCEE]
struct PatienceConfExit {
  static constexpr std::string_view name = "patience_conf";
  static constexpr ExitNeeds needs{.probabilities = true};

  std::size_t t = 2;
  double s = 0.5;

  void visit(auto&& knob) {
    knob("t", t, Knob{"sure exits in a row", 1.0, 1000.0});
    knob("s", s, Knob{"share of the largest entropy below which an exit is sure", 0.0, 1.0});
  }

  [[nodiscard]] bool decide(const ExitPoint& at, ExitMemory& memory) const {
    return detail::in_a_row(at.relative_entropy() < s, t, memory);
  }
  template <class Setting>
  [[nodiscard]] std::vector<PatienceConfExit> grid(const Setting& setting) const {
    const std::size_t longest = std::min<std::size_t>(4, setting.exits - 1);
    return detail::vary(
        detail::vary(*this, &PatienceConfExit::t, detail::counts(2, longest)), &PatienceConfExit::s,
        {0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99});
  }
};

static_assert(ExitRule<PatienceConfExit>);

}  // namespace bipft
