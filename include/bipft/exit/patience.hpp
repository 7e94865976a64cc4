#pragma once
/// PatienceExit: stop when exits in a row agree. [PABEE]

#include <cstddef>
#include <string_view>
#include <vector>

#include "bipft/exit/exit_rule.hpp"

namespace bipft {

/// Stops at the t-th exit in a row that answers as the one before it did, so after t + 1 equal
/// answers, and never before exit t + 1. [PABEE] Answers are equal if
///   one label:  it is the same
///   a number:   |y_i - y_{i-1}| < tau_reg, in the unit of the logit
///   labels:     the same labels have a probability of at least a half
struct PatienceExit {
  static constexpr std::string_view name = "patience";
  static constexpr ExitNeeds needs{};

  std::size_t t = 4;
  double tau_reg = 0.05;

  void visit(auto&& knob) {
    knob("t", t, Knob{"exits in a row that answer as the one before", 1.0, 1000.0});
    knob("tau_reg", tau_reg, Knob{"difference below which two numbers are one answer"});
  }

  [[nodiscard]] bool decide(const ExitPoint& at, ExitMemory& memory) const {
    const bool same = at.answer == ExitAnswer::value ? at.change < tau_reg : at.same;
    return detail::in_a_row(same, t, memory);
  }
  template <class Setting>
  [[nodiscard]] std::vector<PatienceExit> grid(const Setting& setting) const {
    std::vector<PatienceExit> rules{*this};
    if (setting.answer == ExitAnswer::value) {
      rules = detail::vary(*this, &PatienceExit::tau_reg, {0.005, 0.01, 0.02, 0.05, 0.1, 0.2});
    }
    // At t = K - 1 only the last exit is left.
    return detail::vary(rules, &PatienceExit::t, detail::counts(1, setting.exits - 1));
  }
};

static_assert(ExitRule<PatienceExit>);

}  // namespace bipft
