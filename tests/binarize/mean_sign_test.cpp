#include "bipft/binarize/mean_sign.hpp"

#include <doctest/doctest.h>

#include "golden/binarization.hpp"
#include "support/devices.hpp"
#include "support/grad_check.hpp"
#include "support/random_tensor.hpp"
#include "support/tensors.hpp"

using namespace bipft;

TEST_CASE("mean_sign: agrees with the published vectors") {
  for (Device* device : test::devices()) {
    Parameter w(test::tensor({2, 4}, golden::tv1_w));
    Tape tape(*device);
    const BinaryWeight signs = MeanSign()(tape.leaf(w));
    const float scale = signs.matrix.scale.data()[0];
    CHECK(static_cast<double>(scale) == golden::tv1_alpha);
    test::check_equal(device->unpack(signs.matrix.bits, -scale, scale),
                      test::tensor({2, 4}, golden::tv1_w_b));
    const Tensor g = test::tensor({2, 4}, golden::tv1_g);
    tape.backward(tape.record(Tensor(Shape{1}), {signs.levels},
                              [&](Tape& t, const Tensor&) { t.accumulate(signs.levels, g); }));
    test::check_equal(w.grad, test::tensor({2, 4}, golden::tv1_dw));
  }
}

TEST_CASE("mean_sign: a weight on the mean is positive, and the mean moves signs but no scale") {
  for (Device* device : test::devices()) {
    const SignMatrix signs = MeanSign().signs(*device, test::tensor({1, 3}, {1, 2, 3}));
    test::check_equal(signs.scale, test::tensor({1}, {2}));
    test::check_equal(device->unpack(signs.bits, -1.0F, 1.0F), test::tensor({1, 3}, {-1, 1, 1}));
  }
}

TEST_CASE("mean_sign: refuses what is no matrix") {
  Tape tape(test::plain_device());
  CHECK_THROWS_WITH_AS((void)MeanSign()(tape.constant(Tensor(Shape{3}))), "mean_sign: w is [3]",
                       Error);
  CHECK_THROWS_AS((void)MeanSign()(tape.constant({})), Error);
}
