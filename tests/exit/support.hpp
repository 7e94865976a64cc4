#pragma once
/// Texts made of logits, for tests of exit rules.

#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

#include "bipft/exit/exit_rules.hpp"
#include "golden/early_exit.hpp"

namespace bipft::test {

using Points = std::vector<ExitPoint>;
using Rows = std::vector<std::vector<double>>;

/// A text's points, from its logits after each exit.
[[nodiscard]] inline Points points_of(const Rows& logits, ExitAnswer answer = ExitAnswer::label) {
  Points points;
  for (std::size_t i = 0; i < logits.size(); ++i) {
    const std::span<const double> previous =
        i == 0 ? std::span<const double>() : std::span<const double>(logits[i - 1]);
    points.push_back(
        exit_point(answer, i + 1, logits.size(), std::span<const double>(logits[i]), previous));
  }
  return points;
}

[[nodiscard]] inline Points points_of(const golden::ExitTrace& trace) {
  Rows rows;
  for (std::size_t i = 0; i < trace.exits; ++i) {
    const double* const row = trace.logits + i * trace.labels;
    rows.emplace_back(row, row + trace.labels);
  }
  return points_of(rows);
}

/// Where `rule`, in words, stops.
[[nodiscard]] inline std::size_t stop(std::string_view rule, const Points& points) {
  return exit_of(exit_rule(rule), points);
}

}  // namespace bipft::test
