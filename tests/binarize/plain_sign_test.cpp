#include "bipft/binarize/plain_sign.hpp"

#include <doctest/doctest.h>

#include <span>

#include "bipft/core/visit.hpp"
#include "golden/binarization.hpp"
#include "support/devices.hpp"
#include "support/grad_check.hpp"
#include "support/tensors.hpp"

using namespace bipft;

TEST_CASE("plain_sign: agrees with the published vectors, with both windows") {
  struct Window {
    PlainSign sign;
    std::span<const double> dx;
  };
  const Window windows[] = {{PlainSign(4), golden::tv8_dx_linear_input},
                            {PlainSign(), golden::tv8_dx_qkv},
                            {PlainSign(0), golden::tv8_dx_qkv}};
  for (Device* device : test::devices()) {
    for (const Window& window : windows) {
      Parameter x(test::tensor({2, 4}, golden::tv8_x));
      Tape tape(*device);
      const BinaryVar y = window.sign(tape.leaf(x));
      test::check_equal(y.level_values(*device),
                        test::tensor({2, 4}, golden::tv8_y_if_sign0_is_plus1));
      const Tensor g = test::tensor({2, 4}, golden::tv8_g);
      tape.backward(tape.record(Tensor(Shape{1}), {y.levels},
                                [&](Tape& t, const Tensor&) { t.accumulate(y.levels, g); }));
      test::check_equal(x.grad, test::tensor({2, 4}, window.dx));
    }
  }
}

TEST_CASE("plain_sign: has nothing to learn and nothing to pack but signs") {
  const BitRule rule = PlainSign(8).rule();
  CHECK(rule.shift.empty());
  CHECK(rule.threshold == 0.0F);
  CHECK(rule.scale == 1.0F);
  CHECK_FALSE(rule.strict);
  CHECK_FALSE(rule.zero_one);
  std::size_t parameters = 0;
  PlainSign sign(8);
  for_each<Parameter>(sign, [&](const std::string&, Parameter&) { ++parameters; });
  CHECK(parameters == 0);
}
