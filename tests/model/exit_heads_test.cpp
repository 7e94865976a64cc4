#include "bipft/model/exit_heads.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "bipft/model/model_file.hpp"
#include "bipft/model/network.hpp"
#include "bipft/model/tape_network.hpp"
#include "support/toy.hpp"

using namespace bipft;

namespace {

std::vector<ModelConfig> configs_with_exits() {
  std::vector<ModelConfig> all{test::toy_config(), test::toy_config(false),
                               test::toy_bibert_config(), test::toy_bipft_config(1)};
  for (ModelConfig& config : all) {
    config.layers = 3;
    config.set_exits("1,2,3");
  }
  all.push_back(all[0]);
  all.back().exit_pooling = "mean";
  return all;
}

}  // namespace

TEST_CASE("exits: a config names inner layers, and files say nothing where there are none") {
  ModelConfig config = test::toy_config();
  config.layers = 6;
  CHECK(config.inner_exits().empty());
  CHECK(to_json(config).dump().find("exit") == std::string::npos);
  config.set_exits("all");
  CHECK(config.exits == "1,2,3,4,5");
  config.set_exits("2,4,6");
  CHECK(config.exits == "2,4");
  CHECK(config.inner_exits() == std::vector<std::size_t>{2, 4});
  config.check();
  ModelConfig back;
  from_json(to_json(config), back);
  CHECK(back == config);
  config.set_exits("last");
  CHECK(config.exits.empty());
  CHECK_THROWS_AS(config.set_exits("7"), Error);
  for (const char* wrong : {"7", "2,2", "two", "6", "02", ",", "all"}) {
    CAPTURE(wrong);
    config.exits = wrong;
    CHECK_THROWS_AS(config.check(), Error);
  }
  config.exits = "2";
  config.exit_pooling = "max";
  CHECK_THROWS_AS(config.check(), Error);
}

TEST_CASE("exits: heads go through a file, in every method, trained and packed") {
  for (const ModelConfig& config : configs_with_exits()) {
    const ModelFile file = test::toy_file(config);
    const std::string bytes = serialize_model(file);
    const ModelFile read = load_model(std::as_bytes(std::span(bytes)), "memory");
    CHECK(serialize_model(read) == bytes);
    CHECK(read.card.config.exits == "1,2");
    Model before = file.packed ? Model::unpack(*file.packed, active_device()) : Model(*file.latent);
    Model after = read.packed ? Model::unpack(*read.packed, active_device()) : Model(*read.latent);
    const auto texts = test::toy_texts(9, 2, config);
    const auto first = tape_exit_logits(before, active_device(), texts);
    CHECK(first == tape_exit_logits(after, active_device(), texts));
    REQUIRE(first.size() == 3);
    CHECK(first[0] != first[1]);
    CHECK(first[1] != first[2]);
    if (file.packed) {
      CHECK(read.packed->exits.size() == 2);
      CHECK(Network(*read.packed, active_device()).logits(texts).size() == texts.size());
    }
  }
}

TEST_CASE("exits: a model without any has the parameters and the bytes that it had") {
  ModelConfig with = test::toy_config();
  with.set_exits("1");
  Model plain(test::toy_config(), 5);
  Model exits(with, 5);
  std::map<std::string, Tensor> values;
  for_each<Parameter>(plain,
                      [&](const std::string& name, Parameter& p) { values[name] = p.value; });
  std::size_t more = 0;
  for_each<Parameter>(exits, [&](const std::string& name, Parameter& p) {
    if (name.starts_with("exits.1.")) {
      ++more;
      return;
    }
    const auto a = values.at(name).data();
    CHECK(std::equal(a.begin(), a.end(), p.value.data().begin()));
  });
  CHECK(more == 6);  // alpha, shift, weight and bias of the pooler, weight and bias behind it
}
