#pragma once
/// NeverExit: all layers for every text, what exits are measured against.

#include <string_view>
#include <vector>

#include "bipft/exit/exit_rule.hpp"

namespace bipft {

struct NeverExit {
  static constexpr std::string_view name = "never";
  static constexpr ExitNeeds needs{};

  void visit(auto&& /*knob*/) {}

  [[nodiscard]] bool decide(const ExitPoint& /*at*/, ExitMemory& /*memory*/) const { return false; }
  template <class Setting>
  [[nodiscard]] std::vector<NeverExit> grid(const Setting& /*setting*/) const {
    return {*this};
  }
};

static_assert(ExitRule<NeverExit>);

}  // namespace bipft
