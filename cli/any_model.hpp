#pragma once
/// Any model: one of whatever kind, ready to answer.

#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "bipft/core/error.hpp"
#include "bipft/device/devices.hpp"
#include "bipft/device/runners.hpp"
#include "bipft/model/classifier.hpp"
#include "bipft/model/model.hpp"
#include "bipft/model/tape_network.hpp"

namespace bipft::cli {

[[nodiscard]] inline Network network_of(const ModelFile& file) {
  if (file.packed) return Network(*file.packed, active_runner());
  if (file.card.config.weight_bits == 1) return tape_network(Model(*file.latent), active_device());
  return Network(*file.latent, active_runner());
}

[[nodiscard]] inline Classifier classifier_of(ModelFile file) {
  Network network = network_of(file);
  return Classifier(std::move(file), std::move(network));
}

/// Throws Error{Fault::model} if the file is missing, damaged, or no model.
[[nodiscard]] inline Classifier load_classifier(const std::string& path) {
  return classifier_of(load_model(path, Wanted::answers));
}

/// Has `model` stop by `text`, where that is given. Throws Error{Fault::usage} for a rule that
/// there is not, or makes no sense for this model, and where there are no exits.
inline void set_exit_rule(Classifier& model, const std::string& text, std::string_view path) {
  if (text.empty()) return;
  const ExitRules rule = exit_rule(text);
  if (model.exit_layers().size() == 1 && !std::holds_alternative<NeverExit>(rule)) {
    fail("--exit ", text, ": ", path, " has no exits before its last layer; ",
         "bipft train --exits all gives a model some");
  }
  model.set_exit_rule(rule);
}

}  // namespace bipft::cli
