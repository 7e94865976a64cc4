#include "bipft/tasks/exit_sweep.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <string>
#include <vector>

#include "bipft/core/parallel.hpp"
#include "bipft/exit/exit_options.hpp"
#include "tasks/exit_texts.hpp"

using namespace bipft;

namespace {

/// The entropy of a row, term by term, in nats.
double row_entropy(std::span<const float> row) {
  double sum = 0.0;
  for (const float z : row) sum += std::exp(static_cast<double>(z));
  double entropy = 0.0;
  for (const float z : row) {
    const double p = std::exp(static_cast<double>(z)) / sum;
    entropy -= p * std::log(p);
  }
  return entropy;
}

std::size_t row_answer(std::span<const float> row) {
  return static_cast<std::size_t>(std::max_element(row.begin(), row.end()) - row.begin());
}

/// Figures made one text at a time from where each stops, by the definition of each of them.
ExitFigures plain_figures(const ExitOutputs& outputs, const std::vector<std::size_t>& stops) {
  ExitFigures figures;
  figures.histogram.resize(outputs.exits());
  const auto count = static_cast<double>(outputs.texts());
  for (std::size_t n = 0; n < outputs.texts(); ++n) {
    ++figures.histogram[stops[n]];
    figures.mean_layer += static_cast<double>(outputs.layers[stops[n]]) / count;
    if (!outputs.ms.empty()) figures.ms += outputs.ms[stops[n]] / count;
    const bool hit = row_answer(outputs.row(n, stops[n])) == outputs.truth[n];
    figures.score += hit ? 1.0 / count : 0.0;
  }
  return figures;
}

void check_same(const ExitFigures& found, const ExitFigures& plain) {
  CHECK(found.histogram == plain.histogram);
  CHECK(found.mean_layer == doctest::Approx(plain.mean_layer).epsilon(1e-12));
  CHECK(found.ms == doctest::Approx(plain.ms).epsilon(1e-12));
  CHECK(found.score == doctest::Approx(plain.score).epsilon(1e-12));
}

ExitFigures at(double cost, double score) {
  ExitFigures figures;
  figures.cost = cost;
  figures.score = score;
  return figures;
}

/// Some of the texts, as outputs of their own.
ExitOutputs part_of(const ExitOutputs& outputs, std::span<const std::uint32_t> sample) {
  ExitOutputs part = outputs;
  part.truth.clear();
  part.logits.clear();
  for (const std::uint32_t n : sample) {
    part.truth.push_back(outputs.truth[n]);
    for (std::size_t k = 0; k < outputs.exits(); ++k) {
      const auto row = outputs.row(n, k);
      part.logits.insert(part.logits.end(), row.begin(), row.end());
    }
  }
  return part;
}

}  // namespace

TEST_CASE("ExitSweep: entropy and patience, against texts gone through one by one") {
  ExitOutputs outputs = test::exit_texts(300, 5, 3);
  outputs.ms = {1.0, 1.9, 2.7, 3.6, 4.5};
  const ExitSweep sweep(outputs);
  std::set<std::vector<std::size_t>> histograms;
  for (const double tau : {0.05, 0.3, 0.6, 0.9, 1.05}) {
    std::vector<std::size_t> stops;
    for (std::size_t n = 0; n < outputs.texts(); ++n) {
      std::size_t k = 0;
      while (k < 4 && row_entropy(outputs.row(n, k)) >= tau) ++k;
      stops.push_back(k);
    }
    const ExitFigures found = sweep.measure(exit_rule(concat("entropy:tau=", tau)));
    check_same(found, plain_figures(outputs, stops));
    CHECK(found.cost == found.ms);
    CHECK(found.saved == doctest::Approx(1.0 - found.mean_layer / 10.0).epsilon(1e-12));
    histograms.insert(found.histogram);
  }
  CHECK(histograms.size() == 5);
  for (const std::size_t t : {1U, 2U, 3U, 4U}) {
    std::vector<std::size_t> stops;
    for (std::size_t n = 0; n < outputs.texts(); ++n) {
      std::size_t stop = 4;
      for (std::size_t k = 4; k-- > t;) {  // the earliest with t equal answers before it
        bool same = true;
        for (std::size_t j = 1; j <= t; ++j) {
          same = same && row_answer(outputs.row(n, k - j)) == row_answer(outputs.row(n, k));
        }
        if (same) stop = k;
      }
      stops.push_back(stop);
    }
    check_same(sweep.measure(exit_rule(concat("patience:t=", t))), plain_figures(outputs, stops));
  }
}

TEST_CASE("ExitSweep: all layers, one exit, and the oracle") {
  const ExitOutputs outputs = test::exit_texts(200, 4, 2);
  const ExitSweep sweep(outputs);
  check_same(sweep.full(), plain_figures(outputs, std::vector<std::size_t>(200, 3)));
  CHECK(sweep.full().saved == 0.0);
  CHECK(sweep.full().cost == 8.0);
  for (const std::size_t k : {1U, 2U, 3U, 4U}) {
    check_same(sweep.measure(exit_rule(concat("fixed:k=", k))),
               plain_figures(outputs, std::vector<std::size_t>(200, k - 1)));
  }
  std::vector<std::size_t> stops;
  for (std::size_t n = 0; n < 200; ++n) {
    std::size_t k = 0;
    while (k < 3 && row_answer(outputs.row(n, k)) != outputs.truth[n]) ++k;
    stops.push_back(k);
  }
  const ExitFigures oracle = sweep.oracle();
  check_same(oracle, plain_figures(outputs, stops));
  // No rule answers more texts rightly.
  for (const ExitFigures& one : sweep.measure(exit_grid(sweep.setting()))) {
    CHECK(one.score <= oracle.score);
  }
}

TEST_CASE("ExitSweep: doubts and costs of each text reach the rules that go by them") {
  ExitOutputs outputs = test::exit_texts(2, 3, 2);
  outputs.doubts = {0.9, 0.01, 0.0, 0.9, 0.8, 0.0};
  outputs.macs = {10, 20, 30, 100, 200, 300};
  const ExitSweep sweep(outputs);
  CHECK(sweep.stops(exit_rule("learned:tau=0.1")) == ExitStops{1, 2});
  CHECK(sweep.stops(exit_rule("budget:macs=25")) == ExitStops{1, 0});
  CHECK(sweep.stops(exit_rule("budget:macs=250")) == ExitStops{2, 1});
  const std::vector<ExitRules> rules = exit_grid(sweep.setting());
  const auto has = [&](std::string_view name) {
    return std::ranges::any_of(rules, [&](const ExitRules& one) { return name_of(one) == name; });
  };
  CHECK(has("learned"));
  CHECK(has("budget"));
  const ExitOutputs plain = test::exit_texts(2, 3, 2);
  CHECK_THROWS_AS((void)ExitSweep(plain).stops(exit_rule("learned")), Error);
}

TEST_CASE("ExitSweep: numbers, label sets and Matthews are scored as they are elsewhere") {
  const ExitOutputs numbers = test::exit_numbers(120, 4);
  const ExitSweep of_numbers(numbers);
  std::vector<double> second;
  for (std::size_t n = 0; n < 120; ++n) {
    second.push_back(static_cast<double>(numbers.row(n, 1)[0]));
  }
  CHECK(of_numbers.measure(exit_rule("fixed:k=2")).score == correlation(numbers.values, second));
  CHECK(of_numbers.full().score > of_numbers.measure(exit_rule("fixed:k=1")).score);
  CHECK_THROWS_AS((void)of_numbers.oracle(), Error);
  CHECK_THROWS_AS((void)of_numbers.measure(exit_rule("entropy")), Error);
  ExitOutputs broken = numbers;
  broken.logits.back() = std::nanf("");
  CHECK(ExitSweep(broken).full().score == -1.0);

  const ExitOutputs sets = test::exit_sets(90, 3, 4);
  const ExitSweep of_sets(sets);
  LabelSetCounts counts(4);
  std::vector<std::size_t> histogram(3);
  for (std::size_t n = 0; n < 90; ++n) {
    counts.add(sets.sets[n], answered_labels(sets.row(n, 0)));
    std::size_t k = 0;
    while (k < 2 && answered_labels(sets.row(n, k)) != sets.sets[n]) ++k;
    ++histogram[k];
  }
  CHECK(of_sets.measure(exit_rule("fixed:k=1")).score == counts.micro_f1());
  CHECK(of_sets.oracle().histogram == histogram);

  ExitOutputs matthews_of = test::exit_texts(150, 3, 3);
  matthews_of.metric = Metric::matthews;
  ConfusionMatrix matrix(3);
  for (std::size_t n = 0; n < 150; ++n) {
    matrix.add(matthews_of.truth[n], row_answer(matthews_of.row(n, 0)));
  }
  CHECK(ExitSweep(matthews_of).measure(exit_rule("fixed:k=1")).score == matthews(matrix));
}

TEST_CASE("ExitSweep: a text does not depend on its neighbours, a sample is its texts") {
  const ExitOutputs outputs = test::exit_texts(60, 4, 3);
  const ExitSweep sweep(outputs);
  const std::vector<std::uint32_t> sample{7, 3, 59, 0, 21, 22};
  const ExitOutputs alone = part_of(outputs, sample);
  const ExitSweep own(alone);
  for (const ExitRules& rule : exit_grid(sweep.setting())) {
    const ExitStops stops = sweep.stops(rule);
    const ExitStops few = own.stops(rule);
    for (std::size_t i = 0; i < sample.size(); ++i) CHECK(few[i] == stops[sample[i]]);
    check_same(sweep.figures(stops, sample), own.measure(rule));
  }
  CHECK_THROWS_AS((void)sweep.figures(sweep.stops(exit_rule("never")), {}), Error);
}

TEST_CASE("exit_front: what nothing else is better than, by brute force") {
  const Random random(9, "front");
  for (std::size_t round = 0; round < 200; ++round) {
    std::vector<ExitFigures> figures;
    for (std::size_t i = 0; i < 1 + round % 12; ++i) {  // of few values: many are equal
      figures.push_back(at(static_cast<double>(random.below(100 * round + 2 * i, 5)),
                           static_cast<double>(random.below(100 * round + 2 * i + 1, 5))));
    }
    std::vector<std::size_t> expected;
    for (std::size_t i = 0; i < figures.size(); ++i) {
      bool keeps = true;
      for (std::size_t j = 0; j < figures.size(); ++j) {
        const bool as_good =
            figures[j].cost <= figures[i].cost && figures[j].score >= figures[i].score;
        const bool equal =
            figures[j].cost == figures[i].cost && figures[j].score == figures[i].score;
        if (as_good && (!equal || j < i)) keeps = false;
      }
      if (keeps) expected.push_back(i);
    }
    std::ranges::sort(expected, {}, [&](std::size_t i) { return figures[i].cost; });
    CHECK(exit_front(figures) == expected);
  }
  CHECK(exit_front({}).empty());
}

TEST_CASE("choose_exit: the cheapest within the budget, then the best, then the first") {
  const std::vector<ExitFigures> figures{at(12, 0.9),  at(6, 0.895), at(5, 0.89),
                                         at(6, 0.897), at(6, 0.897), at(3, 0.7)};
  CHECK(choose_exit(figures, 0.9, 0.0) == 0);
  CHECK(choose_exit(figures, 0.9, 0.003) == 3);
  CHECK(choose_exit(figures, 0.9, 0.005) == 3);
  CHECK(choose_exit(figures, 0.9, 0.01) == 2);
  CHECK(choose_exit(figures, 0.9, 1.0) == 5);
  CHECK(choose_exit(figures, 0.9, exit_budget("0.5%")) == 3);
  // Five of 250 texts are 0.02, but 35/250 - 0.02 is above 30/250, in doubles.
  REQUIRE(35.0 / 250.0 - 0.02 > 30.0 / 250.0);
  CHECK(choose_exit(std::vector{at(9, 35.0 / 250), at(2, 30.0 / 250)}, 35.0 / 250, 0.02) == 1);
  CHECK_THROWS_AS((void)choose_exit(figures, 0.95, 0.001), Error);
  CHECK_THROWS_AS((void)choose_exit({}, 0.0, 1.0), Error);
}

TEST_CASE("measure_choice: splits as anybody would make them by hand") {
  const ExitOutputs outputs = test::exit_texts(150, 4, 2);
  const ExitSweep sweep(outputs);
  const SplitOptions options{.budget = 0.02, .share = 1.0 / 3.0, .splits = 6, .seed = 5};
  const ExitSplits found = measure_choice(sweep, options);
  REQUIRE(found.splits.size() == 6);
  const std::vector<ExitRules> rules = exit_grid(sweep.setting());
  double score = 0.0;
  double full_score = 0.0;
  double layers = 0.0;
  double worst = -1.0;
  std::set<std::string> chosen;
  for (std::size_t split = 0; split < 6; ++split) {
    const auto order = Random(5, "exit splits", split).permutation(150);
    const ExitOutputs first = part_of(outputs, std::span(order).first(50));
    const ExitOutputs others = part_of(outputs, std::span(order).subspan(50));
    const ExitSweep dev(first);
    const ExitSweep rest(others);
    std::size_t best = rules.size();
    ExitFigures best_figures;
    for (std::size_t i = 0; i < rules.size(); ++i) {
      const ExitFigures one = dev.measure(rules[i]);
      if (one.score + 0.02 + 1e-9 < dev.full().score) continue;
      if (best == rules.size() || one.mean_layer < best_figures.mean_layer ||
          (one.mean_layer == best_figures.mean_layer && one.score > best_figures.score)) {
        best = i;
        best_figures = one;
      }
    }
    const ExitFigures measured = rest.measure(rules[best]);
    CHECK(to_string(found.splits[split].rule) == to_string(rules[best]));
    check_same(found.splits[split].chosen, best_figures);
    check_same(found.splits[split].measured, measured);
    check_same(found.splits[split].full, rest.full());
    chosen.insert(to_string(rules[best]));
    score += measured.score / 6;
    full_score += rest.full().score / 6;
    layers += measured.mean_layer / 6;
    worst = std::max(worst, rest.full().score - measured.score);
  }
  CHECK(chosen.size() > 1);
  CHECK(found.score == doctest::Approx(score).epsilon(1e-12));
  CHECK(found.full_score == doctest::Approx(full_score).epsilon(1e-12));
  CHECK(found.lost == doctest::Approx(full_score - score).epsilon(1e-12));
  CHECK(found.worst_lost == doctest::Approx(worst).epsilon(1e-12));
  CHECK(found.mean_layer == doctest::Approx(layers).epsilon(1e-12));
  CHECK(found.saved == doctest::Approx(1.0 - layers / 8.0).epsilon(1e-12));
}

TEST_CASE("measure_choice: fitted rules see the texts that choose, and no others") {
  const ExitOutputs outputs = test::exit_texts(90, 3, 2);
  const ExitSweep sweep(outputs);
  std::vector<std::vector<std::uint32_t>> samples;
  ClassifierExit always;  // stops at once: the cheapest there is
  always.top = 100.0;
  const ExitSplits found =
      measure_choice(sweep, {.budget = 1.0, .splits = 2}, [&](ExitSweep::Sample sample) {
        samples.emplace_back(sample.begin(), sample.end());
        return std::vector<ExitRules>{always};
      });
  REQUIRE(samples.size() == 2);
  for (std::size_t split = 0; split < 2; ++split) {
    const auto order = Random(1, "exit splits", split).permutation(90);
    CHECK(samples[split] == std::vector<std::uint32_t>(order.begin(), order.begin() + 30));
    CHECK(found.splits[split].measured.mean_layer == 2.0);
    CHECK(found.splits[split].measured.histogram == std::vector<std::size_t>{60, 0, 0});
  }
  CHECK(samples[0] != samples[1]);
}

TEST_CASE("measure_choice: the same for any number of threads") {
  const ExitOutputs outputs = test::exit_texts(120, 4, 3);
  std::vector<std::string> rules[2];
  double scores[2] = {};
  const std::size_t before = threads();
  for (const std::size_t count : {1U, 3U}) {
    set_threads(count);
    const ExitSplits found = measure_choice(ExitSweep(outputs), {.budget = 0.01, .splits = 4});
    const std::size_t which = count == 1 ? 0 : 1;
    scores[which] = found.score;
    for (const ExitSplit& one : found.splits) rules[which].push_back(to_string(one.rule));
  }
  set_threads(before);
  CHECK(rules[0] == rules[1]);
  CHECK(scores[0] == scores[1]);
}

TEST_CASE("measure_choice: refuses parts without texts") {
  const ExitOutputs outputs = test::exit_texts(4, 2, 2);
  const ExitSweep sweep(outputs);
  for (const double share : {0.0, 0.1, 0.9, 1.0, 7.0, -1.0, std::nan("")}) {
    CAPTURE(share);
    CHECK_THROWS_AS((void)measure_choice(sweep, {.share = share}), Error);
  }
  CHECK_THROWS_AS((void)measure_choice(sweep, {.splits = 0}), Error);
  CHECK_NOTHROW((void)measure_choice(sweep, {.share = 0.5, .splits = 1}));
}
