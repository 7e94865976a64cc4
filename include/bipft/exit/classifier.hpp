#pragma once
/// ClassifierExit: stop when a small classifier of the other signals says so. [AdaInfer]

#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "bipft/exit/exit_rule.hpp"

namespace bipft {

/// Stops where
///
///   margin (p_(1) - p_(2)) + top p_(1) + entropy H / ln C + depth i / K + bias > 0
///
/// by weights that were fitted to tell where an exit already answers as the last one will.
/// [AdaInfer], whose classifier is a support vector machine.
struct ClassifierExit {
  static constexpr std::string_view name = "classifier";
  static constexpr ExitNeeds needs{.probabilities = true};

  double margin = 0.0;
  double top = 0.0;
  double entropy = 0.0;
  double depth = 0.0;
  double bias = 0.0;

  void visit(auto&& knob) {
    constexpr double most = std::numeric_limits<double>::max();
    knob("margin", margin, Knob{"weight of the best label's lead", -most, most});
    knob("top", top, Knob{"weight of the best label's probability", -most, most});
    knob("entropy", entropy, Knob{"weight of the entropy's share of the largest", -most, most});
    knob("depth", depth, Knob{"weight of the share of exits passed", -most, most});
    knob("bias", bias, Knob{"what is added to all that", -most, most});
  }

  [[nodiscard]] bool decide(const ExitPoint& at, ExitMemory& /*memory*/) const {
    const double passed = static_cast<double>(at.exit) / static_cast<double>(at.exits);
    return margin * (at.best - at.second) + top * at.best + entropy * at.relative_entropy() +
               depth * passed + bias >
           0.0;
  }

  [[nodiscard]] bool fitted() const {
    return margin != 0.0 || top != 0.0 || entropy != 0.0 || depth != 0.0;
  }
  [[nodiscard, gnu::cold]] std::string problem(const ExitSetting& /*setting*/) const {
    return fitted() ? "" : "all weights are 0; give some (margin=..., entropy=...), or fit them";
  }

  /// By how sure it must be: the odds of stopping at a score of 0.
  template <class Setting>
  [[nodiscard]] std::vector<ClassifierExit> grid(const Setting& /*setting*/) const {
    if (!fitted()) return {};
    std::vector<double> values;
    for (const double shift : {-8.0, -6.0, -5.0, -4.0, -3.5, -3.0, -2.5, -2.0, -1.5, -1.0, -0.5,
                               0.0, 0.5, 1.0, 2.0, 3.0}) {
      values.push_back(bias + shift);
    }
    return detail::vary(*this, &ClassifierExit::bias, values);
  }
};

static_assert(ExitRule<ClassifierExit>);

}  // namespace bipft
