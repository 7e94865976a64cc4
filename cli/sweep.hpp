#pragma once
/// Sweep: every exit rule over its grid on one pass of the model, with the time that it takes.

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <numeric>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "bipft/core/error.hpp"
#include "bipft/core/random.hpp"
#include "bipft/model/classifier.hpp"
#include "bipft/tasks/exit_plot.hpp"
#include "bipft/tasks/exit_sweep.hpp"
#include "exit_table.hpp"
#include "exits.hpp"
#include "report.hpp"

namespace bipft::cli {

/// A model that is timed by several rules in turn, so that whatever slows the machine meets all.
class ExitClock {
 public:
  ExitClock(Classifier& model, std::span<const EncodedText> texts)
      : model_(model), texts_(texts), own_(model.exit_rule()) {}
  ExitClock(const ExitClock&) = delete;
  ExitClock& operator=(const ExitClock&) = delete;
  ~ExitClock() { model_.set_exit_rule(own_); }

  /// [rule]: seconds of each block of `batch` of the texts named by `sample`.
  [[nodiscard]] std::vector<std::vector<double>> seconds(std::span<const ExitRules> rules,
                                                         std::span<const std::uint32_t> sample,
                                                         std::size_t batch) const {
    std::vector<std::vector<double>> all(rules.size());
    std::vector<EncodedText> block;
    for (std::size_t begin = 0; begin < sample.size(); begin += batch) {
      block.clear();
      for (std::size_t i = begin; i < std::min(begin + batch, sample.size()); ++i) {
        block.push_back(texts_[sample[i]]);
      }
      for (std::size_t r = 0; r < rules.size(); ++r) {
        model_.set_exit_rule(rules[r]);
        const auto start = Clock::now();
        (void)model_.predict(std::span<const EncodedText>(block));
        all[r].push_back(std::chrono::duration<double>(Clock::now() - start).count());
      }
    }
    return all;
  }

  /// Some of all texts, spread evenly.
  [[nodiscard]] std::vector<std::uint32_t> some(std::size_t most) const {
    const std::size_t count = std::min(most, texts_.size());
    std::vector<std::uint32_t> chosen;
    for (std::size_t i = 0; i < count; ++i) {
      chosen.push_back(static_cast<std::uint32_t>(i * texts_.size() / count));
    }
    return chosen;
  }

 private:
  using Clock = std::chrono::steady_clock;

  Classifier& model_;
  std::span<const EncodedText> texts_;
  ExitRules own_;
};

/// The smallest of `values` that `share` of them are not above.
[[nodiscard]] inline double quantile(std::vector<double> values, double share) {
  if (values.empty()) return 0.0;
  const auto at = static_cast<std::size_t>(share * static_cast<double>(values.size() - 1) + 0.5);
  std::ranges::nth_element(values, values.begin() + static_cast<std::ptrdiff_t>(at));
  return values[at];
}

/// Milliseconds of a text that stops at each exit, alone: [K], the medians.
[[nodiscard]] inline std::vector<double> exit_milliseconds(const ExitClock& clock,
                                                           std::size_t exits) {
  std::vector<ExitRules> rules;
  for (std::size_t k = 1; k <= exits; ++k) rules.emplace_back(FixedExit{.k = k});
  (void)clock.seconds(rules, clock.some(8), 1);  // what is slow once is over
  std::vector<double> ms;
  for (const std::vector<double>& one : clock.seconds(rules, clock.some(100), 1)) {
    ms.push_back(1e3 * quantile(one, 0.5));
  }
  return ms;
}

/// What rules were worth on texts that they had not been chosen by, in time as well.
[[nodiscard]] inline Json splits_json(const ExitSweep& sweep, const SplitOptions& options,
                                      const ExitClock& clock) {
  const ExitSplits splits = measure_choice(
      sweep, options, [&](ExitSweep::Sample sample) { return fit_exits(sweep, sample); });
  Json json = exit_splits_to_json(splits);
  json.set("budget", options.budget);
  constexpr std::size_t most = 320;
  for (const std::size_t batch : {1U, 32U}) {
    double saved = 0;
    for (std::size_t i = 0; i < splits.splits.size(); ++i) {
      // The same draw as the split's own: these are texts that it was measured on.
      const std::vector<std::uint32_t> order =
          Random(options.seed, "exit splits", i).permutation(sweep.all().size());
      const std::size_t rest = splits.splits[i].measured_texts();
      const auto sample = std::span(order).last(rest).first(std::min(rest, most));
      const ExitRules rules[] = {NeverExit(), splits.splits[i].rule};
      const auto seconds = clock.seconds(rules, sample, batch);
      const auto sum = [](const std::vector<double>& all) {
        return std::accumulate(all.begin(), all.end(), 0.0);
      };
      saved += 1.0 - sum(seconds[1]) / sum(seconds[0]);
    }
    json.set(concat("time_saved_", batch), saved / static_cast<double>(splits.splits.size()));
  }
  return json;
}

/// Both pictures in one: the score against layers, and against milliseconds.
[[nodiscard]] inline std::string sweep_plot(std::span<const ExitRules> rules,
                                            std::vector<ExitFigures> figures, double full,
                                            std::optional<ExitFigures> oracle,
                                            std::string_view title, std::string_view metric) {
  const std::string by_time =
      exit_plot(rules, figures, full, oracle, {title, metric, "milliseconds a text, alone"});
  for (ExitFigures& one : figures) one.cost = one.mean_layer;
  if (oracle) oracle->cost = oracle->mean_layer;
  const std::string by_layer =
      exit_plot(rules, figures, full, oracle, {title, metric, "layers a text"});
  const auto placed = [](std::string picture, std::string_view at) {
    return picture.insert(4, at);  // behind "<svg"
  };
  return concat("<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 1720 480\">\n",
                placed(by_layer, " x=\"0\""), placed(by_time, " x=\"860\""), "</svg>\n");
}

/// What a sweep has found, for a person and as JSON.
struct SweepReport {
  std::string text;
  Json json = Json::object();  ///< "sweep", "front", "oracle", "splits"
  std::string plot;
};

[[nodiscard]] inline SweepReport sweep_exits(Classifier& model, const Dataset& data, Metric metric,
                                             std::string_view name) {
  ExitRecord record = record_exits(model, data, metric);
  record.outputs = as_rules_see(std::move(record.outputs), model.card());
  const ExitClock clock(model, record.texts);
  record.outputs.ms = exit_milliseconds(clock, record.outputs.exits());
  const ExitSweep sweep(record.outputs);
  const std::vector<ExitRules> rules = all_rules(sweep);
  const std::vector<ExitFigures> figures = sweep.measure(rules);
  const ExitFigures full = sweep.full();
  std::optional<ExitFigures> oracle;
  if (data.answer != AnswerKind::value) oracle = sweep.oracle();
  const std::vector<std::size_t> front = exit_front(figures);
  const std::size_t best = choose_exit(figures, full.score, 0.0);

  SweepReport report;
  report.json.set("sweep", exit_sweep_to_json(rules, figures));
  std::vector<ExitRules> on_front;
  for (const std::size_t i : front) on_front.push_back(rules[i]);
  const auto seconds = clock.seconds(on_front, clock.some(100), 1);
  Json front_json = Json::array();
  Table times;
  times.row({"ms a text, alone", "p50", "p99"});
  for (std::size_t i = 0; i < front.size(); ++i) {
    const double p50 = 1e3 * quantile(seconds[i], 0.5);
    const double p99 = 1e3 * quantile(seconds[i], 0.99);
    front_json.push(Json::object()
                        .set("rule", to_string(on_front[i]))
                        .set("metric", figures[front[i]].score)
                        .set("mean_layer", figures[front[i]].mean_layer)
                        .set("ms_p50", p50)
                        .set("ms_p99", p99));
    times.row({to_string(on_front[i]), fixed(p50, 3), fixed(p99, 3)});
  }
  report.json.set("front", front_json).set("chosen", to_string(rules[best]));
  if (oracle) {
    report.json.set(
        "oracle",
        Json::object().set("metric", oracle->score).set("mean_layer", oracle->mean_layer));
  }
  const std::string_view score = to_string(metric);
  report.text =
      concat(exit_table(rules, figures, front, full.score, score, oracle ? &*oracle : nullptr),
             '\n', times.text(), "\nno score lost here: ", to_string(rules[best]), '\n',
             exit_histogram(record.outputs.layers, figures[best].histogram));
  if (data.size() >= 6) {
    const Json splits = splits_json(sweep, {.budget = 0.0}, clock);
    const auto percent = [&](std::string_view key) {
      return concat(fixed(100.0 * splits[key].as_double(), 1), " %");
    };
    report.text += concat("\nchosen on a third, measured on the rest, ", splits["splits"].as_size(),
                          " times: ", score, ' ', fixed(splits["score"].as_double(), 4),
                          " instead of ", fixed(splits["full_score"].as_double(), 4),
                          "; layers saved ", percent("saved"), ", time alone ",
                          percent("time_saved_1"), ", by 32 ", percent("time_saved_32"), '\n');
    report.json.set("splits", splits);
  }
  report.plot = sweep_plot(rules, figures, full.score, oracle, name, score);
  return report;
}

}  // namespace bipft::cli
