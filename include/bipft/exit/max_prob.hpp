#pragma once
/// MaxProbExit: stop when the best label is probable enough. [Shallow-Deep]

#include <string_view>
#include <vector>

#include "bipft/exit/exit_rule.hpp"

namespace bipft {

/// Stops where max p_i > c. [Shallow-Deep]
struct MaxProbExit {
  static constexpr std::string_view name = "max_prob";
  static constexpr ExitNeeds needs{.probabilities = true};

  double c = 0.9;

  void visit(auto&& knob) {
    knob("c", c, Knob{"probability of the best label above which it stops", 0.0, 1.0});
  }

  [[nodiscard]] bool decide(const ExitPoint& at, ExitMemory& /*memory*/) const {
    return at.best > c;
  }
  template <class Setting>
  [[nodiscard]] std::vector<MaxProbExit> grid(const Setting& setting) const {
    std::vector<double> values;
    for (const double one : {0.999, 0.998, 0.995, 0.99, 0.98, 0.97, 0.95, 0.925, 0.9, 0.85,
                             0.8,   0.75,  0.7,   0.65, 0.6,  0.55, 0.5,  0.4,   0.3, 0.2}) {
      if (one * static_cast<double>(setting.labels) > 1.0) values.push_back(one);
    }
    return detail::vary(*this, &MaxProbExit::c, values);
  }
};

static_assert(ExitRule<MaxProbExit>);

}  // namespace bipft
