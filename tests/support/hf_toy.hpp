#pragma once
/// HfToy: a folder of Hugging Face's format in the making, whose every part a test can spoil.

#include <cstddef>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "bipft/io/json.hpp"
#include "bipft/io/safetensors.hpp"
#include "bipft/model/hf_folder.hpp"
#include "support/temporary_folder.hpp"
#include "support/toy.hpp"

namespace bipft::test {

/// The tensors of `model` by the names that a person would look up, written out once more: what a
/// table of names got wrong twice, for reading and for writing, would otherwise look right.
[[nodiscard]] inline std::vector<std::pair<std::string, Tensor>> hf_tensors_of(
    const ModelParameters& model) {
  std::vector<std::pair<std::string, Tensor>> tensors;
  const auto put = [&](const std::string& theirs, const std::string& ours) {
    tensors.emplace_back("bert." + theirs, model.at(ours));
  };
  const auto linear = [&](const std::string& theirs, const std::string& ours) {
    put(theirs + ".weight", ours + ".weight");
    put(theirs + ".bias", ours + ".bias");
    if (!model.config.binary() || model.config.plain()) return;
    put(theirs + ".move.bias", ours + ".input.shift");
    put(theirs + ".input_clip_val", ours + ".input.alpha");
  };
  const auto norm = [&](const std::string& theirs, const std::string& ours) {
    put(theirs + ".weight", ours + ".gamma");
    put(theirs + ".bias", ours + ".beta");
  };
  put("embeddings.word_embeddings.weight", "embedding.word");
  put("embeddings.position_embeddings.weight", "embedding.position");
  put("embeddings.token_type_embeddings.weight", "embedding.type");
  norm("embeddings.LayerNorm", "embedding.norm");
  for (std::size_t i = 0; i < model.config.layers; ++i) {
    const std::string theirs = concat("encoder.layer.", i, '.');
    const std::string ours = concat("layers.", i, '.');
    linear(theirs + "attention.self.query", ours + "attention.query");
    linear(theirs + "attention.self.key", ours + "attention.key");
    linear(theirs + "attention.self.value", ours + "attention.value");
    linear(theirs + "attention.output.dense", ours + "attention.output");
    norm(theirs + "attention.output.LayerNorm", ours + "attention_norm");
    linear(theirs + "intermediate.dense", ours + "ffn.inner");
    linear(theirs + "output.dense", ours + "ffn.outer");
    norm(theirs + "output.LayerNorm", ours + "ffn_norm");
    if (!model.config.binary() || model.config.plain()) continue;
    put(theirs + "attention.self.clip_query", ours + "attention.binary.query.alpha");
    put(theirs + "attention.self.clip_key", ours + "attention.binary.key.alpha");
    put(theirs + "attention.self.clip_value", ours + "attention.binary.value.alpha");
    put(theirs + "attention.self.clip_attn", ours + "attention.binary.probability.alpha");
  }
  for (std::size_t i = 0; i < model.config.layers && model.config.estimators != 0; ++i) {
    const std::size_t rank = model.config.estimators;
    const Tensor& weight = model.at(concat("layers.", i, ".attention.estimators.weight"));
    const Tensor& bias = model.at(concat("layers.", i, ".attention.estimators.bias"));
    std::size_t row = 0;
    for (const char* name : {"q_m", "q_p", "k_m", "k_p", "v_p"}) {
      const std::size_t rows = row == 4 * rank ? 1 : rank;
      const std::string theirs = concat("bert.encoder.layer.", i, ".attention.self.", name);
      tensors.emplace_back(theirs + ".weight", Tensor(Shape{rows, weight.cols()},
                                                      weight.data().subspan(row * weight.cols(),
                                                                            rows * weight.cols())));
      tensors.emplace_back(theirs + ".bias", Tensor(Shape{rows}, bias.data().subspan(row, rows)));
      row += rows;
    }
  }
  linear("pooler.dense", "pooler");
  if (model.config.residual_pooler()) norm("pooler.LayerNorm", "pooler_norm");
  tensors.emplace_back("classifier.weight", model.at("classifier.weight"));
  tensors.emplace_back("classifier.bias", model.at("classifier.bias"));
  return tensors;
}

struct HfToy {
  struct Stored {
    std::string name;
    DType dtype;
    std::vector<std::size_t> shape;
    std::string bytes;
  };

  ModelParameters parameters;
  Json config, tokenizer;
  std::vector<Stored> tensors;
  std::string vocabulary;
  TemporaryFolder folder;

  explicit HfToy(bool binary = false, std::uint64_t seed = 1) : HfToy(toy_config(binary), seed) {}
  explicit HfToy(const ModelConfig& of, std::uint64_t seed = 1)
      : parameters(toy_model(of, seed).parameters(active_device())),
        vocabulary(toy_vocabulary().bytes()) {
    const ModelConfig& shape = parameters.config;
    config.set("model_type", "bert")
        .set("num_hidden_layers", shape.layers)
        .set("hidden_size", shape.hidden)
        .set("num_attention_heads", shape.heads)
        .set("intermediate_size", shape.ffn)
        .set("max_position_embeddings", shape.max_len)
        .set("vocab_size", shape.vocabulary)
        .set("type_vocab_size", 2)
        .set("hidden_act", shape.activation)
        .set("layer_norm_eps", 1e-12)
        .set("id2label", Json::object().set("0", "low").set("2", "high").set("1", "middle"));
    if (shape.binary()) config.set("weight_bits", 1).set("input_bits", 1);
    if (shape.binary() && !shape.plain()) {
      config.set("weight_quant_method", "bwn").set("input_quant_method", "elastic");
      config.set("sym_quant_ffn_attn", false);
    } else if (shape.binary()) {
      config.set("quantize_act", true).set("clip_val", 2.5);
    }
    if (shape.residual_pooler()) {  // as published: its code has a GELU all the same
      config.set("hidden_act", "relu").set("improve_kqv", shape.estimators > 0);
    }
    tokenizer.set("do_lower_case", true).set("model_max_length", shape.max_len);
    for (const auto& [name, tensor] : hf_tensors_of(parameters)) {
      const auto bytes = std::as_bytes(tensor.data());
      std::vector<std::size_t> extents;
      for (std::size_t axis = 0; axis < tensor.shape().rank(); ++axis) {
        extents.push_back(tensor.shape()[axis]);
      }
      tensors.push_back({name,
                         DType::f32,
                         std::move(extents),
                         {reinterpret_cast<const char*>(bytes.data()), bytes.size()}});
    }
  }

  [[nodiscard]] Stored& at(std::string_view name) {
    for (Stored& tensor : tensors) {
      if (tensor.name == name) return tensor;
    }
    throw std::out_of_range(std::string(name));
  }
  /// What BiBERT's code registers and never reads, as a person would look it up.
  void add_idle() {
    const auto pair = [&](const std::string& name) {
      tensors.push_back({"bert." + name, DType::f32, {2}, std::string(8, '\x7f')});
    };
    const auto scalar = [&](const std::string& name) {
      tensors.push_back({"bert." + name, DType::f32, {}, std::string(4, '\x7f')});
    };
    const auto linear = [&](const std::string& name) {
      pair(name + ".weight_clip_val");
      pair(name + ".act_clip_val");
      scalar(name + ".scale");
    };
    pair("embeddings.word_embeddings.weight_clip_val");
    for (std::size_t i = 0; i < parameters.config.layers; ++i) {
      const std::string layer = concat("encoder.layer.", i, '.');
      for (const char* part : {"query", "key", "value"}) {
        linear(concat(layer, "attention.self.", part));
        pair(concat(layer, "attention.self.clip_", part));
      }
      pair(layer + "attention.self.clip_attn");
      for (const char* part : {"attention.output", "intermediate", "output"}) {
        linear(concat(layer, part, ".dense"));
      }
      scalar(layer + "attention.output.gate");
      scalar(layer + "output.gate");
    }
    linear("pooler.dense");
  }
  void drop(std::string_view part) {
    std::erase_if(tensors,
                  [&](const Stored& one) { return one.name.find(part) != std::string::npos; });
  }

  /// Writes what it now is; returns the folder.
  [[nodiscard]] std::string write() const {
    folder.write("config.json", config.dump());
    folder.write("tokenizer_config.json", tokenizer.dump());
    folder.write("vocab.txt", vocabulary);
    std::vector<TensorEntry> entries;
    for (const Stored& one : tensors) {
      entries.push_back({one.name, one.dtype, one.shape, bytes_of(one.bytes)});
    }
    folder.write("model.safetensors",
                 serialize_safetensors(entries, {}, {.checksum = false, .limits = {}}));
    return folder.path();
  }
  [[nodiscard]] HfFolder read() const { return read_hf_folder(write()); }
  /// What is said of it when it is refused, as a fault of the model; nothing if it is not.
  [[nodiscard]] std::string complaint() const {
    try {
      (void)read();
    } catch (const Error& error) {
      return error.fault() == Fault::model ? error.what() : "another fault";
    }
    return {};
  }
};

}  // namespace bipft::test
