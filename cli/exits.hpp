#pragma once
/// Exits: what those of a model say about a data set, and which rule to stop by.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "any_model.hpp"
#include "bipft/core/error.hpp"
#include "bipft/data/labels.hpp"
#include "bipft/data/values.hpp"
#include "bipft/exit/exit_options.hpp"
#include "bipft/model/classifier.hpp"
#include "bipft/model/exit_costs.hpp"
#include "bipft/tasks/exit_fit.hpp"
#include "bipft/tasks/exit_json.hpp"
#include "bipft/tasks/exit_sweep.hpp"
#include "console.hpp"
#include "report.hpp"

namespace bipft::cli {

/// How many texts stopped behind which layer: {"rule", "mean_layer", "saved", "histogram"}.
[[nodiscard]] inline Json exit_json(const Classifier& model, std::string_view rule,
                                    std::span<const Prediction> predictions) {
  std::vector<std::size_t> counts(model.card().config.layers);
  double sum = 0;
  for (const Prediction& one : predictions) {
    ++counts[one.layer - 1];
    sum += static_cast<double>(one.layer);
  }
  const auto layers = static_cast<double>(counts.size());
  const double mean = predictions.empty() ? layers : sum / static_cast<double>(predictions.size());
  Json histogram = Json::array();
  for (const std::size_t count : counts) histogram.push(count);
  return Json::object()
      .set("rule", rule)
      .set("mean_layer", mean)
      .set("saved", 1.0 - mean / layers)
      .set("histogram", histogram);
}

/// What a model says at each of its exits about each of some texts, and the truth.
struct ExitRecord {
  std::vector<EncodedText> texts;
  std::vector<std::vector<Prediction>> predictions;  ///< [N, K]
  ExitOutputs outputs;                               ///< logits as the model gives them
};

/// One pass through all layers.
[[nodiscard]] inline ExitRecord record_exits(const Classifier& model, const Dataset& data,
                                             Metric metric) {
  ExitRecord record;
  for (const Example& one : data.examples) {
    record.texts.push_back(
        model.encode(data.pairs ? TextPair(one.text, one.pair) : TextPair(one.text)));
  }
  record.predictions = model.predict_at_all_exits(record.texts);
  ExitOutputs& outputs = record.outputs;
  outputs.answer = data.answer;
  outputs.metric = metric;
  outputs.labels = model.card().labels.size();
  outputs.layers = model.exit_layers();
  const std::vector<ExitCost> costs = exit_costs(model.card().config);
  for (std::size_t n = 0; n < record.texts.size(); ++n) {
    for (std::size_t k = 0; k < costs.size(); ++k) {
      const std::vector<float>& logits = record.predictions[n][k].logits;
      outputs.logits.insert(outputs.logits.end(), logits.begin(), logits.end());
      outputs.macs.push_back(costs[k].of(record.texts[n].ids.size()));
      if (model.card().config.exit_doubts != 0) {
        outputs.doubts.push_back(doubt_of(record.predictions[n][k].doubt));
      }
    }
  }
  switch (data.answer) {
    case AnswerKind::label:
      outputs.truth = label_ids(data, model.card().labels);
      break;
    case AnswerKind::value:
      outputs.values = values_of(data);
      break;
    case AnswerKind::labels:
      outputs.sets = label_sets(data, model.card().labels);
      break;
  }
  return record;
}

/// The temperatures by which the model's own rules see its logits.
[[nodiscard]] inline ExitOutputs as_rules_see(ExitOutputs outputs, const ModelCard& card) {
  if (card.exit_temperatures.empty()) return outputs;
  std::vector<float> temperatures = card.exit_temperatures;
  temperatures.push_back(card.temperature);
  return at_temperatures(std::move(outputs), temperatures);
}

/// All rules that can work, over their grids, those that were fitted to the data among them.
[[nodiscard]] inline std::vector<ExitRules> all_rules(const ExitSweep& sweep) {
  const std::vector<ExitRules> fitted = fit_exits(sweep, sweep.all());
  return exit_grid(sweep.setting(), fitted);
}

/// Finds out on `dev` how sure each exit may be, and what to stop by: `asked`, or with "auto" the
/// rule that saves most layers and loses no more than `budget` of the score. Both go into `file`.
/// By layers and not by time, so that the same training gives the same bytes.
inline void choose_exits(ModelFile& file, const Dataset& dev, Metric metric,
                         const std::string& asked, double budget, Console& console) {
  ModelCard& card = file.card;
  card.exit_rule.clear();
  card.exit_temperatures.clear();
  const Classifier model = classifier_of(file);
  if (dev.size() == 0) {
    if (asked == "auto") fail("--exit auto: chooses on dev; --dev or --dev-split gives it one");
    check_exit_rule(exit_rule(asked), model.exit_setting());
    card.exit_rule = to_string(exit_rule(asked), true);
    return;
  }
  const ExitRecord record = record_exits(model, dev, metric);
  std::vector<float> temperatures = fit_exit_temperatures(record.outputs);
  card.temperature = temperatures.back();
  temperatures.pop_back();
  card.exit_temperatures = std::move(temperatures);
  const ExitOutputs outputs = as_rules_see(record.outputs, card);
  const ExitSweep sweep(outputs);
  ExitRules rule = NeverExit();
  if (asked == "auto") {
    const std::vector<ExitRules> rules = all_rules(sweep);
    const std::vector<ExitFigures> figures = sweep.measure(rules);
    rule = rules[choose_exit(figures, sweep.full().score, budget)];
  } else {
    rule = exit_rule(asked);
    check_exit_rule(rule, sweep.setting());
  }
  const ExitFigures figures = sweep.measure(rule);
  card.exit_rule = to_string(rule, true);
  console.say("exit: ", to_string(rule), ", ", fixed(figures.mean_layer, 2), " of ",
              card.config.layers, " layers, dev ", to_string(metric), ' ', fixed(figures.score, 4),
              ", through all layers ", fixed(sweep.full().score, 4));
}

}  // namespace bipft::cli
