#pragma once
/// ModelCard: everything a model file tells about its model besides numbers and vocabulary.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <numeric>
#include <string>
#include <string_view>
#include <vector>

#include "bipft/core/sort.hpp"
#include "bipft/data/answer_kind.hpp"
#include "bipft/data/value_scale.hpp"
#include "bipft/io/json.hpp"
#include "bipft/io/safetensors.hpp"
#include "bipft/model/config.hpp"
#include "bipft/model/fields.hpp"
#include "bipft/text/wordpiece.hpp"

namespace bipft {

struct ModelCard {
  /// The version of the file format that this library writes, and the latest that it reads.
  static constexpr std::size_t format_version = 1;

  std::string kind = "packed";  ///< packed, float, trainable, staged; checkpoint: of a training
  std::string task = "classification";
  std::string method = "bit";
  AnswerKind answer = AnswerKind::label;  ///< what it answers
  bool pairs = false;                     ///< whether the model was trained on pairs of texts
  ModelConfig config;
  std::size_t latent_bits = 32;     ///< of a trainable one's latent weights: 2, 3, 4, 8 or 32
  std::vector<std::string> labels;  ///< [K]; of numbers one name for all of them
  TokenizerOptions tokenizer;
  float temperature = 1.0F;  ///< logits are divided by it before the softmax
  /// Where texts stop unless somebody says otherwise, with every knob; or nothing: at the end.
  std::string exit_rule;
  std::vector<float> exit_temperatures;  ///< [E]: those of inner exits, or none: 1 each
  ValueScale scale;               ///< of numbers: from the one logit to the unit of the labels
  Json metrics = Json::object();  ///< on the dev set
  Json train = Json::object();    ///< command, seed, digests of the data
  std::string license;
  std::string description;
  TensorMetadata unknown;  ///< what this version has no name for; kept when written again

  /// As the metadata of a model file, in a fixed order.
  [[nodiscard]] TensorMetadata to_metadata() const {
    Json names = Json::array();
    for (const std::string& label : labels) names.push(label);
    Json calibration = Json::object();
    calibration.set("temperature", temperature);
    const bool values = answer == AnswerKind::value;
    if (values) calibration.set("mean", scale.mean).set("spread", scale.spread);
    TensorMetadata metadata{{"format", "bipft"},
                            {"bipft.version", concat(format_version)},
                            {"bipft.kind", kind},
                            {"bipft.task", task},
                            {"bipft.method", method},
                            {"bipft.pairs", pairs ? "true" : "false"},
                            {"bipft.config", to_json(config).dump()},
                            {"bipft.labels", names.dump()},
                            {"bipft.tokenizer", to_json(tokenizer).dump()},
                            {"bipft.calibration", calibration.dump()},
                            {"bipft.metrics", metrics.dump()},
                            {"bipft.train", train.dump()}};
    // Of labels nothing is said: so it was before there was anything else.
    if (answer != AnswerKind::label) {
      metadata.push_back({"bipft.answer", std::string(to_string(answer))});
    }
    if (!exit_rule.empty() || !exit_temperatures.empty()) {
      Json temperatures = Json::array();
      for (const float one : exit_temperatures) temperatures.push(one);
      const Json exit = Json::object().set("rule", exit_rule).set("temperatures", temperatures);
      metadata.push_back({"bipft.exit", exit.dump()});
    }
    if (latent_bits != 32) metadata.emplace_back("bipft.latent_bits", concat(latent_bits));
    if (!license.empty()) metadata.emplace_back("license", license);
    if (!description.empty()) metadata.emplace_back("description", description);
    for (const auto& pair : unknown) metadata.push_back(pair);
    return metadata;
  }

  /// Throws Error{Fault::model} if `file` is no bipft model, one of a later version, or one whose
  /// parts do not fit together.
  [[nodiscard, gnu::cold]] static ModelCard read(const Safetensors& file) {
    const std::string& name = file.name();
    if (file.metadata("format") != std::string_view("bipft")) {
      fail(Fault::model, name, ": a safetensors file, but no bipft model (no format=bipft in it)");
    }
    const std::string_view version = file.metadata("bipft.version").value_or("");
    if (version != concat(format_version)) {
      fail(Fault::model, name, ": format version '", version, "', but this program reads ",
           format_version, "; a later bipft may read it");
    }
    ModelCard card;
    read_text(file, "bipft.kind", card.kind);
    read_text(file, "bipft.task", card.task);
    read_text(file, "bipft.method", card.method);
    read_text(file, "license", card.license);
    read_text(file, "description", card.description);
    card.pairs = file.metadata("bipft.pairs") == std::string_view("true");
    from_json(read_json(file, "bipft.config"), card.config);
    card.config.check_in(name);
    const Json names = read_json(file, "bipft.labels");
    card.labels = std::vector<std::string>(names.size());
    std::size_t read = 0;
    for (const Json& label : names.elements()) card.labels[read++] = label.as_view();
    from_json(read_json(file, "bipft.tokenizer"), card.tokenizer);
    const Json calibration = read_json(file, "bipft.calibration");
    card.temperature = static_cast<float>(calibration["temperature"].as_double());
    std::string answer(to_string(AnswerKind::label));
    read_text(file, "bipft.answer", answer);
    const auto kind = answer_kind_called(answer);
    if (!kind) {
      fail(Fault::model, name, ": answers of kind '", answer, "'; a later bipft may read it");
    }
    card.answer = *kind;
    if (*kind == AnswerKind::value) {
      card.scale = {static_cast<float>(calibration["mean"].as_double()),
                    static_cast<float>(calibration["spread"].as_double())};
    }
    if (file.metadata("bipft.exit")) card.read_exit(read_json(file, "bipft.exit"));
    if (const auto bits = file.metadata("bipft.latent_bits")) {
      card.latent_bits = 0;
      for (const std::size_t known : {2U, 3U, 4U, 8U}) {
        if (*bits == concat(known)) card.latent_bits = known;
      }
      if (card.latent_bits == 0 || card.kind != "trainable") {
        fail(Fault::model, name, ": latent weights of '", *bits, "' bits in a model of kind ",
             card.kind, "; trainable ones have 2, 3, 4 or 8, or say nothing");
      }
    }
    card.metrics = read_json(file, "bipft.metrics");
    card.train = read_json(file, "bipft.train");
    card.check(name);

    constexpr std::string_view known[] = {
        "format",       "bipft.version",   "bipft.kind",        "bipft.task",
        "bipft.method", "bipft.pairs",     "bipft.config",      "bipft.labels",
        "license",      "bipft.tokenizer", "bipft.calibration", "bipft.metrics",
        "bipft.train",  "description",     "bipft.answer",      "bipft.latent_bits",
        checksum_key,   "bipft.exit"};
    for (const auto& [key, value] : file.metadata()) {
      bool is_known = false;
      for (const std::string_view name_of : known) is_known = is_known || key == name_of;
      if (!is_known) card.unknown.push_back({key, value});
    }
    return card;
  }

  [[gnu::cold, gnu::noinline]] void check(std::string_view name) const {
    if (labels.size() != config.labels) {
      fail(Fault::model, name, ": ", labels.size(), " labels, but a classifier of ", config.labels);
    }
    std::vector<std::uint32_t> order(labels.size());
    std::iota(order.begin(), order.end(), std::uint32_t{0});
    sort_by(order, [&](std::uint32_t a, std::uint32_t b) { return labels[a] < labels[b]; });
    for (std::size_t i = 0; i < order.size(); ++i) {
      const std::string& label = labels[order[i]];
      if (label.empty()) fail(Fault::model, name, ": an empty label");
      if (i > 0 && label == labels[order[i - 1]]) {
        fail(Fault::model, name, ": the label '", label, "' twice");
      }
    }
    if (!(temperature > 0.0F) || !std::isfinite(temperature)) {
      fail(Fault::model, name, ": a temperature of ", temperature);
    }
    const std::size_t exits = config.inner_exits().size();
    if ((!exit_temperatures.empty() && exit_temperatures.size() != exits) ||
        (!exit_rule.empty() && exits == 0)) {
      fail(Fault::model, name, ": an exit rule '", exit_rule, "' and ", exit_temperatures.size(),
           " temperatures of inner exits, of which there are ", exits);
    }
    for (const float one : exit_temperatures) {
      if (one > 0.0F && std::isfinite(one)) continue;
      fail(Fault::model, name, ": an exit with a temperature of ", one);
    }
    if (answer == AnswerKind::value && labels.size() != 1) {
      fail(Fault::model, name, ": a model of numbers with ", labels.size(), " logits, not one");
    }
    if (!std::isfinite(scale.mean) || !(scale.spread > 0.0F) || !std::isfinite(scale.spread)) {
      fail(Fault::model, name, ": a mean of ", scale.mean, " and a spread of ", scale.spread);
    }
  }

 private:
  [[gnu::cold]] void read_exit(const Json& exit) {
    exit_rule = exit["rule"].as_string();
    for (const Json& one : exit["temperatures"].elements()) {
      exit_temperatures.push_back(static_cast<float>(one.as_double()));
    }
  }
  [[nodiscard, gnu::cold, gnu::noinline]] static Json read_json(const Safetensors& file,
                                                                std::string_view key) {
    const auto text = file.metadata(key);
    if (!text) fail(Fault::model, file.name(), ": the metadata lacks ", key);
    return Json::parse(*text, concat(file.name(), " (", key, ")"),
                       {.fault = Fault::model, .max_depth = 8});
  }
  [[gnu::cold, gnu::noinline]] static void read_text(const Safetensors& file, std::string_view key,
                                                     std::string& value) {
    if (const auto text = file.metadata(key)) value = *text;
  }
};

}  // namespace bipft
