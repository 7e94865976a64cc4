#pragma once
/// BudgetExit: stop when the next exit costs more than there is to spend.

#include <string_view>
#include <vector>

#include "bipft/exit/exit_rule.hpp"

namespace bipft {

/// Stops where the text would have cost more than `macs` at the next exit: a cap on the time that
/// one text takes, whatever its length. The first exit is always reached.
struct BudgetExit {
  static constexpr std::string_view name = "budget";
  static constexpr ExitNeeds needs{.macs = true};

  double macs = 0.0;

  void visit(auto&& knob) { knob("macs", macs, Knob{"multiplications that a text may cost"}); }

  [[nodiscard]] bool decide(const ExitPoint& at, ExitMemory& /*memory*/) const {
    return at.next_macs > macs;
  }
  template <class Setting>
  [[nodiscard]] std::vector<BudgetExit> grid(const Setting& setting) const {
    std::vector<double> values;
    for (const double one : setting.macs) values.push_back(detail::in_digits(one));
    return detail::vary(*this, &BudgetExit::macs, values);
  }
};

static_assert(ExitRule<BudgetExit>);

}  // namespace bipft
