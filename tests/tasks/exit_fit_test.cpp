#include "bipft/tasks/exit_fit.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <vector>

#include "tasks/exit_texts.hpp"

using namespace bipft;

namespace {

using Weights = std::array<double, 5>;

/// The sum that the fit makes least, at these weights.
double loss_at(const ExitSweep& sweep, const Weights& w) {
  double total = 0.0;
  for (const double one : w) total += one * one / 2.0;
  for (const std::uint32_t n : sweep.all()) {
    const auto points = sweep.points(n);
    for (std::size_t k = 0; k + 1 < points.size(); ++k) {
      const ExitPoint& at = points[k];
      const double score =
          w[0] * (at.best - at.second) + w[1] * at.best + w[2] * at.entropy / at.most_entropy +
          w[3] * static_cast<double>(k + 1) / static_cast<double>(points.size()) + w[4];
      const double sign = at.top == points.back().top ? 1.0 : -1.0;
      total += std::log1p(std::exp(-sign * score));
    }
  }
  return total;
}

Weights weights_of(const ClassifierExit& rule) {
  return {rule.margin, rule.top, rule.entropy, rule.depth, rule.bias};
}

}  // namespace

TEST_CASE("fit_classifier_exit: no step in any direction makes its sum less") {
  const ExitOutputs outputs = test::exit_texts(250, 5, 3);
  const ExitSweep sweep(outputs);
  const ClassifierExit rule = fit_classifier_exit(sweep, sweep.all());
  const Weights best = weights_of(rule);
  const double least = loss_at(sweep, best);
  for (std::size_t i = 0; i < best.size(); ++i) {
    for (const double step : {-0.02, 0.02}) {
      Weights other = best;
      other[i] += step;
      CAPTURE(i);
      CHECK(loss_at(sweep, other) > least);
    }
  }
  CHECK(loss_at(sweep, {}) > least + 10.0);
  CHECK(rule.depth > 0.0);  // deeper exits agree more often
}

TEST_CASE("fit_classifier_exit: looks at the texts of the sample alone, and at no label") {
  ExitOutputs outputs = test::exit_texts(100, 4, 3);
  const std::vector<std::uint32_t> sample{1, 5, 9, 33, 34, 70, 71, 72};
  const Weights before = weights_of(fit_classifier_exit(ExitSweep(outputs), sample));
  for (std::uint32_t& label : outputs.truth) label = (label + 1) % 3;
  for (std::size_t i = 0; i < 12; ++i) outputs.logits[i] = 9.0F;  // text 0
  for (std::size_t i = 0; i < 12; ++i) outputs.logits[12 * 99 + i] = std::nanf("");
  CHECK(weights_of(fit_classifier_exit(ExitSweep(outputs), sample)) == before);
  outputs.logits[12] = std::nanf("");  // text 1 is of the sample: its first exit no longer counts
  const ClassifierExit after = fit_classifier_exit(ExitSweep(outputs), sample);
  CHECK(weights_of(after) != before);
  CHECK(std::isfinite(after.margin));
  outputs.logits[12 * 5 + 9] = std::nanf("");  // nor does text 5, which has no last answer
  const std::vector<std::uint32_t> others{1, 9, 33, 34, 70, 71, 72};
  CHECK(weights_of(fit_classifier_exit(ExitSweep(outputs), sample)) ==
        weights_of(fit_classifier_exit(ExitSweep(outputs), others)));
}

TEST_CASE("fit_classifier_exit: exits that always agree, and none") {
  ExitOutputs outputs = test::exit_texts(20, 3, 2);
  for (std::size_t i = 0; i < outputs.logits.size(); ++i) {
    outputs.logits[i] = i % 2 == 0 ? 1.0F : 0.0F;
  }
  const ExitSweep sweep(outputs);
  const ClassifierExit rule = fit_classifier_exit(sweep, sweep.all());
  CHECK(std::isfinite(rule.bias));
  CHECK(sweep.measure(rule).mean_layer == 2.0);
  const ExitOutputs numbers = test::exit_numbers(9, 3);
  CHECK_THROWS_AS((void)fit_classifier_exit(ExitSweep(numbers), {}), Error);
  const ExitOutputs shallow = test::exit_texts(9, 1, 2);
  CHECK_THROWS_AS((void)fit_classifier_exit(ExitSweep(shallow), {}), Error);
  CHECK(fit_exits(ExitSweep(numbers), {}).empty());
  CHECK(fit_exits(sweep, sweep.all()).size() == 2);
}

TEST_CASE("fit_cumulative_exit: the accuracy of each exit") {
  const ExitOutputs outputs = test::exit_texts(200, 3, 2);
  const ExitSweep sweep(outputs);
  const CumulativeExit rule = fit_cumulative_exit(sweep, sweep.all());
  REQUIRE(rule.weights.size() == 3);
  for (std::size_t k = 0; k < 3; ++k) {
    const double exact = sweep.measure(exit_rule(concat("fixed:k=", k + 1))).score;
    CHECK(rule.weights[k] == doctest::Approx(exact).epsilon(1e-3));
  }
  CHECK(rule.weights[2] > rule.weights[0]);
  CHECK_THROWS_AS((void)fit_cumulative_exit(sweep, {}), Error);
}

TEST_CASE(
    "fit_exit_temperatures: one an exit, which applied leaves 1 to fit and no answer changed") {
  ExitOutputs outputs = test::exit_texts(400, 3, 3);
  for (std::size_t i = 0; i < outputs.logits.size(); ++i) {
    if (i / 3 % 3 == 1) outputs.logits[i] *= 4.0F;  // the second exit is too sure
  }
  const std::vector<float> temperatures = fit_exit_temperatures(outputs);
  REQUIRE(temperatures.size() == 3);
  CHECK(temperatures[1] > 2.0F * temperatures[2]);
  const ExitOutputs honest = at_temperatures(outputs, temperatures);
  for (const float one : fit_exit_temperatures(honest)) {
    CHECK(one == doctest::Approx(1.0F).epsilon(2e-3));
  }
  CHECK(honest.row(7, 1)[2] == outputs.row(7, 1)[2] / temperatures[1]);
  const ExitSweep before(outputs);
  const ExitSweep after(honest);
  for (const std::size_t k : {1U, 2U, 3U}) {
    const ExitRules rule = exit_rule(concat("fixed:k=", k));
    CHECK(before.measure(rule).score == after.measure(rule).score);
  }
  CHECK(before.measure(exit_rule("entropy")).histogram !=
        after.measure(exit_rule("entropy")).histogram);
}

TEST_CASE("fit_exit_temperatures: numbers have none, label sets one, and both are checked") {
  CHECK(fit_exit_temperatures(test::exit_numbers(9, 2)) == std::vector<float>{1.0F, 1.0F});
  const ExitOutputs sets = test::exit_sets(60, 2, 3);
  const std::vector<float> of_sets = fit_exit_temperatures(sets);
  CHECK(of_sets.size() == 2);
  std::vector<std::vector<float>> rows;
  for (std::size_t n = 0; n < 60; ++n) {
    rows.emplace_back(sets.row(n, 1).begin(), sets.row(n, 1).end());
  }
  CHECK(of_sets[1] == fit_temperature(rows, sets.sets));
  for (const std::vector<float>& bad :
       {std::vector<float>{1.0F}, std::vector<float>{1.0F, 0.0F},
        std::vector<float>{1.0F, std::nanf("")}, std::vector<float>{-1.0F, 1.0F}}) {
    CHECK_THROWS_AS((void)at_temperatures(sets, bad), Error);
  }
}
