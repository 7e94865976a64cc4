#pragma once
/// Exit JSON: rules in model files, and what was measured of them in reports.

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "bipft/core/error.hpp"
#include "bipft/exit/exit_rules.hpp"
#include "bipft/io/json.hpp"
#include "bipft/tasks/exit_sweep.hpp"

namespace bipft {

/// {"rule": "entropy_drop", "delta": 0.05, "direction": "plateau", ...}: every knob, so that a
/// model keeps its rule should the usual knobs ever change.
[[nodiscard, gnu::cold]] inline Json exit_rule_to_json(ExitRules rule) {
  Json json = Json::object();
  json.set("rule", name_of(rule));
  for (const BoundKnob& knob : knobs_of(rule)) {
    switch (knob.kind) {
      case BoundKnob::Kind::real:
        json.set(knob.name, *static_cast<const double*>(knob.value));
        break;
      case BoundKnob::Kind::count:
        json.set(knob.name, *static_cast<const std::size_t*>(knob.value));
        break;
      case BoundKnob::Kind::flag:
        json.set(knob.name, *static_cast<const bool*>(knob.value));
        break;
      case BoundKnob::Kind::word:
        json.set(knob.name, knob_text(knob));
        break;
      case BoundKnob::Kind::reals: {
        Json list = Json::array();
        for (const double one : *static_cast<const KnobNumbers*>(knob.value)) list.push(one);
        json.set(knob.name, list);
        break;
      }
    }
  }
  return json;
}

/// The rule that `json` holds. Throws Error of `fault`, as `exit_rule` does, for a rule or a knob
/// that is not known, or a value that a knob cannot have; knobs that are missing are as usual.
[[nodiscard, gnu::cold]] inline ExitRules exit_rule_from_json(const Json& json,
                                                              Fault fault = Fault::model) {
  const std::string name = json["rule"].as_string();
  ExitRules rule = exit_rule_called(name, fault);
  const BoundKnobs knobs = knobs_of(rule);
  for (const auto& [key, value] : json.members()) {
    if (key == "rule") continue;
    std::string text;
    if (value.is_string()) {
      text = value.as_string();
    } else if (value.is_array()) {
      for (const Json& one : value.elements()) {
        text += concat(text.empty() ? "" : "/", one.as_double());
      }
    } else {
      text = value.dump();
    }
    set_knob(name, knobs, key, text, fault);
  }
  return rule;
}

/// {"rule", "mean_layer", "saved", "histogram"}: the member "exit" of an evaluation. The histogram
/// is one of layers, of which `layers` names those with exits; where there is none it is 0.
/// Throws Error unless there is a layer for each exit.
[[nodiscard]] inline Json exit_to_json(const ExitRules& rule, const ExitFigures& figures,
                                       std::span<const std::size_t> layers) {
  if (layers.empty() || layers.size() != figures.histogram.size()) {
    fail("exits after ", layers.size(), " layers, figures of ", figures.histogram.size());
  }
  Json histogram = Json::array();
  std::size_t exit = 0;
  for (std::size_t layer = 1; layer <= layers.back(); ++layer) {
    const bool stops = layer == layers[exit];
    histogram.push(stops ? figures.histogram[exit] : std::size_t{0});
    if (stops) ++exit;
  }
  Json json = Json::object();
  json.set("rule", to_string(rule)).set("mean_layer", figures.mean_layer);
  return json.set("saved", figures.saved).set("histogram", histogram);
}

/// [{"rule", "metric", "mean_layer", "ms"}, ...]: the member "sweep". Where no time was measured
/// "ms" is null. Throws Error unless there are figures for every rule.
[[nodiscard]] inline Json exit_sweep_to_json(std::span<const ExitRules> rules,
                                             std::span<const ExitFigures> figures) {
  if (rules.size() != figures.size()) {
    fail("exit sweep: ", rules.size(), " rules, figures of ", figures.size());
  }
  Json sweep = Json::array();
  for (std::size_t i = 0; i < rules.size(); ++i) {
    Json row = Json::object();
    row.set("rule", to_string(rules[i])).set("metric", figures[i].score);
    row.set("mean_layer", figures[i].mean_layer);
    sweep.push(row.set("ms", figures[i].ms > 0.0 ? Json(figures[i].ms) : Json()));
  }
  return sweep;
}

/// {"splits", "score", "full_score", "lost", "worst_lost", "mean_layer", "saved", "ms", "rules"}:
/// what choosing was worth on texts that were not chosen by, and which rules were.
[[nodiscard]] inline Json exit_splits_to_json(const ExitSplits& splits) {
  Json rules = Json::array();
  for (const ExitSplit& one : splits.splits) rules.push(to_string(one.rule));
  Json json = Json::object();
  json.set("splits", splits.splits.size()).set("score", splits.score);
  json.set("full_score", splits.full_score).set("lost", splits.lost);
  json.set("worst_lost", splits.worst_lost).set("mean_layer", splits.mean_layer);
  json.set("saved", splits.saved).set("ms", splits.ms > 0.0 ? Json(splits.ms) : Json());
  return json.set("rules", rules);
}

}  // namespace bipft
