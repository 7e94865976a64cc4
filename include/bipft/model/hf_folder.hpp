#pragma once
/// read_hf_folder: a model out of a folder of Hugging Face's format.
///
///   config.json            what it is (model/hf_config.hpp)
///   model.safetensors      F32, F16 or BF16, by the names of model/hf_names.hpp
///   vocab.txt              one piece a line, or else tokenizer.json (model/hf_vocabulary.hpp)
///   tokenizer_config.json  how texts are cut, if it is there
///
/// Read are BERT in full precision, with a head for texts, with those of pre-training or with none,
/// and one-bit checkpoints of [BiT], [BiPFT] and [BiBERT]. Nothing of a folder is believed before
/// it is checked; whatever is wrong throws Error{Fault::model} with the file, the values and what
/// to try.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "bipft/core/error.hpp"
#include "bipft/core/sort.hpp"
#include "bipft/device/estimates.hpp"
#include "bipft/io/folder.hpp"
#include "bipft/io/safetensors.hpp"
#include "bipft/model/hf_config.hpp"
#include "bipft/model/hf_names.hpp"
#include "bipft/model/hf_vocabulary.hpp"
#include "bipft/model/model_file.hpp"
#include "bipft/nn/init.hpp"

namespace bipft {

/// A model, and what a person should know about how it was read, one sentence each.
struct HfFolder {
  /// Holds its parameters: `latent` alone, also where they are the latent weights of one-bit ones,
  /// which Model packs. A model without a head has no labels.
  ModelFile model;
  std::vector<std::string> notes;
};

namespace detail {

class HfReader {
 public:
  HfReader(const std::string& folder, std::uint64_t seed) : folder_(folder), seed_(seed) {}

  [[nodiscard]] HfFolder read() {
    require_files();
    const Json config_json = json_of("config.json");
    const Safetensors weights =
        Safetensors::open(path("model.safetensors"), SafetensorsLimits::hugging_face());
    name_tensors(weights);
    HfConfig config = read_hf_config(config_json, path("config.json"), estimators());
    refuse_bits_of_another_config(config.model);
    take_labels(config);

    ModelCard card;
    card.config = config.model;
    card.labels = std::move(config.labels);
    if (!card.labels.empty()) {
      card.answer = config.answer;
      card.temperature = config.temperature;
      card.scale = config.scale;
      if (card.answer == AnswerKind::value) card.task = "regression";
      if (card.answer == AnswerKind::labels) card.task = "multi-label";
    }
    card.kind = card.config.binary() ? "trainable" : "float";
    card.method = !card.config.binary()           ? "float"
                  : card.config.plain()           ? "bibert"
                  : card.config.residual_pooler() ? "bipft"
                                                  : "bit";
    HfTokenizer tokenizer;
    if (path_exists(path("tokenizer_config.json"))) {
      tokenizer =
          read_hf_tokenizer(json_of("tokenizer_config.json"), path("tokenizer_config.json"));
    }
    card.tokenizer = tokenizer.rules;
    Vocabulary vocabulary = read_vocabulary(card.config.vocabulary, card.tokenizer);

    ModelParameters parameters;
    parameters.config = card.config;
    take_tensors(parameters);
    if (!problems_.empty()) fail(Fault::model, path("model.safetensors"), ": ", problems_);
    note_foreign();
    shorten(parameters, tokenizer.max_len);
    card.config = parameters.config;
    card.check(folder_);
    return {ModelFile{std::move(card),
                      std::move(vocabulary),
                      {},
                      std::move(parameters),
                      hex(Sha256::of(weights.bytes())),
                      weights.file_size()},
            std::move(notes_)};
  }

 private:
  struct Named {
    std::string name;  // canonical
    const TensorEntry* entry = nullptr;
    bool used = false;
  };

  [[nodiscard]] std::string path(std::string_view file) const {
    return concat(folder_, folder_.ends_with('/') ? "" : "/", file);
  }
  [[nodiscard]] Json json_of(std::string_view file) const {
    const std::string at = path(file);
    constexpr std::size_t limit = std::size_t{64} << 20U;  // id2label may be long
    return Json::parse(read_file(at, Fault::model, limit), at, {.fault = Fault::model});
  }

  void require_files() const {
    if (!path_exists(path("config.json"))) {
      fail(Fault::model, folder_, ": no config.json in it; a Hugging Face BERT folder has ",
           "config.json, model.safetensors and vocab.txt");
    }
    if (path_exists(path("model.safetensors"))) return;
    if (path_exists(path("model.safetensors.index.json"))) {
      fail(Fault::model, path("model.safetensors.index.json"), ": the model is sharded, and this ",
           "version reads one file; save it again with max_shard_size=\"100GB\"");
    }
    if (path_exists(path("pytorch_model.bin"))) {
      fail(Fault::model, path("pytorch_model.bin"),
           ": a Python pickle, which bipft does not open; ",
           "make model.safetensors of it: python3 -c \"import torch, safetensors.torch as s; ",
           "s.save_file({k: v.clone() for k, v in torch.load('pytorch_model.bin', ",
           "weights_only=True).items()}, 'model.safetensors')\"");
    }
    fail(Fault::model, folder_, ": no model.safetensors in it");
  }

  /// The tensors by their canonical names, in order.
  void name_tensors(const Safetensors& weights) {
    const std::span<const TensorEntry> entries = weights.entries();
    std::vector<std::string> names;
    for (const TensorEntry& entry : entries) names.push_back(hf_canonical(entry.name));
    std::vector<std::uint32_t> order(entries.size());
    std::iota(order.begin(), order.end(), std::uint32_t{0});
    sort_by(order, [&](std::uint32_t a, std::uint32_t b) { return names[a] < names[b]; });
    for (const std::uint32_t i : order) {
      if (!named_.empty() && named_.back().name == names[i]) {
        fail(Fault::model, weights.name(), ": ", entries[i].name, " and ",
             named_.back().entry->name, " are one tensor by two names");
      }
      named_.push_back({names[i], &entries[i]});
    }
  }
  [[nodiscard]] Named* find(std::string_view name) {
    const auto at =
        std::lower_bound(named_.begin(), named_.end(), name,
                         [](const Named& one, std::string_view n) { return one.name < n; });
    return at != named_.end() && at->name == name ? &*at : nullptr;
  }
  /// The name of the first tensor that holds `part`, or nothing.
  [[nodiscard]] std::string_view any_with(std::string_view part) const {
    for (const Named& one : named_) {
      if (one.name.find(part) != std::string::npos) return one.name;
    }
    return {};
  }

  /// The rank of [BiPFT]'s estimators; 0 where only its pooler's norm is there; nothing for others.
  [[nodiscard]] std::optional<std::size_t> estimators() {
    const Named* const found = find("encoder.layer.0.attention.self.q_p.weight");
    if (found != nullptr && !found->entry->shape.empty()) return found->entry->shape[0];
    for (const char* part : {".k_p.", ".q_p.", ".k_m.", ".q_m.", ".v_p."}) {
      if (!any_with(part).empty()) return 1;  // what is missing, take_tensors tells
    }
    if (find("pooler.LayerNorm.weight") != nullptr) return 0;
    return std::nullopt;
  }
  /// One-bit weights may lie beside a config that says nothing of them, or that means others.
  void refuse_bits_of_another_config(const ModelConfig& config) const {
    struct Sign {
      std::string_view part, whose, keys;
      bool plain;
    };
    constexpr std::string_view bit = "\"weight_bits\": 1, \"input_bits\": 1";
    constexpr std::string_view bibert =
        "\"quantize_act\": true, \"weight_bits\": 1, \"input_bits\": 1, and no quant_method,";
    for (const Sign& sign :
         {Sign{".act_clip_val", "BiBERT", bibert, true}, Sign{".input_clip_val", "BiT", bit, false},
          Sign{".move.bias", "BiT", bit, false},
          Sign{".clip_query", "BiT", bit, config.plain()}}) {  // both have it
      const std::string_view name = any_with(sign.part);
      if (name.empty() || (config.binary() && config.plain() == sign.plain)) continue;
      fail(Fault::model, path("model.safetensors"), ": has ", name, " as one-bit models of ",
           sign.whose, " have, but ", path("config.json"), " has not their keys; give it ",
           sign.keys, " if that is what it is");
    }
  }

  /// Finds out about the head, and leaves config.labels as they will be.
  void take_labels(HfConfig& config) {
    const Named* const weight = find("classifier.weight");
    const bool matrix = weight != nullptr && weight->entry->shape.size() == 2;
    const std::size_t outputs = matrix ? weight->entry->shape[0] : 0;
    if (weight == nullptr || !config.of_texts) {
      config.labels.clear();
      if (weight != nullptr) {
        notes_.emplace_back("its head judges tokens or choices, not texts, and was left out");
      }
      return;
    }
    if (!matrix || outputs == 0 || outputs > (std::size_t{1} << 20U)) {
      fail(Fault::model, path("model.safetensors"), ": ", weight->entry->name, " is ",
           *weight->entry, ", not a matrix with a row for each label");
    }
    if (outputs == 1) config.answer = AnswerKind::value;  // transformers' own rule
    if (config.answer == AnswerKind::value) {
      if (outputs > 1) {
        config.labels.clear();
        notes_.emplace_back(
            concat("its head has ", outputs, " numbers as outputs, not one, and was left out"));
        return;
      }
      config.labels = {"value"};
    }
    if (config.labels.empty()) {
      for (std::size_t k = 0; k < outputs; ++k) config.labels.push_back(concat("LABEL_", k));
    }
    if (config.labels.size() != outputs) {
      fail(Fault::model, path("config.json"), ": id2label has ", config.labels.size(),
           " labels, but ", weight->entry->name, " is ", *weight->entry);
    }
    config.model.labels = outputs;
  }

  /// Of vocab.txt, or else of tokenizer.json, which then gives the rules where nothing else does.
  [[nodiscard]] Vocabulary read_vocabulary(std::size_t size, TokenizerOptions& rules) const {
    const bool lines = path_exists(path("vocab.txt"));
    const std::string at = path(lines ? "vocab.txt" : "tokenizer.json");
    if (!lines && !path_exists(at)) {
      fail(Fault::model, folder_, ": no vocab.txt in it, and no tokenizer.json");
    }
    const Json json = lines ? Json() : json_of("tokenizer.json");
    if (!lines) {
      const TokenizerOptions own = read_hf_rules(json, at);
      if (!path_exists(path("tokenizer_config.json"))) rules = own;
      rules.max_word = own.max_word;
      rules.clean = own.clean;
    }
    Vocabulary vocabulary =
        lines ? Vocabulary::parse(read_file(at, Fault::model), at) : read_hf_vocabulary(json, at);
    if (vocabulary.size() != size) {
      fail(Fault::model, at, ": ", vocabulary.size(), " pieces, but ", path("config.json"),
           " says vocab_size ", size);
    }
    return vocabulary;
  }

  void take_tensors(ModelParameters& result) {
    const bool pooled = find("pooler.dense.weight") != nullptr ||
                        find("pooler.dense.bias") != nullptr || result.config.labels > 0;
    for (const HfTensor& wanted : hf_tensors(result.config)) {
      if (!pooled && wanted.theirs.starts_with("pooler.")) {
        result.tensors.push_back({wanted.ours, pooler_of_nothing(wanted)});
      } else {
        result.tensors.push_back({wanted.ours, take(wanted)});
      }
    }
    take_estimators(result);
    if (result.config.labels == 0) {
      result.tensors.push_back({"classifier.weight", Tensor(Shape{0, result.config.hidden})});
      result.tensors.push_back({"classifier.bias", Tensor(Shape{0})});
    }
    if (!pooled) notes_.emplace_back("it has no pooler, so that begins at random");
  }
  void take_estimators(ModelParameters& result) {
    const std::size_t width = result.config.hidden;
    const std::size_t rows = estimate_columns(result.config.estimators);
    Tensor weight, bias;
    for (const HfEstimator& one : hf_estimators(result.config)) {
      if (one.first == 0) {
        weight = Tensor(Shape{rows, width});
        bias = Tensor(Shape{rows});
      }
      const Tensor w = take({one.theirs + ".weight", {}, Shape{one.rows, width}});
      const Tensor b = take({one.theirs + ".bias", {}, Shape{one.rows}});
      std::ranges::copy(w.data(), weight.mutable_data().subspan(one.first * width).begin());
      std::ranges::copy(b.data(), bias.mutable_data().subspan(one.first).begin());
      if (one.first + one.rows != rows) continue;
      result.tensors.push_back({one.ours + ".weight", weight});
      result.tensors.push_back({one.ours + ".bias", bias});
    }
  }
  [[nodiscard]] Tensor pooler_of_nothing(const HfTensor& wanted) const {
    if (wanted.scalar || wanted.ours.ends_with("gamma")) return Tensor(wanted.shape, 1.0F);
    if (wanted.shape.rank() == 1) return Tensor(wanted.shape);
    return normal_init(wanted.shape, 0.02F, seed_, wanted.ours);
  }

  [[nodiscard]] Tensor take(const HfTensor& wanted) {
    Named* const named = find(wanted.theirs);
    if (named == nullptr) {
      problem({wanted.theirs, ": missing (", wanted.shape, ")"});
      return {};
    }
    named->used = true;
    const TensorEntry& entry = *named->entry;
    bool fits = entry.shape.size() == wanted.shape.rank();
    for (std::size_t axis = 0; fits && axis < entry.shape.size(); ++axis) {
      fits = entry.shape[axis] == wanted.shape[axis];
    }
    fits = fits || (wanted.scalar && entry.shape.empty());
    const bool floats =
        entry.dtype == DType::f32 || entry.dtype == DType::f16 || entry.dtype == DType::bf16;
    if (!fits || !floats) {
      problem({entry.name, ": is ", entry, ", not F32, F16 or BF16 ", wanted.shape});
      return {};
    }
    Tensor result = Tensor::uninitialized(wanted.shape);
    copy_floats(entry.dtype, entry.bytes, result.mutable_data(), entry.name);
    for (const float value : result.data()) {
      if (std::isfinite(value)) continue;
      problem({entry.name, ": holds a number that is not finite (", value, ")"});
      break;
    }
    return result;
  }
  [[gnu::noinline]] void problem(Parts what) {
    constexpr std::size_t most = 4000;  // a message, not a listing
    if (problems_.size() > most) return;
    if (!problems_.empty()) problems_ += "; ";
    append(problems_, what);
  }

  /// What was in the file and went nowhere, in one sentence.
  void note_foreign() {
    std::string list;
    std::size_t count = 0;
    constexpr std::size_t most = 12;
    for (const Named& one : named_) {
      if (one.used || hf_without_effect(one.name)) continue;
      if (one.name.starts_with("classifier.")) continue;  // it has a note of its own
      if (++count <= most) list += concat(list.empty() ? "" : ", ", one.entry->name);
    }
    if (count == 0) return;
    if (count > most) list += concat(" and ", count - most, " more");
    notes_.push_back(concat("left out, for they have no place in the model: ", list));
  }

  /// Positions that no text will reach.
  void shorten(ModelParameters& parameters, std::size_t longest) {
    if (longest >= parameters.config.max_len) return;
    notes_.push_back(concat("texts are cut to its model_max_length of ", longest, ", so ",
                            parameters.config.max_len - longest, " positions were left out"));
    parameters.config.max_len = longest;
    for (NamedTensor& named : parameters.tensors) {
      if (named.name != "embedding.position") continue;
      const std::size_t width = named.tensor.cols();
      named.tensor = Tensor(Shape{longest, width}, named.tensor.data().first(longest * width));
    }
  }

  const std::string& folder_;
  std::uint64_t seed_;
  std::vector<Named> named_;
  std::vector<std::string> notes_;
  std::string problems_;
};

}  // namespace detail

/// Reads the folder. Where there is no pooler (and then no head), a random one of `seed` stands in
/// for it. Throws Error{Fault::model}, all missing tensors in one message.
[[nodiscard]] inline HfFolder read_hf_folder(const std::string& folder, std::uint64_t seed = 1) {
  return detail::HfReader(folder, seed).read();
}

}  // namespace bipft
