#include "bipft/ops/softmax.hpp"

#include <doctest/doctest.h>

#include <cmath>

#include "support/devices.hpp"
#include "support/grad_check.hpp"
#include "support/random_tensor.hpp"
#include "support/tensors.hpp"

using namespace bipft;

TEST_CASE("softmax: rows are as long as their text, and sum to one") {
  const Ragged texts({2, 1});
  const double e = std::exp(1.0);
  for (Device* device : test::devices()) {
    Tape tape(*device);
    const Var s = tape.constant(test::tensor({5}, {0, 1, 1000, 1000, -7}));
    const Tensor p = softmax(s, texts, 1).value();
    test::check_close(p, test::tensor({5}, {1 / (1 + e), e / (1 + e), 0.5, 0.5, 1}));
  }
}

TEST_CASE("softmax: gradients agree with differences") {
  const Ragged texts({3, 1, 2});
  for (Device* device : test::devices()) {
    Parameter s(test::random_tensor(Shape{2 * texts.pairs()}, 1));
    const Tensor weights = test::random_tensor(s.value.shape(), 2);
    const auto loss = [&](Tape& tape) {
      return test::weighted_sum(softmax(tape.leaf(s), texts, 2), weights);
    };
    test::grad_check(*device, loss, {&s});
  }
}

TEST_CASE("softmax: says which shapes do not fit") {
  Tape tape(test::plain_device());
  CHECK_THROWS_WITH_AS((void)softmax(tape.constant(Tensor(Shape{9})), Ragged({2, 1}), 2),
                       "softmax: s is [9] for 5 pairs and 2 heads", Error);
}
