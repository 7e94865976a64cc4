#pragma once
/// FixedExit: stop at one exit, whatever the text.

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "bipft/exit/exit_rule.hpp"

namespace bipft {

/// Stops at exit k: a shallower model, which every other rule must beat.
struct FixedExit {
  static constexpr std::string_view name = "fixed";
  static constexpr ExitNeeds needs{};

  std::size_t k = 1;

  void visit(auto&& knob) { knob("k", k, Knob{"the number of the exit, from 1", 1.0, 1000.0}); }

  [[nodiscard]] bool decide(const ExitPoint& at, ExitMemory& /*memory*/) const {
    return at.exit == k;
  }
  [[nodiscard, gnu::cold]] std::string problem(const ExitSetting& setting) const {
    if (k <= setting.exits) return {};
    return concat("k is ", k, ", but there are ", setting.exits, " exits");
  }
  template <class Setting>
  [[nodiscard]] std::vector<FixedExit> grid(const Setting& setting) const {
    return detail::vary(*this, &FixedExit::k, detail::counts(1, setting.exits));
  }
};

static_assert(ExitRule<FixedExit>);

}  // namespace bipft
