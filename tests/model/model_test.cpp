#include "bipft/model/model.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "bipft/model/classifier.hpp"
#include "bipft/model/tape_network.hpp"
#include "bipft/ops/losses.hpp"
#include "support/grad_check.hpp"
#include "support/random_tensor.hpp"
#include "support/toy.hpp"

using namespace bipft;

TEST_CASE("Model: parameters have names of their own, and start from the seed alone") {
  for (const bool binary : {true, false}) {
    Model a(test::toy_config(binary), 1);
    Model b(test::toy_config(binary), 1);
    Model c(test::toy_config(binary), 2);
    std::vector<Tensor> first, same, other;
    std::set<std::string> names;
    for_each<Parameter>(a, [&](const std::string& name, const Parameter& p) {
      CHECK(names.insert(name).second);
      first.push_back(p.value);
    });
    for_each<Parameter>(b,
                        [&](const std::string&, const Parameter& p) { same.push_back(p.value); });
    for_each<Parameter>(c,
                        [&](const std::string&, const Parameter& p) { other.push_back(p.value); });
    CHECK(names.contains("layers.1.attention.query.weight"));
    CHECK(names.contains("layers.0.attention.binary.probability.alpha") == binary);
    std::size_t differ = 0;
    for (std::size_t i = 0; i < first.size(); ++i) {
      CHECK(std::ranges::equal(first[i].data(), same[i].data()));
      differ += std::ranges::equal(first[i].data(), other[i].data()) ? 0U : 1U;
    }
    CHECK(differ > 10);
  }
}

TEST_CASE("Model: in training every parameter that takes part gets a gradient") {
  for (const bool binary : {true, false}) {
    CAPTURE(binary);
    ModelConfig config = test::toy_config(binary);
    config.dropout = config.attention_dropout = 0;
    Model model(config, 3);
    const Batch batch = make_batch(test::toy_texts(16, 1, config));
    Tape tape(active_device());
    tape.backward(cross_entropy(model(tape, batch), batch.labels, batch.weights));
    for_each<Parameter>(model, [&](const std::string& name, const Parameter& p) {
      CAPTURE(name);
      REQUIRE(p.whole_grad(active_device()).shape() == p.value.shape());
      CHECK(std::isfinite(active_device().dot(p.grad, p.grad)));
    });
  }
}

TEST_CASE("Model: the gradient of a float model is its finite difference") {
  ModelConfig config = test::toy_config(false);
  config.dropout = config.attention_dropout = 0;
  Model model = test::toy_model(config, 5);
  const Batch batch = make_batch(test::toy_texts(4, 2, config));
  const auto loss = [&] {
    Tape tape(active_device(), Tape::Mode::inference);
    return static_cast<double>(
        cross_entropy(model(tape, batch), batch.labels, batch.weights).value().data()[0]);
  };
  Tape tape(active_device());
  tape.backward(cross_entropy(model(tape, batch), batch.labels, batch.weights));
  // Along the gradient itself: float noise of a whole network drowns single elements.
  for_each<Parameter>(model, [&](const std::string& name, Parameter& p) {
    CAPTURE(name);
    const Tensor value = p.value;
    const double square = active_device().dot(p.grad, p.grad);
    if (square < 1e-8) return;  // the key's bias cancels in the softmax
    const float step = static_cast<float>(4e-3 / std::sqrt(square));
    const auto moved = [&](float by) {
      const Tensor slope = p.whole_grad(active_device());
      p.value = active_device().add(value, active_device().scale(slope, by));
      const double result = loss();
      p.value = value;
      return result;
    };
    const double measured = (moved(step) - moved(-step)) / (2.0 * static_cast<double>(step));
    CHECK(measured == doctest::Approx(square).epsilon(0.05));
  });
}

TEST_CASE("Model: unpacked from bits, it packs to the same bits") {
  const ModelConfig config = test::toy_config();
  const PackedModel packed = test::toy_model(config, 8).pack(active_device());
  const PackedModel again = Model::unpack(packed, active_device()).pack(active_device());
  CHECK(again.layers[1].ffn.outer.scale(5) == packed.layers[1].ffn.outer.scale(5));
  for (std::size_t row = 0; row < config.hidden; ++row) {
    for (std::size_t col = 0; col < config.ffn; ++col) {
      REQUIRE(again.layers[1].ffn.outer.bits.bit(row, col) ==
              packed.layers[1].ffn.outer.bits.bit(row, col));
    }
  }
  CHECK(again.layers[0].attention.query_alpha == packed.layers[0].attention.query_alpha);
}

TEST_CASE("Model: unpacked from bits with a scale a row, it packs to the same bytes") {
  const PackedModel packed = test::toy_model(test::toy_bibert_config(), 8).pack(active_device());
  const PackedModel again = Model::unpack(packed, active_device()).pack(active_device());
  for (std::size_t o = 0; o < 96; ++o) {
    CHECK(again.layers[1].ffn.inner.scale(o) == packed.layers[1].ffn.inner.scale(o));
    CHECK(again.layers[1].ffn.inner.bits.view().row(o)[0] ==
          packed.layers[1].ffn.inner.bits.view().row(o)[0]);
  }
}

TEST_CASE("Model: unpacked from signs without scales, it packs to the same bits and learns on") {
  const ModelConfig config = test::toy_beexformer_config();
  const PackedModel packed = test::toy_model(config, 8).pack(active_device());
  Model model = Model::unpack(packed, active_device());
  const PackedModel again = model.pack(active_device());
  for (std::size_t o = 0; o < 96; ++o) {
    CHECK(again.layers[1].ffn.gate_inner.scale(o) == 1.0F);
    CHECK(again.layers[1].ffn.gate_inner.bits.view().row(o)[0] ==
          packed.layers[1].ffn.gate_inner.bits.view().row(o)[0]);
  }
  // At ±1, which the bits stand for, the surrogate would pass nothing on.
  Tape tape(active_device());
  const Batch batch = make_batch(test::toy_texts(5, 1, config));
  const Var logits = model(tape, batch);
  tape.backward(test::weighted_sum(logits, test::random_tensor(logits.shape(), 1)));
  const Tensor& grad = std::get<SignLinear>(model.layers[0].ffn.gate->outer).weight.grad;
  REQUIRE(!grad.empty());
  CHECK(active_device().sums(grad).absolute > 0);
}

TEST_CASE("Model: latent weights are held within their clip, and nothing else is") {
  for (const std::size_t act_bits : {1U, 32U}) {
    ModelConfig config = test::toy_beexformer_config();
    if (act_bits == 1) {
      config.act_bits = 1;
      config.slfn_gate = "none";
      config.activation = "relu";
    }
    Model model(config, 1);
    const auto set = [](Parameter& p, float value) { p.value = Tensor(p.value.shape(), value); };
    for_each<Parameter>(model, [&](const std::string&, Parameter& p) { set(p, 3); });
    const auto weight_of = [](LinearLayer& layer) -> Parameter& {
      return std::visit([](auto& chosen) -> Parameter& { return chosen.weight; }, layer);
    };
    Parameter& inner = weight_of(model.layers[1].ffn.inner);
    inner.value.mutable_data()[0] = -1.5F;
    inner.value.mutable_data()[1] = 0.25F;
    inner.value.mutable_data()[2] = -1.0F;
    model.clamp(active_device());
    CHECK(inner.value.data()[0] == -1.0F);
    CHECK(inner.value.data()[1] == 0.25F);
    CHECK(inner.value.data()[2] == -1.0F);
    CHECK(inner.value.data()[3] == 1.0F);
    CHECK(weight_of(model.pooler).value.data()[0] == 1.0F);
    CHECK(model.classifier.weight.value.data()[0] == 3.0F);
    CHECK(model.embedding.word.value.data()[0] == 3.0F);
    model.config.latent_clip = 0;
    set(inner, -7);
    model.clamp(active_device());
    CHECK(inner.value.data()[0] == -7.0F);
  }
}

TEST_CASE("Model: adds the queries, keys and values of every layer where they are asked for") {
  const ModelConfig config = test::toy_bibert_config();
  Model model = test::toy_model(config, 8);
  const Batch batch = make_batch(test::toy_texts(5, 1, config));
  Tape tape(active_device(), Tape::Mode::inference);
  std::vector<AttentionInputs> inputs;
  const std::vector<Var> states = model.hidden_states(tape, batch, &inputs);
  REQUIRE(inputs.size() == config.layers);
  const Tensor key = project(model.layers[1].attention.key, states[1], batch.texts).value();
  CHECK(std::ranges::equal(inputs[1].key.value().data(), key.data()));
  CHECK(inputs[0].value.shape() == states[0].shape());
}

TEST_CASE("Model: a float model has no packed form, and says so") {
  CHECK_THROWS_AS((void)Model(test::toy_config(false), 1).pack(active_device()), Error);
}

TEST_CASE("Model: a stage learns, answers text by text, and goes on as bits with its scales") {
  for (const std::size_t bits : {2U, 4U}) {
    ModelConfig config = test::toy_config(true);
    config.act_bits = bits;
    CHECK(config.staged());
    CHECK_FALSE(config.binary());
    Model model = test::toy_model(config, 3);
    CHECK_THROWS_AS((void)model.pack(active_device()), Error);
    const auto texts = test::toy_texts(9, 1, config);
    {
      const Batch batch = make_batch(texts);
      Tape tape(active_device());
      tape.backward(cross_entropy(model(tape, batch), batch.labels, batch.weights));
      for_each<Parameter>(model, [&](const std::string& name, Parameter& p) {
        CAPTURE(name);
        CHECK(p.whole_grad(active_device()).shape() == p.value.shape());
        p.clear_grad();
      });
    }
    for_each<ElasticSign>(model, [](const std::string&, ElasticSign&) { FAIL("bits in a stage"); });

    ModelFile file = test::toy_file();
    file.packed.reset();
    file.card.config = config;
    file.card.kind = "staged";
    file.latent = model.parameters(active_device());
    const std::string bytes = serialize_model(file);
    const ModelFile read = load_model(std::as_bytes(std::span(bytes)), "memory", Wanted::answers);
    REQUIRE(read.latent);
    CHECK(serialize_model(read) == bytes);
    CHECK_THROWS_AS(Classifier{read}, Error);  // only tape_network computes it

    const Network network = tape_network(Model(*read.latent), active_device());
    const auto together = network.logits(texts);
    for (std::size_t i = 0; i < texts.size(); ++i) {
      CHECK(network.logits(std::span(texts).subspan(i, 1))[0] == together[i]);
    }

    Model next(test::toy_config(true), 9);
    std::map<std::string, Tensor> values;
    for_each<Parameter>(
        model, [&](const std::string& name, const Parameter& p) { values.emplace(name, p.value); });
    for_each<Parameter>(next, [&](const std::string& name, Parameter& p) {
      REQUIRE(values.contains(name));
      p.value = values.at(name);
    });
    detail::carry_scales(next, config);
    for_each<ElasticSign>(next,
                          [](const std::string&, ElasticSign& b) { CHECK(b.calibrated.value); });
    for_each<ElasticStep>(
        next, [](const std::string&, ElasticStep& b) { CHECK_FALSE(b.calibrated.value); });
    Model back(config, 9);
    detail::carry_scales(back, test::toy_config(true));
    for_each<Calibrated>(back,
                         [](const std::string&, Calibrated& flag) { CHECK_FALSE(flag.value); });
  }
}
