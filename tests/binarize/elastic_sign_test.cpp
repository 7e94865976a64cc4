#include "bipft/binarize/elastic_sign.hpp"

#include <doctest/doctest.h>

#include <cmath>

#include "golden/binarization.hpp"
#include "support/devices.hpp"
#include "support/grad_check.hpp"
#include "support/random_tensor.hpp"
#include "support/tensors.hpp"

using namespace bipft;

namespace {

/// A scalar of a BinaryVar: Σ w levels, with the gradient w for the levels.
[[nodiscard]] Var weighted_levels(const BinaryVar& y, const Tensor& w) {
  const Tensor levels = y.level_values(y.device());
  const auto total = static_cast<float>(y.device().dot(w, levels));
  return y.tape().record(Tensor(Shape{1}, total), {y.levels},
                         [=](Tape& tape, const Tensor&) { tape.accumulate(y.levels, w); });
}

[[nodiscard]] ElasticSign binarizer_of(std::size_t channels, double alpha) {
  ElasticSign sign(channels);
  sign.alpha.value = Tensor(Shape{1}, static_cast<float>(alpha));
  sign.calibrated.value = true;
  return sign;
}

}  // namespace

TEST_CASE("ElasticSign: agrees with the published vectors, zero being positive") {
  for (Device* device : test::devices()) {
    ElasticSign sign = binarizer_of(0, golden::tv4_alpha);
    Parameter x(test::tensor({2, 4}, golden::tv4_x));
    Tape tape(*device);
    const BinaryVar y = sign(tape.leaf(x));
    test::check_equal(y.level_values(*device),
                      test::tensor({2, 4}, golden::tv4_y_if_sign0_is_plus1));
    tape.backward(weighted_levels(y, test::tensor({2, 4}, golden::tv4_g)));
    test::check_equal(x.grad, test::tensor({2, 4}, golden::tv4_dx));
    test::check_close(sign.alpha.grad, test::tensor({1}, {golden::tv4_dalpha_if_sign0_is_plus1}),
                      1e-7F);
  }
}

TEST_CASE("ElasticSign: agrees with the published vectors behind a shift") {
  for (Device* device : test::devices()) {
    ElasticSign sign = binarizer_of(4, golden::tv5_alpha);
    sign.shift.value = test::tensor({4}, golden::tv5_b);
    Parameter x(test::tensor({2, 4}, golden::tv5_x));
    Tape tape(*device);
    const BinaryVar y = sign(tape.leaf(x));
    test::check_equal(y.level_values(*device), test::tensor({2, 4}, golden::tv5_y));
    tape.backward(weighted_levels(y, test::tensor({2, 4}, golden::tv5_g)));
    test::check_equal(x.grad, test::tensor({2, 4}, golden::tv5_dx));
    test::check_equal(sign.shift.grad, test::tensor({4}, golden::tv5_db));
    test::check_close(sign.alpha.grad, test::tensor({1}, {golden::tv5_dalpha}), 1e-7F);
  }
}

TEST_CASE("ElasticSign: starts at the published α") {
  for (Device* device : test::devices()) {
    ElasticSign sign;
    Tape tape(*device);
    (void)sign(tape.constant(test::tensor({2, 4}, golden::tv4_x)));
    CHECK(static_cast<double>(sign.scale()) == golden::tv4_alpha_init_code);
  }
}

TEST_CASE("ElasticSign: where nothing is fiction, gradients agree with differences") {
  // The levels are linear in α, so dα is a true derivative, but for its factor 1/√N.
  for (Device* device : test::devices()) {
    ElasticSign sign = binarizer_of(6, 0.5);
    sign.shift.value = test::random_tensor(Shape{6}, 2);
    const Tensor x = test::random_tensor(Shape{7, 6}, 1);
    const Tensor w = test::random_tensor(Shape{7, 6}, 3);
    const auto loss = [&](Tape& tape) { return weighted_levels(sign(tape.constant(x)), w); };
    test::run_backward(*device, loss, {&sign.alpha, &sign.shift});
    const Tensor dalpha = device->scale(sign.alpha.grad, std::sqrt(42.0F));
    test::check_close(dalpha, test::differences(*device, loss, sign.alpha), 1e-3F);
  }
}

TEST_CASE("ElasticSign: elsewhere it is the surrogate x clipped to the window") {
  for (Device* device : test::devices()) {
    ElasticSign sign = binarizer_of(6, 0.5);
    sign.shift.value = test::random_tensor(Shape{6}, 2);
    Parameter x(test::random_tensor(Shape{7, 6}, 1));
    const Tensor w = test::random_tensor(Shape{7, 6}, 3);
    test::run_backward(*device, [&](Tape& tape) { return weighted_levels(sign(tape.leaf(x)), w); },
                       {&x, &sign.shift});

    // The true derivatives of Σ w clip(x + shift, -α, α), by differences.
    const auto surrogate = [&](Tape& tape) {
      const Tensor xs = device->add_row(x.value, sign.shift.value);
      double total = 0.0;
      for (std::size_t i = 0; i < xs.numel(); ++i) {
        total += static_cast<double>(w.data()[i] * std::clamp(xs.data()[i], -0.5F, 0.5F));
      }
      return tape.constant(Tensor(Shape{1}, static_cast<float>(total)));
    };
    test::check_close(x.grad, test::differences(*device, surrogate, x, 1e-3F), 2e-3F);
    test::check_close(sign.shift.grad, test::differences(*device, surrogate, sign.shift, 1e-3F),
                      5e-3F);
  }
}
