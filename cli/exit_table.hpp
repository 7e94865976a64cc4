#pragma once
/// Exit table: what a sweep of exit rules found, for people.

#include <algorithm>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "bipft/core/error.hpp"
#include "bipft/exit/exit_rules.hpp"
#include "bipft/tasks/exit_sweep.hpp"
#include "report.hpp"

namespace bipft::cli {

namespace detail {

[[nodiscard]] inline std::vector<std::string> exit_row(std::string name, const ExitFigures& figures,
                                                       double full, bool timed) {
  std::vector<std::string> row{std::move(name), fixed(figures.score, 4),
                               fixed(full - figures.score, 4), fixed(figures.mean_layer, 2),
                               fixed(100.0 * figures.saved, 1) + " %"};
  if (timed) row.push_back(fixed(figures.ms, 3));
  return row;
}

}  // namespace detail

/// A row for each of `shown`, rules by their numbers, and the oracle below where there is one:
/// what it scores, how much less than all layers do, layers a text, the share of layers saved and,
/// where time was measured, milliseconds a text.
[[nodiscard]] inline std::string exit_table(std::span<const ExitRules> rules,
                                            std::span<const ExitFigures> figures,
                                            std::span<const std::size_t> shown, double full,
                                            std::string_view metric,
                                            const ExitFigures* oracle = nullptr) {
  const bool timed = std::ranges::any_of(figures, [](const auto& one) { return one.ms > 0.0; });
  Table table;
  std::vector<std::string> head{"rule", std::string(metric), "lost", "layers", "saved"};
  if (timed) head.emplace_back("ms a text");
  table.row(std::move(head));
  for (const std::size_t i : shown) {
    table.row(detail::exit_row(to_string(rules[i]), figures[i], full, timed));
  }
  if (oracle != nullptr) table.row(detail::exit_row("oracle", *oracle, full, timed));
  return table.text();
}

/// How many texts stopped after which layer, a bar each: the longest is 40 wide.
/// Throws Error unless there is a number for each layer.
[[nodiscard]] inline std::string exit_histogram(std::span<const std::size_t> layers,
                                                std::span<const std::size_t> histogram) {
  if (layers.empty() || layers.size() != histogram.size()) {
    fail("exits after ", layers.size(), " layers, a histogram of ", histogram.size());
  }
  const std::size_t most = std::max<std::size_t>(1, std::ranges::max(histogram));
  Table table;
  for (std::size_t k = 0; k < layers.size(); ++k) {
    table.row({concat("layer ", layers[k]), grouped(histogram[k])});
  }
  std::string text;
  std::size_t k = 0;
  for (const char c : table.text()) {
    if (c == '\n') {
      const std::size_t width = (histogram[k] * 40 + most - 1) / most;  // of few texts one at least
      if (width > 0) text += "  " + std::string(width, '#');
      ++k;
    }
    text += c;
  }
  return text;
}

}  // namespace bipft::cli
