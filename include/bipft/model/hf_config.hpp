#pragma once
/// config.json and tokenizer_config.json of a Hugging Face BERT, both ways.

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "bipft/core/error.hpp"
#include "bipft/data/answer_kind.hpp"
#include "bipft/data/value_scale.hpp"
#include "bipft/io/json.hpp"
#include "bipft/model/card.hpp"
#include "bipft/model/config.hpp"
#include "bipft/text/wordpiece.hpp"

namespace bipft {

/// What a config.json says.
struct HfConfig {
  ModelConfig model;                ///< but for labels: whether there is a head, the weights tell
  std::vector<std::string> labels;  ///< of id2label, or empty
  bool of_texts = true;             ///< a `classifier` judges a text, not each token or choice
  AnswerKind answer = AnswerKind::label;
  float temperature = 1.0F;  ///< ours: other programs pass over the key
  ValueScale scale;          ///< likewise
};

namespace detail {

/// What Hugging Face calls our kinds of answers, in their order.
inline constexpr std::string_view hf_problems[] = {"single_label_classification", "regression",
                                                   "multi_label_classification"};
/// What its format has no word for: the temperature, and the unit of numbers.
inline constexpr std::string_view hf_calibration = "bipft_calibration";

/// The member `key`; nothing where there is none, or null.
[[nodiscard]] inline std::optional<Json> hf_member(const Json& json, std::string_view key) {
  std::optional<Json> member = json.find(key);
  if (member && member->is_null()) member.reset();
  return member;
}

/// Reads one config.json, and refuses what this version would compute otherwise.
class HfConfigReader {
 public:
  HfConfigReader(const Json& json, std::string_view name, std::optional<std::size_t> estimators)
      : json_(json), name_(name), estimators_(estimators) {}

  [[nodiscard]] HfConfig read() {
    if (!json_.is_object()) refuse({"holds no object"});
    same("model_type", "bert", "only BERT is read");
    same("position_embedding_type", "absolute", "only absolute positions are read");
    same("is_decoder", false, "only encoders are read");
    same("add_cross_attention", false, "only encoders are read");
    if (hf_member(json_, "quantization_config")) {
      refuse({"has a quantization_config; save the model in F32, F16 or BF16"});
    }
    HfConfig result;
    ModelConfig& model = result.model;
    model.layers = size("num_hidden_layers");
    model.hidden = size("hidden_size");
    model.heads = size("num_attention_heads");
    model.ffn = size("intermediate_size");
    model.max_len = size("max_position_embeddings");
    model.vocabulary = size("vocab_size");
    model.labels = 0;
    if (hf_member(json_, "type_vocab_size") && size("type_vocab_size") != 2) {
      refuse({"type_vocab_size is ", size("type_vocab_size"), "; this version reads 2"});
    }
    model.norm_epsilon = number("layer_norm_eps", 1e-12);
    model.dropout = number("hidden_dropout_prob", 0.1);
    model.attention_dropout = number("attention_probs_dropout_prob", 0.1);
    model.activation = text("hidden_act", "gelu");
    bits(model);
    if (model.activation != "gelu" && model.activation != "relu") {
      refuse({"hidden_act is '", model.activation,
              "'; this version reads gelu (by the error function) and relu"});
    }
    model.check_in(name_);
    head(result);
    return result;
  }

 private:
  /// Of one-bit models: their bit widths, and [BiT]'s choices among ways of quantizing. [BiBERT]
  /// has none to choose, and is known by that.
  void bits(ModelConfig& model) {
    const bool choices =
        hf_member(json_, "weight_quant_method") || hf_member(json_, "input_quant_method");
    const bool bibert = !choices && hf_member(json_, "quantize_act");
    const bool binary =
        bibert || choices || hf_member(json_, "weight_bits") || hf_member(json_, "input_bits");
    if (!binary) {
      model.weight_bits = model.act_bits = model.embedding_bits = 32;
      return;
    }
    const std::size_t weights = size("weight_bits");
    const std::size_t inputs = size("input_bits");
    if (weights != 1 || inputs != 1) {
      refuse({"weight_bits is ", weights, " and input_bits ", inputs, "; this version reads 1 with",
              " 1, and floats without these keys"});
    }
    model.weight_bits = model.act_bits = model.embedding_bits = 1;
    if (bibert) {
      same("quantize_act", true, "only BiBERT's own choice is read");
      model.activation = "gelu";  // its code does not read hidden_act
      model.inner_levels = "sign";
      model.input_levels = "plain";
      model.attention = "bool";
      model.weight_scales = "row";
      return;
    }
    constexpr std::string_view why = "only BiT's own choices are read";
    same("weight_quant_method", "bwn", why);
    same("input_quant_method", "elastic", why);
    same("weight_layerwise", true, why);
    same("input_layerwise", true, why);
    same("embed_layerwise", false, why);
    same("sym_quant_qkvo", true, why);
    same("sym_quant_ffn_attn", false, why);
    same("not_quantize_attention", false, why);
    if (estimators_ || hf_member(json_, "improve_kqv")) return bipft(model);
    if (model.activation != "relu") {
      refuse({"hidden_act is '", model.activation, "' in a one-bit model; BiT's is relu"});
    }
    model.inner_levels = "step";
    model.norm_epsilon = 1e-12;  // its code does not read layer_norm_eps
  }

  /// [BiPFT], whose code has a GELU whatever hidden_act says, and estimators unless it is told not
  /// to have them.
  void bipft(ModelConfig& model) {
    constexpr std::string_view why = "only BiPFT's own choices are read";
    same("improve_linear", false, why);
    same("half_binary", false, why);
    model.weight_bits = model.act_bits = model.embedding_bits = 1;
    model.activation = "gelu";
    model.inner_levels = "sign";
    model.pooler = "residual";
    model.norm_epsilon = 1e-12;
    const auto improved = hf_member(json_, "improve_kqv");
    if (!improved || improved->as_bool()) model.estimators = estimators_.value_or(0);
    if (improved && improved->as_bool() && model.estimators == 0) {
      refuse({"improve_kqv is true, but model.safetensors has no estimators (k_p, q_p, k_m, q_m, ",
              "v_p); say false for a model without them"});
    }
  }

  void head(HfConfig& result) const {
    if (const auto architectures = hf_member(json_, "architectures")) {
      for (const Json& architecture : architectures->elements()) {
        if (architecture.as_view() == "BertForTokenClassification") result.of_texts = false;
        if (architecture.as_view() == "BertForMultipleChoice") result.of_texts = false;
      }
    }
    const std::string problem = text("problem_type", hf_problems[0]);
    const auto found = std::find(std::begin(hf_problems), std::end(hf_problems), problem);
    if (found == std::end(hf_problems)) {
      refuse({"problem_type is '", problem, "', which is no problem of BERT's"});
    }
    result.answer = static_cast<AnswerKind>(found - std::begin(hf_problems));
    if (const auto calibration = hf_member(json_, hf_calibration)) {
      const auto part = [&](std::string_view key, float& value) {
        const auto member = hf_member(*calibration, key);
        if (member) value = static_cast<float>(member->as_double());
      };
      part("temperature", result.temperature);
      part("mean", result.scale.mean);
      part("spread", result.scale.spread);
    }
    const auto names = hf_member(json_, "id2label");
    if (!names) return;
    result.labels.resize(names->size());
    for (const auto& [key, value] : names->members()) {
      std::size_t id = 0;
      const char* const end = key.data() + key.size();
      const auto [rest, error] = std::from_chars(key.data(), end, id);
      const bool number = error == std::errc() && rest == end;
      if (!number || id >= result.labels.size() || !result.labels[id].empty()) {
        refuse({"id2label has ", quoted(key), " among its ", result.labels.size(),
                " keys; they must be the numbers from 0, each once"});
      }
      result.labels[id] = value.as_string();
      if (result.labels[id].empty()) refuse({"id2label: label ", id, " is empty"});
    }
  }

  [[nodiscard]] std::size_t size(std::string_view key) const { return json_[key].as_size(); }
  [[nodiscard]] double number(std::string_view key, double usual) const {
    const auto member = hf_member(json_, key);
    return member ? member->as_double() : usual;
  }
  [[nodiscard]] std::string text(std::string_view key, std::string_view usual) const {
    const auto member = hf_member(json_, key);
    return member ? member->as_string() : std::string(usual);
  }
  /// Refuses any other value; none is as good.
  void same(std::string_view key, std::string_view wanted, std::string_view why) const {
    const std::string value = text(key, wanted);
    if (value != wanted) refuse({key, " is '", value, "', not '", wanted, "'; ", why});
  }
  void same(std::string_view key, const char* wanted, std::string_view why) const {
    same(key, std::string_view(wanted), why);
  }
  void same(std::string_view key, bool wanted, std::string_view why) const {
    const auto member = hf_member(json_, key);
    if (member && member->as_bool() != wanted) {
      refuse({key, " is ", !wanted, ", not ", wanted, "; ", why});
    }
  }
  [[noreturn, gnu::cold, gnu::noinline]] void refuse(Parts parts) const {
    raise(Fault::model, concat(name_, ": "), parts);
  }

  const Json& json_;
  std::string_view name_;
  std::optional<std::size_t> estimators_;
};

/// "[CLS]", as tokenizer_config.json has it: a string, or an object with its content.
[[nodiscard]] inline std::string hf_token(const Json& token) {
  return token.is_object() ? token["content"].as_string() : token.as_string();
}

}  // namespace detail

/// Throws Error{Fault::model} for what is missing, of another type, or of no model that this
/// version computes as its authors do. `name` is what messages call the file; `estimators` the rank
/// of [BiPFT]'s among the weights, 0 where something else there is BiPFT's alone.
[[nodiscard]] inline HfConfig read_hf_config(const Json& json, std::string_view name,
                                             std::optional<std::size_t> estimators = {}) {
  return detail::HfConfigReader(json, name, estimators).read();
}

/// What a tokenizer_config.json says.
struct HfTokenizer {
  TokenizerOptions rules;
  std::size_t max_len = static_cast<std::size_t>(-1);  ///< that texts are cut to
};

/// Throws Error{Fault::model} for a tokenizer that is not BERT's.
[[nodiscard]] inline HfTokenizer read_hf_tokenizer(const Json& json, std::string_view name) {
  HfTokenizer result;
  if (const auto kind = detail::hf_member(json, "tokenizer_class")) {
    constexpr std::string_view known[] = {"BertTokenizer", "BertTokenizerFast", "BasicTokenizer",
                                          "PreTrainedTokenizerFast", "TokenizersBackend"};
    bool is_known = false;
    for (const std::string_view one : known) is_known = is_known || kind->as_view() == one;
    if (!is_known) {
      fail(Fault::model, name, ": tokenizer_class is '", kind->as_view(),
           "'; this version reads BertTokenizer");
    }
  }
  if (const auto basic = detail::hf_member(json, "do_basic_tokenize"); basic && !basic->as_bool()) {
    fail(Fault::model, name, ": do_basic_tokenize is false; this version always does it");
  }
  const auto flag = [&](std::string_view key, bool& value) {
    if (const auto member = detail::hf_member(json, key)) value = member->as_bool();
  };
  flag("do_lower_case", result.rules.lowercase);
  result.rules.strip_accents = result.rules.lowercase;  // where nothing is said, it goes with it
  flag("strip_accents", result.rules.strip_accents);
  flag("tokenize_chinese_chars", result.rules.split_cjk);
  if (const auto longest = detail::hf_member(json, "model_max_length")) {
    const double tokens = longest->as_double();  // some say 1e30
    if (tokens >= 4 && tokens < 1e6) result.max_len = static_cast<std::size_t>(tokens);
  }
  for (const auto& [key, usual] :
       {std::pair{"unk_token", "[UNK]"}, std::pair{"sep_token", "[SEP]"},
        std::pair{"pad_token", "[PAD]"}, std::pair{"cls_token", "[CLS]"}}) {
    const auto token = detail::hf_member(json, key);
    if (!token || detail::hf_token(*token) == usual) continue;
    fail(Fault::model, name, ": ", key, " is '", detail::hf_token(*token),
         "'; this version knows it as ", usual);
  }
  return result;
}

/// Where published code begins ranges that one bit has no use for.
inline constexpr float hf_clip_val = 2.5F;

/// The config.json of a model: of plain BERT where it is in full precision, with the keys of
/// [BiT]'s or [BiBERT]'s published code where it has one bit. The logit of a model of numbers stays
/// in their spread; what makes a value of it stands in a key of our own.
[[nodiscard]] inline Json hf_config_json(const ModelCard& card, std::int32_t padding) {
  const ModelConfig& config = card.config;
  Json json = Json::object();
  const bool head = config.labels > 0;
  json.set("model_type", "bert")
      .set("architectures", Json::array({head ? "BertForSequenceClassification" : "BertModel"}))
      .set("num_hidden_layers", config.layers)
      .set("hidden_size", config.hidden)
      .set("num_attention_heads", config.heads)
      .set("intermediate_size", config.ffn)
      .set("hidden_act", config.activation)
      .set("max_position_embeddings", config.max_len)
      .set("position_embedding_type", "absolute")
      .set("vocab_size", config.vocabulary)
      .set("type_vocab_size", 2)
      .set("pad_token_id", padding)
      .set("layer_norm_eps", config.norm_epsilon)
      .set("hidden_dropout_prob", config.dropout)
      .set("attention_probs_dropout_prob", config.attention_dropout)
      .set("initializer_range", 0.02);
  if (head) {
    Json names = Json::object();
    Json ids = Json::object();
    for (std::size_t k = 0; k < card.labels.size(); ++k) {
      names.set(concat(k), card.labels[k]);
      ids.set(card.labels[k], k);
    }
    json.set("id2label", names).set("label2id", ids);
    json.set("problem_type", detail::hf_problems[static_cast<std::size_t>(card.answer)]);
    Json calibration = Json::object();
    if (card.temperature != 1.0F) calibration.set("temperature", card.temperature);
    if (card.answer == AnswerKind::value) {
      calibration.set("mean", card.scale.mean).set("spread", card.scale.spread);
    }
    if (calibration.size() > 0) json.set(detail::hf_calibration, calibration);
  }
  if (config.binary() && config.plain()) {
    json.set("quantize_act", true)
        .set("weight_bits", 1)
        .set("input_bits", 1)
        .set("clip_val", hf_clip_val);
  } else if (config.binary()) {
    json.set("num_labels", config.labels)
        .set("weight_bits", 1)
        .set("input_bits", 1)
        .set("weight_quant_method", "bwn")
        .set("input_quant_method", "elastic")
        .set("weight_layerwise", true)
        .set("input_layerwise", true)
        .set("embed_layerwise", false)
        .set("sym_quant_qkvo", true)
        .set("sym_quant_ffn_attn", false)
        .set("learnable_scaling", true)
        .set("not_quantize_attention", false)
        .set("clip_init_val", hf_clip_val);
  }
  if (config.binary() && config.residual_pooler()) {
    json.set("hidden_act", "relu")  // as published; its code has GELU all the same
        .set("improve_kqv", config.estimators > 0)
        .set("lora_rank", std::max<std::size_t>(config.estimators, 1))
        .set("improve_linear", false)
        .set("half_binary", false);
  }
  return json;
}

/// The tokenizer_config.json of the same.
[[nodiscard]] inline Json hf_tokenizer_json(const TokenizerOptions& rules, std::size_t max_len) {
  return Json::object()
      .set("tokenizer_class", "BertTokenizer")
      .set("do_lower_case", rules.lowercase)
      .set("strip_accents", rules.strip_accents)
      .set("tokenize_chinese_chars", rules.split_cjk)
      .set("model_max_length", max_len)
      .set("unk_token", "[UNK]")
      .set("sep_token", "[SEP]")
      .set("pad_token", "[PAD]")
      .set("cls_token", "[CLS]")
      .set("mask_token", "[MASK]");
}

}  // namespace bipft
