#pragma once
/// EntropyNormExit: stop when the entropy is a small share of what it could be. [FastBERT]

#include <string_view>
#include <vector>

#include "bipft/exit/exit_rule.hpp"

namespace bipft {

/// Stops where H_i / ln C < s: one threshold for any number of labels. [FastBERT], where it is
/// called speed.
struct EntropyNormExit {
  static constexpr std::string_view name = "entropy_norm";
  static constexpr ExitNeeds needs{.probabilities = true};

  double s = 0.5;

  void visit(auto&& knob) {
    knob("s", s, Knob{"share of the largest entropy below which it stops", 0.0, 1.0});
  }

  [[nodiscard]] bool decide(const ExitPoint& at, ExitMemory& /*memory*/) const {
    return at.relative_entropy() < s;
  }
  template <class Setting>
  [[nodiscard]] std::vector<EntropyNormExit> grid(const Setting& /*setting*/) const {
    return detail::vary(*this, &EntropyNormExit::s,
                        {0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6,
                         0.7, 0.8, 0.9, 0.95, 0.99});
  }
};

static_assert(ExitRule<EntropyNormExit>);

}  // namespace bipft
