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

TEST_CASE("Config: a GELU goes with signs behind it, and plain levels with a GELU") {
  ModelConfig config = complete(ModelConfig::preset("tiny"));
  config.activation = "gelu";
  CHECK(complaint(config).find("inner_levels is 'step'") != std::string::npos);
  config.input_levels = "plain";
  CHECK(complaint(config).find("inner_levels is 'step'") != std::string::npos);
  config.inner_levels = "sign";
  CHECK(complaint(config).empty());
  config.input_levels = "elastic";
  CHECK(complaint(config).empty());
  config.input_levels = "plain";
  config.attention = "bool";
  config.weight_scales = "row";
  CHECK(complaint(config).empty());
  config.act_bits = 4;
  CHECK(complaint(config).find("act_bits is 4") != std::string::npos);
  config.act_bits = 1;
  config.activation = "relu";
  CHECK(complaint(config).find("activation of a binary model is 'relu'") != std::string::npos);
  config.weight_bits = config.act_bits = 32;  // where these words mean nothing
  CHECK(complaint(config).empty());
  config.input_levels = config.attention = config.weight_scales = "odd";
  const std::string message = complaint(config);
  for (const char* name : {"input_levels", "attention", "weight_scales"}) {
    CHECK(message.find(concat(name, " is 'odd'")) != std::string::npos);
  }
}

TEST_CASE("Config: a residual pooler and estimators are for bits, elastic ones at that") {
  ModelConfig config = complete(ModelConfig::preset("tiny"));
  config.pooler = "residual";
  config.estimators = 8;
  CHECK(complaint(config).empty());
  config.estimators = 9;
  CHECK(complaint(config).find("estimators is 9") != std::string::npos);
  config.estimators = 1;
  config.attention = "bool";
  CHECK(complaint(config).find("estimators are 1") != std::string::npos);
  config.attention = "softmax";
  config.act_bits = 2;
  CHECK(complaint(config).find("estimators are 1") != std::string::npos);
  config.estimators = 0;
  CHECK(complaint(config).empty());
  config.weight_bits = config.act_bits = 32;
  CHECK(complaint(config).find("pooler is 'residual'") != std::string::npos);
  config.pooler = "odd";
  CHECK(complaint(config).find("pooler is 'odd'") != std::string::npos);
}

TEST_CASE("Config: gates go with a tanh and floats, scaleless signs with a surrogate") {
  const ModelConfig plain = complete(ModelConfig::preset("tiny"));
  ModelConfig config = plain;
  config.act_bits = 32;
  config.heads = 8;  // any width: no bits are compared
  CHECK(complaint(config).empty());
  CHECK(config.binary());
  CHECK_FALSE(config.staged());
  config.activation = "tanh";
  CHECK(complaint(config).find("slfn_gate is 'none' but activation is 'tanh'") !=
        std::string::npos);
  config.slfn_gate = "output_sigmoid";
  CHECK(complaint(config).find("with inner_levels sign") != std::string::npos);
  config.inner_levels = "sign";
  CHECK(complaint(config).empty());
  config.weight_scales = "none";
  CHECK(complaint(config).find("a surrogate goes with") != std::string::npos);
  config.weight_surrogate = "tanh";
  config.weight_center = "row";
  config.scale_gradient = "full";
  config.latent_clip = 1;
  CHECK(complaint(config).empty());
  config.weight_scales = "tensor";
  CHECK(complaint(config).find("a surrogate goes with") != std::string::npos);
  config.weight_scales = "row";
  config.attention = "bool";
  CHECK(complaint(config).find("floats go with a softmax") != std::string::npos);
  config.attention = "softmax";
  config.slfn_gate = config.weight_surrogate = config.scale_gradient = "odd";
  config.weight_center = "odd";
  for (const char* name : {"slfn_gate", "weight_surrogate", "scale_gradient", "weight_center"}) {
    CHECK(complaint(config).find(concat(name, " is 'odd'")) != std::string::npos);
  }
  config = plain;
  config.latent_clip = 1;
  CHECK(complaint(config).find("latent_clip is 1") != std::string::npos);
  config.weight_surrogate = "approx_sign";
  config.weight_scales = "row";
  config.input_levels = "approx";
  CHECK(complaint(config).empty());
  config.latent_clip = -1;
  CHECK(complaint(config).find("latent_clip is -1") != std::string::npos);
  config.latent_clip = 0;
  config.act_bits = 4;
  CHECK(complaint(config).find("act_bits is 4") != std::string::npos);
}

TEST_CASE("Config: a file that lacks a name has its first meaning") {
  ModelConfig config;
  from_json(Json::parse(R"({"layers": 3})", "test"), config);
  CHECK(config.layers == 3);
  CHECK(config.attention == "softmax");
  CHECK(config.input_levels == "elastic");
  CHECK(config.weight_scales == "tensor");
  CHECK_FALSE(to_json(config).contains("attention"));
  config.attention = "bool";
  CHECK(to_json(config)["attention"].as_string() == "bool");
  CHECK_FALSE(to_json(config).contains("pooler"));
  CHECK_FALSE(to_json(config).contains("estimators"));
  config.estimators = 2;
  CHECK(to_json(config)["estimators"].as_size() == 2);
  CHECK_FALSE(to_json(config).contains("latent_clip"));
  config.latent_clip = 0.5;
  CHECK(to_json(config)["latent_clip"].as_double() == 0.5);
}

TEST_CASE("Config: written as JSON and read again it is the same") {
  ModelConfig config = complete(ModelConfig::preset("mini"));
  config.dropout = 0.3;
  config.activation = "gelu";
  config.attention = "bool";
  config.pooler = "residual";
  config.estimators = 3;
  ModelConfig read;
  from_json(Json::parse(to_json(config).dump(), "test"), read);
  CHECK(read == config);
}
