#pragma once
/// MarginExit: stop when the best label is far ahead of the next. [AdaInfer]

#include <string_view>
#include <vector>

#include "bipft/exit/exit_rule.hpp"

namespace bipft {

/// Stops where p_(1) - p_(2) > g, the gap between the two largest probabilities. [AdaInfer]
struct MarginExit {
  static constexpr std::string_view name = "margin";
  static constexpr ExitNeeds needs{.probabilities = true};

  double g = 0.8;

  void visit(auto&& knob) {
    knob("g", g, Knob{"lead of the best label above which it stops", 0.0, 1.0});
  }

  [[nodiscard]] bool decide(const ExitPoint& at, ExitMemory& /*memory*/) const {
    return at.best - at.second > g;
  }
  template <class Setting>
  [[nodiscard]] std::vector<MarginExit> grid(const Setting& /*setting*/) const {
    return detail::vary(
        *this, &MarginExit::g,
        {0.999, 0.995, 0.99, 0.98, 0.95, 0.9, 0.85, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1, 0.05});
  }
};

static_assert(ExitRule<MarginExit>);

}  // namespace bipft
