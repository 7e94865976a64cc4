#include "bipft/binarize/surrogate_sign.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <span>
#include <vector>

#include "bipft/binarize/sign_linear.hpp"
#include "golden/beexformer.hpp"
#include "support/devices.hpp"
#include "support/grad_check.hpp"
#include "support/random_tensor.hpp"
#include "support/tensors.hpp"

using namespace bipft;

namespace {

/// The gradient of the latent weights, where that of the levels is g.
Tensor latent_gradient(Device& device, const SurrogateSign& binarizer, const Tensor& w,
                       const Tensor& g) {
  Parameter latent(w);
  Tape tape(device);
  const BinaryWeight y = binarizer(tape.leaf(latent));
  tape.backward(tape.record(Tensor(Shape{1}), {y.levels},
                            [&](Tape& t, const Tensor&) { t.accumulate(y.levels, g); }));
  return latent.grad;
}

}  // namespace

TEST_CASE("surrogate_sign: agrees with the vectors of a linear layer") {
  using Scale = SurrogateSign::Scale;
  using Gradient = SurrogateSign::ScaleGradient;
  // Bi-Real's code passes dy xᵀ where |w| <= 1, and no scale.
  const double reference[] = {0.7, -1.4, 0.0, 2.1, -0.4, 0.8, -0.2, -1.2};
  struct Case {
    Scale scale;
    Gradient gradient;
    std::span<const double> y, dw, dx;
  };
  const Case cases[] = {
      {Scale::none, Gradient::detached, golden::bee_y, golden::bee_dw, golden::bee_dx},
      {Scale::row, Gradient::detached, golden::bee_y_scaled, golden::bee_dw_detached,
       golden::bee_dx_scaled},
      {Scale::row, Gradient::full, golden::bee_y_scaled, golden::bee_dw_full,
       golden::bee_dx_scaled},
      {Scale::row, Gradient::reference, golden::bee_y_scaled, reference, golden::bee_dx_scaled}};
  for (Device* device : test::devices()) {
    for (const Case& of : cases) {
      Parameter x(test::tensor({1, 4}, golden::bee_x));
      Parameter w(test::tensor({2, 4}, golden::bee_w));
      Parameter bias(Tensor(Shape{2}));
      Tape tape(*device);
      const BinaryWeight signs = SurrogateSign{{}, of.scale, of.gradient}(tape.leaf(w));
      if (of.scale == Scale::row) {
        test::check_close(signs.matrix.scale, test::tensor({2}, golden::bee_alpha));
      } else {
        test::check_equal(signs.matrix.scale, Tensor(Shape{1}, 1.0F));
      }
      const Var y = sign_linear(tape.leaf(x), signs, tape.leaf(bias));
      test::check_close(y.value(), test::tensor({1, 2}, of.y));
      tape.backward(test::weighted_sum(y, test::tensor({1, 2}, golden::bee_g)));
      test::check_close(w.grad, test::tensor({2, 4}, of.dw));
      // A device may round the gradient that comes in to bfloat16.
      test::check_close(x.grad, test::tensor({1, 4}, of.dx), 5e-3F);
    }
  }
}

TEST_CASE("surrogate_sign: elsewhere it is the derivative of the surrogate, scale and centring") {
  // Σ g α F(c) in double; with α differentiated, the one form whose parts are all true derivatives.
  // The sign of what is scaled is a constant there, as α's part is of signs and not of F.
  const Shape shape{4, 9};
  const Tensor w = test::random_tensor(shape, 1);
  const Tensor g = test::random_tensor(shape, 2);
  const std::size_t rows = shape[0], cols = shape[1];
  const auto piecewise = [](double x) {
    return std::abs(x) >= 1 ? (x < 0 ? -1.0 : 1.0) : 2 * x - x * std::abs(x);
  };
  using Center = SurrogateSign::Center;
  for (const Center center : {Center::none, Center::row, Center::tensor}) {
    const auto centered = [&](const std::vector<double>& v) {
      std::vector<double> c = v;
      const std::size_t part = center == Center::row ? cols : rows * cols;
      for (std::size_t at = 0; center != Center::none && at < c.size(); at += part) {
        double mean = 0;
        for (std::size_t i = at; i < at + part; ++i) mean += v[i] / static_cast<double>(part);
        for (std::size_t i = at; i < at + part; ++i) c[i] -= mean;
      }
      return c;
    };
    const auto alphas = [&](const std::vector<double>& v) {
      std::vector<double> a(rows);
      for (std::size_t i = 0; i < v.size(); ++i)
        a[i / cols] += std::abs(v[i]) / static_cast<double>(cols);
      return a;
    };
    const std::vector<double> at(w.data().begin(), w.data().end());
    const std::vector<double> alpha_here = alphas(at), c_here = centered(at);
    // What moves with w: F(c), with α as it is; and α, with sign(c) as it is, if asked for.
    const auto loss = [&](const std::vector<double>& v, bool scaled, bool full) {
      const std::vector<double> a = alphas(v), c = centered(v);
      double total = 0;
      for (std::size_t i = 0; i < v.size(); ++i) {
        const auto dy = static_cast<double>(g.data()[i]);
        total += dy * (scaled ? alpha_here[i / cols] : 1.0) * piecewise(c[i]);
        if (full) total += dy * a[i / cols] * (c_here[i] >= 0 ? 1.0 : -1.0);
      }
      return total;
    };
    for (const int form : {0, 1, 2}) {  // without a scale, with it, and with its gradient
      Tensor expected(shape);
      for (std::size_t i = 0; i < w.numel(); ++i) {
        std::vector<double> below = at, above = at;
        below[i] -= 1e-6;
        above[i] += 1e-6;
        const double slope = (loss(above, form > 0, form > 1) - loss(below, form > 0, form > 1));
        expected.mutable_data()[i] = static_cast<float>(slope / 2e-6);
      }
      const SurrogateSign binarizer{
          {},
          form == 0 ? SurrogateSign::Scale::none : SurrogateSign::Scale::row,
          form == 2 ? SurrogateSign::ScaleGradient::full : SurrogateSign::ScaleGradient::detached,
          center};
      for (Device* device : test::devices()) {
        CAPTURE(form);
        test::check_close(latent_gradient(*device, binarizer, w, g), expected, 1e-4F);
      }
    }
  }
}

TEST_CASE("surrogate_sign: signs are around the mean that it was told of") {
  const Tensor w = test::tensor({2, 2}, {1.0, 3.0, -1.0, -4.0});  // means 2, -2.5 and -0.25
  for (Device* device : test::devices()) {
    const auto units = [&](SurrogateSign::Center center) {
      SurrogateSign binarizer;
      binarizer.center = center;
      return device->unpack(binarizer.signs(*device, w).bits, -1.0F, 1.0F);
    };
    using Center = SurrogateSign::Center;
    test::check_equal(units(Center::none), test::tensor({2, 2}, {1.0, 1.0, -1.0, -1.0}));
    test::check_equal(units(Center::row), test::tensor({2, 2}, {-1.0, 1.0, 1.0, -1.0}));
    test::check_equal(units(Center::tensor), test::tensor({2, 2}, {1.0, 1.0, -1.0, -1.0}));
  }
  Tape tape(test::plain_device());
  CHECK_THROWS_WITH_AS((void)SurrogateSign()(tape.constant(Tensor(Shape{3}))),
                       "surrogate_sign: w is [3]", Error);
}
