#pragma once
/// Exit fit: rules whose knobs come from data: weights for `classifier` and `cumulative`, and a
/// temperature for each exit.

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "bipft/core/error.hpp"
#include "bipft/exit/classifier.hpp"
#include "bipft/exit/cumulative.hpp"
#include "bipft/exit/exit_rules.hpp"
#include "bipft/tasks/exit_outputs.hpp"
#include "bipft/tasks/exit_sweep.hpp"
#include "bipft/tasks/temperature.hpp"

namespace bipft {

namespace detail {

constexpr std::size_t exit_features = 5;  // margin, top, entropy, depth, 1
using ExitFeatures = std::array<double, exit_features>;

[[nodiscard]] inline ExitFeatures features_of(const ExitPoint& at) {
  return {at.best - at.second, at.best, at.relative_entropy(),
          static_cast<double>(at.exit) / static_cast<double>(at.exits), 1.0};
}

/// Solves A x = b for a symmetric positive definite A, by Cholesky's decomposition; b becomes x.
inline void solve(std::array<ExitFeatures, exit_features>& a, ExitFeatures& b) {
  for (std::size_t j = 0; j < exit_features; ++j) {
    for (std::size_t i = j; i < exit_features; ++i) {
      double sum = a[i][j];
      for (std::size_t k = 0; k < j; ++k) sum -= a[i][k] * a[j][k];
      a[i][j] = i == j ? std::sqrt(sum) : sum / a[j][j];
    }
  }
  for (std::size_t i = 0; i < exit_features; ++i) {
    for (std::size_t k = 0; k < i; ++k) b[i] -= a[i][k] * b[k];
    b[i] /= a[i][i];
  }
  for (std::size_t i = exit_features; i-- > 0;) {
    for (std::size_t k = i + 1; k < exit_features; ++k) b[i] -= a[k][i] * b[k];
    b[i] /= a[i][i];
  }
}

}  // namespace detail

/// The classifier that tells best, on the texts of `sample`, where an exit answers as the last one
/// does: logistic regression over all exits but the last, with t = 1 where it does,
///
///   min over w of  Σ ln(1 + exp(-(2 t - 1) w · f)) + |w|² / 2
///
/// by twenty steps of Newton's method, in fixed order, rounded to four digits, which hide what C
/// libraries' exp differ in. No label is looked at: texts without any would serve as well.
/// Throws Error unless the model answers with one label and has exits before the last.
[[nodiscard]] inline ClassifierExit fit_classifier_exit(const ExitSweep& sweep,
                                                        ExitSweep::Sample sample) {
  const ExitOutputs& outputs = sweep.outputs();
  if (outputs.answer != AnswerKind::label || outputs.exits() < 2) {
    fail("fit_classifier_exit: answers of kind ", to_string(outputs.answer), ", ", outputs.exits(),
         " exits");
  }
  detail::ExitFeatures weights{};
  for (int step = 0; step < 20; ++step) {
    detail::ExitFeatures slope{};
    std::array<detail::ExitFeatures, detail::exit_features> curve{};
    for (std::size_t i = 0; i < detail::exit_features; ++i) {
      slope[i] = weights[i];
      curve[i][i] = 1.0;
    }
    for (const std::uint32_t n : sample) {
      const std::span<const ExitPoint> points = sweep.points(n);
      if (std::isnan(points.back().best)) continue;
      for (std::size_t k = 0; k + 1 < points.size(); ++k) {
        if (std::isnan(points[k].best)) continue;
        const detail::ExitFeatures f = detail::features_of(points[k]);
        double score = 0.0;
        for (std::size_t i = 0; i < f.size(); ++i) score += weights[i] * f[i];
        const double p = 1.0 / (1.0 + std::exp(-score));
        const double miss = p - (points[k].top == points.back().top ? 1.0 : 0.0);
        for (std::size_t i = 0; i < f.size(); ++i) {
          slope[i] += miss * f[i];
          for (std::size_t j = 0; j <= i; ++j) curve[i][j] += p * (1.0 - p) * f[i] * f[j];
        }
      }
    }
    detail::solve(curve, slope);
    for (std::size_t i = 0; i < weights.size(); ++i) weights[i] -= slope[i];
  }
  ClassifierExit rule;
  rule.margin = detail::in_digits(weights[0], 4);
  rule.top = detail::in_digits(weights[1], 4);
  rule.entropy = detail::in_digits(weights[2], 4);
  rule.depth = detail::in_digits(weights[3], 4);
  rule.bias = detail::in_digits(weights[4], 4);
  return rule;
}

/// `cumulative` with the accuracy of each exit on the texts of `sample` as its weight. [BEEM]
/// Throws Error unless the model answers with one label.
[[nodiscard]] inline CumulativeExit fit_cumulative_exit(const ExitSweep& sweep,
                                                        ExitSweep::Sample sample) {
  const ExitOutputs& outputs = sweep.outputs();
  if (outputs.answer != AnswerKind::label || sample.empty()) {
    fail("fit_cumulative_exit: answers of kind ", to_string(outputs.answer), ", ", sample.size(),
         " texts");
  }
  CumulativeExit rule;
  for (std::size_t k = 0; k < outputs.exits(); ++k) {
    std::size_t hits = 0;
    for (const std::uint32_t n : sample) {
      hits += sweep.points(n)[k].top == outputs.truth[n] ? 1U : 0U;
    }
    rule.weights.push_back(detail::in_digits(detail::ratio(hits, sample.size()), 4));
  }
  return rule;
}

/// Both, for `measure_choice` and `exit_grid`; none where a model does not answer with one label.
[[nodiscard]] inline std::vector<ExitRules> fit_exits(const ExitSweep& sweep,
                                                      ExitSweep::Sample sample) {
  if (sweep.outputs().answer != AnswerKind::label || sweep.outputs().exits() < 2) return {};
  return {fit_cumulative_exit(sweep, sample), fit_classifier_exit(sweep, sample)};
}

/// [K]: the temperature of each exit by itself, as `fit_temperature` finds it: shallow exits are
/// the surer the less they know. 1 for numbers. Throws Error if the outputs do not fit together.
[[nodiscard]] inline std::vector<float> fit_exit_temperatures(const ExitOutputs& outputs) {
  outputs.check();
  std::vector<float> temperatures;
  for (std::size_t k = 0; k < outputs.exits(); ++k) {
    std::vector<std::vector<float>> rows;
    for (std::size_t n = 0; n < outputs.texts(); ++n) {
      const std::span<const float> row = outputs.row(n, k);
      rows.emplace_back(row.begin(), row.end());
    }
    switch (outputs.answer) {
      case AnswerKind::label:
        temperatures.push_back(fit_temperature(rows, outputs.truth));
        break;
      case AnswerKind::value:
        temperatures.push_back(1.0F);
        break;
      case AnswerKind::labels:
        temperatures.push_back(fit_temperature(rows, outputs.sets));
        break;
    }
  }
  return temperatures;
}

/// The same outputs with the logits of each exit divided by its temperature. No answer changes, but
/// how sure it is. Throws Error unless there is one for each exit, above 0.
[[nodiscard]] inline ExitOutputs at_temperatures(ExitOutputs outputs,
                                                 std::span<const float> temperatures) {
  if (temperatures.size() != outputs.exits()) {
    fail("at_temperatures: ", temperatures.size(), " temperatures, ", outputs.exits(), " exits");
  }
  for (const float one : temperatures) {
    if (!(one > 0.0F) || !std::isfinite(one)) fail("at_temperatures: a temperature of ", one);
  }
  for (std::size_t i = 0; i < outputs.logits.size(); ++i) {
    outputs.logits[i] /= temperatures[i / outputs.labels % outputs.exits()];
  }
  return outputs;
}

}  // namespace bipft
