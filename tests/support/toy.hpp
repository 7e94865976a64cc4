#pragma once
/// Toys: models, texts and trainings that are small enough for a test and real enough to matter.

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "bipft/data/batches.hpp"
#include "bipft/device/devices.hpp"
#include "bipft/model/model.hpp"
#include "bipft/model/model_file.hpp"

namespace bipft::test {

/// A binary encoder of 2 layers, or the same in floats.
[[nodiscard]] inline ModelConfig toy_config(bool binary = true, std::size_t head_size = 32) {
  ModelConfig config;
  config.layers = 2;
  config.hidden = 2 * head_size;
  config.heads = 2;
  config.ffn = 96;  // one word and a half: padding bits matter
  config.max_len = 24;
  config.vocabulary = 40;
  config.labels = 3;
  if (!binary) {
    config.weight_bits = config.act_bits = config.embedding_bits = 32;
    config.activation = "gelu";
  }
  return config;
}

/// The same as BiBERT has it: no softmax, no learned scales, a scale a row, GELU.
[[nodiscard]] inline ModelConfig toy_bibert_config(std::size_t head_size = 32) {
  ModelConfig config = toy_config(true, head_size);
  config.activation = "gelu";
  config.inner_levels = "sign";
  config.input_levels = "plain";
  config.attention = "bool";
  config.weight_scales = "row";
  return config;
}

/// The same as BiPFT has it: GELU and its sign, a pooler that adds what it read, estimators of some
/// rank, or none.
[[nodiscard]] inline ModelConfig toy_bipft_config(std::size_t estimators,
                                                  std::size_t head_size = 32) {
  ModelConfig config = toy_config(true, head_size);
  config.activation = "gelu";
  config.inner_levels = "sign";
  config.pooler = "residual";
  config.estimators = estimators;
  return config;
}

/// The same as BEExformer has it: weights of one bit without scales, floats for inputs, gates.
[[nodiscard]] inline ModelConfig toy_beexformer_config(std::size_t head_size = 32) {
  ModelConfig config = toy_config(true, head_size);
  config.act_bits = 32;
  config.activation = "tanh";
  config.inner_levels = "sign";
  config.slfn_gate = "hidden_sigmoid";
  config.weight_surrogate = "approx_sign";
  config.weight_scales = "none";
  config.latent_clip = 1;
  return config;
}

[[nodiscard]] inline Vocabulary toy_vocabulary() {
  std::vector<std::string> pieces{"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"};
  for (char c = 'a'; c <= 'z'; ++c) pieces.emplace_back(1, c);
  for (char c = 'a'; c <= 'i'; ++c) pieces.push_back(std::string("##") + c);
  return Vocabulary(pieces);
}

/// Random texts of 2 to max_len tokens; the label is which third of the ids the second token is in.
[[nodiscard]] inline std::vector<EncodedText> toy_texts(std::size_t count, std::uint64_t seed,
                                                        const ModelConfig& config) {
  const Random random(seed, "toy texts");
  std::vector<EncodedText> texts;
  std::uint64_t draw = 0;
  for (std::size_t i = 0; i < count; ++i) {
    EncodedText text;
    const std::size_t length = 3 + random.below(draw++, config.max_len - 2);
    for (std::size_t t = 0; t < length; ++t) {
      text.ids.push_back(
          static_cast<std::int32_t>(5 + random.below(draw++, config.vocabulary - 5)));
    }
    text.ids.front() = 2;
    text.type_ids.resize(length);
    for (std::size_t t = length / 2; t < length; ++t) text.type_ids[t] = 1;
    text.label = (text.ids[1] - 5) * 3 / static_cast<std::int32_t>(config.vocabulary - 5);
    texts.push_back(std::move(text));
  }
  return texts;
}

/// A model whose binarizers have seen data: after one step in training mode, weights as they were.
/// Biases and shifts are not zero, so that whoever forgets them is found out.
[[nodiscard]] inline Model toy_model(const ModelConfig& config, std::uint64_t seed) {
  Model model(config, seed);
  std::uint64_t part = 0;
  for_each<Parameter>(model, [&](const std::string& name, Parameter& parameter) {
    ++part;
    if (name.ends_with("alpha") || parameter.value.shape().rank() != 1) return;
    const Random random(seed, "toy vectors", part);
    const float middle = name.ends_with("gamma") ? 1.0F : 0.0F;
    const auto values = parameter.value.mutable_data();
    for (std::size_t i = 0; i < values.size(); ++i) {
      values[i] = middle + 0.1F * random.normal(i);
    }
  });
  Tape tape(active_device());
  (void)model(tape, make_batch(toy_texts(16, seed, config)));
  return model;
}

[[nodiscard]] inline ModelFile toy_file(const ModelConfig& config, std::uint64_t seed = 1) {
  ModelFile file{{}, toy_vocabulary(), {}, {}, {}, 0};
  const bool binary = config.binary();
  file.card.config = config;
  file.card.kind = binary ? "packed" : "float";
  file.card.method = !binary                      ? "float"
                     : config.by_surrogate()      ? "beexformer"
                     : config.attention == "bool" ? "bibert"
                     : config.residual_pooler()   ? "bipft"
                                                  : "bit";
  file.card.labels = {"low", "middle", "high"};
  Model model = toy_model(file.card.config, seed);
  if (binary) {
    file.packed = model.pack(active_device());
  } else {
    file.latent = model.parameters(active_device());
  }
  return file;
}
[[nodiscard]] inline ModelFile toy_file(bool binary = true, std::uint64_t seed = 1) {
  return toy_file(toy_config(binary), seed);
}

}  // namespace bipft::test
