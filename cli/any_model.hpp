#pragma once
/// Any model: one of whatever kind, ready to answer.

#include <string>
#include <utility>

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

}  // namespace bipft::cli
