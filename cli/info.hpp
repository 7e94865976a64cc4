#pragma once
/// Info: what a model is, for people and as JSON.

#include <cstddef>
#include <string>
#include <string_view>

#include "accounts.hpp"
#include "bipft/core/error.hpp"
#include "bipft/device/runners.hpp"
#include "bipft/io/json.hpp"
#include "bipft/model/classifier.hpp"

namespace bipft::cli {

/// Everything on the model's card, the size of its file, which is at `path`, its digest, and what
/// it costs by count.
[[nodiscard]] inline Json info_of(const Classifier& model, const std::string& path) {
  const ModelCard& card = model.card();
  Json labels = Json::array();
  for (const std::string& label : card.labels) labels.push(label);
  Json info = Json::object();
  info.set("id", concat("sha256:", model.digest()))
      .set("file_bytes", model.file_bytes())
      .set("bytes", file_account(path))
      .set("bits", bits_of(card))
      .set("account", account_of(card.config))
      .set("device", about_device())
      .set("kind", card.kind)
      .set("task", card.task)
      .set("method", card.method)
      .set("answer", to_string(card.answer))
      .set("pairs", card.pairs)
      .set("labels", labels)
      .set("config", to_json(card.config))
      .set("tokenizer", to_json(card.tokenizer))
      .set("temperature", card.temperature)
      .set("metrics", card.metrics)
      .set("train", card.train);
  if (!card.exit_rule.empty()) info.set("exit_rule", card.exit_rule);
  if (!card.exit_temperatures.empty()) {
    Json temperatures = Json::array();
    for (const float one : card.exit_temperatures) temperatures.push(one);
    info.set("exit_temperatures", temperatures);
  }
  if (card.answer == AnswerKind::value) {
    info.set("mean", card.scale.mean).set("spread", card.scale.spread);
  }
  if (!card.license.empty()) info.set("license", card.license);
  if (!card.description.empty()) info.set("description", card.description);
  return info;
}

/// The same, one fact a line: "name<TAB>value", in the order of the JSON; what a part holds is
/// named "part.name".
[[nodiscard]] inline std::string info_text(const Classifier& model, const std::string& path) {
  const auto line = [](std::string_view name, const Json& value) {
    return concat(name, '\t', value.is_string() ? value.as_string() : value.dump(), '\n');
  };
  std::string text;
  for (const auto& [name, value] : info_of(model, path).members()) {
    if (!value.is_object()) {
      text += line(name, value);
      continue;
    }
    for (const auto& [inner, part] : value.members()) text += line(concat(name, '.', inner), part);
  }
  return text;
}

}  // namespace bipft::cli
