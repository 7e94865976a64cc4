#include "bipft/model/hf_config.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace bipft;

namespace {

Json plain() {
  return Json::object()
      .set("num_hidden_layers", 2)
      .set("hidden_size", 64)
      .set("num_attention_heads", 2)
      .set("intermediate_size", 96)
      .set("max_position_embeddings", 24)
      .set("vocab_size", 40);
}
Json with(const std::string& key, const Json& value) {
  Json json = plain();
  json.set(key, value);
  return json;
}
Json bit_with(const std::string& key, const Json& value) {
  Json json = plain();
  json.set("weight_bits", 1).set("input_bits", 1).set("hidden_act", "relu");
  json.set(key, value);
  return json;
}
Json bibert() {
  Json json = plain();
  return json.set("quantize_act", true).set("weight_bits", 1).set("input_bits", 1);
}
/// What is said against it; nothing if it is read.
std::string complaint(const Json& json) {
  try {
    (void)read_hf_config(Json::parse(json.dump(), "config.json", {.fault = Fault::model}),
                         "config.json");
  } catch (const Error& error) {
    CHECK(error.fault() == Fault::model);
    return error.what();
  }
  return {};
}
std::string tokenizer_complaint(const Json& json) {
  try {
    (void)read_hf_tokenizer(json, "t.json");
  } catch (const Error& error) {
    CHECK(error.fault() == Fault::model);
    return error.what();
  }
  return {};
}
bool says(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("Hf config: what is not said is as BERT has it") {
  const HfConfig read = read_hf_config(plain(), "config.json");
  CHECK(read.model.weight_bits == 32);
  CHECK(read.model.embedding_bits == 32);
  CHECK(read.model.activation == "gelu");
  CHECK(read.model.norm_epsilon == 1e-12);
  CHECK(read.model.max_len == 24);
  CHECK(read.model.labels == 0);
  CHECK(read.labels.empty());
  CHECK(read_hf_config(with("layer_norm_eps", 1e-5), "c").model.norm_epsilon == 1e-5);
  CHECK(read_hf_config(with("hidden_act", Json()), "c").model.activation == "gelu");
  CHECK(read.answer == AnswerKind::label);
  CHECK(read_hf_config(with("problem_type", "regression"), "c").answer == AnswerKind::value);
  CHECK(read_hf_config(with("problem_type", "multi_label_classification"), "c").answer ==
        AnswerKind::labels);
  CHECK(read_hf_config(with("bipft_calibration", Json::object().set("temperature", 2)), "c")
            .temperature == 2.0F);
}

TEST_CASE("Hf config: one-bit models are BiT's") {
  const HfConfig read = read_hf_config(bit_with("layer_norm_eps", 1e-5), "config.json");
  CHECK(read.model.binary());
  CHECK(read.model.embedding_bits == 1);
  CHECK(read.model.inner_levels == "step");
  CHECK(read.model.norm_epsilon == 1e-12);
}

TEST_CASE("Hf config: ones that quantize without a choice of ways are BiBERT's") {
  const HfConfig read = read_hf_config(bibert().set("layer_norm_eps", 1e-5), "config.json");
  CHECK(read.model.binary());
  CHECK(read.model.embedding_bits == 1);
  CHECK(read.model.activation == "gelu");
  CHECK(read.model.inner_levels == "sign");
  CHECK(read.model.plain());
  CHECK(read.model.attention == "bool");
  CHECK(read.model.scale_a_row());
  CHECK(read.model.norm_epsilon == 1e-5);
  const Json chosen = bibert().set("weight_quant_method", "bwn").set("hidden_act", "relu");
  CHECK_FALSE(read_hf_config(chosen, "config.json").model.plain());
}

TEST_CASE("Hf config: whatever would be computed otherwise is refused by name") {
  for (const char* key : {"num_hidden_layers", "hidden_size", "num_attention_heads",
                          "intermediate_size", "max_position_embeddings", "vocab_size"}) {
    CAPTURE(key);
    CHECK(says(complaint(with(key, "many")), key));
    CHECK(says(complaint(with(key, -1)), "negative"));
    Json json = Json::object();
    for (const auto& [name, value] : plain().members()) {
      if (name != key) json.set(name, value);
    }
    CHECK(says(complaint(json), key));
  }
  CHECK(says(complaint(with("num_attention_heads", 3)), "multiple of heads 3"));
  CHECK(says(complaint(with("num_hidden_layers", 1000000)), "layers is 1000000"));
  CHECK(says(complaint(with("hidden_size", 4611686018427387904)), "hidden is"));
  CHECK(says(complaint(with("model_type", "roberta")), "roberta"));
  CHECK(says(complaint(with("hidden_act", "gelu_new")), "gelu_new"));
  CHECK(says(complaint(with("position_embedding_type", "relative_key")), "relative_key"));
  CHECK(says(complaint(with("is_decoder", true)), "is_decoder"));
  CHECK(says(complaint(with("type_vocab_size", 16)), "16"));
  CHECK(says(complaint(with("layer_norm_eps", 2.0)), "norm_epsilon"));
  CHECK(says(complaint(with("problem_type", "poetry")), "poetry"));
  CHECK(says(complaint(with("quantization_config", Json::object())), "quantization_config"));
  const Json name("a");
  CHECK(says(complaint(with("id2label", Json::object().set("1", name))), "id2label"));
  CHECK(says(complaint(with("id2label", Json::object().set("0", name).set("00", name))), "00"));
  CHECK(says(complaint(with("id2label", Json::object().set("x", name))), "has \"x\" among"));
  CHECK(says(complaint(with("id2label", Json::object().set("0", ""))), "label 0 is empty"));
  CHECK(says(complaint(with("id2label", Json::object().set("0", 7))), "a string"));
  CHECK(says(complaint(Json::array()), "no object"));

  CHECK(complaint(bit_with("clip_init_val", 2.5)) == "");
  CHECK(says(complaint(bit_with("input_bits", 2)), "input_bits 2"));
  CHECK(says(complaint(bit_with("weight_quant_method", "twn")), "twn"));
  CHECK(says(complaint(bit_with("input_quant_method", "uniform")), "uniform"));
  CHECK(says(complaint(bit_with("sym_quant_ffn_attn", true)), "sym_quant_ffn_attn"));
  CHECK(says(complaint(bit_with("not_quantize_attention", true)), "not_quantize_attention"));
  CHECK(says(complaint(bit_with("hidden_act", "gelu")), "relu"));
  CHECK(says(complaint(bit_with("num_attention_heads", 4)), "16 wide"));

  CHECK(complaint(bibert()) == "");
  CHECK(says(complaint(bibert().set("weight_bits", 2)), "weight_bits is 2 and input_bits 1"));
  CHECK(says(complaint(bibert().set("input_bits", 8)), "input_bits 8"));
  CHECK(says(complaint(bibert().set("input_bits", Json())), "input_bits"));
  CHECK(says(complaint(bibert().set("quantize_act", false)), "quantize_act is false"));
  CHECK(says(complaint(bibert().set("num_attention_heads", 4)), "16 wide"));
}

TEST_CASE("Hf tokenizer: case and accents go together unless they are parted") {
  const auto rules = [](const Json& json) { return read_hf_tokenizer(json, "t.json").rules; };
  CHECK(rules(Json::object()).lowercase);
  CHECK(rules(Json::object()).strip_accents);
  const Json cased = Json::object().set("do_lower_case", false);
  CHECK_FALSE(rules(cased).lowercase);
  CHECK_FALSE(rules(cased).strip_accents);
  Json parted = cased;
  parted.set("strip_accents", true);
  CHECK(rules(parted).strip_accents);
  parted.set("strip_accents", Json());
  CHECK_FALSE(rules(parted).strip_accents);
  CHECK_FALSE(rules(Json::object().set("tokenize_chinese_chars", false)).split_cjk);
  const auto longest = [](const Json& json) {
    return read_hf_tokenizer(Json::object().set("model_max_length", json), "t.json").max_len;
  };
  CHECK(longest(128) == 128);
  CHECK(longest(1e30) == static_cast<std::size_t>(-1));

  const auto one = [](const char* key, const Json& value) {
    return tokenizer_complaint(Json::object().set(key, value));
  };
  CHECK(says(one("tokenizer_class", "RobertaTokenizer"), "RobertaTokenizer"));
  CHECK(says(one("do_basic_tokenize", false), "do_basic_tokenize"));
  CHECK(says(one("cls_token", "<s>"), "<s>"));
  CHECK(one("cls_token", Json::object().set("content", "[CLS]")) == "");
}

TEST_CASE("Hf config: what is written reads back as the same") {
  ModelCard card;
  card.labels = {"no", "yes"};
  for (const Json& json : {plain(), bit_with("clip_init_val", 1.0), bibert()}) {
    card.config = read_hf_config(json, "c").model;
    card.config.labels = 2;
    card.config.dropout = 0.25;
    HfConfig read = read_hf_config(hf_config_json(card, 0), "c");
    CHECK(read.labels == card.labels);
    read.model.labels = 2;
    CHECK(read.model == card.config);
  }
  TokenizerOptions rules;
  rules.lowercase = false;
  rules.split_cjk = false;
  const HfTokenizer read = read_hf_tokenizer(hf_tokenizer_json(rules, 77), "t");
  CHECK(read.max_len == 77);
  CHECK_FALSE(read.rules.lowercase);
  CHECK(read.rules.strip_accents);
  CHECK_FALSE(read.rules.split_cjk);
}
