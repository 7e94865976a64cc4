#include "bipft/binarize/approx_sign.hpp"

#include <doctest/doctest.h>

#include "bipft/binarize/binary_linear.hpp"
#include "bipft/binarize/surrogate_sign.hpp"
#include "golden/beexformer.hpp"
#include "support/devices.hpp"
#include "support/grad_check.hpp"
#include "support/tensors.hpp"

using namespace bipft;

TEST_CASE("approx_sign: agrees with the vectors of a layer of bits, in both forms") {
  for (Device* device : test::devices()) {
    for (const Tape::Products products : {Tape::Products::bits, Tape::Products::floats}) {
      Parameter x(test::tensor({1, 4}, golden::bee_bits_x));
      Parameter w(test::tensor({2, 4}, golden::bee_w));
      Parameter bias(Tensor(Shape{2}));
      Tape tape(*device, Tape::Mode::train, products);
      const Var y = binary_linear(ApproxSign(4)(tape.leaf(x)), SurrogateSign()(tape.leaf(w)),
                                  tape.leaf(bias));
      test::check_equal(y.value(), test::tensor({1, 2}, golden::bee_bits_y));
      tape.backward(test::weighted_sum(y, test::tensor({1, 2}, golden::bee_g)));
      // A device may round the gradient that comes in to bfloat16, to 8 digits of two.
      test::check_close(x.grad, test::tensor({1, 4}, golden::bee_bits_dx), 5e-3F);
    }
  }
}

TEST_CASE("approx_sign: has nothing to learn, and nothing to pack but signs") {
  const BitRule rule = ApproxSign(8).rule();
  CHECK(rule.shift.empty());
  CHECK(rule.threshold == 0.0F);
  CHECK(rule.scale == 1.0F);
  CHECK_FALSE(rule.strict);
  CHECK_FALSE(rule.zero_one);
  for (Device* device : test::devices()) {
    Tape tape(*device, Tape::Mode::inference);
    const BinaryVar y = ApproxSign()(tape.constant(test::tensor({1, 3}, {0.0, -0.1, 5.0})));
    test::check_equal(y.level_values(*device), test::tensor({1, 3}, {1.0, -1.0, 1.0}));
  }
}
