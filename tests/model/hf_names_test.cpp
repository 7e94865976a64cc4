#include "bipft/model/hf_names.hpp"

#include <doctest/doctest.h>

#include <map>
#include <string>

#include "support/toy.hpp"

using namespace bipft;

TEST_CASE("Hf names: BERT base has 199 tensors and 109,482,240 numbers") {
  ModelConfig config = ModelConfig::preset("base");
  config.vocabulary = 30522;
  config.max_len = 512;
  config.weight_bits = config.act_bits = config.embedding_bits = 32;
  std::size_t numbers = 0;
  for (const HfTensor& tensor : hf_tensors(config)) numbers += tensor.shape.numel();
  CHECK(hf_tensors(config).size() == 199);
  CHECK(numbers == 109'482'240);
  config.labels = 3;
  CHECK(hf_tensors(config).size() == 201);
}

TEST_CASE("Hf names: they are the parameters of a model, all of them, in their shapes") {
  for (const ModelConfig& config :
       {test::toy_config(false), test::toy_config(true), test::toy_bibert_config()}) {
    CAPTURE(config.binary());
    CAPTURE(config.plain());
    std::map<std::string, Shape> ours;
    Model model(config, 1);
    for_each<Parameter>(model, [&](const std::string& name, const Parameter& parameter) {
      ours.emplace(name, parameter.value.shape());
    });
    const std::vector<HfTensor> tensors = hf_tensors(config);
    CHECK(tensors.size() == ours.size());
    for (const HfTensor& tensor : tensors) {
      CAPTURE(tensor.ours);
      REQUIRE(ours.contains(tensor.ours));
      CHECK(ours.at(tensor.ours) == tensor.shape);
    }
  }
}

TEST_CASE("Hf names: prefixes and the names of TensorFlow mean the same") {
  const std::string name = "encoder.layer.0.output.LayerNorm.weight";
  for (const char* front :
       {"", "bert.", "model.bert.", "module.bert.", "module.model.bert.", "module."}) {
    CHECK(hf_canonical(front + name) == name);
    CHECK(hf_canonical(front + std::string("encoder.layer.0.output.LayerNorm.gamma")) == name);
  }
  CHECK(hf_canonical("embeddings.LayerNorm.beta") == "embeddings.LayerNorm.bias");
  CHECK(hf_canonical("classifier.weight") == "classifier.weight");
  CHECK(hf_without_effect("cls.predictions.bias"));
  CHECK(hf_without_effect("embeddings.position_ids"));
  CHECK(hf_without_effect("encoder.layer.3.attention.self.move_q.bias"));
  CHECK_FALSE(hf_without_effect("encoder.layer.3.attention.self.query.bias"));
}

TEST_CASE("Hf names: what BiBERT's code registers and never reads is known, and nothing else") {
  const ModelConfig config = test::toy_bibert_config();
  std::map<std::string, HfIdle> idle;
  for (const HfIdle& one : hf_idle_tensors(config, 2.5F)) {
    CAPTURE(one.theirs);
    CHECK(hf_without_effect(one.theirs));
    CHECK(idle.emplace(one.theirs, one).second);
  }
  CHECK(idle.size() == 1 + 13 * 3 + 2 * (2 + 4));
  for (const char* range :
       {"embeddings.word_embeddings.weight_clip_val", "encoder.layer.1.attention.self.clip_attn",
        "encoder.layer.0.intermediate.dense.act_clip_val", "pooler.dense.weight_clip_val"}) {
    CAPTURE(range);
    REQUIRE(idle.contains(range));
    CHECK(idle.at(range).range);
    CHECK(idle.at(range).value == 2.5F);
  }
  for (const char* one : {"encoder.layer.1.output.gate", "encoder.layer.0.attention.output.gate"}) {
    CAPTURE(one);
    REQUIRE(idle.contains(one));
    CHECK_FALSE(idle.at(one).range);
    CHECK(idle.at(one).value == 1.0F);
  }
  REQUIRE(idle.contains("encoder.layer.1.attention.self.value.scale"));
  CHECK(idle.at("encoder.layer.1.attention.self.value.scale").value == 0.0F);
  for (const HfTensor& tensor : hf_tensors(config)) {
    CAPTURE(tensor.theirs);
    CHECK_FALSE(hf_without_effect(tensor.theirs));
  }
  for (const char* other : {"classifier.scale", "encoder.layer.0.adapter.scale",
                            "embeddings.position_embeddings.weight_clip_val", "gate"}) {
    CAPTURE(other);
    CHECK_FALSE(hf_without_effect(other));
  }
}
