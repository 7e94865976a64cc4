#include "bipft/ops/attention.hpp"

#include <doctest/doctest.h>

#include <vector>

#include "support/devices.hpp"
#include "support/grad_check.hpp"
#include "support/random_tensor.hpp"
#include "support/tensors.hpp"

using namespace bipft;

TEST_CASE("scores and mix: heads are blocks of channels, and texts do not meet") {
  // Texts of 1 and 2 tokens, 2 heads of size 1.
  const Ragged texts({1, 2});
  const Tensor q = test::tensor({3, 2}, {2, 3, 5, 7, 11, 13});
  const Tensor k = test::tensor({3, 2}, {1, 10, 1, 2, 3, 4});
  for (Device* device : test::devices()) {
    Tape tape(*device);
    const Var s = scores(tape.constant(q), tape.constant(k), texts, 2, 0.5F);
    test::check_equal(s.value(), test::tensor({10}, {1, 15,  // text 0: one score a head
                                                     2.5, 7.5, 5.5, 16.5,  // text 1, head 0
                                                     7, 14, 13, 26}));     // text 1, head 1
    const Var p = tape.constant(test::tensor({10}, {1, 2, 1, 0, 0, 1, 0, 1, 1, 0}));
    const Var y = mix(p, tape.constant(k), texts, 2);
    test::check_equal(y.value(), test::tensor({3, 2}, {1, 20, 1, 4, 3, 2}));
  }
}

TEST_CASE("scores and mix: gradients agree with differences") {
  const Ragged texts({3, 1, 2});
  const std::size_t heads = 2;
  for (Device* device : test::devices()) {
    Parameter q(test::random_tensor(Shape{6, 8}, 1));
    Parameter k(test::random_tensor(Shape{6, 8}, 2));
    Parameter v(test::random_tensor(Shape{6, 8}, 3));
    const Tensor weights = test::random_tensor(Shape{6, 8}, 4);
    const auto loss = [&](Tape& tape) {
      const Var s = scores(tape.leaf(q), tape.leaf(k), texts, heads, 0.5F);
      return test::weighted_sum(mix(s, tape.leaf(v), texts, heads), weights);
    };
    test::grad_check(*device, loss, {&q, &k, &v});
  }
}

TEST_CASE("scores and mix: say which shapes do not fit") {
  Tape tape(test::plain_device());
  const Ragged texts({2, 1});
  const Var q = tape.constant(Tensor(Shape{3, 4}));
  const Var p = tape.constant(Tensor(Shape{10}));
  const Var other = tape.constant(Tensor(Shape{2, 4}));
  CHECK_THROWS_WITH_AS((void)scores(q, other, texts, 2, 1.0F),
                       "scores: q is [3, 4], k is [2, 4] for 3 tokens and 2 heads", Error);
  CHECK_THROWS_AS((void)scores(other, other, texts, 2, 1.0F), Error);
  CHECK_THROWS_AS((void)scores(q, q, texts, 3, 1.0F), Error);
  CHECK_THROWS_AS((void)scores(q, q, texts, 0, 1.0F), Error);
  CHECK_THROWS_WITH_AS((void)mix(p, q, texts, 1),
                       "mix: p is [10], v is [3, 4] for 3 tokens, 5 pairs and 1 heads", Error);
  CHECK_THROWS_AS((void)mix(p, other, texts, 2), Error);
  CHECK_THROWS_AS((void)mix(tape.constant({}), q, texts, 0), Error);
}
