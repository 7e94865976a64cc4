#include "bipft/binarize/bool_attention.hpp"

#include <doctest/doctest.h>

#include <vector>

#include "bipft/binarize/binary_attention.hpp"
#include "bipft/ops/dropout.hpp"
#include "golden/binarization.hpp"
#include "support/devices.hpp"
#include "support/grad_check.hpp"
#include "support/random_tensor.hpp"
#include "support/tensors.hpp"

using namespace bipft;

TEST_CASE("bool_attention: agrees with the published vectors, 0 being off as in the code") {
  for (Device* device : test::devices()) {
    Parameter a(test::tensor({8}, golden::tv9_a));
    Tape tape(*device);
    const BinaryVar b = BoolAttention()(tape.leaf(a));
    test::check_equal(b.level_values(*device), test::tensor({8}, golden::tv9_b_code));
    const Tensor g = test::tensor({8}, golden::tv9_g);
    tape.backward(tape.record(Tensor(Shape{1}), {b.levels},
                              [&](Tape& t, const Tensor&) { t.accumulate(b.levels, g); }));
    test::check_equal(a.grad, test::tensor({8}, golden::tv9_da));
  }
}

TEST_CASE("bool_attention: a key is mixed in where more than half of its signs are the query's") {
  const Ragged texts({3, 6});
  constexpr std::size_t heads = 2;
  const Tensor q = test::random_tensor(Shape{9, 64}, 1);
  const Tensor k = test::random_tensor(Shape{9, 64}, 2);
  const Tensor v = test::random_tensor(Shape{9, 64}, 3);
  for (Device* device : test::devices()) {
    Tape tape(*device);
    const PlainSign sign;
    const BinaryVar binary_v = sign(tape.constant(v));
    const Var s = binary_scores(sign(tape.constant(q)), sign(tape.constant(k)), texts, heads);
    const Tensor y = binary_mix(BoolAttention()(s), binary_v, texts, heads).value();
    for (std::size_t b = 0; b < texts.texts(); ++b) {
      for (std::size_t i = texts.begin(b); i < texts.begin(b + 1); ++i) {
        for (std::size_t c = 0; c < 64; ++c) {
          int sum = 0;
          for (std::size_t j = texts.begin(b); j < texts.begin(b + 1); ++j) {
            int equal = 0;
            for (std::size_t d = c / 32 * 32; d < c / 32 * 32 + 32; ++d) {
              equal += (q.row(i)[d] >= 0) == (k.row(j)[d] >= 0) ? 1 : 0;
            }
            if (equal > 16) sum += v.row(j)[c] >= 0 ? 1 : -1;
          }
          REQUIRE(y.row(i)[c] == static_cast<float>(sum));
        }
      }
    }
  }
}

TEST_CASE("bool_attention: in one with its products it is the same, forwards and backwards") {
  const Ragged texts({3, 70, 6});
  constexpr std::size_t heads = 2;
  const Tensor weights = test::random_tensor(Shape{79, 64}, 4);
  for (Device* device : test::devices()) {
    for (const float rate : {0.0F, 0.25F}) {
      Parameter q(test::random_tensor(Shape{79, 64}, 1));
      Parameter k(test::random_tensor(Shape{79, 64}, 2));
      Parameter v(test::random_tensor(Shape{79, 64}, 3));
      std::vector<Tensor> results[2];
      for (const bool whole : {false, true}) {
        for (Parameter* p : {&q, &k, &v}) p->clear_grad();
        Tape tape(*device);
        tape.set_random(3, 1);
        const PlainSign sign;
        const BinaryVar q_bits = sign(tape.leaf(q));
        const BinaryVar k_bits = sign(tape.leaf(k));
        const BinaryVar v_bits = sign(tape.leaf(v));
        const BoolAttention positive;
        Var y = tape.constant(Tensor());
        if (whole) {
          y = binary_attention(q_bits, k_bits, v_bits, positive, texts, heads, rate);
        } else {
          const Var s = dropout(binary_scores(q_bits, k_bits, texts, heads), rate);
          y = binary_mix(positive(s), v_bits, texts, heads);
        }
        tape.backward(test::weighted_sum(y, weights));
        results[whole] = {y.value(), q.grad, k.grad, v.grad};
      }
      for (std::size_t i = 0; i < 4; ++i) test::check_equal(results[1][i], results[0][i]);
    }
  }
}
