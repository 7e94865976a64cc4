#include "bipft/binarize/binary_attention.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <vector>

#include "bipft/binarize/elastic_sign.hpp"
#include "bipft/binarize/elastic_step.hpp"
#include "bipft/ops/attention.hpp"
#include "bipft/ops/dropout.hpp"
#include "bipft/ops/softmax.hpp"
#include "support/devices.hpp"
#include "support/grad_check.hpp"
#include "support/random_tensor.hpp"
#include "support/tensors.hpp"

using namespace bipft;

namespace {

const Ragged texts({3, 1, 5});
constexpr std::size_t heads = 3;
const Tensor q_values = test::random_tensor(Shape{9, 12}, 1);
const Tensor k_values = test::random_tensor(Shape{9, 12}, 2);
const Tensor v_values = test::random_tensor(Shape{9, 12}, 3);
const Tensor p_values = test::random_tensor(Shape{heads * 35}, 4);
const BitRule q_rule{{}, 0.0F, false, false, 0.7F};
const BitRule k_rule{{}, 0.0F, false, false, 1.3F};
const BitRule p_rule{{}, 0.1F, true, true, 0.2F};

}  // namespace

TEST_CASE("binary_scores: an integer, multiplied once") {
  for (Device* device : test::devices()) {
    Tape tape(*device);
    const BinaryVar q{tape.constant(q_values), q_rule};
    const BinaryVar k{tape.constant(k_values), k_rule};
    const Tensor s = binary_scores(q, k, texts, heads).value();
    REQUIRE(s.shape() == Shape{heads * texts.pairs()});

    const BitMatrix q_bits = q_rule.bits(*device, q_values);
    const BitMatrix k_bits = k_rule.bits(*device, k_values);
    const float factor = 0.7F * 1.3F / std::sqrt(4.0F);
    CHECK(attention_scale(0.7F, 1.3F, 4) == factor);
    std::size_t at = 0;
    for (std::size_t b = 0; b < texts.texts(); ++b) {
      for (std::size_t h = 0; h < heads; ++h) {
        for (std::size_t i = texts.begin(b); i < texts.begin(b + 1); ++i) {
          for (std::size_t j = texts.begin(b); j < texts.begin(b + 1); ++j) {
            int dot = 0;
            for (std::size_t c = 4 * h; c < 4 * h + 4; ++c) {
              dot += q_bits.bit(i, c) == k_bits.bit(j, c) ? 1 : -1;
            }
            REQUIRE(s.data()[at++] == factor * static_cast<float>(dot));
          }
        }
      }
    }
  }
}

TEST_CASE("binary_mix: an integer, multiplied once") {
  for (Device* device : test::devices()) {
    Tape tape(*device);
    const BinaryVar p{tape.constant(p_values), p_rule};
    const BinaryVar v{tape.constant(v_values), k_rule};
    const Tensor y = binary_mix(p, v, texts, heads).value();
    const Tensor counts =
        device->mix(p_rule.units(*device, p_values), k_rule.units(*device, v_values), texts, heads);
    const float factor = 0.2F * 1.3F;
    for (std::size_t i = 0; i < y.numel(); ++i) {
      REQUIRE(counts.data()[i] == std::round(counts.data()[i]));
      REQUIRE(y.data()[i] == factor * counts.data()[i]);
    }
  }
}

TEST_CASE(
    "binary_scores and binary_mix: are products of their levels, and so are their gradients") {
  for (Device* device : test::devices()) {
    const Tensor s_weights = test::random_tensor(Shape{heads * texts.pairs()}, 5);
    const Tensor y_weights = test::random_tensor(Shape{9, 12}, 6);

    Parameter q_levels(q_rule.levels(*device, q_values));
    Parameter k_levels(k_rule.levels(*device, k_values));
    Parameter v_levels(k_rule.levels(*device, v_values));
    Parameter p_levels(p_rule.levels(*device, p_values));
    Tape floats(*device);
    const Var s = scores(floats.leaf(q_levels), floats.leaf(k_levels), texts, heads, 0.5F);
    floats.backward(test::weighted_sum(s, s_weights));
    const Var y = mix(floats.leaf(p_levels), floats.leaf(v_levels), texts, heads);
    floats.backward(test::weighted_sum(y, y_weights));

    Parameter q(q_values);
    Parameter k(k_values);
    Parameter v(v_values);
    Parameter p(p_values);
    Tape tape(*device);
    const Var binary_s =
        binary_scores({tape.leaf(q), q_rule}, {tape.leaf(k), k_rule}, texts, heads);
    test::check_close(binary_s.value(), s.value());
    tape.backward(test::weighted_sum(binary_s, s_weights));
    const Var binary_y = binary_mix({tape.leaf(p), p_rule}, {tape.leaf(v), k_rule}, texts, heads);
    test::check_close(binary_y.value(), y.value());
    tape.backward(test::weighted_sum(binary_y, y_weights));

    test::check_close(q.grad, q_levels.grad, 1e-5F);
    test::check_close(k.grad, k_levels.grad, 1e-5F);
    test::check_close(v.grad, v_levels.grad, 1e-5F);
    test::check_close(p.grad, p_levels.grad, 1e-5F);
  }
}

TEST_CASE("binary attention: the gradients of its scales are true derivatives, over √N") {
  for (Device* device : test::devices()) {
    ElasticSign query, key, value;
    for (ElasticSign* sign : {&query, &key, &value}) {
      sign->alpha.value = Tensor(Shape{1}, 0.5F);
      sign->calibrated.value = true;
    }
    const Tensor weights = test::random_tensor(Shape{9, 12}, 6);
    const auto loss = [&](Tape& tape) {
      // Scores as probabilities, through a rule without a gradient: only v's scale varies y.
      const BinaryVar v = value(tape.constant(v_values));
      const Var y = binary_mix({tape.constant(p_values), p_rule}, v, texts, heads);
      return test::weighted_sum(y, weights);
    };
    test::run_backward(*device, loss, {&value.alpha});
    test::check_close(device->scale(value.alpha.grad, std::sqrt(108.0F)),
                      test::differences(*device, loss, value.alpha), 1e-3F);

    const Tensor s_weights = test::random_tensor(Shape{heads * texts.pairs()}, 5);
    const auto score_loss = [&](Tape& tape) {
      const Var s =
          binary_scores(query(tape.constant(q_values)), key(tape.constant(k_values)), texts, heads);
      return test::weighted_sum(s, s_weights);
    };
    test::run_backward(*device, score_loss, {&query.alpha, &key.alpha});
    for (ElasticSign* sign : {&query, &key}) {
      test::check_close(device->scale(sign->alpha.grad, std::sqrt(108.0F)),
                        test::differences(*device, score_loss, sign->alpha), 1e-3F);
    }
  }
}

TEST_CASE("binary_attention: is its parts in turn, forwards, backwards and at the first batch") {
  for (Device* device : test::devices()) {
    for (const float rate : {0.0F, 0.25F}) {
      const Tensor weights = test::random_tensor(Shape{9, 12}, 6);
      std::vector<Tensor> results[2];
      for (const bool whole : {false, true}) {
        ElasticSign query, key, value;
        ElasticStep probability;
        Parameter q(q_values), k(k_values), v(v_values);
        Tensor second;
        for (const std::uint64_t step : {1U, 2U}) {
          for (Parameter* p : {&q, &k, &v, &probability.alpha}) p->clear_grad();
          Tape tape(*device);
          tape.set_random(3, step);
          const BinaryVar q_bits = query(tape.leaf(q));
          const BinaryVar k_bits = key(tape.leaf(k));
          const BinaryVar v_bits = value(tape.leaf(v));
          Var y = tape.constant(Tensor());
          if (whole) {
            y = binary_attention(q_bits, k_bits, v_bits, probability, texts, heads, rate);
          } else {
            const Var s = binary_scores(q_bits, k_bits, texts, heads);
            const Var p = dropout(softmax(s, texts, heads), rate);
            y = binary_mix(probability(p), v_bits, texts, heads);
          }
          second = y.value();
          tape.backward(test::weighted_sum(y, weights));
        }
        CHECK(probability.calibrated.value);
        results[whole] = {second, q.grad, k.grad, v.grad, probability.alpha.value};
        results[whole].push_back(probability.alpha.grad);
      }
      for (std::size_t i = 0; i < 5; ++i) test::check_equal(results[1][i], results[0][i]);
      test::check_close(results[1][5], results[0][5], 1e-5F);
    }
  }
}

TEST_CASE("binary_attention: inference calibrates nothing and drops nothing") {
  for (Device* device : test::devices()) {
    ElasticStep probability;
    Tape tape(*device, Tape::Mode::inference);
    const BinaryVar q{tape.constant(q_values), q_rule};
    const BinaryVar k{tape.constant(k_values), k_rule};
    const Var y = binary_attention(q, k, k, probability, texts, heads, 0.5F);
    const Var p = softmax(binary_scores(q, k, texts, heads), texts, heads);
    test::check_equal(y.value(), binary_mix(probability(p), k, texts, heads).value());
    CHECK_FALSE(probability.calibrated.value);
  }
}

TEST_CASE("binary attention: says which shapes do not fit") {
  Tape tape(test::plain_device());
  const BinaryVar q{tape.constant(Tensor(Shape{9, 12})), {}};
  const BinaryVar short_q{tape.constant(Tensor(Shape{8, 12})), {}};
  CHECK_THROWS_WITH_AS((void)binary_scores(q, short_q, texts, 3),
                       "binary_scores: q is [9, 12], k is [8, 12] for 9 tokens and 3 heads", Error);
  CHECK_THROWS_AS((void)binary_scores(q, q, texts, 5), Error);
  CHECK_THROWS_AS((void)binary_scores(q, q, texts, 0), Error);
  ElasticStep probability;
  CHECK_THROWS_WITH_AS((void)binary_attention(q, q, short_q, probability, texts, 3, 0.0F),
                       "binary_attention: q is [9, 12], k is [9, 12], v is [8, 12] for 9 tokens "
                       "and 3 heads",
                       Error);
  CHECK_THROWS_AS((void)binary_attention(q, q, q, probability, texts, 5, 0.0F), Error);
  CHECK_THROWS_AS((void)binary_attention(q, q, q, probability, texts, 0, 0.0F), Error);
  CHECK_THROWS_AS((void)binary_attention(q, q, q, probability, texts, 3, 1.0F), Error);
  const BinaryVar p{tape.constant(Tensor(Shape{35})), {}};
  CHECK_THROWS_WITH_AS((void)binary_mix(p, q, texts, 3),
                       "binary_mix: p is [35], v is [9, 12] for 9 tokens, 35 pairs and 3 heads",
                       Error);
}
