#pragma once
/// LearnedExit: stop when a head that learnt to tell says that the answer is right. [BERxiT]

#include <cmath>
#include <cstddef>
#include <string_view>
#include <vector>

#include "bipft/exit/exit_rule.hpp"

namespace bipft {

/// Stops where u_i < tau, with u_i = σ(w · h_i + b) the doubt of one head for all exits, learnt
/// with the target 0 where an exit answers rightly and 1 where it does not. [BERxiT]
/// Serves models of numbers as well.
struct LearnedExit {
  static constexpr std::string_view name = "learned";
  static constexpr ExitNeeds needs{.doubts = true};

  double tau = 0.005;

  void visit(auto&& knob) { knob("tau", tau, Knob{"doubt below which it stops", 0.0, 1.0}); }

  [[nodiscard]] bool decide(const ExitPoint& at, ExitMemory& /*memory*/) const {
    return at.doubt < tau;
  }
  template <class Setting>
  [[nodiscard]] std::vector<LearnedExit> grid(const Setting& /*setting*/) const {
    return detail::vary(
        *this, &LearnedExit::tau,
        {0.001, 0.002, 0.005, 0.01, 0.02, 0.03, 0.05, 0.07, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5});
  }
};

static_assert(ExitRule<LearnedExit>);

/// u = σ(x) of x = w · h + b.
[[nodiscard]] inline double doubt_of(float x) {
  return 1.0 / (1.0 + std::exp(-static_cast<double>(x)));
}

}  // namespace bipft
