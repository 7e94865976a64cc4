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
  for (const bool binary : {false, true}) {
    CAPTURE(binary);
    const ModelConfig config = test::toy_config(binary);
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
