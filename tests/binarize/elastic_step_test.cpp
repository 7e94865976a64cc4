#include "bipft/binarize/elastic_step.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "golden/binarization.hpp"
#include "support/devices.hpp"
#include "support/grad_check.hpp"
#include "support/random_tensor.hpp"
#include "support/tensors.hpp"

using namespace bipft;

namespace {

/// A scalar of a BinaryVar whose gradient for the levels is w.
[[nodiscard]] Var weighted_levels(const BinaryVar& y, const Tensor& w) {
  return y.tape().record(Tensor(Shape{1}), {y.levels},
                         [=](Tape& tape, const Tensor&) { tape.accumulate(y.levels, w); });
}

[[nodiscard]] ElasticStep binarizer_of(std::size_t channels, double alpha) {
  ElasticStep step(channels);
  step.alpha.value = Tensor(Shape{1}, static_cast<float>(alpha));
  step.calibrated.value = true;
  return step;
}

}  // namespace

TEST_CASE("ElasticStep: agrees with the published vectors") {
  for (Device* device : test::devices()) {
    ElasticStep step = binarizer_of(0, golden::tv6_alpha);
    Parameter x(test::tensor({2, 4}, golden::tv6_x));
    Tape tape(*device);
    const BinaryVar y = step(tape.leaf(x));
    test::check_equal(y.level_values(*device), test::tensor({2, 4}, golden::tv6_y));
    tape.backward(weighted_levels(y, test::tensor({2, 4}, golden::tv6_g)));
    test::check_equal(x.grad, test::tensor({2, 4}, golden::tv6_dx));
    test::check_close(step.alpha.grad, test::tensor({1}, {golden::tv6_dalpha}), 1e-7F);
  }
}

TEST_CASE("ElasticStep: starts at the published α, for probabilities at 4 / T") {
  for (Device* device : test::devices()) {
    Tape tape(*device);
    ElasticStep step;
    (void)step(tape.constant(test::tensor({2, 4}, golden::tv6_x)));
    CHECK(static_cast<double>(step.scale()) == golden::tv6_alpha_init_code);

    ElasticStep probability;
    (void)probability(tape.constant(Tensor(Shape{128 * 128}, 1.0F / 128)));
    CHECK(probability.scale() == 0.03125F);
    CHECK(probability.rule().threshold == 0.015625F);
  }
}

TEST_CASE("ElasticStep: gradients are those of the surrogate, in all its regions") {
  const double a = 0.75;
  for (Device* device : test::devices()) {
    ElasticStep step = binarizer_of(6, a);
    step.shift.value = test::random_tensor(Shape{6}, 2);
    Parameter x(test::random_tensor(Shape{9, 6}, 1));
    const Tensor w = test::random_tensor(Shape{9, 6}, 3);
    test::run_backward(*device, [&](Tape& tape) { return weighted_levels(step(tape.leaf(x)), w); },
                       {&x, &step.shift, &step.alpha});

    Tensor dx(x.value.shape());
    Tensor dshift(Shape{6});
    double dalpha = 0.0;
    const Tensor xs = device->add_row(x.value, step.shift.value);
    int regions[4] = {};
    for (std::size_t i = 0; i < xs.numel(); ++i) {
      const double q = static_cast<double>(xs.data()[i]) / a;
      const int region = q < 0 ? 0 : q <= 0.5 ? 1 : q <= 1 ? 2 : 3;
      const double t[] = {0, -q, 1 - q, 1};
      ++regions[region];
      dalpha += t[region] * static_cast<double>(w.data()[i]);
      if (region == 0 || region == 3) continue;
      dx.mutable_data()[i] = w.data()[i];
      dshift.mutable_data()[i % 6] += w.data()[i];
    }
    CHECK(*std::min_element(regions, regions + 4) > 3);  // none is left out
    test::check_equal(x.grad, dx);
    test::check_close(step.shift.grad, dshift);
    test::check_close(
        step.alpha.grad,
        test::tensor({1}, {static_cast<double>(static_cast<float>(dalpha / std::sqrt(54.0)))}));
  }
}
