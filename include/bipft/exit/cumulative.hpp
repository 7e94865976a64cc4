#pragma once
/// CumulativeExit: stop when exits that agree have been sure often enough. [BEEM]

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "bipft/exit/exit_rule.hpp"

namespace bipft {

/// Stops where S_i > theta, the weighted confidences of the exits in a row that agree: [BEEM]
///
///   S_i = w_i max p_i + (S_{i-1} if exit i answers as exit i-1 did, else 0)
///
/// `weights` has one for each exit; left empty, all are 1.
struct CumulativeExit {
  static constexpr std::string_view name = "cumulative";
  static constexpr ExitNeeds needs{.probabilities = true};

  double theta = 2.0;
  KnobNumbers weights = {};

  void visit(auto&& knob) {
    knob("theta", theta, Knob{"sum of confidences above which it stops"});
    knob("weights", weights, Knob{"of each exit's confidence", 0.0, 1e6});
  }

  [[nodiscard]] bool decide(const ExitPoint& at, ExitMemory& memory) const {
    const double weight = at.exit <= weights.size() ? weights[at.exit - 1] : 1.0;
    memory.number = weight * at.best + (at.same ? memory.number : 0.0);
    return memory.number > theta;
  }

  [[nodiscard, gnu::cold]] std::string problem(const ExitSetting& setting) const {
    if (weights.empty() || weights.size() == setting.exits) return {};
    return concat(weights.size(), " weights for ", setting.exits, " exits");
  }

  template <class Setting>
  [[nodiscard]] std::vector<CumulativeExit> grid(const Setting& setting) const {
    double all = 0.0;
    for (const double one : weights) all += one;
    const double usual = weights.empty() ? 1.0 : all / static_cast<double>(weights.size());
    std::vector<double> values;
    for (std::size_t sure = setting.exits - 1; sure > 0; --sure) {
      for (const double share : {0.99, 0.97, 0.95, 0.9, 0.8, 0.7, 0.6}) {
        values.push_back(detail::in_digits(usual * share * static_cast<double>(sure)));
      }
    }
    std::sort(values.begin(), values.end(), [](double a, double b) { return a > b; });
    values.erase(std::unique(values.begin(), values.end()), values.end());
    return detail::vary(*this, &CumulativeExit::theta, values);
  }
};

static_assert(ExitRule<CumulativeExit>);

}  // namespace bipft
