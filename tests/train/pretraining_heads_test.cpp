#include "bipft/train/pretraining_heads.hpp"

#include <doctest/doctest.h>

#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "bipft/model/model_file.hpp"
#include "bipft/train/pretrain_objective.hpp"
#include "support/grad_check.hpp"
#include "support/hf_toy.hpp"
#include "support/random_tensor.hpp"
#include "support/toy.hpp"

using namespace bipft;

namespace {

std::shared_ptr<Scaffold> both_heads(const ModelConfig& config, std::uint64_t seed) {
  return make_pretrain_scaffold({true, true, false, false}, config, config.hidden, seed);
}

std::vector<Tensor> values_of(Scaffold& scaffold) {
  std::vector<Tensor> values;
  for_each<Parameter>(scaffold, [&](const std::string&, const Parameter& parameter) {
    values.push_back(parameter.value);
  });
  return values;
}

}  // namespace

TEST_CASE("pretraining heads: go into a file and come back, and no reader of models minds") {
  const test::TemporaryFolder folder;
  for (const bool binary : {true, false}) {
    const ModelFile file = test::toy_file(binary);
    const auto scaffold = both_heads(file.card.config, 3);
    std::uint64_t seed = 1;
    for_each<Parameter>(*scaffold, [&](const std::string&, Parameter& parameter) {
      parameter.value = test::random_tensor(parameter.value.shape(), seed++);
    });
    const std::vector<NamedTensor> heads = heads_to_save(*scaffold);
    CHECK(heads.size() == 7);
    const std::string path = folder.path("model");
    save_model(path, file, heads);
    CHECK(serialize_model(load_model(path)) == serialize_model(file));

    const auto other = both_heads(file.card.config, 4);
    const PretrainingHeads read = read_pretraining_heads(path, file.card.config);
    CHECK(begin_with(*other, read) == 7);
    const std::vector<Tensor> expected = values_of(*scaffold);
    const std::vector<Tensor> values = values_of(*other);
    for (std::size_t i = 0; i < 7; ++i) test::check_equal(values[i], expected[i]);
    CHECK(next_sentence_of(read, file.card.config.hidden) != nullptr);
    CHECK(next_sentence_of({}, file.card.config.hidden) == nullptr);
    ModelConfig wider = file.card.config;
    wider.hidden = 96;
    CHECK_THROWS_AS((void)read_pretraining_heads(path, wider), Error);
    save_model(path, file);
    CHECK(read_pretraining_heads(path, file.card.config).empty());
  }
}

TEST_CASE("pretraining heads: those of a folder have Hugging Face's names") {
  test::HfToy toy;
  const std::size_t channels = toy.parameters.config.hidden;
  const std::size_t words = toy.parameters.config.vocabulary;
  std::vector<std::pair<std::string, Tensor>> theirs;
  const auto put = [&](const std::string& name, const Shape& shape) {
    theirs.emplace_back(name, test::random_tensor(shape, theirs.size() + 1));
    const auto bytes = std::as_bytes(theirs.back().second.data());
    std::vector<std::size_t> extents;
    for (std::size_t axis = 0; axis < shape.rank(); ++axis) extents.push_back(shape[axis]);
    toy.tensors.push_back({name,
                           DType::f32,
                           std::move(extents),
                           {reinterpret_cast<const char*>(bytes.data()), bytes.size()}});
  };
  put("cls.predictions.transform.dense.weight", Shape{channels, channels});
  put("cls.predictions.transform.dense.bias", Shape{channels});
  put("cls.predictions.transform.LayerNorm.gamma", Shape{channels});
  put("cls.predictions.transform.LayerNorm.beta", Shape{channels});
  put("cls.predictions.bias", Shape{words});
  put("cls.seq_relationship.weight", Shape{2, channels});
  put("cls.seq_relationship.bias", Shape{2});
  const ModelConfig& config = toy.parameters.config;
  const auto scaffold = both_heads(config, 3);
  CHECK(begin_with(*scaffold, read_pretraining_heads(toy.write(), config)) == 7);
  const std::vector<Tensor> values = values_of(*scaffold);
  REQUIRE(values.size() == theirs.size());
  for (std::size_t i = 0; i < values.size(); ++i) test::check_equal(values[i], theirs[i].second);

  toy.at("cls.seq_relationship.bias").shape = {1, 2};
  CHECK_THROWS_AS((void)read_pretraining_heads(toy.write(), config), Error);
  toy.drop("cls.seq_relationship");
  CHECK(next_sentence_of(read_pretraining_heads(toy.write(), config), channels) == nullptr);
}
