#include "bipft/binarize/binary_attention.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <vector>

#include "bipft/autograd/tape.hpp"
#include "bipft/binarize/elastic_sign.hpp"
#include "bipft/binarize/elastic_step.hpp"
#include "bipft/ops/arithmetic.hpp"
#include "bipft/ops/attention.hpp"
#include "bipft/ops/dropout.hpp"
#include "bipft/ops/linear.hpp"
#include "bipft/ops/softmax.hpp"
#include "golden/binarization.hpp"
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

TEST_CASE("binary_attention: makes of estimates what published code does (golden vector TV11)") {
  namespace g = golden;
  const Ragged one({2});
  const auto of = [](const auto& values, const Shape& shape) {
    Tensor x(shape);
    for (std::size_t i = 0; i < x.numel(); ++i) {
      x.mutable_data()[i] = static_cast<float>(values[i]);
    }
    return x;
  };
  // [token][channel] from the blocks of two heads.
  const auto of_heads = [](const auto& head0, const auto& head1) {
    Tensor x(Shape{2, 4});
    for (std::size_t i = 0; i < 4; ++i) {
      x.mutable_row(i / 2)[i % 2] = static_cast<float>(head0[i]);
      x.mutable_row(i / 2)[2 + i % 2] = static_cast<float>(head1[i]);
    }
    return x;
  };
  Tensor stacked(Shape{5, 4});
  const double* const rows[] = {g::tv11_w_qm, g::tv11_w_qp, g::tv11_w_km, g::tv11_w_kp,
                                g::tv11_w_vp};
  for (std::size_t i = 0; i < 20; ++i) {
    stacked.mutable_data()[i] = static_cast<float>(rows[i / 4][i % 4]);
  }
  for (Device* device : test::devices()) {
    for (const Tape::Products products : {Tape::Products::bits, Tape::Products::floats}) {
      ElasticStep probability;
      probability.alpha.value = Tensor(Shape{1}, static_cast<float>(g::tv11_alpha_attn));
      probability.calibrated.value = true;
      Parameter q(of(g::tv11_b_q, {2, 4})), k(of(g::tv11_b_k, {2, 4})), v(of(g::tv11_b_v, {2, 4}));
      Parameter w(stacked), bias(test::tensor({5}, {0.03F, 0.01F, 0.0F, -0.02F, 0.05F}));
      Tape tape(*device, Tape::Mode::train, products);
      const Var estimates =
          ordered_linear(tape.constant(of(g::tv11_h, {2, 4})), tape.leaf(w), tape.leaf(bias));
      for (std::size_t t = 0; t < 2; ++t) {
        const double wanted[] = {g::tv11_m_q[t], g::tv11_r_q[t], g::tv11_m_k[t], g::tv11_r_k[t],
                                 g::tv11_r_v[t]};
        for (std::size_t i = 0; i < 5; ++i) {
          CHECK(static_cast<double>(estimates.value().row(t)[i]) == doctest::Approx(wanted[i]));
        }
      }
      const BinaryVar q_bits{tape.leaf(q), BitRule{{}, 0.0F, false, false, 0.5F}};
      const BinaryVar k_bits{tape.leaf(k), BitRule{{}, 0.0F, false, false, 0.4F}};
      const BinaryVar v_bits{tape.leaf(v), BitRule{{}, 0.0F, false, false, 0.3F}};
      Parameter rows_of_estimates(estimates.value());
      for (const bool through_weights : {true, false}) {
        const Var e = through_weights ? estimates : tape.leaf(rows_of_estimates);
        const Var y = binary_attention(q_bits, k_bits, v_bits, probability, one, 2, 0.0F, e);
        test::check_close(y.value(), of_heads(g::tv11_context_head0, g::tv11_context_head1));
        if (through_weights) continue;  // and backwards below, all at once
        for (Parameter* p : {&q, &k, &v, &probability.alpha}) p->clear_grad();
        tape.backward(
            test::weighted_sum(y, of_heads(g::tv11_dcontext_head0, g::tv11_dcontext_head1)));
      }
      test::check_close(q.grad, of(g::tv11_db_q, {2, 4}));
      test::check_close(k.grad, of(g::tv11_db_k, {2, 4}));
      test::check_close(v.grad, of(g::tv11_db_v, {2, 4}));
      CHECK(static_cast<double>(probability.alpha.grad.data()[0]) ==
            doctest::Approx(g::tv11_dalpha_attn));
      const double* const of_rows[] = {g::tv11_d_m_q, g::tv11_d_r_q, g::tv11_d_m_k, g::tv11_d_r_k,
                                       g::tv11_d_r_v};
      for (std::size_t i = 0; i < 10; ++i) {
        CHECK(static_cast<double>(rows_of_estimates.grad.row(i / 5)[i % 5]) ==
              doctest::Approx(of_rows[i % 5][i / 5]).epsilon(1e-5));
      }

      Tape again(*device, Tape::Mode::train, products);
      const BinaryVar q2{again.leaf(q), q_bits.rule};
      const BinaryVar k2{again.leaf(k), k_bits.rule};
      const BinaryVar v2{again.leaf(v), v_bits.rule};
      const Var e =
          ordered_linear(again.constant(of(g::tv11_h, {2, 4})), again.leaf(w), again.leaf(bias));
      const Var y = binary_attention(q2, k2, v2, probability, one, 2, 0.0F, e);
      again.backward(
          test::weighted_sum(y, of_heads(g::tv11_dcontext_head0, g::tv11_dcontext_head1)));
      for (std::size_t c = 0; c < 4; ++c) {
        CHECK(static_cast<double>(w.grad.row(1)[c]) ==
              doctest::Approx(g::tv11_dw_qp[c]).epsilon(1e-4));
        CHECK(static_cast<double>(w.grad.row(4)[c]) ==
              doctest::Approx(g::tv11_dw_vp[c]).epsilon(1e-5));
      }
    }
  }
}

TEST_CASE("binary_attention: of r_v, gradients agree with differences") {
  for (Device* device : test::devices()) {
    ElasticStep probability;
    probability.alpha.value = Tensor(Shape{1}, 0.4F);
    probability.calibrated.value = true;
    const Tensor others = test::random_tensor(Shape{9, 5}, 7);
    Parameter rest(test::random_tensor(Shape{9, 1}, 8));
    Tensor last(Shape{5, 1});  // puts r_v where it belongs
    last.mutable_data()[4] = 1.0F;
    const Tensor weights = test::random_tensor(Shape{9, 12}, 6);
    const auto loss = [&](Tape& tape) {
      const BinaryVar q{tape.constant(q_values), q_rule};
      const BinaryVar k{tape.constant(k_values), k_rule};
      const Var placed =
          linear(tape.leaf(rest), tape.constant(last), tape.constant(Tensor(Shape{5})));
      const Var estimates = add(tape.constant(others), placed);
      const Var y = binary_attention(q, k, k, probability, texts, heads, 0.0F, estimates);
      return test::weighted_sum(y, weights);
    };
    test::grad_check(*device, loss, {&rest});
  }
}

TEST_CASE("binary_attention: of E, gradients are those of scores that were added") {
  constexpr std::size_t rank = 2;
  constexpr std::size_t sides = 2 * rank;
  // From a token's row to the sides of E, once for every head.
  Tensor to_query(Shape{heads * sides, 4 * rank + 1});
  Tensor to_key(to_query.shape());
  for (std::size_t side = 0; side < heads * sides; ++side) {
    const std::size_t c = side % sides;
    to_query.mutable_row(side)[c] = 0.5F;  // 1/√D: m_q, and then r_q
    if (c < rank) to_query.mutable_row(side)[rank + c] = 0.5F;
    to_key.mutable_row(side)[c < rank ? 3 * rank + c : rank + c] = 1.0F;
  }
  Tensor rows = test::random_tensor(Shape{9, 4 * rank + 1}, 7);
  for (std::size_t n = 0; n < 9; ++n) rows.mutable_row(n)[4 * rank] = 0.0F;
  for (Device* device : test::devices()) {
    std::vector<Tensor> results[2];
    for (const bool whole : {false, true}) {
      ElasticStep probability;
      probability.alpha.value = Tensor(Shape{1}, 0.4F);
      probability.calibrated.value = true;
      Parameter q(q_values), k(k_values), v(v_values), e(rows);
      Tape tape(*device);
      const BinaryVar q_bits{tape.leaf(q), q_rule};
      const BinaryVar k_bits{tape.leaf(k), k_rule};
      const BinaryVar v_bits{tape.leaf(v), k_rule};
      const Var estimates = tape.leaf(e);
      Var y = tape.constant(Tensor());
      if (whole) {
        y = binary_attention(q_bits, k_bits, v_bits, probability, texts, heads, 0.0F, estimates);
      } else {
        const Var none = tape.constant(Tensor(Shape{heads * sides}));
        const Var added =
            scores(linear(estimates, tape.constant(to_query), none),
                   linear(estimates, tape.constant(to_key), none), texts, heads, 1.0F);
        const Var s = add(binary_scores(q_bits, k_bits, texts, heads), added);
        y = binary_mix(probability(softmax(s, texts, heads)), v_bits, texts, heads);
      }
      const Tensor values = y.value();
      tape.backward(test::weighted_sum(y, test::random_tensor(Shape{9, 12}, 6)));
      for (std::size_t n = 0; n < 9; ++n) {
        CHECK((whole ? e.grad.row(n)[4 * rank] != 0.0F : e.grad.row(n)[4 * rank] == 0.0F));
        e.grad.mutable_row(n)[4 * rank] = 0.0F;  // r_v's is another test's
      }
      results[whole] = {values, q.grad, k.grad, v.grad, e.grad, probability.alpha.grad};
    }
    for (std::size_t i = 0; i < 6; ++i) test::check_close(results[1][i], results[0][i], 1e-4F);
  }
}

TEST_CASE("binary_attention: of estimates, ranks add up, and none of them is no estimate") {
  for (Device* device : test::devices()) {
    ElasticStep probability;
    probability.alpha.value = Tensor(Shape{1}, 0.4F);
    Tape tape(*device, Tape::Mode::inference);
    const BinaryVar q{tape.constant(q_values), q_rule};
    const BinaryVar k{tape.constant(k_values), k_rule};
    const auto attend = [&](const Tensor& estimates) {
      return binary_attention(q, k, k, probability, texts, heads, 0.0F, tape.constant(estimates))
          .value();
    };
    const Tensor without = binary_attention(q, k, k, probability, texts, heads, 0.0F).value();
    test::check_close(attend(Tensor(Shape{9, 5})), without);
    const Tensor narrow = test::random_tensor(Shape{9, 5}, 7);
    Tensor wide(Shape{9, 9});  // the same, and a second column of zeros
    for (std::size_t n = 0; n < 9; ++n) {
      for (std::size_t i = 0; i < 4; ++i) wide.mutable_row(n)[2 * i] = narrow.row(n)[i];
      wide.mutable_row(n)[8] = narrow.row(n)[4];
    }
    const Tensor estimated = attend(narrow);
    test::check_close(attend(wide), estimated);
    double moved = 0;
    for (std::size_t i = 0; i < estimated.numel(); ++i) {
      moved += static_cast<double>(std::abs(estimated.data()[i] - without.data()[i]));
    }
    CHECK(moved > 1);
    // However far the estimates are apart, there are numbers.
    Tensor far = narrow;
    for (float& x : far.mutable_data()) x *= 1e3F;
    for (const float x : attend(far).data()) CHECK(std::isfinite(x));
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
