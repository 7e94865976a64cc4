#include "bipft/nn/sign_linear.hpp"

#include <doctest/doctest.h>

#include "golden/beexformer.hpp"
#include "support/devices.hpp"
#include "support/grad_check.hpp"
#include "support/random_tensor.hpp"
#include "support/tensors.hpp"

using namespace bipft;

namespace {

BinaryForm floats_and_signs(SurrogateSign::Scale scale) {
  BinaryForm form;
  form.input = {};
  form.weight = SurrogateSign::name;
  form.surrogate.scale = scale;
  return form;
}

}  // namespace

TEST_CASE("SignLinear: agrees with the vectors, with its form's scales") {
  for (Device* device : test::devices()) {
    for (const bool scaled : {false, true}) {
      const auto scale = scaled ? SurrogateSign::Scale::row : SurrogateSign::Scale::none;
      SignLinear layer(4, 2, floats_and_signs(scale), Initializer{});
      layer.weight.value = test::tensor({2, 4}, golden::bee_w);
      Tape tape(*device);
      const Var y = layer(tape.constant(test::tensor({1, 4}, golden::bee_x)));
      test::check_close(y.value(), scaled ? test::tensor({1, 2}, golden::bee_y_scaled)
                                          : test::tensor({1, 2}, golden::bee_y));
      tape.backward(test::weighted_sum(y, test::tensor({1, 2}, golden::bee_g)));
      test::check_close(layer.weight.grad, scaled ? test::tensor({2, 4}, golden::bee_dw_detached)
                                                  : test::tensor({2, 4}, golden::bee_dw));
      test::check_equal(layer.bias.grad, test::tensor({2}, golden::bee_g));

      const PackedLinear packed = layer.pack(*device);
      CHECK(packed.alpha.numel() == (scaled ? 2 : 1));
      CHECK(packed.shift.empty());
      CHECK(packed.scale(1) == (scaled ? doctest::Approx(0.5125) : doctest::Approx(1.0)));
      CHECK_FALSE(packed.bits.bit(0, 1));
      CHECK(packed.bits.bit(0, 3));  // the weight is 0
    }
  }
}

TEST_CASE("SignLinear: gives the same bytes by bits that are summed up one after the other") {
  // Products of ±1 are exact, so that a chain of sums is one, fused or not.
  SignLinear layer(300, 5, floats_and_signs(SurrogateSign::Scale::row), Initializer{1, "layer", 1});
  layer.bias.value = test::random_tensor(Shape{5}, 2);
  const Tensor x = test::random_tensor(Shape{3, 300}, 3);
  for (Device* device : test::devices()) {
    if (device == &test::plain_device()) continue;  // which sums up in double
    Tape tape(*device, Tape::Mode::inference);
    const Tensor y = layer(tape.constant(x), Activation::tanh).value();
    const PackedLinear packed = layer.pack(*device);
    Tensor expected(Shape{3, 5});
    for (std::size_t n = 0; n < 3; ++n) {
      for (std::size_t o = 0; o < 5; ++o) {
        float sum = 0;
        for (std::size_t c = 0; c < 300; ++c) {
          sum += packed.bits.bit(o, c) ? x.row(n)[c] : -x.row(n)[c];
        }
        const volatile float scaled = packed.scale(o) * sum;
        expected.mutable_row(n)[o] = scaled + packed.bias.data()[o];
      }
    }
    test::check_equal(y, device->activate(Activation::tanh, expected));
  }
}
