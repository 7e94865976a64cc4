#include "bipft/binarize/approx_step.hpp"

#include <doctest/doctest.h>

#include <iterator>
#include <vector>

#include "bipft/binarize/approx_sign.hpp"
#include "bipft/binarize/binary_linear.hpp"
#include "bipft/binarize/surrogate_sign.hpp"
#include "golden/beexformer.hpp"
#include "support/devices.hpp"
#include "support/grad_check.hpp"
#include "support/random_tensor.hpp"
#include "support/tensors.hpp"

using namespace bipft;

TEST_CASE("approx_step: is 0 or 1 about a half, and its gradient the surrogate's of 2x - 1") {
  // u = 2x - 1 runs through the surrogate's vectors.
  std::vector<double> xs, slopes;
  for (const golden::SurrogateVector& at : golden::surrogate) {
    xs.push_back((at.x + 1) / 2);
    slopes.push_back(at.df);
  }
  const Shape shape{1, xs.size()};
  const Tensor weights = test::random_tensor(shape, 3);
  for (Device* device : test::devices()) {
    Parameter x(test::tensor(shape, xs));
    Tape tape(*device);
    const BinaryVar y = ApproxStep(xs.size())(tape.leaf(x));
    CHECK(y.rule.zero_one);
    const Tensor levels = y.level_values(*device);
    for (std::size_t i = 0; i < xs.size(); ++i) {
      CHECK(levels.data()[i] == (xs[i] > 0.5 ? 1.0F : 0.0F));
    }
    tape.backward(tape.record(Tensor(Shape{1}), {y.levels},
                              [&](Tape& t, const Tensor&) { t.accumulate(y.levels, weights); }));
    test::check_close(x.grad, device->multiply(weights, test::tensor(shape, slopes)), 1e-6F);
  }
}

TEST_CASE("approx_step: and approx_sign's products with signs agree with the vectors") {
  constexpr std::size_t count = std::size(golden::dot_bits_a);
  const Shape shape{1, count};
  Tensor a(shape), b(shape);
  for (std::size_t i = 0; i < count; ++i) {
    a.mutable_data()[i] = golden::dot_bits_a[i] == 1 ? 0.75F : -0.25F;
    b.mutable_data()[i] = golden::dot_bits_b[i] == 1 ? 0.5F : -0.5F;
  }
  for (Device* device : test::devices()) {
    for (const Tape::Products products : {Tape::Products::bits, Tape::Products::floats}) {
      Tape tape(*device, Tape::Mode::inference, products);
      const BinaryWeight w = SurrogateSign()(tape.constant(b));
      const Var bias = tape.constant(Tensor(Shape{1}));
      const auto product = [&](const BinaryVar& x) {
        return static_cast<int>(binary_linear(x, w, bias).value().data()[0]);
      };
      CHECK(product(ApproxStep()(tape.constant(a))) == golden::dot_zero_one);
      CHECK(product(ApproxSign()(tape.constant(a))) == golden::dot_plus_minus);
    }
  }
}
