#pragma once
/// EntropyDropExit: stop when another layer no longer makes the answer surer. [BEExformer]

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "bipft/exit/exit_rule.hpp"

namespace bipft {

/// By the fractional reduction in entropy since the exit before,
///
///   R_i = (H_{i-1} - H_i) / H_{i-1}          0 where H_{i-1} < 1e-12, which is certain already
///
/// stops where R_i < delta (`plateau`: what [BEExformer] describes) or R_i >= delta (`drop`: its
/// opposite reading). With `abs`, |R_i| < delta: entropy that rises much is no plateau.
///
/// Without more, a text that the first layers make nothing of, H ~ ln C twice, stops there whatever
/// delta is. Three guards, off by default, are for that:
///   cap       no exit above that share of ln C
///   min_exit  none before that exit
///   patience  so many exits in a row
/// The first exit has nothing before it, and never stops; `h0=lnC` puts knowing nothing there, and
/// together with min_exit=1 makes it one that can.
struct EntropyDropExit {
  static constexpr std::string_view name = "entropy_drop";
  static constexpr ExitNeeds needs{.probabilities = true};

  enum class Direction : unsigned char { plateau, drop };
  enum class First : unsigned char { none, lnC };

  double delta = 0.05;
  Direction direction = Direction::plateau;
  bool abs = false;
  First h0 = First::none;
  double cap = 1.0;
  std::size_t min_exit = 2;
  std::size_t patience = 1;

  void visit(auto&& knob) {
    knob("delta", delta, Knob{"share of the entropy that a layer must take away", 0.0, 1.0});
    knob("direction", direction,
         Knob{.help = "stop at less, or at more", .choices = "plateau|drop"});
    knob("abs", abs, Knob{"a rise counts as a fall of the same size"});
    knob("h0", h0, Knob{.help = "entropy before the first exit", .choices = "none|lnC"});
    knob("cap", cap, Knob{"share of the largest entropy above which it goes on", 0.0, 1.0});
    knob("min_exit", min_exit, Knob{"the first exit that may stop", 1.0, 1000.0});
    knob("patience", patience, Knob{"exits in a row", 1.0, 1000.0});
  }

  [[nodiscard]] bool decide(const ExitPoint& at, ExitMemory& memory) const {
    const double before = at.exit > 1        ? memory.number
                          : h0 == First::lnC ? at.most_entropy
                                             : ExitPoint::none;
    memory.number = at.entropy;
    bool holds = !std::isnan(at.entropy) && at.exit >= min_exit &&
                 (cap >= 1.0 || at.entropy <= cap * at.most_entropy);
    const double reduction = before < 1e-12 ? 0.0 : (before - at.entropy) / before;
    if (direction == Direction::drop) {
      holds = holds && reduction >= delta;
    } else {
      holds = holds && (abs ? std::abs(reduction) : reduction) < delta;
    }
    return detail::in_a_row(holds, patience, memory);
  }

  [[nodiscard, gnu::cold]] std::string problem(const ExitSetting& setting) const {
    if (abs && direction == Direction::drop) {
      return "abs goes with direction=plateau, not with drop";
    }
    if (min_exit > std::max<std::size_t>(setting.exits, EntropyDropExit().min_exit)) {
      return concat("min_exit is ", min_exit, ", but there are ", setting.exits, " exits");
    }
    return {};
  }

  template <class Setting>
  [[nodiscard]] std::vector<EntropyDropExit> grid(const Setting& /*setting*/) const {
    using Self = EntropyDropExit;
    const auto rules_of = [&](Direction to, bool absolute, std::vector<std::size_t> rows) {
      Self base = *this;
      base.direction = to;
      base.abs = absolute;
      return detail::vary(detail::vary(detail::vary(base, &Self::patience, rows), &Self::cap,
                                       {0.1, 0.3, 0.5, 0.7, 0.9, 1.0}),
                          &Self::delta, {0.001, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5});
    };
    std::vector<Self> all = rules_of(Direction::plateau, false, {2, 1});
    for (const Self& rule : rules_of(Direction::plateau, true, {1})) all.push_back(rule);
    for (const Self& rule : rules_of(Direction::drop, false, {1})) all.push_back(rule);
    return all;
  }
};

static_assert(ExitRule<EntropyDropExit>);

}  // namespace bipft
