#include "bipft/model/config.hpp"

#include <doctest/doctest.h>

#include <string>

#include "bipft/model/fields.hpp"

using namespace bipft;

namespace {

ModelConfig complete(ModelConfig config) {
  config.vocabulary = 100;
  config.labels = 2;
  return config;
}

std::string complaint(const ModelConfig& config) {
  try {
    config.check();
  } catch (const Error& error) {
    CHECK(error.fault() == Fault::usage);
    return error.what();
  }
  return "";
}

}  // namespace

TEST_CASE("Config: the presets have BERT's proportions and heads that bits can be cut into") {
  for (const char* name : {"tiny", "mini", "small", "base"}) {
    CAPTURE(name);
    const ModelConfig config = complete(ModelConfig::preset(name));
    CHECK(complaint(config).empty());
    CHECK(config.ffn == 4 * config.hidden);
    CHECK((config.head_size() == 32 || config.head_size() == 64));
  }
  CHECK(ModelConfig::preset("small").layers == 6);
  CHECK_THROWS_AS((void)ModelConfig::preset("huge"), Error);
}

TEST_CASE("Config: all that does not fit is named at once") {
  ModelConfig config = complete(ModelConfig::preset("tiny"));
  config.layers = 0;
  config.heads = 3;
  config.activation = "swish";
  const std::string message = complaint(config);
  CHECK(message.find("layers is 0") != std::string::npos);
  CHECK(message.find("not a multiple of heads 3") != std::string::npos);
  CHECK(message.find("swish") != std::string::npos);
}

TEST_CASE("Config: heads of a binary model are 32 or 64 wide, those of a float model any") {
  ModelConfig config = complete(ModelConfig::preset("tiny"));
  config.heads = 8;
  CHECK(complaint(config).find("16 wide") != std::string::npos);
  config.weight_bits = config.act_bits = 32;
  CHECK(complaint(config).empty());
}

TEST_CASE("Config: written as JSON and read again it is the same") {
  ModelConfig config = complete(ModelConfig::preset("mini"));
  config.dropout = 0.3;
  config.activation = "gelu";
  ModelConfig read;
  from_json(Json::parse(to_json(config).dump(), "test"), read);
  CHECK(read == config);
}
