#include "bipft/binarize/row_sign.hpp"

#include <doctest/doctest.h>

#include "bipft/binarize/binary_linear.hpp"
#include "bipft/binarize/plain_sign.hpp"
#include "bipft/ops/embedding.hpp"
#include "bipft/ops/linear.hpp"
#include "golden/binarization.hpp"
#include "support/devices.hpp"
#include "support/grad_check.hpp"
#include "support/random_tensor.hpp"
#include "support/tensors.hpp"

using namespace bipft;

namespace {

Tensor levels_of(Device& device, const SignMatrix& signs) {
  return device.threshold_select_rows(device.unpack(signs.bits, -1.0F, 1.0F), 0.0F, signs.scale);
}

}  // namespace

TEST_CASE("row_sign: agrees with the published vectors, as a matrix and as a table") {
  const Tensor g = test::tensor({2, 4}, golden::tv3_g);
  for (Device* device : test::devices()) {
    Parameter w(test::tensor({2, 4}, golden::tv3_w));
    {
      Tape tape(*device);
      const BinaryWeight y = RowSign()(tape.leaf(w));
      test::check_equal(y.matrix.scale, test::tensor({2}, golden::tv3_alpha_row));
      test::check_equal(levels_of(*device, y.matrix), test::tensor({2, 4}, golden::tv3_w_b));
      tape.backward(tape.record(Tensor(Shape{1}), {y.levels},
                                [&](Tape& t, const Tensor&) { t.accumulate(y.levels, g); }));
      test::check_equal(w.grad, test::tensor({2, 4}, golden::tv3_dw));
    }
    w.clear_grad();
    Tape tape(*device);
    const Var rows = embedding(tape, w, test::ids({0, 1}), -1);
    const Var y = RowSign()(rows, w.value);
    test::check_equal(y.value(), test::tensor({2, 4}, golden::tv3_w_b));
    tape.backward(test::weighted_sum(y, g));
    test::check_equal(w.grad, test::tensor({2, 4}, golden::tv3_dw));
  }
}

TEST_CASE("row_sign: with plain signs it is BiBERT's linear layer, in both forms") {
  for (Device* device : test::devices()) {
    for (const Tape::Products products : {Tape::Products::bits, Tape::Products::floats}) {
      Parameter x(test::tensor({2, 4}, golden::tv14_x));
      Parameter w(test::tensor({2, 4}, golden::tv3_w));
      Parameter bias(test::tensor({2}, golden::tv14_bias));
      Tape tape(*device, Tape::Mode::train, products);
      const Var y =
          binary_linear(PlainSign(4)(tape.leaf(x)), RowSign()(tape.leaf(w)), tape.leaf(bias));
      test::check_equal(y.value(), test::tensor({2, 2}, golden::tv14_y));
      tape.backward(test::weighted_sum(y, test::tensor({2, 2}, golden::tv14_gy)));
      test::check_equal(x.grad, test::tensor({2, 4}, golden::tv14_dx));
      test::check_equal(w.grad, test::tensor({2, 4}, golden::tv14_dw));
      test::check_equal(bias.grad, test::tensor({2}, {1.25, 0.25}));
    }
  }
}

TEST_CASE("row_sign: a layer with a scale a row is linear in its levels") {
  for (Device* device : test::devices()) {
    const Tensor x = test::random_tensor(Shape{6, 20}, 1);
    const Tensor weights = test::random_tensor(Shape{6, 7}, 2);
    const SignMatrix signs = RowSign().signs(*device, test::random_tensor(Shape{7, 20}, 3));

    // The same product of floats, whose derivatives are true.
    Parameter x_levels(PlainSign().rule().levels(*device, x));
    Parameter w_levels(levels_of(*device, signs));
    Parameter bias(test::random_tensor(Shape{7}, 4));
    const auto loss = [&](Tape& tape) {
      return test::weighted_sum(linear(tape.leaf(x_levels), tape.leaf(w_levels), tape.leaf(bias)),
                                weights);
    };
    test::grad_check(*device, loss, {&x_levels, &w_levels});

    Parameter levels(x);  // gradients of levels: no window in between
    Parameter latent(Tensor(Shape{7, 20}));
    Tape tape(*device);
    const Var y = binary_linear({tape.leaf(levels), PlainSign().rule()}, {tape.leaf(latent), signs},
                                tape.leaf(bias));
    tape.backward(test::weighted_sum(y, weights));
    // A device may round gradients to bfloat16 here, to 8 digits of two.
    test::check_close(levels.grad, x_levels.grad, 1e-2F);
    test::check_close(latent.grad, w_levels.grad, 1e-2F);
  }
}

TEST_CASE("row_sign: what is packed is what was looked up") {
  const Tensor table = test::random_tensor(Shape{20, 70}, 1);
  const IdTensor ids = test::ids({3, 19, 0, 3});
  for (Device* device : test::devices()) {
    Tape tape(*device, Tape::Mode::inference);
    Parameter parameter(table);
    const Var y = RowSign()(embedding(tape, parameter, ids), table);
    const Tensor packed = levels_of(*device, RowSign().signs(*device, table));
    test::check_equal(y.value(), device->gather(packed, ids));
  }
}

TEST_CASE("row_sign: says what does not fit") {
  Tape tape(test::plain_device());
  CHECK_THROWS_WITH_AS((void)RowSign()(tape.constant(Tensor(Shape{3}))), "row_sign: w is [3]",
                       Error);
  CHECK_THROWS_WITH_AS((void)RowSign()(tape.constant(Tensor(Shape{2, 3})), Tensor(Shape{5, 4})),
                       "row_sign: rows are [2, 3] of a table [5, 4]", Error);
}
