#pragma once
/// ExitRequest: what a run that may stop early is told, and the one place where a rule is asked.

#include <cstddef>
#include <span>
#include <vector>

#include "bipft/core/error.hpp"
#include "bipft/exit/exit_rules.hpp"

namespace bipft {

/// What a text of T tokens has cost that stops at one exit: token T + pair T² + text.
struct ExitCost {
  double token = 0;
  double pair = 0;
  double text = 0;

  [[nodiscard]] double of(std::size_t tokens) const {
    const auto t = static_cast<double>(tokens);
    return token * t + pair * t * t + text;
  }
};

struct ExitRequest {
  ExitRules rule;    ///< where a text stops, unless
  bool all = false;  ///< every text goes through all layers, and the logits of all exits are told
  ExitAnswer answer = ExitAnswer::label;
  std::vector<float> temperatures = {};  ///< [K]: the rule sees logits divided by them; or none: 1
  std::vector<ExitCost> costs = {};      ///< [K], in multiplications, for rules that go by them
};

namespace detail {

/// Whether a text stops at exit `exit` of `exits`, counted from 0 and not the last, where it has
/// `logits`, after `before` at the exit before that, if there was one, and `doubt`, or NaN.
/// `scratch` has room for the logits of both.
[[nodiscard]] inline bool leaves(const ExitRequest& request, std::size_t exit, std::size_t exits,
                                 std::size_t tokens, std::span<const float> logits,
                                 std::span<const float> before, double doubt, float* scratch,
                                 ExitMemory& memory) {
  if (!request.temperatures.empty()) {
    const auto softened = [&](std::span<const float> row, float temperature, float* to) {
      for (std::size_t k = 0; k < row.size(); ++k) to[k] = row[k] / temperature;
      return std::span<const float>(to, row.size());
    };
    if (exit > 0) {
      before = softened(before, request.temperatures[exit - 1], scratch + logits.size());
    }
    logits = softened(logits, request.temperatures[exit], scratch);
  }
  ExitPoint at = exit_point(request.answer, exit + 1, exits, logits, before,
                            needs_of(request.rule).divergence);
  at.doubt = doubt;
  if (!request.costs.empty()) at.next_macs = request.costs[exit + 1].of(tokens);
  return decide(request.rule, at, memory);
}

}  // namespace detail

/// Throws Error if the parts of `request` do not fit a plan of `exits` exits.
[[gnu::cold]] inline void check_exits(const ExitRequest& request, std::size_t exits) {
  const auto fits = [&](std::size_t count) { return count == 0 || count == exits; };
  if (!fits(request.temperatures.size()) || !fits(request.costs.size())) {
    fail("run: ", request.temperatures.size(), " temperatures and ", request.costs.size(),
         " costs of ", exits, " exits");
  }
}

/// The exit, from 0, at which a text of `tokens` tokens stops that has `logits` at all its exits.
///   logits: [K, C], one exit after the other   doubts: [K] or [K - 1], before the sigmoid, or none
[[nodiscard]] inline std::size_t exit_by(const ExitRequest& request, std::size_t tokens,
                                         std::size_t exits, std::span<const float> logits,
                                         std::span<const float> doubts = {}) {
  const std::size_t labels = logits.size() / exits;
  std::vector<float> scratch(2 * labels);
  ExitMemory memory;
  for (std::size_t i = 0; i + 1 < exits; ++i) {
    const std::span<const float> before =
        i == 0 ? std::span<const float>() : logits.subspan((i - 1) * labels, labels);
    const double doubt = doubts.empty() ? ExitPoint::none : doubt_of(doubts[i]);
    if (detail::leaves(request, i, exits, tokens, logits.subspan(i * labels, labels), before, doubt,
                       scratch.data(), memory)) {
      return i;
    }
  }
  return exits - 1;
}

}  // namespace bipft
