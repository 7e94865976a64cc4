#include "bipft/binarize/binary_linear.hpp"

#include <doctest/doctest.h>

#include <vector>

#include "bipft/binarize/elastic_sign.hpp"
#include "bipft/binarize/elastic_step.hpp"
#include "bipft/binarize/mean_sign.hpp"
#include "bipft/binarize/row_sign.hpp"
#include "bipft/ops/activation.hpp"
#include "bipft/ops/linear.hpp"
#include "golden/binarization.hpp"
#include "support/devices.hpp"
#include "support/grad_check.hpp"
#include "support/random_tensor.hpp"
#include "support/tensors.hpp"

using namespace bipft;

namespace {

template <class B>
struct Layer {
  B input;
  Parameter weight;
  Parameter bias;

  Layer(std::size_t inputs, std::size_t outputs)
      : input(inputs),
        weight(test::random_tensor(Shape{outputs, inputs}, 11)),
        bias(test::random_tensor(Shape{outputs}, 12)) {
    input.shift.value = test::random_tensor(Shape{inputs}, 13);
  }
  [[nodiscard]] Var operator()(const Var& x) {
    return binary_linear(input(x), MeanSign()(x.tape().leaf(weight)), x.tape().leaf(bias));
  }
};

}  // namespace

TEST_CASE("binary_linear: agrees with the published vectors, in both forms") {
  for (Device* device : test::devices()) {
    for (const Tape::Products products : {Tape::Products::bits, Tape::Products::floats}) {
      Layer<ElasticSign> layer(4, 2);
      layer.input.alpha.value = Tensor(Shape{1}, static_cast<float>(golden::tv13_alpha_x));
      layer.input.calibrated.value = true;
      layer.input.shift.value = test::tensor({4}, golden::tv13_b_shift);
      layer.weight.value = test::tensor({2, 4}, golden::tv13_w);
      layer.bias.value = test::tensor({2}, golden::tv13_bias);
      Parameter x(test::tensor({2, 4}, golden::tv13_x));

      Tape tape(*device, Tape::Mode::train, products);
      const Var y = layer(tape.leaf(x));
      test::check_equal(y.value(), test::tensor({2, 2}, golden::tv13_y));
      tape.backward(test::weighted_sum(y, test::tensor({2, 2}, golden::tv13_gy)));
      test::check_equal(x.grad, test::tensor({2, 4}, golden::tv13_dx));
      test::check_equal(layer.weight.grad, test::tensor({2, 4}, golden::tv13_dw));
      test::check_equal(layer.bias.grad, test::tensor({2}, golden::tv13_dbias));
      test::check_equal(layer.input.shift.grad, test::tensor({4}, golden::tv13_db_shift));
      test::check_close(layer.input.alpha.grad, test::tensor({1}, {golden::tv13_dalpha_x}), 1e-7F);
    }
  }
}

TEST_CASE_TEMPLATE("binary_linear: bits and floats give the same bytes, forwards and backwards", B,
                   ElasticSign, ElasticStep) {
  for (Device* device : test::devices()) {
    for (const std::size_t inputs : {1U, 63U, 64U, 130U, 384U}) {
      Layer<B> layer(inputs, 9);
      Parameter x(test::random_tensor(Shape{5, inputs}, inputs));
      const Tensor weights = test::random_tensor(Shape{5, 9}, 2);
      std::vector<Tensor> results[2];
      for (const Tape::Products products : {Tape::Products::bits, Tape::Products::floats}) {
        for (Parameter* p :
             {&x, &layer.weight, &layer.bias, &layer.input.alpha, &layer.input.shift}) {
          p->grad = {};
        }
        Tape tape(*device, Tape::Mode::train, products);
        const Var y = layer(tape.leaf(x));
        tape.backward(test::weighted_sum(y, weights));
        results[static_cast<int>(products)] = {y.value(),
                                               x.grad,
                                               layer.weight.grad,
                                               layer.bias.grad,
                                               layer.input.alpha.grad,
                                               layer.input.shift.grad};
      }
      CAPTURE(inputs);
      for (std::size_t i = 0; i < 6; ++i) test::check_equal(results[0][i], results[1][i]);
    }
  }
}

TEST_CASE_TEMPLATE("binary_linear: an activation behind it is that of activate", B, MeanSign,
                   RowSign) {
  for (Device* device : test::devices()) {
    for (const Activation f : {Activation::relu, Activation::gelu, Activation::tanh}) {
      for (const Tape::Products products : {Tape::Products::bits, Tape::Products::floats}) {
        Layer<ElasticSign> layer(70, 150);
        layer.input.calibrated.value = true;
        Parameter x(test::random_tensor(Shape{70, 70}, 1));
        const Tensor weights = test::random_tensor(Shape{70, 150}, 2);
        std::vector<Tensor> results[2];
        for (const bool at_once : {false, true}) {
          for (Parameter* p : {&x, &layer.weight, &layer.bias}) p->clear_grad();
          Tape tape(*device, Tape::Mode::train, products);
          const BinaryVar bits = layer.input(tape.leaf(x));
          const BinaryWeight w = B()(tape.leaf(layer.weight));
          const Var bias = tape.leaf(layer.bias);
          const Var y =
              at_once ? binary_linear(bits, w, bias, f) : activate(f, binary_linear(bits, w, bias));
          tape.backward(test::weighted_sum(y, weights));
          results[at_once] = {y.value(), x.grad, layer.weight.grad, layer.bias.grad};
        }
        for (std::size_t i = 0; i < 4; ++i) test::check_equal(results[1][i], results[0][i]);
      }
    }
  }
}

TEST_CASE_TEMPLATE("binary_linear: is linear in its levels", B, ElasticSign, ElasticStep) {
  for (Device* device : test::devices()) {
    Layer<B> layer(20, 7);
    layer.input.alpha.value = Tensor(Shape{1}, 0.6F);
    layer.input.calibrated.value = true;
    const Tensor x = test::random_tensor(Shape{6, 20}, 1);
    const Tensor weights = test::random_tensor(Shape{6, 7}, 2);

    // The same product of floats, whose derivatives are true.
    const SignMatrix signs = MeanSign().signs(*device, layer.weight.value);
    Parameter x_levels(layer.input.rule().levels(*device, x));
    Parameter w_levels(device->unpack(signs.bits, -signs.scale.data()[0], signs.scale.data()[0]));
    Parameter bias(layer.bias.value);
    Tape floats(*device);
    const Var expected = linear(floats.leaf(x_levels), floats.leaf(w_levels), floats.leaf(bias));
    floats.backward(test::weighted_sum(expected, weights));

    Tape tape(*device);
    Parameter levels(x);  // its gradient is that of the levels: no window in between
    const Var y = binary_linear({tape.leaf(levels), layer.input.rule()},
                                MeanSign()(tape.leaf(layer.weight)), tape.leaf(layer.bias));
    test::check_close(y.value(), expected.value(), 1e-5F);
    tape.backward(test::weighted_sum(y, weights));
    // A device may round gradients to bfloat16 here, to 8 digits of two.
    test::check_close(levels.grad, x_levels.grad, 1e-2F);
    test::check_close(layer.weight.grad, w_levels.grad, 1e-2F);
    test::check_close(layer.bias.grad, bias.grad, 1e-5F);
  }
}

TEST_CASE("binary_linear: popcount identities") {
  for (Device* device : test::devices()) {
    const Tensor a = test::tensor({1, 8}, golden::tv15_a);
    const Tensor w = test::tensor({1, 8}, golden::tv15_w);
    Tape tape(*device);
    const BinaryWeight weight{tape.constant(w),
                              {device->pack(w, {}, 0.5F, false), Tensor(Shape{1}, 1.0F)}};
    const Var zero = tape.constant(Tensor(Shape{1}));
    const BinaryVar is_signed{tape.constant(a), BitRule{{}, 0.5F, false, false, 1.0F}};
    const BinaryVar is_unsigned{tape.constant(a), BitRule{{}, 0.5F, false, true, 1.0F}};
    CHECK(binary_linear(is_signed, weight, zero).value().data()[0] == golden::tv15_dot_signed);
    CHECK(binary_linear(is_unsigned, weight, zero).value().data()[0] == golden::tv15_dot_unsigned);
  }
}

TEST_CASE("binary_linear: says which shapes do not fit") {
  Tape tape(test::plain_device());
  const BinaryVar x{tape.constant(Tensor(Shape{2, 3})), {}};
  const BinaryWeight w = MeanSign()(tape.constant(Tensor(Shape{4, 5})));
  CHECK_THROWS_WITH_AS((void)binary_linear(x, w, tape.constant(Tensor(Shape{4}))),
                       "binary_linear: x is [2, 3], w is [4, 5], bias is [4]", Error);
  const BinaryVar wide{tape.constant(Tensor(Shape{2, 5})), {}};
  CHECK_THROWS_AS((void)binary_linear(wide, w, tape.constant(Tensor(Shape{5}))), Error);
}
