#pragma once
/// OracleExit: the bound that no rule passes. It knows the label, so it is on no menu: it belongs
/// to an evaluation.

#include <cstddef>
#include <string_view>
#include <vector>

#include "bipft/exit/exit_rule.hpp"

namespace bipft {

/// Stops at the first exit that answers with `label`; a text that none answers so goes to the last.
struct OracleExit {
  static constexpr std::string_view name = "oracle";
  static constexpr ExitNeeds needs{.probabilities = true};

  std::size_t label = 0;

  void visit(auto&& /*knob*/) {}

  [[nodiscard]] bool decide(const ExitPoint& at, ExitMemory& /*memory*/) const {
    return at.top == label && at.best > 0.0;  // NaN logits answer nothing
  }
  template <class Setting>
  [[nodiscard]] std::vector<OracleExit> grid(const Setting& /*setting*/) const {
    return {*this};
  }
};

static_assert(ExitRule<OracleExit>);

}  // namespace bipft
