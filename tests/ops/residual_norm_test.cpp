#include "bipft/ops/residual_norm.hpp"

#include <doctest/doctest.h>

#include <vector>

#include "bipft/ops/arithmetic.hpp"
#include "bipft/ops/dropout.hpp"
#include "bipft/ops/layer_norm.hpp"
#include "support/devices.hpp"
#include "support/grad_check.hpp"
#include "support/random_tensor.hpp"
#include "support/tensors.hpp"

using namespace bipft;

TEST_CASE("residual_norm: is dropout, add and layer_norm in turn, forwards and backwards") {
  for (Device* device : test::devices()) {
    for (const float p : {0.0F, 0.25F}) {
      Parameter a(test::random_tensor(Shape{130, 19}, 1));
      Parameter b(test::random_tensor(Shape{130, 19}, 2));
      Parameter gamma(test::random_tensor(Shape{19}, 3));
      Parameter beta(test::random_tensor(Shape{19}, 4));
      const Tensor weights = test::random_tensor(Shape{130, 19}, 5);
      std::vector<Tensor> results[2];
      for (const bool at_once : {false, true}) {
        for (Parameter* part : {&a, &b, &gamma, &beta}) part->clear_grad();
        Tape tape(*device);
        tape.set_random(1, 2);
        const Var of_a = tape.leaf(a), of_b = tape.leaf(b);
        const Var of_gamma = tape.leaf(gamma), of_beta = tape.leaf(beta);
        const Var y = at_once ? residual_norm(of_a, of_b, p, of_gamma, of_beta, 1e-3F)
                              : layer_norm(add(of_a, dropout(of_b, p)), of_gamma, of_beta, 1e-3F);
        const Var sum = add(y, dropout(y, 0.5F));  // the next draw is the same in both
        tape.backward(test::weighted_sum(sum, weights));
        results[at_once] = {sum.value(), a.grad, b.grad, gamma.grad, beta.grad};
      }
      for (std::size_t i = 0; i < 5; ++i) test::check_equal(results[1][i], results[0][i]);
    }
  }
}

TEST_CASE("residual_norm: gradients agree with differences") {
  for (Device* device : test::devices()) {
    Parameter a(test::random_tensor(Shape{4, 5}, 1));
    Parameter b(test::random_tensor(Shape{4, 5}, 2));
    Parameter gamma(test::random_tensor(Shape{5}, 3));
    Parameter beta(test::random_tensor(Shape{5}, 4));
    const Tensor weights = test::random_tensor(Shape{4, 5}, 5);
    const auto loss = [&](Tape& tape) {
      return test::weighted_sum(
          residual_norm(tape.leaf(a), tape.leaf(b), 0.0F, tape.leaf(gamma), tape.leaf(beta), 0.1F),
          weights);
    };
    test::grad_check(*device, loss, {&a, &b, &gamma, &beta});
  }
}

TEST_CASE("residual_norm: drops nothing where nothing is trained") {
  Tape tape(test::plain_device(), Tape::Mode::inference);
  const Var a = tape.constant(test::random_tensor(Shape{4, 5}, 1));
  const Var row = tape.constant(Tensor(Shape{5}, 1.0F));
  test::check_equal(residual_norm(a, a, 0.5F, row, row, 0.1F).value(),
                    layer_norm(add(a, a), row, row, 0.1F).value());
}

TEST_CASE("residual_norm: says what does not fit") {
  Tape tape(test::plain_device());
  const Var a = tape.constant(Tensor(Shape{2, 3}));
  const Var b = tape.constant(Tensor(Shape{3, 2}));
  const Var row = tape.constant(Tensor(Shape{3}));
  CHECK_THROWS_WITH_AS((void)residual_norm(a, b, 0.0F, row, row, 0.1F),
                       "residual_norm: a is [2, 3], b is [3, 2], gamma is [3], beta is [3]", Error);
  CHECK_THROWS_AS((void)residual_norm(a, a, 0.0F, b, row, 0.1F), Error);
  CHECK_THROWS_AS((void)residual_norm(a, a, 1.0F, row, row, 0.1F), Error);
  CHECK_THROWS_AS((void)residual_norm(a, a, -0.1F, row, row, 0.1F), Error);
}
