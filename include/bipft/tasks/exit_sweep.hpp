#pragma once
/// Exit sweep: every rule measured on stored logits, and the best one for what may be lost.
///
///   const ExitSweep sweep(outputs);                            // one pass of the model, kept
///   const std::vector<ExitRules> rules = exit_grid(sweep.setting());
///   const std::vector<ExitFigures> figures = sweep.measure(rules);
///   const std::size_t best = choose_exit(figures, sweep.full().score, 0.005);
///   const ExitSplits honest = measure_choice(sweep, {.budget = 0.005});
///
/// Nothing is computed again by the model: of twelve exits a rule takes some 80 ns a text.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <span>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "bipft/core/error.hpp"
#include "bipft/core/parallel.hpp"
#include "bipft/core/random.hpp"
#include "bipft/core/sort.hpp"
#include "bipft/exit/exit_grid.hpp"
#include "bipft/exit/exit_rules.hpp"
#include "bipft/exit/oracle.hpp"
#include "bipft/tasks/exit_outputs.hpp"
#include "bipft/tasks/label_set_metrics.hpp"
#include "bipft/tasks/metrics.hpp"

namespace bipft {

/// What a rule did to some texts.
struct ExitFigures {
  double score = 0.0;       ///< the metric of the answers at the exits where the texts stopped
  double mean_layer = 0.0;  ///< layers a text went through
  double saved = 0.0;       ///< 1 - mean_layer / all layers
  double ms = 0.0;          ///< milliseconds a text; 0 if unknown
  double cost = 0.0;        ///< what there is to save: ms where it is known, else mean_layer
  std::vector<std::size_t> histogram;  ///< [K]: texts that stopped at each exit
};

/// Where each of N texts stopped, from 0.
using ExitStops = std::vector<std::uint8_t>;

class ExitSweep {
 public:
  using Sample = std::span<const std::uint32_t>;

  /// Reads `outputs`, which must outlive it. Throws Error if its parts do not fit together.
  explicit ExitSweep(const ExitOutputs& outputs) : outputs_(outputs) {
    outputs.check();
    setting_ = outputs.setting();
    const std::size_t exits = outputs.exits();
    points_.resize(outputs.texts() * exits);
    answers_.resize(points_.size());
    parallel_for(outputs.texts(), 256, [&](std::size_t begin, std::size_t end) {
      for (std::size_t n = begin; n < end; ++n) {
        for (std::size_t k = 0; k < exits; ++k) read(n, k);
      }
    });
    all_.resize(outputs.texts());
    std::iota(all_.begin(), all_.end(), std::uint32_t{0});
  }
  explicit ExitSweep(ExitOutputs&&) = delete;  // it would outlive them

  [[nodiscard]] const ExitOutputs& outputs() const { return outputs_; }
  [[nodiscard]] const ExitSetting& setting() const { return setting_; }
  [[nodiscard]] Sample all() const { return all_; }
  /// [K]: one text at all its exits.
  [[nodiscard]] std::span<const ExitPoint> points(std::size_t text) const {
    return std::span(points_).subspan(text * outputs_.exits(), outputs_.exits());
  }

  /// Where each text stops by `rule`. Throws Error if the rule makes no sense for these outputs.
  [[nodiscard]] ExitStops stops(const ExitRules& rule) const {
    check_exit_rule(rule, setting_);
    return std::visit([&](const auto& chosen) { return stops_by([&](auto) { return chosen; }); },
                      rule);
  }
  /// Where each text stops by a rule that knows the truth: at its first right answer.
  /// Throws Error for numbers, of which none is right.
  [[nodiscard]] ExitStops oracle_stops() const {
    if (outputs_.answer == AnswerKind::value)
      fail("an oracle of numbers: no answer is the right one");
    if (outputs_.answer == AnswerKind::label) {
      return stops_by([&](std::size_t n) {
        OracleExit oracle;
        oracle.label = outputs_.truth[n];
        return oracle;
      });
    }
    ExitStops stops(outputs_.texts());
    for (std::size_t n = 0; n < stops.size(); ++n) {
      std::size_t k = 0;
      while (k + 1 < outputs_.exits() && answered_labels(outputs_.row(n, k)) != outputs_.sets[n])
        ++k;
      stops[n] = static_cast<std::uint8_t>(k);
    }
    return stops;
  }

  /// What that did to the texts of `sample`. Throws Error if there are none.
  [[nodiscard]] ExitFigures figures(const ExitStops& stops, Sample sample) const {
    if (sample.empty()) fail("exit figures of no texts");
    ExitFigures figures;
    figures.histogram.resize(outputs_.exits());
    for (const std::uint32_t n : sample) ++figures.histogram[stops[n]];
    const auto count = static_cast<double>(sample.size());
    for (std::size_t k = 0; k < outputs_.exits(); ++k) {  // alike for equal histograms
      const auto here = static_cast<double>(figures.histogram[k]);
      figures.mean_layer += here * static_cast<double>(outputs_.layers[k]);
      if (!outputs_.ms.empty()) figures.ms += here * outputs_.ms[k];
    }
    figures.mean_layer /= count;
    figures.ms /= count;
    figures.saved = 1.0 - figures.mean_layer / static_cast<double>(outputs_.layers.back());
    figures.cost = outputs_.ms.empty() ? figures.mean_layer : figures.ms;
    figures.score = score(stops, sample);
    return figures;
  }

  [[nodiscard]] ExitFigures measure(const ExitRules& rule) const {
    return figures(stops(rule), all_);
  }
  /// Of many rules, on all threads; the same whatever their number.
  [[nodiscard]] std::vector<ExitFigures> measure(std::span<const ExitRules> rules) const {
    std::vector<ExitFigures> all(rules.size());
    parallel_for(rules.size(), 1, [&](std::size_t begin, std::size_t end) {
      for (std::size_t i = begin; i < end; ++i) all[i] = measure(rules[i]);
    });
    return all;
  }
  /// All layers for every text.
  [[nodiscard]] ExitFigures full() const { return measure(ExitRules(NeverExit())); }
  /// What no rule passes.
  [[nodiscard]] ExitFigures oracle() const { return figures(oracle_stops(), all_); }

 private:
  void read(std::size_t n, std::size_t k) {
    const std::size_t exits = outputs_.exits();
    const std::span<const float> row = outputs_.row(n, k);
    const std::span<const float> before =
        k == 0 ? std::span<const float>() : outputs_.row(n, k - 1);
    ExitPoint at = exit_point(exit_answer(outputs_.answer), k + 1, exits, row, before);
    if (!outputs_.doubts.empty()) at.doubt = outputs_.doubts[n * exits + k];
    if (!outputs_.macs.empty() && k + 1 < exits) at.next_macs = outputs_.macs[n * exits + k + 1];
    points_[n * exits + k] = at;
    answers_[n * exits + k] =
        static_cast<std::uint32_t>(std::max_element(row.begin(), row.end()) - row.begin());
  }

  template <class RuleOf>
  [[nodiscard]] ExitStops stops_by(const RuleOf& rule_of) const {
    ExitStops stops(outputs_.texts());
    for (std::size_t n = 0; n < stops.size(); ++n) {
      stops[n] = static_cast<std::uint8_t>(exit_of(rule_of(n), points(n)) - 1);
    }
    return stops;
  }

  [[nodiscard]] double score(const ExitStops& stops, Sample sample) const {
    const std::size_t exits = outputs_.exits();
    if (outputs_.metric == Metric::accuracy) {
      std::size_t hits = 0;
      for (const std::uint32_t n : sample) {
        hits += answers_[n * exits + stops[n]] == outputs_.truth[n] ? 1U : 0U;
      }
      return detail::ratio(hits, sample.size());
    }
    if (outputs_.answer == AnswerKind::label) {
      ConfusionMatrix matrix(outputs_.labels);
      for (const std::uint32_t n : sample) {
        matrix.add(outputs_.truth[n], answers_[n * exits + stops[n]]);
      }
      return value_of(outputs_.metric, matrix);
    }
    if (outputs_.answer == AnswerKind::labels) {
      LabelSetCounts counts(outputs_.labels);
      for (const std::uint32_t n : sample) {
        counts.add(outputs_.sets[n], answered_labels(outputs_.row(n, stops[n])));
      }
      return counts.micro_f1();
    }
    std::vector<double> truth;
    std::vector<double> answers;
    for (const std::uint32_t n : sample) {
      truth.push_back(outputs_.values[n]);
      answers.push_back(static_cast<double>(outputs_.row(n, stops[n])[0]));
      if (!std::isfinite(answers.back())) return -1.0;  // as bad as can be
    }
    return correlation(truth, answers);
  }

  const ExitOutputs& outputs_;
  ExitSetting setting_;
  std::vector<ExitPoint> points_;       // [N, K]
  std::vector<std::uint32_t> answers_;  // [N, K]
  std::vector<std::uint32_t> all_;      // [N]
};

/// The points that no other is better than in score and in cost at once, by ascending cost. Of
/// equal ones the first. Their scores ascend as well.
[[nodiscard]] inline std::vector<std::size_t> exit_front(std::span<const ExitFigures> figures) {
  std::vector<std::uint32_t> order(figures.size());
  std::iota(order.begin(), order.end(), std::uint32_t{0});
  sort_by(order, [&](std::uint32_t a, std::uint32_t b) {
    const ExitFigures& left = figures[a];
    const ExitFigures& right = figures[b];
    return left.cost < right.cost || (left.cost == right.cost && left.score > right.score);
  });
  std::vector<std::size_t> front;
  for (const std::uint32_t i : order) {
    if (front.empty() || figures[i].score > figures[front.back()].score) front.push_back(i);
  }
  return front;
}

/// The cheapest whose score is not more than `budget` below `full`; of equally cheap ones the best,
/// of equally good ones the first. A score that misses by 1e-12 does not: it is a rounded share.
/// Throws Error if there is none; with `never` among them there is.
[[nodiscard]] inline std::size_t choose_exit(std::span<const ExitFigures> figures, double full,
                                             double budget) {
  std::size_t best = figures.size();
  for (std::size_t i = 0; i < figures.size(); ++i) {
    const ExitFigures& one = figures[i];
    if (one.score < full - budget - 1e-12) continue;
    const bool better = best == figures.size() || one.cost < figures[best].cost ||
                        (one.cost == figures[best].cost && one.score > figures[best].score);
    if (better) best = i;
  }
  if (best == figures.size()) {
    fail("no exit rule of ", figures.size(), " keeps the score of ", full, " within ", budget);
  }
  return best;
}

/// How a choice is put to the test.
struct SplitOptions {
  double budget = 0.005;     ///< score that may be lost where it is chosen
  double share = 1.0 / 3.0;  ///< of the texts: on these a rule is chosen
  std::size_t splits = 20;
  std::uint64_t seed = 1;
};

/// One split: the rule, what it did where it was chosen, and on the texts that it had not seen.
struct ExitSplit {
  ExitRules rule;
  ExitFigures chosen;
  ExitFigures measured;
  ExitFigures full;  ///< all layers, on the same texts as `measured`

  /// How many those were.
  [[nodiscard]] std::size_t measured_texts() const {
    return std::accumulate(measured.histogram.begin(), measured.histogram.end(), std::size_t{0});
  }
};

/// All splits, and their means.
struct ExitSplits {
  std::vector<ExitSplit> splits;
  double score = 0.0;
  double full_score = 0.0;
  double lost = 0.0;        ///< full_score - score
  double worst_lost = 0.0;  ///< of the worst split
  double mean_layer = 0.0;
  double saved = 0.0;
  double ms = 0.0;
};

/// What choosing is worth on texts that were not chosen by: a figure measured where its rule was
/// picked among hundreds flatters. `share` of the texts, drawn at random, choose by `choose_exit`
/// among the grid of all rules and of those that `fit(sample)` fits to them; the others measure;
/// all this `splits` times. Draws are numbered: the same for any number of threads.
/// Throws Error if either part would be empty.
template <class Fit>
[[nodiscard]] ExitSplits measure_choice(const ExitSweep& sweep, const SplitOptions& options,
                                        const Fit& fit) {
  const std::size_t texts = sweep.all().size();
  const double asked = options.share * static_cast<double>(texts) + 0.5;
  const std::size_t part = asked >= 1.0 ? static_cast<std::size_t>(std::min(asked, 1e15)) : 0;
  if (part == 0 || part >= texts || options.splits == 0) {
    fail("a rule chosen on ", part, " of ", texts, " texts, ", options.splits, " times");
  }
  const ExitSetting& setting = sweep.setting();
  const std::vector<ExitRules> fixed = exit_grid(setting);
  const auto stops_of = [&](const std::vector<ExitRules>& rules) {
    std::vector<ExitStops> stops(rules.size());
    parallel_for(rules.size(), 1, [&](std::size_t begin, std::size_t end) {
      for (std::size_t i = begin; i < end; ++i) stops[i] = sweep.stops(rules[i]);
    });
    return stops;
  };
  const std::vector<ExitStops> fixed_stops = stops_of(fixed);
  const ExitStops full_stops = sweep.stops(ExitRules(NeverExit()));

  ExitSplits result;
  for (std::size_t split = 0; split < options.splits; ++split) {
    const std::vector<std::uint32_t> order =
        Random(options.seed, "exit splits", split).permutation(texts);
    const ExitSweep::Sample sample = std::span(order).first(part);
    const ExitSweep::Sample rest = std::span(order).subspan(part);
    std::vector<ExitRules> fitted;
    for (const ExitRules& base : fit(sample)) {
      std::visit(
          [&](const auto& chosen) {
            for (const auto& rule : chosen.grid(setting)) fitted.emplace_back(rule);
          },
          base);
    }
    const std::vector<ExitStops> fitted_stops = stops_of(fitted);
    const auto stops = [&](std::size_t i) -> const ExitStops& {
      return i < fixed.size() ? fixed_stops[i] : fitted_stops[i - fixed.size()];
    };
    std::vector<ExitFigures> figures(fixed.size() + fitted.size());
    parallel_for(figures.size(), 1, [&](std::size_t begin, std::size_t end) {
      for (std::size_t i = begin; i < end; ++i) figures[i] = sweep.figures(stops(i), sample);
    });
    const double full = sweep.figures(full_stops, sample).score;
    const std::size_t best = choose_exit(figures, full, options.budget);
    result.splits.push_back({best < fixed.size() ? fixed[best] : fitted[best - fixed.size()],
                             std::move(figures[best]), sweep.figures(stops(best), rest),
                             sweep.figures(full_stops, rest)});
  }
  result.worst_lost = -2.0;
  const auto count = static_cast<double>(options.splits);
  for (const ExitSplit& one : result.splits) {
    result.score += one.measured.score / count;
    result.full_score += one.full.score / count;
    result.mean_layer += one.measured.mean_layer / count;
    result.saved += one.measured.saved / count;
    result.ms += one.measured.ms / count;
    result.worst_lost = std::max(result.worst_lost, one.full.score - one.measured.score);
  }
  result.lost = result.full_score - result.score;
  return result;
}
/// The same among rules that need no fitting.
[[nodiscard]] inline ExitSplits measure_choice(const ExitSweep& sweep,
                                               const SplitOptions& options = {}) {
  return measure_choice(sweep, options, [](ExitSweep::Sample) { return std::vector<ExitRules>(); });
}

}  // namespace bipft
