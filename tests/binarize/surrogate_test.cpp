#include "bipft/binarize/surrogate.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "bipft/core/menu.hpp"
#include "golden/beexformer.hpp"
#include "support/devices.hpp"
#include "support/grad_check.hpp"
#include "support/random_tensor.hpp"
#include "support/tensors.hpp"

using namespace bipft;

namespace {

/// BEExformer's F, as its equation has it.
double piecewise_sign(double x) {
  if (x < -1) return -1;
  if (x >= 1) return 1;
  return x < 0 ? 2 * x + x * x : 2 * x - x * x;
}

/// F' of the surrogate of this name.
Tensor slope_of(Device& device, std::string_view name, const Tensor& x) {
  return detail::through(choose<Surrogates>("surrogate", name), device, x, Tensor(x.shape(), 1.0F));
}

}  // namespace

TEST_CASE("Surrogates: agree with the vectors") {
  std::vector<double> xs, slopes, clipped;
  for (const golden::SurrogateVector& at : golden::surrogate) {
    CHECK(piecewise_sign(at.x) == doctest::Approx(at.f).epsilon(1e-9));
    xs.push_back(at.x);
    slopes.push_back(at.df);
    clipped.push_back(at.clip_df);
  }
  const Shape shape{1, xs.size()};
  for (Device* device : test::devices()) {
    const Tensor x = test::tensor(shape, xs);
    test::check_close(slope_of(*device, "approx_sign", x), test::tensor(shape, slopes), 2e-7F);
    test::check_equal(slope_of(*device, "clip_ste", x), test::tensor(shape, clipped));
    test::check_equal(slope_of(*device, "identity", x), Tensor(shape, 1.0F));
  }
}

TEST_CASE("Surrogates: are derivatives, times what comes in") {
  const Tensor x = test::random_tensor(Shape{5, 7}, 1);
  const Tensor dy = test::random_tensor(Shape{5, 7}, 2);
  struct Case {
    const char* name;
    double (*function)(double);
  };
  const Case cases[] = {{"approx_sign", piecewise_sign},
                        {"clip_ste", [](double v) { return std::clamp(v, -1.0, 1.0); }},
                        {"identity", [](double v) { return v; }},
                        {"tanh", [](double v) { return std::tanh(v); }}};
  constexpr double step = 1e-5;
  for (Device* device : test::devices()) {
    for (const Case& of : cases) {
      CAPTURE(of.name);
      Tensor expected(x.shape());
      for (std::size_t i = 0; i < x.numel(); ++i) {
        const auto at = static_cast<double>(x.data()[i]);
        const double slope = (of.function(at + step) - of.function(at - step)) / (2 * step);
        expected.mutable_data()[i] = static_cast<float>(slope) * dy.data()[i];
      }
      const Surrogates chosen = choose<Surrogates>("surrogate", of.name);
      test::check_close(detail::through(chosen, *device, x, dy), expected, 2e-5F);
    }
  }
}

TEST_CASE("Surrogates: approx_sign is the sign on average behind a triangular noise") {
  constexpr int count = 20000;
  for (const double x : {0.1, 0.5, 0.9, -0.3}) {
    double mean = 0;
    for (int k = 0; k < count; ++k) {  // the noise's quantiles
      const double u = (k + 0.5) / count;
      const double z = u < 0.5 ? std::sqrt(2 * u) - 1 : 1 - std::sqrt(2 * (1 - u));
      mean += (x + z >= 0 ? 1.0 : -1.0) / count;
    }
    CHECK(mean == doctest::Approx(piecewise_sign(x)).epsilon(1e-3));
  }
}

TEST_CASE("Surrogates: are chosen by name") {
  CHECK_THROWS_WITH_AS((void)choose<Surrogates>("surrogate", "sine"),
                       "no surrogate is called 'sine'; choose one of: approx_sign, clip_ste, "
                       "identity, tanh",
                       Error);
}
