#include "bipft/model/hf_export.hpp"

#include <doctest/doctest.h>

#include <cerrno>
#include <cmath>
#include <string>

#include "bipft/model/network.hpp"
#include "support/hf_toy.hpp"

using namespace bipft;

namespace {

/// Signs around the mean, and the mean of magnitudes, as published code takes them.
struct Published {
  std::vector<bool> ones;
  float scale = 0;
};
Published published(std::span<const float> values, double mean) {
  Published result;
  double sum = 0;
  for (const float value : values) {
    result.ones.push_back(static_cast<double>(value) > mean);
    sum += std::abs(static_cast<double>(value));
  }
  result.scale = static_cast<float>(sum / static_cast<double>(values.size()));
  return result;
}
double mean_of(std::span<const float> values) {
  double sum = 0;
  for (const float value : values) sum += static_cast<double>(value);
  return sum / static_cast<double>(values.size());
}

}  // namespace

TEST_CASE("Hf export: a float model comes back byte for byte") {
  const test::TemporaryFolder place;
  const std::string folder = place.path("bert");
  const ModelFile file = test::toy_file(false);
  write_hf_folder(folder, file);
  const HfFolder read = read_hf_folder(folder);
  CHECK(read.notes.empty());
  CHECK(read.model.card.labels == file.card.labels);
  CHECK(read.model.vocabulary.bytes() == file.vocabulary.bytes());
  for (const NamedTensor& tensor : file.latent->tensors) {
    CAPTURE(tensor.name);
    const auto same = read.model.latent->at(tensor.name).data();
    CHECK(std::vector<float>(same.begin(), same.end()) ==
          std::vector<float>(tensor.tensor.data().begin(), tensor.tensor.data().end()));
  }
  const Safetensors written =
      Safetensors::open(folder + "/model.safetensors", SafetensorsLimits::hugging_face());
  CHECK(written.metadata("format") == std::string_view("pt"));
  CHECK(written.find("bert.encoder.layer.1.attention.output.LayerNorm.weight") != nullptr);
  CHECK(written.find("classifier.weight") != nullptr);
  CHECK(written.entries().size() == 5 + 2 * 16 + 2 + 2);
}

TEST_CASE("Hf export: words of one bit in a float model become their levels") {
  ModelFile file = test::toy_file(false);
  ModelConfig config = file.card.config;
  config.embedding_bits = 1;
  file.card.config = config;
  file.latent = test::toy_model(config, 3).parameters(active_device());
  const test::TemporaryFolder place;
  write_hf_folder(place.path("bert"), file);
  const HfFolder read = read_hf_folder(place.path("bert"));
  const auto texts = test::toy_texts(8, 4, config);
  CHECK(Network(*read.model.latent, active_device()).logits(texts) ==
        Network(*file.latent, active_device()).logits(texts));
}

TEST_CASE("Hf export: published code finds the signs and scales of the bits") {
  const test::TemporaryFolder place;
  const ModelFile file = test::toy_file(true);
  write_hf_folder(place.path("bit"), file);
  const Safetensors written =
      Safetensors::open(place.path("bit/model.safetensors"), SafetensorsLimits::hugging_face());
  const auto floats = [&](const std::string& name) {
    const auto bytes = written.at(name).bytes;
    return std::span(reinterpret_cast<const float*>(bytes.data()), bytes.size() / sizeof(float));
  };
  CHECK(written.at("bert.pooler.dense.input_clip_val").shape.empty());
  CHECK(floats("bert.encoder.layer.1.attention.self.clip_attn")[0] ==
        file.packed->layers[1].attention.probability_alpha);

  const PackedLinear& outer = file.packed->layers[1].ffn.outer;
  const auto matrix = floats("bert.encoder.layer.1.output.dense.weight");
  const Published found = published(matrix, mean_of(matrix));
  CHECK(found.scale == doctest::Approx(outer.alpha.data()[0]).epsilon(1e-6));
  std::size_t wrong = 0;
  for (std::size_t i = 0; i < matrix.size(); ++i) {
    wrong += found.ones[i] == outer.bits.bit(i / 96, i % 96) ? 0U : 1U;
  }
  CHECK(wrong == 0);

  const auto words = floats("bert.embeddings.word_embeddings.weight");
  const double mean = mean_of(words);
  for (std::size_t row = 0; row < 40; ++row) {
    const Published one = published(words.subspan(row * 64, 64), mean);
    CHECK(one.scale ==
          doctest::Approx(file.packed->embedding.word_alpha.data()[row]).epsilon(1e-6));
    for (std::size_t c = 0; c < 64; ++c) {
      wrong += one.ones[c] == file.packed->embedding.word_bits.bit(row, c) ? 0U : 1U;
    }
  }
  CHECK(wrong == 0);

  // And so do we.
  const HfFolder read = read_hf_folder(place.path("bit"));
  const PackedModel again = Model(*read.model.latent).pack(active_device());
  const auto texts = test::toy_texts(12, 4, file.card.config);
  const auto before = Network(*file.packed, active_device()).logits(texts);
  const auto after = Network(again, active_device()).logits(texts);
  for (std::size_t i = 0; i < texts.size(); ++i) {
    for (std::size_t k = 0; k < 3; ++k) {
      CHECK(after[i][k] == doctest::Approx(before[i][k]).epsilon(1e-4));
    }
  }
}

TEST_CASE("Hf export: BiBERT's code finds all it looks for, and bipft the same bytes") {
  for (const std::uint64_t seed : {1U, 2U, 3U}) {
    CAPTURE(seed);
    const test::TemporaryFolder place;
    const ModelFile file = test::toy_file(test::toy_bibert_config(), seed);
    write_hf_folder(place.path("bibert"), file);
    const HfFolder read = read_hf_folder(place.path("bibert"));
    CHECK(read.notes.empty());
    CHECK(read.model.card.method == "bibert");
    ModelConfig config = read.model.card.config;
    CHECK(config == file.card.config);
    const auto texts = test::toy_texts(12, 4, config);
    const PackedModel again = Model(*read.model.latent).pack(active_device());
    CHECK(Network(again, active_device()).logits(texts) ==
          Network(*file.packed, active_device()).logits(texts));

    const Safetensors written = Safetensors::open(place.path("bibert/model.safetensors"),
                                                  SafetensorsLimits::hugging_face());
    test::HfToy toy(config);
    toy.add_idle();
    CHECK(written.entries().size() == toy.tensors.size());
    for (const auto& tensor : toy.tensors) {
      CAPTURE(tensor.name);
      REQUIRE(written.find(tensor.name) != nullptr);
      CHECK(written.at(tensor.name).shape == tensor.shape);
    }
    const auto floats = [&](const std::string& name) {
      const auto bytes = written.at(name).bytes;
      return std::span(reinterpret_cast<const float*>(bytes.data()), bytes.size() / sizeof(float));
    };
    CHECK(floats("bert.pooler.dense.act_clip_val")[0] == -2.5F);
    CHECK(floats("bert.pooler.dense.act_clip_val")[1] == 2.5F);
    CHECK(floats("bert.encoder.layer.1.output.gate")[0] == 1.0F);
    CHECK(floats("bert.encoder.layer.1.output.dense.scale")[0] == 0.0F);
    const PackedLinear& outer = file.packed->layers[1].ffn.outer;
    const auto matrix = floats("bert.encoder.layer.1.output.dense.weight");
    for (std::size_t row = 0; row < 64; ++row) {
      const auto values = matrix.subspan(row * 96, 96);
      const Published found = published(values, mean_of(values));
      CHECK(found.scale == outer.alpha.data()[row]);
      for (std::size_t c = 0; c < 96; ++c) CHECK(found.ones[c] == outer.bits.bit(row, c));
    }
  }
}

TEST_CASE("Hf export: BiPFT comes back, estimators and all") {
  for (const std::size_t rank : {0U, 1U, 2U}) {
    CAPTURE(rank);
    const test::TemporaryFolder place;
    const ModelFile file = test::toy_file(test::toy_bipft_config(rank));
    write_hf_folder(place.path("bipft"), file);
    const Json config = Json::parse(place.read("bipft/config.json"), "config.json");
    CHECK(config["improve_kqv"].as_bool() == (rank > 0));
    CHECK(config["hidden_act"].as_string() == "relu");
    const HfFolder read = read_hf_folder(place.path("bipft"));
    CHECK(read.notes.empty());
    CHECK(read.model.card.method == "bipft");
    CHECK(read.model.card.config == file.card.config);
    const PackedModel again = Model(*read.model.latent).pack(active_device());
    const auto texts = test::toy_texts(12, 4, file.card.config);
    const auto before = Network(*file.packed, active_device()).logits(texts);
    const auto after = Network(again, active_device()).logits(texts);
    for (std::size_t i = 0; i < texts.size(); ++i) {
      for (std::size_t k = 0; k < 3; ++k) {
        CHECK(after[i][k] == doctest::Approx(before[i][k]).epsilon(1e-4));
      }
    }
    const Safetensors written =
        Safetensors::open(place.path("bipft/model.safetensors"), SafetensorsLimits::hugging_face());
    CHECK(written.find("bert.pooler.LayerNorm.bias") != nullptr);
    if (rank == 0) continue;
    CHECK(written.at("bert.encoder.layer.1.attention.self.k_m.weight").shape ==
          std::vector<std::size_t>{rank, 64});
    CHECK(written.at("bert.encoder.layer.1.attention.self.v_p.bias").shape ==
          std::vector<std::size_t>{1});
  }
}

TEST_CASE("Hf export: nothing is overwritten, and what has no form there is refused") {
  const test::TemporaryFolder place;
  const ModelFile file = test::toy_file(false);
  (void)place.write("theirs", "x");
  const auto fault = [](const std::string& folder, const ModelFile& model) {
    try {
      write_hf_folder(folder, model);
    } catch (const Error& error) {
      return error.fault();
    }
    return Fault::usage;
  };
  CHECK(fault(place.path(), file) == Fault::system);
  CHECK(fault(place.path("theirs"), file) == Fault::system);
  CHECK(place.count() == 1);

  ModelFile wide = test::toy_file(true);
  wide.card.config.embedding_bits = wide.packed->config.embedding_bits = 32;
  CHECK(fault(place.path("wide"), wide) == Fault::model);
  ModelFile sign = test::toy_file(true);
  sign.card.config.inner_levels = "sign";
  CHECK(fault(place.path("sign"), sign) == Fault::model);
  ModelFile estimators = test::toy_file(true);
  estimators.card.config.estimators = 1;
  CHECK(fault(place.path("estimators"), estimators) == Fault::model);
  ModelFile rows = test::toy_file(true);
  rows.card.config.weight_scales = "row";
  CHECK_THROWS_WITH_AS(write_hf_folder(place.path("rows"), rows),
                       "export: a model with a scale a row of weights has no form in published "
                       "code",
                       Error);
  CHECK_THROWS_WITH_AS(
      write_hf_folder(place.path("floats"), test::toy_file(test::toy_beexformer_config())),
      "export: a model with activations of 32 bits beside one-bit weights has no form in published "
      "code",
      Error);
  for (const bool attention : {false, true}) {
    ModelConfig part = test::toy_bibert_config();
    (attention ? part.attention : part.weight_scales) = attention ? "softmax" : "tensor";
    CHECK_THROWS_WITH_AS(write_hf_folder(place.path("part"), test::toy_file(part)),
                         "export: a model with some of BiBERT's bits, not all, has no form in "
                         "published code",
                         Error);
  }
  ModelFile alike_row = test::toy_file(test::toy_bibert_config());
  alike_row.packed->pooler.bits.mutable_row(7)[0] = 0;
  CHECK_THROWS_WITH_AS(write_hf_folder(place.path("row"), alike_row),
                       "pooler, row 7: all its signs are alike, which published code cannot "
                       "express: it takes them around their mean",
                       Error);
  ModelFile staged = test::toy_file(true);
  staged.card.config.act_bits = 2;
  CHECK(fault(place.path("staged"), staged) == Fault::model);
  ModelFile alike = test::toy_file(true);
  BitMatrix ones(64, 64);
  for (std::size_t row = 0; row < 64; ++row) ones.mutable_row(row)[0] = ~std::uint64_t{0};
  alike.packed->pooler.bits = ones;
  CHECK(fault(place.path("alike"), alike) == Fault::model);
  CHECK(place.count() == 1);
}

TEST_CASE("Hf export: a write that fails leaves no folder that looks like a model and is none") {
  const test::TemporaryFolder place;
  const ModelFile file = test::toy_file(false);
  std::size_t refused = 0;
  for (std::size_t n = 1;; ++n) {
    const std::string folder = place.path(concat("n", n));
    detail::FileFaults faults;
    faults.fail_at = n;
    faults.error = ENOSPC;
    bool thrown = false;
    detail::file_faults = &faults;
    try {
      write_hf_folder(folder, file);
    } catch (const Error& error) {
      thrown = error.fault() == Fault::system;
    }
    detail::file_faults = nullptr;
    CAPTURE(faults.failed);
    if (path_exists(folder + "/config.json")) CHECK(read_hf_folder(folder).notes.empty());
    if (faults.failed == "none") break;
    refused += thrown ? 1U : 0U;
    // Nobody minds where a folder that has been flushed does not close.
    CHECK((thrown || path_exists(folder + "/config.json")));
    REQUIRE(n < 200);
  }
  CHECK(refused > 15);
}
