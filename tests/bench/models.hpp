#pragma once
/// Models: networks of random weights and texts of random pieces, for whoever measures time alone.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "bipft/core/random.hpp"
#include "bipft/data/batches.hpp"
#include "bipft/device/devices.hpp"
#include "bipft/model/model.hpp"
#include "bipft/model/network.hpp"

namespace bipft::bench {

/// A preset with room for 512 tokens and two labels. The float network is the usual one: GELU.
[[nodiscard]] inline ModelConfig config_of(std::string_view preset, bool binary,
                                           std::size_t vocabulary = 30522) {
  ModelConfig config = ModelConfig::preset(preset);
  config.max_len = 512;
  config.vocabulary = vocabulary;
  config.labels = 2;
  if (!binary) {
    config.weight_bits = config.act_bits = config.embedding_bits = 32;
    config.activation = "gelu";
  }
  return config;
}

/// `count` texts of `tokens` tokens each, with labels.
[[nodiscard]] inline std::vector<EncodedText> random_texts(const ModelConfig& config,
                                                           std::size_t count, std::size_t tokens) {
  const Random random(1, "bench");
  std::vector<EncodedText> texts(count);
  std::uint32_t next = 0;
  for (EncodedText& text : texts) {
    for (std::size_t t = 0; t < tokens; ++t) {
      text.ids.push_back(static_cast<std::int32_t>(
          random.below(next++, static_cast<std::uint32_t>(config.vocabulary))));
    }
    text.type_ids.assign(tokens, 0);
    text.label = static_cast<std::int32_t>(next % 2);
  }
  return texts;
}

/// A binary model in bits. One batch goes through it first, so that its binarizers have levels that
/// suit what they see, and attention lets through as many keys as that of a trained model may.
[[nodiscard]] inline PackedModel packed_of(const ModelConfig& config) {
  Device& device = active_device();
  Model model(config, 1);
  Tape tape(device);
  tape.set_random(1, 0);
  (void)model(tape, make_batch(random_texts(config, 1, 128)));
  return model.pack(device);
}

/// In the form called `form`: packed, which is BiT's; BiPFT's A or B; or float.
[[nodiscard]] inline Network network_of(std::string_view preset, std::string_view form) {
  Device& device = active_device();
  if (form == "packed") return Network(packed_of(config_of(preset, true)), device);
  if (form == "bipft-a" || form == "bipft-b") {
    ModelConfig config = config_of(preset, true);
    config.activation = "gelu";
    config.inner_levels = "sign";
    config.pooler = "residual";
    config.estimators = form == "bipft-b" ? 1 : 0;
    return Network(packed_of(config), device);
  }
  if (form == "float") {
    return Network(Model(config_of(preset, false), 1).parameters(device), device);
  }
  fail(Fault::usage, "no form is called '", form,
       "'; choose one of: packed, bipft-a, bipft-b, float");
}

}  // namespace bipft::bench
