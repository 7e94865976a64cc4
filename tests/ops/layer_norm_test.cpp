#include "bipft/ops/layer_norm.hpp"

#include <doctest/doctest.h>

#include <cmath>

#include "support/devices.hpp"
#include "support/grad_check.hpp"
#include "support/random_tensor.hpp"
#include "support/tensors.hpp"

using namespace bipft;

TEST_CASE("layer_norm: divides by the biased deviation, epsilon under the root") {
  const double inverse = 1.0 / std::sqrt(1.25 + 0.75);  // of 1, 2, 3, 4, with ε = 0.75
  for (Device* device : test::devices()) {
    Tape tape(*device);
    const Var y = layer_norm(tape.constant(test::tensor({2, 4}, {1, 2, 3, 4, 7, 7, 7, 7})),
                             tape.constant(test::tensor({4}, {1, 2, 1, 1})),
                             tape.constant(test::tensor({4}, {0, 0, 0, 5})), 0.75F);
    test::check_close(y.value(), test::tensor({2, 4}, {-1.5 * inverse, -inverse, 0.5 * inverse,
                                                       1.5 * inverse + 5, 0, 0, 0, 5}));
  }
}

TEST_CASE("layer_norm: gradients agree with differences") {
  for (Device* device : test::devices()) {
    Parameter x(test::random_tensor(Shape{3, 6}, 1));
    Parameter gamma(test::random_tensor(Shape{6}, 2));
    Parameter beta(test::random_tensor(Shape{6}, 3));
    const Tensor weights = test::random_tensor(Shape{3, 6}, 4);
    const auto loss = [&](Tape& tape) {
      return test::weighted_sum(layer_norm(tape.leaf(x), tape.leaf(gamma), tape.leaf(beta), 1e-5F),
                                weights);
    };
    test::grad_check(*device, loss, {&x, &gamma, &beta});
  }
}

TEST_CASE("layer_norm: says which shapes do not fit") {
  Tape tape(test::plain_device());
  const Var x = tape.constant(Tensor(Shape{2, 3}));
  const Var three = tape.constant(Tensor(Shape{3}));
  const Var two = tape.constant(Tensor(Shape{2}));
  CHECK_THROWS_WITH_AS((void)layer_norm(x, three, two, 1e-12F),
                       "layer_norm: x is [2, 3], gamma is [3], beta is [2]", Error);
  CHECK_THROWS_AS((void)layer_norm(x, two, three, 1e-12F), Error);
}
