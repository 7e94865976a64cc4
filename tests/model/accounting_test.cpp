#include "bipft/model/accounting.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <string>

#include "bipft/model/latent_bits.hpp"
#include "bipft/model/model_file.hpp"
#include "support/toy.hpp"

using namespace bipft;

namespace {

/// BERT-base with a head of two labels, in some bits.
ModelConfig base(std::size_t weight_bits, std::size_t act_bits) {
  ModelConfig config = ModelConfig::preset("base");
  config.vocabulary = 30522;
  config.max_len = 512;
  config.labels = 2;
  config.weight_bits = config.embedding_bits = weight_bits;
  config.act_bits = act_bits;
  if (weight_bits == 32) config.activation = "gelu";
  return config;
}

ModelConfig bipft_base(std::size_t estimators) {
  ModelConfig config = base(1, 1);
  config.activation = "gelu";
  config.inner_levels = "sign";
  config.pooler = "residual";
  config.estimators = estimators;
  return config;
}

}  // namespace

TEST_CASE("Accounting: products of BERT-base at 128 tokens, counted by hand") {
  const std::uint64_t linears = 10'871'635'968;  // 12 · 128 · 7,077,888
  const std::uint64_t attention = 301'989'888;   // 12 · 2 · 128² · 768
  const std::uint64_t pooler = 589'824;
  const Operations floats = operations_of(base(32, 32), 128);
  CHECK(floats.float_macs == linears + attention + pooler + 2 * 768);
  CHECK(floats.bit_macs + floats.mixed_macs + floats.bops == 0);
  const Operations bits = operations_of(base(1, 1), 128);
  CHECK(bits.bit_macs == linears + attention + pooler);
  CHECK(bits.float_macs == 2 * 768);
  CHECK(bits.bops == 2 * bits.bit_macs);
  // One-bit weights beside floats: attention multiplies floats.
  const Operations mixed = operations_of(base(1, 32), 128);
  CHECK(mixed.mixed_macs == linears + pooler);
  CHECK(mixed.float_macs == attention + 2 * 768);
  CHECK(mixed.ops() == static_cast<double>(linears + pooler) + 2.0 * (attention + 2 * 768));
  // BEExformer's gates are as large as what they stand beside.
  ModelConfig gated = base(1, 32);
  gated.slfn_gate = "hidden_sigmoid";
  CHECK(operations_of(gated, 128).mixed_macs ==
        linears + pooler + 12 * 128 * 2 * 768 * std::uint64_t{3072});
  CHECK(operations_of(float_twin(gated), 128).ops() == floats.ops());
  // Estimators: five linear layers, two outer products, and one more value for each head.
  const Operations b = operations_of(bipft_base(1), 128);
  CHECK(b.float_macs == 2 * 768 + 12 * (5 * 768 * 128 + 2 * 16384 + 12 * 16384));
  CHECK(b.bit_macs == bits.bit_macs);
  CHECK(operations_of(bipft_base(0), 128).ops() == bits.ops());
  CHECK(operations_of(bipft_base(2), 1).float_macs == 2 * 768 + 12 * (9 * 768 + 4 + 12));
}

TEST_CASE("Accounting: operations as papers have them, 56 times fewer") {
  const double floats = operations_of(base(32, 32), 128).ops();
  CHECK(floats / 1e9 == doctest::Approx(22.35).epsilon(1e-4));
  // Their tables of bits of weights and activations, without what they add for the rest and do not
  // say: 0.4, 0.8 and 1.5.
  CHECK(operations_of(base(1, 1), 128).ops() / 1e9 == doctest::Approx(0.349).epsilon(1e-3));
  CHECK(operations_of(base(1, 2), 128).ops() / 1e9 == doctest::Approx(0.717).epsilon(1e-3));
  CHECK(operations_of(base(1, 4), 128).ops() / 1e9 == doctest::Approx(1.510).epsilon(1e-3));
  // OPs = 2 · float MACs + BOPs / 64. [BiPFT], which printed 0.4 beside BERT's 22.5:
  const double b = operations_of(bipft_base(1), 128).ops();
  CHECK(b / 1e9 == doctest::Approx(0.3665).epsilon(1e-3));
  CHECK(printed(b) == doctest::Approx(0.4));
  CHECK(std::round(22.5 / printed(b)) == 56);
  CHECK(std::round(printed(floats) / printed(b)) == 56);
  CHECK(floats / b == doctest::Approx(60.98).epsilon(1e-3));
  CHECK(floats / operations_of(base(1, 1), 128).ops() == doctest::Approx(64).epsilon(1e-3));
}

TEST_CASE("Accounting: bytes as papers have them, 28 times fewer") {
  constexpr double mib = 1 << 20;
  const double floats = bytes_by_rule(base(32, 32));
  const double bits = bytes_by_rule(bipft_base(1));
  CHECK(floats == 4.0 * 109'482'240);
  CHECK(floats / mib == doctest::Approx(417.6).epsilon(2e-4));  // printed 418
  CHECK(bits / mib == doctest::Approx(14.96).epsilon(4e-4));
  CHECK(std::round(10 * floats / bits) == 279);  // 27.9
  CHECK(std::round(floats / bits) == 28);
  ModelConfig words = base(1, 1);
  words.embedding_bits = 32;
  CHECK(bytes_by_rule(words) - bits == 30522 * 768 * (32.0 - 1.0) / 8);
}

TEST_CASE("Accounting: a file's bytes are all told, each once") {
  for (const std::size_t latent : {0U, 3U, 32U}) {
    ModelFile file = test::toy_file();
    const Model model = test::toy_model(file.card.config, 1);
    if (latent != 0) {
      file.card.kind = "trainable";
      file.card.latent_bits = latent;
      file.latent = model.parameters(active_device());
    }
    if (latent == 3) {
      file.magnitudes = coarsen(*file.latent, *file.packed, 3);
      file.latent.reset();
    }
    const std::string bytes = serialize_model(file);
    const FileBytes of = bytes_of_file(Safetensors::parse(std::as_bytes(std::span(bytes)), "test"));
    CHECK(of.bits + of.latent + of.floats + of.vocabulary + of.rest == bytes.size());
    // Words, four matrices of 64 x 64, one of 96 x 64, one of 64 x 96 in whole words; the pooler.
    const std::size_t bits = 8 * (40 + 2 * (4 * 64 + 96 + 2 * 64) + 64);
    CHECK(of.bits == bits);
    CHECK(of.vocabulary == file.vocabulary.bytes().size());
    CHECK((of.latent == 0) == (latent == 0));
    if (latent == 3) {
      const std::size_t rows = 40 + 2 * (4 * 64 + 96 + 64) + 64;
      CHECK(of.latent == 3 * bits + 4 * (rows + 14 * (8 + 1)));
    }
    CHECK(of.rest > 1000);
  }
}
