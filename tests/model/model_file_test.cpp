#include "bipft/model/model_file.hpp"

#include <doctest/doctest.h>

#include <cstdio>
#include <filesystem>

#include "bipft/model/network.hpp"
#include "support/toy.hpp"

using namespace bipft;

namespace {

ModelFile load_from(const std::string& bytes) {
  return load_model(std::as_bytes(std::span(bytes)), "test.bipft");
}

Fault fault_of(const std::string& bytes) {
  try {
    (void)load_from(bytes);
  } catch (const Error& error) {
    return error.fault();
  }
  return Fault::usage;
}

/// The file with one entry of its metadata replaced, and the checksum put right.
std::string with_metadata(const std::string& bytes, const std::string& key,
                          const std::string& value) {
  const Safetensors file = Safetensors::parse(std::as_bytes(std::span(bytes)), "test");
  TensorMetadata metadata;
  for (const auto& [name, text] : file.metadata()) {
    if (name != checksum_key) metadata.emplace_back(name, name == key ? value : text);
  }
  std::vector<TensorEntry> entries(file.entries().begin(), file.entries().end() - 1);
  return serialize_safetensors(entries, metadata);
}

std::string message_of(const std::string& bytes) {
  try {
    (void)load_from(bytes);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

}  // namespace

TEST_CASE("Model file: what was saved, loaded and saved again is the same bytes") {
  for (const bool binary : {true, false}) {
    CAPTURE(binary);
    const std::string bytes = serialize_model(test::toy_file(binary));
    const ModelFile loaded = load_from(bytes);
    CHECK(serialize_model(loaded) == bytes);
    CHECK(loaded.card.labels == std::vector<std::string>{"low", "middle", "high"});
    CHECK(loaded.bytes == bytes.size());
    CHECK(loaded.digest.size() == 64);
  }
}

TEST_CASE("Model file: a loaded model answers as the one that was saved") {
  for (const bool binary : {true, false}) {
    const ModelFile original = test::toy_file(binary);
    const ModelFile loaded = load_from(serialize_model(original));
    const auto texts = test::toy_texts(12, 4, original.card.config);
    const auto network = [&](const ModelFile& file) {
      return file.packed ? Network(*file.packed, active_device())
                         : Network(*file.latent, active_device());
    };
    CHECK(network(loaded).logits(texts) == network(original).logits(texts));
  }
}

TEST_CASE("Model file: a packed file holds no float copy of a binary matrix") {
  const std::string bytes = serialize_model(test::toy_file());
  const Safetensors file = Safetensors::parse(std::as_bytes(std::span(bytes)), "test");
  const ModelConfig config = test::toy_config();
  for (const TensorEntry& entry : file.entries()) {
    if (entry.dtype != DType::f32) continue;
    CAPTURE(entry.name);
    const bool small = entry.shape.size() < 2 || entry.name == "embedding.position" ||
                       entry.name == "embedding.type" || entry.name == "classifier.weight";
    CHECK(small);
  }
  CHECK(file.at("embedding.word.bits").shape == std::vector<std::size_t>{config.vocabulary, 8});
}

TEST_CASE("Model file: every single-bit flip is refused as a broken model") {
  const std::string good = serialize_model(test::toy_file());
  std::size_t refused = 0;
  std::size_t tried = 0;
  for (std::size_t at = 0; at < good.size(); at += at < 9000 ? 7 : 97) {  // the header densely
    for (unsigned bit = 0; bit < 8; bit += 3) {
      std::string bad = good;
      bad[at] = static_cast<char>(static_cast<unsigned char>(bad[at]) ^ (1U << bit));
      ++tried;
      refused += fault_of(bad) == Fault::model ? 1U : 0U;
    }
  }
  CHECK(tried > 3000);
  CHECK(refused == tried);
}

TEST_CASE("Model file: every truncation, and every byte too many, is refused") {
  const std::string good = serialize_model(test::toy_file());
  for (std::size_t size = 0; size < good.size(); size += size < 300 ? 1 : 61) {
    CAPTURE(size);
    REQUIRE(fault_of(good.substr(0, size)) == Fault::model);
  }
  for (std::size_t more = 1; more <= 64; ++more) {
    REQUIRE(fault_of(good + std::string(more, '\0')) == Fault::model);
  }
}

TEST_CASE("Model file: configs that lie are refused, and say how") {
  const std::string good = serialize_model(test::toy_file());
  const auto lie = [&](const char* field, const char* value) {
    ModelConfig config = test::toy_config();
    Json json = to_json(config);
    json.set(field, Json::parse(value, "test"));
    const std::string bad = with_metadata(good, "bipft.config", json.dump());
    CAPTURE(field);
    CAPTURE(value);
    CHECK(fault_of(bad) == Fault::model);
    return message_of(bad);
  };
  CHECK(lie("layers", "0").find("layers is 0") != std::string::npos);
  CHECK(lie("layers", "3").find("layers.2.attention.query.bits: missing") != std::string::npos);
  CHECK(lie("layers", "1").find("layers.1.attention.query.bits") != std::string::npos);
  CHECK(lie("layers", "1000000000").find("layers") != std::string::npos);
  CHECK(lie("heads", "3").find("not a multiple") != std::string::npos);
  CHECK(lie("hidden", "128").find("is U8 [40, 8], not U8 [40, 16]") != std::string::npos);
  CHECK(lie("vocabulary", "41").find("40 pieces") != std::string::npos);
  CHECK(lie("labels", "4").find("3 labels") != std::string::npos);
  CHECK(lie("activation", "\"swish\"").find("swish") != std::string::npos);
  CHECK(lie("max_len", "9999").find("embedding.position") != std::string::npos);
  CHECK(lie("dropout", "\"much\"").find("bipft.config") != std::string::npos);
  (void)lie("weight_bits", "32");
}

TEST_CASE("Model file: metadata that lies is refused") {
  const std::string good = serialize_model(test::toy_file());
  const auto refused = [&](const char* key, const char* value) {
    CAPTURE(key);
    CAPTURE(value);
    CHECK(fault_of(with_metadata(good, key, value)) == Fault::model);
  };
  refused("format", "pt");
  refused("bipft.version", "2");
  refused("bipft.version", "x");
  refused("bipft.kind", "staged");
  refused("bipft.kind", "float");
  refused("bipft.kind", "checkpoint");
  refused("bipft.labels", R"(["a","b"])");
  refused("bipft.labels", R"(["a","b","a"])");
  refused("bipft.labels", R"(["a","b",""])");
  refused("bipft.labels", R"(["a","b",3])");
  refused("bipft.calibration", R"({"temperature":0})");
  refused("bipft.calibration", R"({"temperature":-1})");
  refused("bipft.tokenizer", "[[[[[[[[[[]]]]]]]]]]");
  CHECK(message_of(with_metadata(good, "bipft.version", "2")).find("version '2'") !=
        std::string::npos);
}

TEST_CASE("Model file: what this version does not know is kept") {
  ModelFile model = test::toy_file();
  model.card.unknown.emplace_back("somebody.note", "hello");
  const ModelFile loaded = load_from(serialize_model(model));
  CHECK(loaded.card.unknown == model.card.unknown);
}

TEST_CASE("Model file: numbers that are not finite, scales that are not positive are refused") {
  ModelFile model = test::toy_file();
  model.packed->classifier.bias.mutable_data()[1] = std::numeric_limits<float>::quiet_NaN();
  CHECK(message_of(serialize_model(model)).find("classifier.bias: a number that is not finite") !=
        std::string::npos);
  model = test::toy_file();
  model.packed->layers[1].attention.query_alpha = 0.0F;
  CHECK(message_of(serialize_model(model)).find("query_alpha: a scale of 0") != std::string::npos);
  model = test::toy_file();
  model.packed->pooler.alpha = Tensor(Shape{1}, -1.0F);
  CHECK(message_of(serialize_model(model)).find("pooler.alpha: a scale of -1") !=
        std::string::npos);
  model = test::toy_file();
  model.packed->pooler.alpha = Tensor(Shape{64}, 1.0F);
  CHECK(message_of(serialize_model(model)).find("pooler.alpha: is F32 [64], not F32 [1]") !=
        std::string::npos);
}

TEST_CASE("Model file: BiBERT's has a scale a row, and neither shifts nor scales of levels") {
  const ModelFile model = test::toy_file(test::toy_bibert_config());
  const std::string bytes = serialize_model(model);
  for (const char* absent : {"in_alpha", ".shift", "query_alpha", "probability_alpha"}) {
    CAPTURE(absent);
    CHECK(bytes.find(absent) == std::string::npos);
  }
  const ModelFile loaded = load_from(bytes);
  CHECK(loaded.card.config == model.card.config);
  CHECK(loaded.packed->layers[0].ffn.inner.alpha.shape() == Shape{96});
  CHECK(serialize_model(loaded) == bytes);
  const auto texts = test::toy_texts(9, 1, model.card.config);
  CHECK(Network(*loaded.packed, active_runner()).logits(texts) ==
        Network(*model.packed, active_runner()).logits(texts));
}

TEST_CASE("Model file: BEExformer's has gates, and no scales but its words'") {
  ModelFile model = test::toy_file(test::toy_beexformer_config());
  const std::string bytes = serialize_model(model);
  CHECK(bytes.find("layers.1.ffn.gate.outer.bits") != std::string::npos);
  for (const char* absent : {"in_alpha", ".shift", "query_alpha", "probability_alpha",
                             "inner.alpha", "pooler.alpha", "scale_gradient"}) {
    CAPTURE(absent);
    CHECK(bytes.find(absent) == std::string::npos);
  }
  const ModelFile loaded = load_from(bytes);
  CHECK(loaded.card.config == model.card.config);
  CHECK(serialize_model(loaded) == bytes);
  const auto texts = test::toy_texts(9, 1, model.card.config);
  CHECK(Network(*loaded.packed, active_runner()).logits(texts) ==
        Network(*model.packed, active_runner()).logits(texts));
  model.packed->layers[0].ffn.gate_inner.bias = Tensor(Shape{5});
  CHECK(message_of(serialize_model(model)).find("layers.0.ffn.gate.inner.bias: is F32 [5], not") !=
        std::string::npos);
  model = test::toy_file(test::toy_beexformer_config());
  model.card.config.slfn_gate = "none";  // and a tanh without one
  CHECK(message_of(serialize_model(model)).find("slfn_gate is 'none' but activation is 'tanh'") !=
        std::string::npos);
  const std::string usual = serialize_model(test::toy_file());
  for (const char* absent : {"slfn_gate", "weight_surrogate", "weight_center", "latent_clip"}) {
    CHECK(usual.find(absent) == std::string::npos);
  }
}

TEST_CASE("Model file: BiPFT's has its pooler's norm, and estimators where there are any") {
  for (const std::size_t rank : {0U, 2U}) {
    CAPTURE(rank);
    ModelFile model = test::toy_file(test::toy_bipft_config(rank));
    const std::string bytes = serialize_model(model);
    CHECK((bytes.find("layers.1.attention.estimators.weight") != std::string::npos) == (rank > 0));
    const ModelFile loaded = load_from(bytes);
    CHECK(loaded.card.config == model.card.config);
    CHECK(serialize_model(loaded) == bytes);
    const auto texts = test::toy_texts(9, 1, model.card.config);
    CHECK(Network(*loaded.packed, active_runner()).logits(texts) ==
          Network(*model.packed, active_runner()).logits(texts));
    model.packed->pooler_norm.gamma = Tensor(Shape{63});
    model.packed->layers[1].attention.estimator_bias = Tensor(Shape{5});
    const std::string message = message_of(serialize_model(model));
    CHECK(message.find("pooler_norm.gamma: is F32 [63], not F32 [64]") != std::string::npos);
    CHECK((message.find("estimators.bias: is F32 [5], not F32 [9]") != std::string::npos) ==
          (rank > 0));
  }
  const std::string usual = serialize_model(test::toy_file());
  for (const char* absent : {"pooler_norm", "estimators", "\"pooler\""}) {
    CHECK(usual.find(absent) == std::string::npos);
  }
}

TEST_CASE("Model file: bits beyond the last column are refused") {
  ModelFile model = test::toy_file();
  BitMatrix& bits = model.packed->layers[0].ffn.outer.bits;  // 96 columns: half a word of padding
  bits.mutable_row(3)[1] |= std::uint64_t{1} << 63U;
  CHECK(message_of(serialize_model(model)).find("bits beyond column 96 in row 3") !=
        std::string::npos);
}

TEST_CASE("Model file: saving to a file and loading it gives the same model") {
  const std::string path =
      (std::filesystem::temp_directory_path() / "bipft-model-file-test.bipft").string();
  const ModelFile model = test::toy_file();
  save_model(path, model);
  CHECK(read_file(path, Fault::model) == serialize_model(model));
  CHECK(serialize_model(load_model(path)) == serialize_model(model));
  std::filesystem::remove(path);
}
