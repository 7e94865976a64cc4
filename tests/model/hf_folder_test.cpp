#include "bipft/model/hf_folder.hpp"

#include <doctest/doctest.h>

#include <cstdio>
#include <cstring>
#include <limits>
#include <string>

#include "bipft/model/classifier.hpp"
#include "support/hf_toy.hpp"

using namespace bipft;

namespace {

std::vector<std::vector<float>> logits_of(const ModelParameters& parameters,
                                          const std::vector<EncodedText>& texts) {
  if (!parameters.config.binary()) return Network(parameters, active_device()).logits(texts);
  const PackedModel packed = Model(parameters).pack(active_device());
  return Network(packed, active_device()).logits(texts);
}
/// The bits of a config in one line.
std::string form_of(const ModelConfig& config) {
  return concat(config.weight_bits, config.act_bits, config.embedding_bits, ' ', config.activation,
                ' ', config.inner_levels, ' ', config.input_levels, ' ', config.attention, ' ',
                config.weight_scales);
}
bool mentions(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("Hf folder: every number arrives, of floats, and of BiT's and BiBERT's bits") {
  const std::pair<ModelConfig, std::string> forms[] = {{test::toy_config(false), "float"},
                                                       {test::toy_config(true), "bit"},
                                                       {test::toy_bibert_config(), "bibert"}};
  for (const auto& form : forms) {
    CAPTURE(form.second);
    const test::HfToy toy(form.first);
    const HfFolder read = toy.read();
    CHECK(read.notes.empty());
    const ModelCard& card = read.model.card;
    CHECK(card.labels == std::vector<std::string>{"low", "middle", "high"});
    CHECK(card.kind == (form.second == "float" ? "float" : "trainable"));
    CHECK(card.method == form.second);
    CHECK(form_of(card.config) == form_of(form.first));
    CHECK(read.model.digest.size() == 64);
    CHECK(read.model.bytes == toy.folder.read("model.safetensors").size());
    CHECK(read.model.vocabulary.bytes() == toy.vocabulary);
    REQUIRE(read.model.latent);
    REQUIRE(!read.model.packed);
    const auto texts = test::toy_texts(12, 4, card.config);
    CHECK(logits_of(*read.model.latent, texts) == logits_of(toy.parameters, texts));
  }
}

TEST_CASE(
    "Hf folder: names of any wrapping, norms of TensorFlow, scalars, and what has no effect") {
  for (const char* front : {"", "bert.", "model.bert.", "module.bert."}) {
    for (const bool binary : {false, true}) {
      test::HfToy toy(binary);
      for (auto& tensor : toy.tensors) {
        std::string& name = tensor.name;
        if (name.starts_with("bert.")) name = front + name.substr(5);
        const std::size_t norm = name.find("LayerNorm.");
        if (norm != std::string::npos) {
          name = name.substr(0, norm + 10) + (name.ends_with("weight") ? "gamma" : "beta");
        }
        if (name.ends_with("clip_val") || name.find(".clip_") != std::string::npos) {
          tensor.shape.clear();
        }
      }
      toy.tensors.push_back({"bert.embeddings.position_ids", DType::i64, {1, 1}, "12345678"});
      toy.tensors.push_back({"cls.predictions.bias", DType::f32, {1}, "abcd"});
      if (binary) {
        toy.tensors.push_back(
            {"bert.encoder.layer.0.attention.self.move_q.bias", DType::f32, {1}, "abcd"});
      }
      const HfFolder read = toy.read();
      CHECK(read.notes.empty());
      const auto texts = test::toy_texts(4, 4, toy.parameters.config);
      CHECK(logits_of(*read.model.latent, texts) == logits_of(toy.parameters, texts));
    }
  }
}

TEST_CASE("Hf folder: halves become the floats that they are") {
  test::HfToy toy;
  auto& half = toy.at("bert.encoder.layer.0.output.dense.bias");
  auto& brain = toy.at("bert.encoder.layer.0.attention.self.query.bias");
  const std::size_t size = half.shape[0];
  half.dtype = DType::f16;
  brain.dtype = DType::bf16;
  half.bytes.clear();
  brain.bytes.clear();
  for (std::size_t i = 0; i < size; ++i) {
    half.bytes += std::string("\x00\x3E", 2);   // 1.5
    brain.bytes += std::string("\x20\xC0", 2);  // -2.5
  }
  const HfFolder read = toy.read();
  for (const float value : read.model.latent->at("layers.0.ffn.outer.bias").data()) {
    CHECK(value == 1.5F);
  }
  for (const float value : read.model.latent->at("layers.0.attention.query.bias").data()) {
    CHECK(value == -2.5F);
  }
}

TEST_CASE("Hf folder: an encoder without a head, or without a pooler, can be written and used") {
  for (const ModelConfig& config :
       {test::toy_config(false), test::toy_config(true), test::toy_bibert_config()}) {
    for (const bool pooler : {true, false}) {
      CAPTURE(pooler);
      const bool binary = config.binary();
      test::HfToy toy(config);
      toy.drop("classifier.");
      if (!pooler) toy.drop("pooler.");
      HfFolder read = toy.read();
      CHECK(read.notes.size() == (pooler ? 0U : 1U));
      CHECK(read.model.card.labels.empty());
      CHECK(read.model.card.config.labels == 0);
      if (binary) {
        read.model.packed = Model(*read.model.latent).pack(active_device());
        read.model.latent.reset();
        read.model.card.kind = "packed";
      }
      const std::string bytes = serialize_model(read.model);
      const Classifier model = Classifier::from_memory(std::as_bytes(std::span(bytes)));
      const TextPair texts[] = {TextPair("a b c"), TextPair("d")};
      CHECK(model.embed(texts, Pooling::mean).at(1).size() == 64);
      CHECK(model.encode(texts[0]).ids.size() == 5);
      CHECK_THROWS_AS((void)model.predict("a b c"), Error);
    }
  }
}

TEST_CASE("Hf folder: heads that are none for labels of texts are left out, and foreign tensors") {
  const auto note_of = [](test::HfToy& toy) {
    const HfFolder read = toy.read();
    CHECK(read.model.card.labels.empty());
    REQUIRE(read.notes.size() == 1);
    return read.notes[0];
  };
  test::HfToy tokens;
  tokens.config.set("architectures", Json::array({"BertForTokenClassification"}));
  CHECK(mentions(note_of(tokens), "tokens"));
  test::HfToy number;
  number.config.set("problem_type", "regression");
  CHECK(mentions(note_of(number), "numbers"));

  test::HfToy foreign;
  foreign.tensors.push_back({"bert.encoder.layer.7.output.dense.bias", DType::f32, {1}, "abcd"});
  foreign.tensors.push_back({"qa_outputs.bias", DType::f32, {1}, "abcd"});
  const HfFolder read = foreign.read();
  REQUIRE(read.notes.size() == 1);
  CHECK(mentions(read.notes[0], "bert.encoder.layer.7.output.dense.bias, qa_outputs.bias"));
}

TEST_CASE("Hf folder: texts are cut to the tokenizer's length") {
  test::HfToy toy;
  toy.tokenizer.set("model_max_length", 10);
  const HfFolder read = toy.read();
  CHECK(read.model.card.config.max_len == 10);
  CHECK(read.model.latent->config.max_len == 10);
  const Tensor& cut = read.model.latent->at("embedding.position");
  CHECK(cut.shape() == Shape{10, 64});
  CHECK(cut.row(9)[3] == toy.parameters.at("embedding.position").row(9)[3]);
  CHECK(read.notes.size() == 1);
}

TEST_CASE("Hf folder: labels without names are numbered") {
  test::HfToy toy;
  toy.config.set("id2label", Json());
  CHECK(toy.read().model.card.labels == std::vector<std::string>{"LABEL_0", "LABEL_1", "LABEL_2"});
}

TEST_CASE("Hf folder: files that are missing or of another kind are named, with what to do") {
  const test::HfToy toy;
  const std::string folder = toy.write();
  const auto complaint = [&] {
    try {
      (void)read_hf_folder(folder);
    } catch (const Error& error) {
      CHECK(error.fault() == Fault::model);
      return std::string(error.what());
    }
    return std::string();
  };
  CHECK(complaint() == "");
  const auto remove = [&](const char* name) {
    REQUIRE(std::remove(toy.folder.path(name).c_str()) == 0);
  };
  remove("tokenizer_config.json");
  CHECK(complaint() == "");
  remove("vocab.txt");
  CHECK(mentions(complaint(), "no vocab.txt"));
  (void)toy.folder.write("tokenizer.json", "{}");
  CHECK(mentions(complaint(), "tokenizer.json: no model"));
  remove("model.safetensors");
  CHECK(mentions(complaint(), "no model.safetensors"));
  (void)toy.folder.write("pytorch_model.bin", "PK");
  CHECK(mentions(complaint(), "pytorch_model.bin: a Python pickle"));
  (void)toy.folder.write("model.safetensors.index.json", "{}");
  CHECK(mentions(complaint(), "sharded"));
  remove("config.json");
  CHECK(mentions(complaint(), "no config.json"));
}

TEST_CASE("Hf folder: tensors that are missing, of another shape or no numbers, all at once") {
  test::HfToy missing;
  missing.drop("layer.1.intermediate");
  missing.drop("LayerNorm.bias");
  const std::string text = missing.complaint();
  CHECK(mentions(text, "encoder.layer.1.intermediate.dense.weight: missing ([96, 64])"));
  CHECK(mentions(text, "embeddings.LayerNorm.bias: missing ([64])"));
  CHECK(mentions(text, "encoder.layer.1.output.LayerNorm.bias: missing"));

  test::HfToy shape;
  shape.at("bert.pooler.dense.bias").shape = {1, 64};
  CHECK(mentions(shape.complaint(), "bert.pooler.dense.bias: is F32 [1, 64], not"));
  test::HfToy dtype;
  dtype.at("bert.pooler.dense.bias").dtype = DType::i32;
  CHECK(mentions(dtype.complaint(), "I32"));
  for (const float bad :
       {std::numeric_limits<float>::infinity(), std::numeric_limits<float>::quiet_NaN()}) {
    test::HfToy toy;
    std::memcpy(toy.at("bert.pooler.dense.weight").bytes.data() + 40, &bad, sizeof bad);
    CHECK(mentions(toy.complaint(), "bert.pooler.dense.weight: holds a number that is not finite"));
  }
  test::HfToy twice;
  twice.tensors.push_back({"embeddings.LayerNorm.gamma", DType::f32, {1}, "abcd"});
  CHECK(mentions(twice.complaint(), "one tensor by two names"));
  test::HfToy pooler;
  pooler.drop("pooler.");
  CHECK(mentions(pooler.complaint(), "pooler.dense.weight: missing"));
}

TEST_CASE("Hf folder: parts that do not fit together") {
  test::HfToy vocabulary;
  vocabulary.config.set("vocab_size", 41);
  CHECK(mentions(vocabulary.complaint(), "vocab.txt: 40 pieces"));
  test::HfToy labels;
  labels.config.set("id2label", Json::object().set("0", "a").set("1", "b"));
  CHECK(
      mentions(labels.complaint(), "id2label has 2 labels, but classifier.weight is F32 [3, 64]"));
  test::HfToy same;
  same.config.set("id2label", Json::object().set("0", "a").set("1", "b").set("2", "a"));
  CHECK(mentions(same.complaint(), "the label 'a' twice"));
  test::HfToy flat;
  flat.at("classifier.weight").shape = {3 * 64};
  CHECK(mentions(flat.complaint(), "not a matrix"));
  test::HfToy broken;
  (void)broken.write();
  (void)broken.folder.write("config.json", "{\"hidden_size\": }");
  try {
    (void)read_hf_folder(broken.folder.path());
    FAIL("read");
  } catch (const Error& error) {
    CHECK(error.fault() == Fault::model);
    CHECK(mentions(error.what(), "config.json:1:"));
  }
}

TEST_CASE("Hf folder: BiPFT, by its estimators, by its pooler's norm or by its config") {
  for (const std::size_t rank : {0U, 1U, 3U}) {
    CAPTURE(rank);
    test::HfToy toy(test::toy_bipft_config(rank));
    toy.tensors.push_back(
        {"bert.encoder.layer.0.attention.self.query.sa.weight", DType::f32, {1}, "abcd"});
    toy.tensors.push_back({"bert.pooler.dense.sa.weight", DType::f32, {1}, "abcd"});
    for (const bool named : {true, false}) {
      if (!named) toy.config.set("improve_kqv", Json());  // the weights tell as well
      const HfFolder read = toy.read();
      CHECK(read.notes.empty());
      CHECK(read.model.card.method == "bipft");
      ModelConfig wanted = test::toy_bipft_config(rank);
      wanted.dropout = read.model.card.config.dropout;
      CHECK(read.model.card.config == wanted);
      const auto texts = test::toy_texts(12, 4, toy.parameters.config);
      CHECK(logits_of(*read.model.latent, texts) == logits_of(toy.parameters, texts));
    }
  }
}

TEST_CASE("Hf folder: estimators that are told to be off are left out, missing ones named") {
  test::HfToy off(test::toy_bipft_config(1));
  off.config.set("improve_kqv", false);
  const HfFolder read = off.read();
  CHECK(read.model.card.config.estimators == 0);
  REQUIRE(read.notes.size() == 1);
  CHECK(mentions(read.notes[0], "k_m.bias"));

  test::HfToy missing(test::toy_bipft_config(1));
  missing.drop(".1.attention.self.v_p");
  CHECK(mentions(missing.complaint(), "encoder.layer.1.attention.self.v_p.weight: missing"));
  test::HfToy none(test::toy_bipft_config(0));
  none.config.set("improve_kqv", true);
  CHECK(mentions(none.complaint(), "no estimators"));
  test::HfToy uneven(test::toy_bipft_config(2));
  uneven.at("bert.encoder.layer.0.attention.self.k_p.bias").shape = {1, 2};
  CHECK(mentions(uneven.complaint(), "k_p.bias: is F32 [1, 2], not"));
  test::HfToy many(test::toy_bipft_config(1));
  many.at("bert.encoder.layer.0.attention.self.q_p.weight").shape = {64, 1};
  CHECK(mentions(many.complaint(), "estimators is 64"));
  test::HfToy half(test::toy_bipft_config(1));
  half.config.set("half_binary", true);
  CHECK(mentions(half.complaint(), "half_binary"));
  test::HfToy headless(test::toy_bipft_config(1));
  headless.drop("classifier.");
  headless.drop("pooler.");
  const HfFolder bare = headless.read();
  CHECK(bare.notes.size() == 1);
  CHECK(bare.model.latent->at("pooler_norm.gamma").data()[5] == 1.0F);
}

TEST_CASE("Hf folder: bits of one method beside a config of another are refused by name") {
  const auto without_bits = [](const Json& all) {
    Json config = Json::object();
    for (const auto& [name, value] : all.members()) {
      const bool bits = name.ends_with("_bits") || name.ends_with("_quant_method") ||
                        name == "quantize_act" || name == "hidden_act";
      if (!bits) config.set(name, value);
    }
    return config;
  };
  test::HfToy bit(true);
  test::HfToy bibert(test::toy_bibert_config());
  bibert.add_idle();
  const Json of_bit = bit.config;
  const Json of_bibert = bibert.config;
  CHECK(bit.complaint() == "");
  CHECK(bibert.complaint() == "");

  bit.config = without_bits(of_bit);
  CHECK(mentions(bit.complaint(), "input_clip_val as one-bit models of BiT have"));
  bit.config = of_bibert;
  CHECK(mentions(bit.complaint(), "has not their keys; give it \"weight_bits\": 1"));
  bibert.config = without_bits(of_bibert);
  CHECK(mentions(bibert.complaint(), "act_clip_val as one-bit models of BiBERT have"));
  bibert.config = of_bit;
  CHECK(mentions(bibert.complaint(), "give it \"quantize_act\": true"));
  bibert.drop("act_clip_val");
  bibert.drop("clip_val");
  bibert.config = without_bits(of_bibert);
  CHECK(mentions(bibert.complaint(), "clip_query as one-bit models of BiT have"));
}

TEST_CASE("Hf folder: of BiBERT what its code never reads may be there or not") {
  test::HfToy toy(test::toy_bibert_config());
  const std::size_t read_tensors = toy.tensors.size();
  const auto texts = test::toy_texts(12, 4, toy.parameters.config);
  const auto expected = logits_of(toy.parameters, texts);
  toy.add_idle();
  // A word table, twelve matrices and a pooler, two gates and four ranges a layer.
  CHECK(toy.tensors.size() == read_tensors + 1 + 13 * 3 + 2 * (2 + 4));
  toy.config.set("hidden_act", "swish");  // nor does it read that: it has a GELU
  toy.config.set("layer_norm_eps", 0.25);
  const HfFolder read = toy.read();
  CHECK(read.notes.empty());
  CHECK(read.model.card.config.activation == "gelu");
  CHECK(read.model.card.config.norm_epsilon == 0.25);
  ModelParameters parameters = toy.parameters;
  parameters.config.norm_epsilon = 0.25;
  CHECK(logits_of(*read.model.latent, texts) == logits_of(parameters, texts));
  CHECK(logits_of(*read.model.latent, texts) != expected);

  for (const char* key : {"weight_bits", "input_bits"}) {
    test::HfToy wide(test::toy_bibert_config());
    wide.config.set(key, 2);
    CHECK(mentions(wide.complaint(), concat(key, key[0] == 'w' ? " is 2" : " 2")));
  }
  toy.config.set("quantize_act", false);
  CHECK(mentions(toy.complaint(), "quantize_act is false"));
}
