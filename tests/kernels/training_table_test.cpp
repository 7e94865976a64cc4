#include "bipft/kernels/training_table.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <cstddef>

#include "support.hpp"

// That all targets agree is tested in table_test.cpp.

using namespace bipft;
using namespace bipft::kernels;

TEST_CASE("TrainingKernels: cross entropy and its gradient are those of mathematics") {
  for (const std::size_t labels : {2UL, 3UL, 17UL, 1000UL}) {
    for (const float smoothing : {0.0F, 0.1F}) {
      CAPTURE(labels);
      const Floats logits = numbers(31, labels, 5);
      Floats gradient(labels);
      const std::size_t label = labels / 2;
      const double loss = active_training().cross_entropy(logits.data(), labels, label, 0.25,
                                                          smoothing, gradient.data());
      double sum = 0, wanted = 0;
      for (const float x : logits) sum += std::exp(static_cast<double>(x));
      const auto count = static_cast<double>(labels);
      for (std::size_t k = 0; k < labels; ++k) {
        const auto spread = static_cast<double>(smoothing);
        const double target = (k == label ? 1 - spread : 0) + spread / count;
        const auto x = static_cast<double>(logits[k]);
        wanted -= 0.25 * target * (x - std::log(sum));
        const double slope = 0.25 * (std::exp(x) / sum - target);
        CHECK(std::fabs(static_cast<double>(gradient[k]) - slope) < 1e-7);
      }
      CHECK(loss == doctest::Approx(wanted).epsilon(1e-6));
    }
  }
}

TEST_CASE("TrainingKernels: sums of whole tensors are kept in double") {
  Floats x(100'000, 0.1F);
  x[0] = -1e8F;
  const RowSums sums = active_training().sums(x.data(), x.size());
  const double tenth = static_cast<double>(0.1F) * 99'999;
  CHECK(sums.sum == doctest::Approx(-1e8 + tenth).epsilon(1e-12));
  CHECK(sums.absolute == doctest::Approx(1e8 + tenth).epsilon(1e-12));
  CHECK(active_training().dot(x.data(), x.data(), x.size()) ==
        doctest::Approx(1e16 + tenth * static_cast<double>(0.1F)).epsilon(1e-12));
}
