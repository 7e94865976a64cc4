#include "bipft/binarize/sign_linear.hpp"

#include <doctest/doctest.h>

#include <type_traits>

#include "bipft/binarize/mean_sign.hpp"
#include "bipft/binarize/row_sign.hpp"
#include "bipft/binarize/surrogate_sign.hpp"
#include "support/devices.hpp"
#include "support/grad_check.hpp"
#include "support/random_tensor.hpp"

using namespace bipft;

TEST_CASE_TEMPLATE("sign_linear: is a linear layer of the weight's levels, in gradients too", B,
                   MeanSign, RowSign) {
  const Tensor g = test::random_tensor(Shape{5, 4}, 4);
  for (Device* device : test::devices()) {
    Parameter x(test::random_tensor(Shape{5, 6}, 1));
    Parameter w(device->scale(test::random_tensor(Shape{4, 6}, 2), 0.2F));  // in the window
    Parameter bias(test::random_tensor(Shape{4}, 3));
    const SignMatrix signs = B{}.signs(*device, w.value);
    const Tensor levels = detail::signed_values(*device, signs.bits, signs.scale);

    Tape tape(*device);
    const Var y = sign_linear(tape.leaf(x), B{}(tape.leaf(w)), tape.leaf(bias));
    test::check_equal(y.value(), device->linear(x.value, levels, bias.value));
    tape.backward(test::weighted_sum(y, g));
    test::check_close(x.grad, device->matmul(g, levels), 1e-2F);  // in bfloat16 on some targets
    Tensor dw = device->matmul_tn(g, x.value);
    if constexpr (std::is_same_v<B, RowSign>) dw = device->center_rows(dw);
    test::check_close(w.grad, dw);
    test::check_close(bias.grad, device->sum_rows(g));
    CHECK_THROWS_AS((void)sign_linear(tape.leaf(x), MeanSign{}(tape.leaf(x)), tape.leaf(bias)),
                    Error);
  }
}

TEST_CASE_TEMPLATE("scaled_sign_linear: is the same but for its roundings", B, MeanSign, RowSign,
                   SurrogateSign) {
  const Tensor g = test::random_tensor(Shape{5, 4}, 4);
  for (Device* device : test::devices()) {
    Parameter x(test::random_tensor(Shape{5, 70}, 1));
    Parameter w(test::random_tensor(Shape{4, 70}, 2));
    Parameter bias(test::random_tensor(Shape{4}, 3));
    Tensor values[2], gradients[2][3];
    for (const bool scaled : {false, true}) {
      for (Parameter* p : {&x, &w, &bias}) p->clear_grad();
      Tape tape(*device);
      const BinaryWeight signs = B{}(tape.leaf(w));
      const Var y = scaled ? scaled_sign_linear(tape.leaf(x), signs, tape.leaf(bias))
                           : sign_linear(tape.leaf(x), signs, tape.leaf(bias));
      values[scaled] = y.value();
      tape.backward(test::weighted_sum(y, g));
      for (std::size_t i = 0; i < 3; ++i) {
        gradients[scaled][i] = (i == 0 ? x : i == 1 ? w : bias).grad;
      }
    }
    test::check_close(values[true], values[false], 1e-5F);
    for (std::size_t i = 0; i < 3; ++i) test::check_equal(gradients[true][i], gradients[false][i]);
    Tape tape(*device);
    CHECK_THROWS_AS((void)scaled_sign_linear(tape.leaf(x), B{}(tape.leaf(x)), tape.leaf(bias)),
                    Error);
  }
}
