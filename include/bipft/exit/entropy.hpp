#pragma once
/// EntropyExit: stop when the entropy of the probabilities is low. [DeeBERT]

#include <cmath>
#include <string_view>
#include <vector>

#include "bipft/exit/exit_rule.hpp"

namespace bipft {

/// Stops where H_i < tau, in nats. [DeeBERT]
struct EntropyExit {
  static constexpr std::string_view name = "entropy";
  static constexpr ExitNeeds needs{.probabilities = true};

  double tau = 0.3;

  void visit(auto&& knob) { knob("tau", tau, Knob{"nats of entropy below which it stops"}); }

  [[nodiscard]] bool decide(const ExitPoint& at, ExitMemory& /*memory*/) const {
    return at.entropy < tau;
  }
  template <class Setting>
  [[nodiscard]] std::vector<EntropyExit> grid(const Setting& setting) const {
    const double most = std::log(static_cast<double>(setting.labels));
    std::vector<double> values;
    for (const double share : {0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5,
                               0.6, 0.7, 0.8, 0.9, 0.95, 0.99}) {
      values.push_back(detail::in_digits(share * most));
    }
    return detail::vary(*this, &EntropyExit::tau, values);
  }
};

static_assert(ExitRule<EntropyExit>);

}  // namespace bipft
