#include "bipft/model/latent_bits.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "bipft/core/parallel.hpp"
#include "bipft/model/model_file.hpp"
#include "bipft/model/network.hpp"
#include "support/counting_allocator.hpp"
#include "support/toy.hpp"

using namespace bipft;

namespace {

std::vector<ModelConfig> latent_configs() {
  std::vector<ModelConfig> all{test::toy_config(), test::toy_bibert_config(),
                               test::toy_bipft_config(1), test::toy_beexformer_config()};
  for (const char* center : {"row", "tensor"}) {
    all.push_back(test::toy_beexformer_config());
    all.back().weight_center = center;
    all.back().weight_scales = "row";
  }
  all.push_back(test::toy_config());
  all.back().embedding_bits = 32;
  return all;
}

/// A file of kind trainable, and the model that it is of. Its matrices have means that are not 0.
struct Latent {
  Model model;
  ModelFile file;
};
Latent latent_file(const ModelConfig& config, std::size_t bits) {
  Latent result{test::toy_model(config, 3), test::toy_file(config)};
  for_each<Parameter>(result.model, [](const std::string& name, Parameter& parameter) {
    if (!name.ends_with("weight") && name != "embedding.word") return;
    float row = 0;
    for (float& value : parameter.value.mutable_data()) value = 0.3F * value + (row += 1e-6F);
  });
  ModelFile& file = result.file;
  file.packed = result.model.pack(active_device());
  file.card.kind = "trainable";
  file.card.latent_bits = bits;
  ModelParameters latent = result.model.parameters(active_device());
  if (bits == 32) {
    file.latent = std::move(latent);
  } else {
    file.magnitudes = coarsen(latent, *file.packed, bits);
  }
  return result;
}

ModelFile latent_load(const std::string& bytes, Wanted wanted = Wanted::everything) {
  return load_model(std::as_bytes(std::span(bytes)), "test.bipft", wanted);
}
std::string latent_complaint(const std::string& bytes) {
  try {
    (void)latent_load(bytes);
  } catch (const Error& error) {
    CHECK(error.fault() == Fault::model);
    return error.what();
  }
  return "";
}

bool same_bits(const BitMatrix& a, const BitMatrix& b) {
  if (a.rows() != b.rows() || a.cols() != b.cols()) return false;
  for (std::size_t row = 0; row < a.rows(); ++row) {
    for (std::size_t col = 0; col < a.cols(); ++col) {
      if (a.bit(row, col) != b.bit(row, col)) return false;
    }
  }
  return true;
}

}  // namespace

TEST_CASE("Latent bits: saved, loaded and saved again is the same bytes, and answers like bits") {
  for (const ModelConfig& config : latent_configs()) {
    std::size_t smaller = 0;
    for (const std::size_t bits : {2U, 3U, 4U, 8U, 32U}) {
      CAPTURE(bits);
      const ModelFile file = latent_file(config, bits).file;
      const std::string bytes = serialize_model(file);
      const ModelFile loaded = latent_load(bytes);
      CHECK(serialize_model(loaded) == bytes);
      CHECK(loaded.card.latent_bits == bits);
      CHECK(bytes.size() > smaller);
      smaller = bytes.size();

      ModelFile packed = file;
      packed.latent.reset();
      packed.magnitudes.reset();
      packed.card.kind = "packed";
      packed.card.latent_bits = 32;
      const ModelFile bare = latent_load(serialize_model(packed));
      const ModelFile answers = latent_load(bytes, Wanted::answers);
      CHECK_FALSE(answers.magnitudes);
      CHECK_FALSE(answers.latent);
      const auto texts = test::toy_texts(9, 1, config);
      const auto expected = Network(*bare.packed, active_runner()).logits(texts);
      CHECK(Network(*loaded.packed, active_runner()).logits(texts) == expected);
      CHECK(Network(*answers.packed, active_runner()).logits(texts) == expected);
    }
  }
}

TEST_CASE("Latent bits: as many bits a weight as they say, and a handful of floats a matrix") {
  for (const std::size_t bits : {2U, 3U, 4U, 8U}) {
    const ModelFile file = latent_file(test::toy_config(), bits).file;
    const std::string bytes = serialize_model(file);
    const Safetensors tensors = Safetensors::parse(std::as_bytes(std::span(bytes)), "test");
    for (const MatrixMagnitudes& one : file.magnitudes->matrices) {
      CAPTURE(one.name);
      const TensorEntry& signs = tensors.at(one.name + ".bits");
      const std::size_t rows = signs.shape[0];
      CHECK(tensors.at("latent." + one.name + ".planes").bytes.size() == bits * signs.bytes.size());
      CHECK(tensors.at("latent." + one.name + ".levels").bytes.size() == 4 << bits);
      CHECK(tensors.at("latent." + one.name + ".scale").bytes.size() == 4 * rows);
      CHECK(tensors.at("latent." + one.name + ".center").bytes.size() == 4);
    }
    CHECK(file.magnitudes->matrices.size() == 2 * 6 + 2);
  }
}

TEST_CASE("Latent bits: a model goes on with the signs it had, and ever closer weights") {
  Device& device = active_device();
  for (const ModelConfig& config : latent_configs()) {
    double before = 1;
    for (const std::size_t bits : {2U, 3U, 4U, 8U}) {
      CAPTURE(bits);
      const Latent of = latent_file(config, bits);
      const Model again = refine(*of.file.packed, *of.file.magnitudes, device);
      const PackedModel packed = again.pack(device);
      double error = 0;
      double total = 0;
      const ModelParameters was = of.model.parameters(device);
      const ModelParameters is = again.parameters(device);
      for (const MatrixMagnitudes& one : of.file.magnitudes->matrices) {
        const auto a = was.at(detail::latent_name(one.name)).data();
        const auto b = is.at(detail::latent_name(one.name)).data();
        for (std::size_t i = 0; i < a.size(); ++i) {
          error += std::pow(static_cast<double>(a[i]) - static_cast<double>(b[i]), 2);
          total += std::pow(static_cast<double>(a[i]), 2);
        }
      }
      // Lloyd's levels for half of a normal distribution: 0.118, 0.035 and 0.0095 of its variance
      // are lost at 1, 2 and 3 bits.
      const double lost = error / total;
      CHECK(lost < (bits == 2 ? 0.04 : bits == 3 ? 0.011 : bits == 4 ? 0.0035 : 2e-4));
      CHECK(lost < before);
      before = lost;
      std::size_t matrices = 0;
      std::vector<const BitMatrix*> signs;
      for_each_packed(packed, [&](const std::string&, const auto& part, const Shape&) {
        if constexpr (std::is_same_v<decltype(part), const BitMatrix&>) signs.push_back(&part);
      });
      for_each_packed(*of.file.packed,
                      [&](const std::string& name, const auto& part, const Shape&) {
                        CAPTURE(name);
                        if constexpr (std::is_same_v<decltype(part), const BitMatrix&>) {
                          CHECK(same_bits(part, *signs[matrices++]));
                        }
                      });
      CHECK(matrices == of.file.magnitudes->matrices.size());
      // Scales are means of magnitudes, which rows keep.
      for (std::size_t o = 0; o < 96; ++o) {
        const auto& inner = of.file.packed->layers[1].ffn.inner.alpha;
        const auto& inner_now = packed.layers[1].ffn.inner.alpha;
        if (o >= inner.numel()) break;
        CHECK(inner_now.data()[o] == doctest::Approx(inner.data()[o]).epsilon(0.01));
      }
    }
  }
}

TEST_CASE("Latent bits: ordinary weights, zeros, and signs that nothing tells apart") {
  Device& device = active_device();
  Tensor w(Shape{3, 70});
  const MatrixMagnitudes zeros = detail::coarsen_matrix("zeros", w, 3, 1);
  for (const float scale : zeros.scale.data()) CHECK(scale == 0);
  for (const float level : zeros.levels.data()) CHECK(level > 0);
  const auto nothing = detail::refined(BitMatrix(3, 70), zeros, 3);
  for (const float value : nothing.data()) CHECK(value == 0);

  // From ±scale, as unpack leaves them: they come back.
  ModelFile file = test::toy_file(test::toy_bibert_config());
  const Model begun = Model::unpack(*file.packed, device);
  const Magnitudes flat = coarsen(begun.parameters(device), *file.packed, 2);
  const ModelParameters back = refine(*file.packed, flat, device).parameters(device);
  const auto expected = begun.parameters(device).at("layers.0.ffn.inner.weight").data();
  const auto got = back.at("layers.0.ffn.inner.weight").data();
  for (std::size_t i = 0; i < got.size(); ++i) {
    CHECK(got[i] == doctest::Approx(expected[i]).epsilon(0.1));
  }

  // Rows a thousand times smaller than the others lie where the mean may move.
  Tensor mixed = test::toy_model(test::toy_config(), 7).embedding.word.value;
  for (float& value : mixed.mutable_row(9)) value *= 1e-3F;
  for (float& value : mixed.mutable_row(11)) value = 0;
  const BitMatrix signs = EmbeddingRows{}.signs(device, mixed).bits;
  for (const std::size_t bits : {2U, 8U}) {
    const MatrixMagnitudes coarse = detail::coarsen_matrix("mixed", mixed, bits, 1);
    const Tensor again = detail::refined(signs, coarse, bits);
    CHECK(same_bits(EmbeddingRows{}.signs(device, again).bits, signs));
    for (const float value : again.row(9)) CHECK(std::abs(value) < 2e-3F);
  }

  // One weight far beyond the others costs them little.
  for (std::size_t i = 0; i < w.numel(); ++i) {
    w.mutable_data()[i] = (i % 2 == 0 ? 1.0F : -1.0F) * (1.0F + static_cast<float>(i % 7));
  }
  w.mutable_data()[5] = -1e30F;
  const MatrixMagnitudes far = detail::coarsen_matrix("far", w, 2, 0);
  for (const float scale : far.scale.data()) CHECK(std::isfinite(scale));
  CHECK(far.scale.data()[1] == doctest::Approx(4).epsilon(0.2));
  CHECK_THROWS_AS((void)coarsen(begun.parameters(device), *file.packed, 5), Error);
  CHECK_THROWS_AS((void)coarsen(begun.parameters(device), *file.packed, 32), Error);
}

TEST_CASE("Latent bits: the same on any number of threads") {
  const std::size_t threads_before = threads();
  set_threads(1);
  const std::string one = serialize_model(latent_file(test::toy_config(), 3).file);
  set_threads(3);
  CHECK(serialize_model(latent_file(test::toy_config(), 3).file) == one);
  set_threads(threads_before);
}

TEST_CASE("Latent bits: every bit flip and truncation is refused, within the file's size + 4 MB") {
  const std::string good = serialize_model(latent_file(test::toy_config(), 3).file);
  for (std::size_t at = 0; at < good.size(); at += at < 12'000 ? 41 : 97) {
    std::string bad = good;
    bad[at] = static_cast<char>(static_cast<unsigned char>(bad[at]) ^ (1U << at % 8));
    REQUIRE(latent_complaint(bad) != "");
  }
  for (std::size_t size = 0; size < good.size(); size += size < 100 ? 1 : 131) {
    REQUIRE(latent_complaint(good.substr(0, size)) != "");
  }
  REQUIRE(latent_complaint(good + '\0') != "");
  // What is read is copied once out of the file, and never wider than it lies there.
  const std::size_t mark = test::allocation_mark();
  const ModelFile loaded = latent_load(good);
  CHECK(test::allocated_peak_since(mark) <= good.size() + 4'000'000);
  CHECK(loaded.magnitudes);
}

TEST_CASE("Latent bits: files that lie are refused, and say how") {
  const ModelFile good = latent_file(test::toy_config(), 3).file;
  const auto says = [&](const char* text, auto&& lie) {
    ModelFile file = good;
    lie(file);
    CAPTURE(text);
    const std::string message = latent_complaint(serialize_model(file));
    CAPTURE(message);
    CHECK(message.find(text) != std::string::npos);
  };
  const auto first = [](ModelFile& file) -> MatrixMagnitudes& {
    return file.magnitudes->matrices[1];
  };
  CHECK(good.magnitudes->matrices[1].name == "layers.0.attention.query");
  says("latent weights of '5' bits", [](ModelFile& f) { f.card.latent_bits = 5; });
  says("latent weights of '0' bits", [](ModelFile& f) { f.card.latent_bits = 0; });
  says("in a model of kind packed", [](ModelFile& f) { f.card.kind = "packed"; });
  says("latent.embedding.word.planes: is U8 [120, 8], not U8 [160, 8]",
       [](ModelFile& f) { f.card.latent_bits = 4; });
  says("latent.layers.0.attention.query.planes: missing",
       [](ModelFile& f) { f.magnitudes->matrices.erase(f.magnitudes->matrices.begin() + 1); });
  says("latent.x.planes: a tensor that this model has no use for", [&](ModelFile& f) {
    MatrixMagnitudes more = first(f);
    more.name = "x";
    f.magnitudes->matrices.push_back(more);
  });
  says("query.levels: a level of 0 behind",
       [&](ModelFile& f) { first(f).levels.mutable_data()[0] = 0; });
  says("query.levels: a level of 1e-05 behind",
       [&](ModelFile& f) { first(f).levels.mutable_data()[5] = 1e-5F; });
  says("query.levels: a number that is not finite", [&](ModelFile& f) {
    first(f).levels.mutable_data()[5] = std::numeric_limits<float>::infinity();
  });
  says("query.levels: is F32 [9], not F32 [8]",
       [&](ModelFile& f) { first(f).levels = Tensor(Shape{9}, 1.0F); });
  says("query.scale: a scale of -1", [&](ModelFile& f) { first(f).scale.mutable_data()[3] = -1; });
  says("query.center: is F32 [64], not F32 [1]",
       [&](ModelFile& f) { first(f).center = Tensor(Shape{64}); });
  says("query.center: missing", [&](ModelFile& f) { first(f).center = {}; });
  says("outer.planes: bits beyond column 96 in row 7", [](ModelFile& f) {
    MatrixMagnitudes& outer = f.magnitudes->matrices[6];
    REQUIRE(outer.name == "layers.0.ffn.outer");
    outer.planes.mutable_row(7)[1] |= std::uint64_t{1} << 63U;
  });
}
