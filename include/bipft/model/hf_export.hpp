#pragma once
/// write_hf_folder: a model as a folder of Hugging Face's format, which their code computes alike.
///
/// One in full precision becomes plain BERT, for transformers. One of one bit gets the names and
/// the config of [BiT]'s, [BiPFT]'s or [BiBERT]'s published code, which binarizes what it reads
/// once more: it takes signs around a mean and the mean of magnitudes for the scale, of a whole
/// matrix or of each row. So numbers are written whose signs and scale are those of the bits:
///
///   a linear layer   ±α: their mean lies between -α and α, unless all signs are alike
///   BiT's words      signs there are taken around the mean of the whole table, which a row of a
///                    small scale might not reach. In a row of p ones and q others they become
///                    +C α / 2p and -C α / 2q: its magnitudes have the mean α, itself has 0
///   BiBERT's words   ±α likewise, a row at a time
///
/// Published code has sign(0) = 0 where bipft has +1: only where a sum is exactly 0 do they differ.

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "bipft/core/error.hpp"
#include "bipft/io/folder.hpp"
#include "bipft/io/safetensors.hpp"
#include "bipft/model/hf_config.hpp"
#include "bipft/model/hf_names.hpp"
#include "bipft/model/model_file.hpp"

namespace bipft {

namespace detail {

/// Throws Error{Fault::model} where published code, which takes signs around their mean, cannot
/// have `ones` of `count` signs at a scale of `alpha`.
inline void check_hf_signs(std::size_t ones, std::size_t count, float alpha,
                           std::string_view name) {
  if ((ones != 0 && ones != count) || !(alpha > 0.0F)) return;
  fail(Fault::model, name, ": all its signs are alike, which published code cannot express: it ",
       "takes them around their mean");
}

/// ±alpha by the bits: one for all, or one a row.   alpha: [1] or [O]   result: [O, C]
[[nodiscard]] inline Tensor hf_signs(const BitMatrix& bits, std::span<const float> alpha,
                                     std::string_view name) {
  Tensor result = Tensor::uninitialized(Shape{bits.rows(), bits.cols()});
  const bool scale_a_row = alpha.size() != 1;
  std::size_t all = 0;
  for (std::size_t row = 0; row < bits.rows(); ++row) {
    const float scale = alpha[scale_a_row ? row : 0];
    const std::span<float> values = result.mutable_row(row);
    std::size_t ones = 0;
    for (std::size_t c = 0; c < bits.cols(); ++c) {
      const bool one = bits.bit(row, c);
      values[c] = one ? scale : -scale;
      ones += one ? 1U : 0U;
    }
    if (scale_a_row) check_hf_signs(ones, bits.cols(), scale, concat(name, ", row ", row));
    all += ones;
  }
  if (!scale_a_row) check_hf_signs(all, bits.rows() * bits.cols(), alpha[0], name);
  return result;
}

/// Rows of ±alpha by the bits, or `balanced` ones: their magnitudes have the mean alpha, and they
/// themselves 0.   result: [V, C]
[[nodiscard]] inline Tensor hf_rows(const BitMatrix& bits, std::span<const float> alpha,
                                    bool balanced) {
  Tensor result = Tensor::uninitialized(Shape{bits.rows(), bits.cols()});
  for (std::size_t row = 0; row < bits.rows(); ++row) {
    std::size_t ones = 0;
    for (std::size_t c = 0; c < bits.cols(); ++c) ones += bits.bit(row, c) ? 1U : 0U;
    const std::size_t others = bits.cols() - ones;
    float high = alpha[row];
    float low = -alpha[row];
    if (balanced && ones > 0 && others > 0) {
      const double half = static_cast<double>(alpha[row]) * static_cast<double>(bits.cols()) / 2.0;
      high = static_cast<float>(half / static_cast<double>(ones));
      low = -static_cast<float>(half / static_cast<double>(others));
    }
    const std::span<float> values = result.mutable_row(row);
    for (std::size_t c = 0; c < bits.cols(); ++c) values[c] = bits.bit(row, c) ? high : low;
  }
  return result;
}

/// The numbers of a model by bipft's names, as their code wants them.
class HfValues {
 public:
  explicit HfValues(const ModelFile& model) {
    if (model.packed) {
      packed(*model.packed);
    } else {
      floats(*model.latent);
    }
  }
  [[nodiscard]] const Tensor& at(std::string_view name) const {
    for (const NamedTensor& one : values_) {
      if (one.name == name) return one.tensor;
    }
    fail("write_hf_folder: the model has no ", name);
  }

 private:
  void put(std::string name, Tensor tensor) {
    values_.push_back({std::move(name), std::move(tensor)});
  }
  void put(std::string name, float value) { put(std::move(name), Tensor(Shape{1}, value)); }
  void norm(const std::string& name, const PackedNorm& from) {
    put(name + ".gamma", from.gamma);
    put(name + ".beta", from.beta);
  }
  void linear(const std::string& name, const PackedLinear& from) {
    put(name + ".weight", hf_signs(from.bits, from.alpha.data(), name));
    put(name + ".bias", from.bias);
    if (from.shift.empty()) return;
    put(name + ".input.shift", from.shift);
    put(name + ".input.alpha", from.in_alpha);
  }

  void floats(const ModelParameters& model) {
    values_ = model.tensors;
    if (model.word_bits.empty()) return;
    for (NamedTensor& one : values_) {
      if (one.name != "embedding.word") continue;
      one.tensor = hf_rows(model.word_bits, model.word_alpha.data(), false);
    }
  }
  void packed(const PackedModel& model) {
    const std::span<const float> alpha = model.embedding.word_alpha.data();
    put("embedding.word", model.config.scale_a_row()
                              ? hf_signs(model.embedding.word_bits, alpha, "embedding.word")
                              : hf_rows(model.embedding.word_bits, alpha, true));
    put("embedding.position", model.embedding.position);
    put("embedding.type", model.embedding.type);
    norm("embedding.norm", model.embedding.norm);
    for (std::size_t i = 0; i < model.layers.size(); ++i) {
      const std::string layer = concat("layers.", i);
      const PackedAttention& attention = model.layers[i].attention;
      linear(layer + ".attention.query", attention.query);
      linear(layer + ".attention.key", attention.key);
      linear(layer + ".attention.value", attention.value);
      linear(layer + ".attention.output", attention.output);
      put(layer + ".attention.binary.query.alpha", attention.query_alpha);
      put(layer + ".attention.binary.key.alpha", attention.key_alpha);
      put(layer + ".attention.binary.value.alpha", attention.value_alpha);
      put(layer + ".attention.binary.probability.alpha", attention.probability_alpha);
      norm(layer + ".attention_norm", attention.norm);
      if (model.config.estimators != 0) {
        put(layer + ".attention.estimators.weight", attention.estimator_weight);
        put(layer + ".attention.estimators.bias", attention.estimator_bias);
      }
      linear(layer + ".ffn.inner", model.layers[i].ffn.inner);
      linear(layer + ".ffn.outer", model.layers[i].ffn.outer);
      norm(layer + ".ffn_norm", model.layers[i].ffn.norm);
    }
    linear("pooler", model.pooler);
    if (model.config.residual_pooler()) norm("pooler_norm", model.pooler_norm);
    put("classifier.weight", model.classifier.weight);
    put("classifier.bias", model.classifier.bias);
  }

  std::vector<NamedTensor> values_;
};

/// What neither published code has an option for.
inline void refuse_hf_export(const ModelFile& model) {
  const ModelConfig& config = model.card.config;
  if (config.weight_bits == 32) return;
  const bool bibert = config.plain() && config.attention == "bool" && config.scale_a_row();
  std::string_view what;
  if (config.staged()) what = "activations of more bits than one, whose scales it does not tell,";
  if (config.embedding_bits != 1) what = "word embeddings of 32 bits beside one-bit weights";
  if (!bibert) {
    const bool bipft = config.residual_pooler() && config.activation == "gelu";
    if (config.residual_pooler() && !bipft) what = "BiPFT's pooler and BiT's ReLU";
    if (config.estimators != 0 && !bipft) what = "estimators beside BiT's bits";
    if (config.inner_levels != "step" && !bipft) what = "±1 as the second feed-forward input";
    if (config.scale_a_row()) what = "a scale a row of weights";
    if (config.plain() || config.attention != "softmax") what = "some of BiBERT's bits, not all,";
  }
  if (config.by_surrogate()) what = "BEExformer's weights, around no mean,";
  if (config.input_levels == "approx") what = "BEExformer's activations";
  if (config.float_inputs()) what = "activations of 32 bits beside one-bit weights";
  if (what.empty()) return;
  fail(Fault::model, "export: a model with ", what, " has no form in published code");
}

}  // namespace detail

/// Writes config.json, model.safetensors, vocab.txt and tokenizer_config.json into `folder`, which
/// is made, or is there and empty. Each file is written atomically and durably, config.json last:
/// a folder without it is of a write that was cut off, and nobody takes it for a model.
/// Throws Error{Fault::system}, and Error{Fault::model} for a model that has no such form.
inline void write_hf_folder(const std::string& folder, const ModelFile& model) {
  detail::refuse_hf_export(model);
  const detail::HfValues values(model);
  const ModelCard& card = model.card;
  std::vector<TensorEntry> entries;
  const auto put = [&](const std::string& name, std::vector<std::size_t> shape,
                       std::span<const float> data) {
    // As transformers saves them: a bare encoder's names have no `bert.` in front.
    const bool bare = card.config.labels == 0 || name.starts_with("classifier.");
    entries.push_back(
        {bare ? name : "bert." + name, DType::f32, std::move(shape), std::as_bytes(data)});
  };
  for (const HfTensor& tensor : hf_tensors(card.config)) {
    std::vector<std::size_t> shape;
    for (std::size_t axis = 0; axis < tensor.shape.rank() && !tensor.scalar; ++axis) {
      shape.push_back(tensor.shape[axis]);
    }
    put(tensor.theirs, std::move(shape), values.at(tensor.ours).data());
  }
  std::deque<std::array<float, 2>> ranges;  // which the entries point to
  if (card.config.binary() && card.config.plain()) {
    for (const HfIdle& idle : hf_idle_tensors(card.config, hf_clip_val)) {
      ranges.push_back({idle.range ? -idle.value : idle.value, idle.value});
      put(idle.theirs, idle.range ? std::vector<std::size_t>{2} : std::vector<std::size_t>{},
          std::span<const float>(ranges.back()).first(idle.range ? 2 : 1));
    }
  }
  for (const HfEstimator& one : hf_estimators(card.config)) {
    const std::string front = card.config.labels == 0 ? "" : "bert.";
    const std::size_t width = card.config.hidden;
    const auto weight = values.at(one.ours + ".weight").data();
    const auto bias = values.at(one.ours + ".bias").data();
    entries.push_back({front + one.theirs + ".weight",
                       DType::f32,
                       {one.rows, width},
                       std::as_bytes(weight.subspan(one.first * width, one.rows * width))});
    entries.push_back({front + one.theirs + ".bias",
                       DType::f32,
                       {one.rows},
                       std::as_bytes(bias.subspan(one.first, one.rows))});
  }
  make_empty_folder(folder);
  const std::string at = folder.ends_with('/') ? folder : folder + '/';
  write_file_atomically(at + "vocab.txt", model.vocabulary.bytes());
  write_file_atomically(at + "tokenizer_config.json",
                        hf_tokenizer_json(card.tokenizer, card.config.max_len).dump(2) + '\n');
  save_safetensors(at + "model.safetensors", entries, {{"format", "pt"}},
                   {.checksum = false, .limits = SafetensorsLimits::hugging_face()});
  write_file_atomically(at + "config.json",
                        hf_config_json(card, model.vocabulary.pad()).dump(2) + '\n');
}

}  // namespace bipft
