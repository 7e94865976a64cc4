#include "bipft/model/network.hpp"

#include <doctest/doctest.h>

#include <cstring>

#include "bipft/core/parallel.hpp"
#include "bipft/kernels/dispatch.hpp"
#include "bipft/model/tape_network.hpp"
#include "support/toy.hpp"

using namespace bipft;

namespace {

using Rows = std::vector<std::vector<float>>;

Rows trained_logits(Model& model, std::span<const EncodedText> texts, Tape::Products products) {
  Tape tape(active_device(), Tape::Mode::inference, products);
  const Batch batch = make_batch(texts);
  const Tensor logits = model(tape, batch).value();
  Rows rows;
  for (std::size_t b = 0; b < logits.rows(); ++b) {
    rows.emplace_back(logits.row(b).begin(), logits.row(b).end());
  }
  return rows;
}

double largest_difference(const Rows& a, const Rows& b) {
  double worst = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    for (std::size_t k = 0; k < a[i].size(); ++k) {
      worst =
          std::max(worst, std::abs(static_cast<double>(a[i][k]) - static_cast<double>(b[i][k])));
    }
  }
  return worst;
}

/// A packed model, its trained form by bits and by floats, and the reference form: all the same.
void check_packed_and_trained(const ModelConfig& config) {
  Model model = test::toy_model(config, 7);
  const auto texts = test::toy_texts(40, 3, config);
  const PackedModel packed = model.pack(active_device());
  const Network network(packed, active_device());
  const Rows from_bits = network.logits(texts);
  const Rows trained = trained_logits(model, texts, Tape::Products::bits);
  REQUIRE(from_bits.size() == texts.size());
  // Only the classifier's product is summed in another order.
  CHECK(largest_difference(from_bits, trained) < 1e-5);
  const Rows in_floats = trained_logits(model, texts, Tape::Products::floats);
  CHECK(in_floats == trained);
  CHECK(tape_network(packed, active_device()).logits(texts) == trained);
  CHECK(from_bits[0] != from_bits[1]);  // it does look at the text

  const Batch batch = make_batch(texts);
  Tape tape(active_device(), Tape::Mode::inference);
  const Tensor hidden = model.encode(tape, batch).value();
  const Tensor packed_hidden = network(batch, true).hidden;
  REQUIRE(packed_hidden.shape() == hidden.shape());
  CHECK(std::memcmp(packed_hidden.data().data(), hidden.data().data(),
                    hidden.numel() * sizeof(float)) == 0);
}

}  // namespace

TEST_CASE("Network: a packed model computes what the trained form computes") {
  for (const std::size_t head_size : {32U, 64U}) {
    for (const char* levels : {"step", "sign"}) {
      for (const std::size_t embedding_bits : {1U, 32U}) {
        CAPTURE(head_size);
        CAPTURE(levels);
        CAPTURE(embedding_bits);
        ModelConfig config = test::toy_config(true, head_size);
        config.inner_levels = levels;
        config.embedding_bits = embedding_bits;
        check_packed_and_trained(config);
      }
    }
  }
}

TEST_CASE("Network: so does one without a softmax, and with every mixture of what a config names") {
  for (const std::size_t head_size : {32U, 64U}) {
    CAPTURE(head_size);
    const ModelConfig bibert = test::toy_bibert_config(head_size);
    check_packed_and_trained(bibert);
    ModelConfig config = test::toy_config(true, head_size);
    config.attention = "bool";
    check_packed_and_trained(config);
    config = test::toy_config(true, head_size);
    config.weight_scales = "row";
    check_packed_and_trained(config);
    config = bibert;
    config.attention = "softmax";
    config.embedding_bits = 32;
    check_packed_and_trained(config);
  }
}

TEST_CASE("Network: so does one with a GELU behind learned levels, and a residual pooler") {
  for (const std::size_t head_size : {32U, 64U}) {
    CAPTURE(head_size);
    check_packed_and_trained(test::toy_bipft_config(0, head_size));
    ModelConfig config = test::toy_config(true, head_size);
    config.pooler = "residual";
    check_packed_and_trained(config);
  }
}

TEST_CASE("Network: so does one with estimators, of any rank") {
  for (const std::size_t head_size : {32U, 64U}) {
    for (const std::size_t rank : {1U, 2U, 8U}) {
      CAPTURE(head_size);
      CAPTURE(rank);
      ModelConfig config = test::toy_bipft_config(rank, head_size);
      check_packed_and_trained(config);
      config.activation = "relu";
      config.inner_levels = "step";
      config.pooler = "plain";
      config.max_len = 77;  // more than one register of keys
      check_packed_and_trained(config);
    }
  }
}

TEST_CASE("Network: so does one whose weights alone are bits, and one by a surrogate") {
  for (const std::size_t head_size : {32U, 20U}) {
    CAPTURE(head_size);
    ModelConfig config = test::toy_beexformer_config(head_size);
    check_packed_and_trained(config);
    config.slfn_gate = "output_sigmoid";
    config.weight_scales = "row";
    config.scale_gradient = "full";
    config.embedding_bits = 32;
    config.pooler = "residual";
    check_packed_and_trained(config);
    for (const char* activation : {"relu", "gelu"}) {  // BiT's weights
      config = test::toy_config(true, head_size);
      config.act_bits = 32;
      config.activation = activation;
      config.inner_levels = "sign";
      check_packed_and_trained(config);
    }
  }
  ModelConfig config = test::toy_config();
  config.input_levels = "approx";
  check_packed_and_trained(config);
  config.activation = "gelu";
  config.inner_levels = "sign";
  config.weight_surrogate = "tanh";
  config.weight_scales = "none";
  check_packed_and_trained(config);
}

TEST_CASE("Network: the sign of a shifted GELU is that of GELU, at every popcount") {
  ModelConfig config = test::toy_bipft_config(0);
  config.hidden = 384;  // so that a step of x is short, and many lie about GELU's least value
  config.heads = 12;
  Model model = test::toy_model(config, 7);
  auto& outer = std::get<BinaryLinear>(model.layers[0].ffn.outer);
  auto& shift = std::get<ElasticSign>(outer.input).shift.value;
  const float shifts[] = {0.0F,    1e-30F, -1e-30F,   1e-3F,      0.1F,          0.16F, 0.169F,
                          0.1699F, 0.17F,  0.2F,      0.5F,       2.0F,          -0.1F, -1.0F,
                          -3.0F,   -9.0F,  0x1p-149F, -0x1p-149F, 0.16997119747F};
  for (std::size_t c = 0; c < shift.numel(); ++c) shift.mutable_data()[c] = shifts[c % 19];
  const PackedModel packed = model.pack(active_device());
  const Plan plan = compile(packed, active_runner());
  const PackedLinear& inner = packed.layers[0].ffn.inner;
  for (const Step& any : plan.steps) {
    const auto* step = get_if<LinearBitsStep>(&any);
    if (step == nullptr || step->to != Bits::inner) continue;
    std::size_t intervals = 0;
    for (std::size_t o = 0; o < inner.bits.rows(); ++o) {
      for (std::int32_t ones = 0; ones <= 384; ++ones) {
        const volatile float product = inner.scale(o) * static_cast<float>(384 - 2 * ones);
        const Tensor x(Shape{1}, product + inner.bias.data()[o]);
        const Tensor y = active_device().activate(Activation::gelu, x);
        const bool one = y.data()[0] + shift.data()[o] >= 0.0F;
        REQUIRE((ones <= step->most[o] || ones >= step->least[o]) == one);
      }
      if (step->most[o] < step->least[o] && step->least[o] <= 384) ++intervals;
    }
    CHECK(intervals > 10);  // there are such that fall and rise
    return;
  }
  FAIL("no step gives the inner bits");
}

TEST_CASE("Network: a float model's plan computes what the trained form computes") {
  for (const std::size_t heads : {1U, 2U, 4U}) {
    for (const char* activation : {"gelu", "relu"}) {
      for (const std::size_t embedding_bits : {1U, 32U}) {
        CAPTURE(heads);
        CAPTURE(activation);
        CAPTURE(embedding_bits);
        ModelConfig config = test::toy_config(false);
        config.heads = heads;
        config.activation = activation;
        config.embedding_bits = embedding_bits;
        Model model = test::toy_model(config, 7);
        const auto texts = test::toy_texts(40, 3, config);
        const Network plan(model.parameters(active_device()), active_runner());
        const Rows from_plan = plan.logits(texts);
        REQUIRE(from_plan.size() == texts.size());
        CHECK(from_plan[0] != from_plan[1]);
        CHECK(largest_difference(from_plan, trained_logits(model, texts, Tape::Products::floats)) <
              1e-5);
        const Network tape = tape_network(std::move(model), active_device());
        const Batch batch = make_batch(texts);
        const Tensor hidden = plan(batch, true).hidden;
        const Tensor trained = tape(batch, true).hidden;
        REQUIRE(hidden.shape() == trained.shape());
        CHECK(std::memcmp(hidden.data().data(), trained.data().data(),
                          trained.numel() * sizeof(float)) == 0);
      }
    }
  }
}

TEST_CASE("Network: latent weights of a binary model make no plan") {
  Model model = test::toy_model(test::toy_config(), 3);
  const ModelParameters latent = model.parameters(active_device());
  CHECK_THROWS_AS(Network(latent, active_runner()), Error);
}

TEST_CASE("Network: threads, batch and neighbours never change a byte") {
  for (const bool binary : {true, false}) {
    CAPTURE(binary);
    const ModelConfig config = test::toy_config(binary);
    Model model = test::toy_model(config, 2);
    const Network network = binary ? Network(model.pack(active_device()), active_device())
                                   : Network(model.parameters(active_device()), active_device());
    const auto texts = test::toy_texts(33, 9, config);
    const std::size_t before = threads();
    set_threads(1);
    const Rows alone = [&] {
      Rows rows;
      for (const EncodedText& text : texts) {
        rows.push_back(network.logits(std::span(&text, 1))[0]);
      }
      return rows;
    }();
    for (const std::size_t count : {1U, 2U, 3U, 7U}) {
      set_threads(count);
      CHECK(network.logits(texts) == alone);
      for (const std::size_t size : {2U, 5U, 32U}) {
        CHECK(network.logits(std::span(texts).first(size)) ==
              Rows(alone.begin(), alone.begin() + static_cast<std::ptrdiff_t>(size)));
      }
    }
    set_threads(before);
  }
}

TEST_CASE("Network: every target gives a packed model's bytes") {
  const std::string active(kernels::active().name);
  ModelConfig float_inputs = test::toy_config();
  float_inputs.act_bits = 32;
  for (const ModelConfig& config :
       {test::toy_config(), test::toy_bibert_config(), test::toy_bipft_config(0),
        test::toy_bipft_config(1), test::toy_bipft_config(3, 64), test::toy_beexformer_config(20),
        float_inputs}) {
    Model model = test::toy_model(config, 4);
    const PackedModel packed = model.pack(active_device());
    const auto texts = test::toy_texts(21, 8, config);
    kernels::select_target("scalar");
    const Rows scalar = Network(packed, active_device()).logits(texts);
    for (const kernels::KernelTable* target : kernels::supported_targets()) {
      CAPTURE(target->name);
      kernels::select_target(target->name);
      CHECK(Network(packed, active_device()).logits(texts) == scalar);
    }
    kernels::select_target(active);
  }
}

TEST_CASE("Network: ids and lengths that do not fit are refused") {
  const ModelConfig config = test::toy_config();
  Model model = test::toy_model(config, 4);
  const Network network(model.pack(active_device()), active_device());
  auto texts = test::toy_texts(1, 1, config);
  texts[0].ids[1] = static_cast<std::int32_t>(config.vocabulary);
  CHECK_THROWS_AS((void)network.logits(texts), Error);
  texts[0].ids.assign(config.max_len + 1, 7);
  texts[0].type_ids.assign(config.max_len + 1, 0);
  CHECK_THROWS_AS((void)network.logits(texts), Error);
}
