#pragma once
/// PatienceJsExit: stop when the probabilities have stopped moving. [F-PABEE]

#include <algorithm>
#include <cstddef>
#include <string_view>
#include <vector>

#include "bipft/exit/exit_rule.hpp"

namespace bipft {

/// Stops at the t-th exit in a row with JSD(p_{i-1}, p_i) < eps, in nats. [F-PABEE]
/// The divergence is Jensen and Shannon's own, 0 for equal probabilities; published code adds their
/// mean entropy to it.
struct PatienceJsExit {
  static constexpr std::string_view name = "patience_js";
  static constexpr ExitNeeds needs{.probabilities = true, .divergence = true};

  std::size_t t = 2;
  double eps = 0.01;

  void visit(auto&& knob) {
    knob("t", t, Knob{"exits in a row that say as good as the same", 1.0, 1000.0});
    knob("eps", eps, Knob{"nats of divergence below which they do", 0.0, 1.0});
  }

  [[nodiscard]] bool decide(const ExitPoint& at, ExitMemory& memory) const {
    return detail::in_a_row(at.change < eps, t, memory);
  }
  template <class Setting>
  [[nodiscard]] std::vector<PatienceJsExit> grid(const Setting& setting) const {
    const std::size_t longest = std::min<std::size_t>(4, setting.exits - 1);
    return detail::vary(detail::vary(*this, &PatienceJsExit::t, detail::counts(1, longest)),
                        &PatienceJsExit::eps,
                        {1e-5, 3e-5, 1e-4, 3e-4, 0.001, 0.003, 0.01, 0.03, 0.1, 0.2});
  }
};

static_assert(ExitRule<PatienceJsExit>);

}  // namespace bipft
