#include "bipft/tasks/temperature.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <vector>

using namespace bipft;

namespace {

using Rows = std::vector<std::vector<float>>;
using Ids = std::vector<std::uint32_t>;

}  // namespace

TEST_CASE("fit_temperature: two labels, worked by hand") {
  // 6 of 8 answers at a margin of 2 are right. With Platt's targets the best probability is
  // (6 · 9/10 + 2 · 1/10) / 8 = 0.7, so T = 2 / log(0.7 / 0.3).
  const Rows logits(8, {3.0F, 1.0F});
  const Ids labels{0, 0, 0, 1, 0, 0, 1, 0};
  CHECK(fit_temperature(logits, labels) == doctest::Approx(2 / std::log(7.0 / 3)).epsilon(1e-3));
  const Rows wider(8, {60.0F, 20.0F});
  CHECK(fit_temperature(wider, labels) == doctest::Approx(40 / std::log(7.0 / 3)).epsilon(1e-3));
}

TEST_CASE("fit_temperature: each label for itself is two labels, there or not") {
  const Rows logits(8, {2.0F});
  const std::vector<Ids> sets{{0}, {0}, {0}, {}, {0}, {0}, {}, {0}};
  CHECK(fit_temperature(logits, sets) == doctest::Approx(2 / std::log(7.0 / 3)).epsilon(1e-3));
}

TEST_CASE("fit_temperature: is bounded where answers are always right, always wrong, or alike") {
  const float right = fit_temperature(Rows(50, {0.1F, 0.0F}), Ids(50, 0));
  CHECK(right > 0.0156F);
  CHECK(right < 0.1F);
  CHECK(fit_temperature(Rows(50, {9.0F, 0.0F}), Ids(50, 1)) == doctest::Approx(64).epsilon(1e-3));
  const float alike = fit_temperature(Rows(4, {1.0F, 1.0F}), Ids{0, 1, 0, 1});
  CHECK(alike > 0.0F);
  CHECK(std::isfinite(alike));
  CHECK(fit_temperature(Rows{}, Ids{}) == 1.0F);
  CHECK(fit_temperature(Rows{{2.0F}}, Ids{0}) == 1.0F);
}

TEST_CASE("fit_temperature: refuses what does not fit together") {
  CHECK_THROWS_AS((void)fit_temperature(Rows{{1, 2}}, Ids{}), Error);
  CHECK_THROWS_AS((void)fit_temperature(Rows{{1, 2}}, Ids{2}), Error);
  CHECK_THROWS_AS((void)fit_temperature(Rows{{1, 2}, {1}}, Ids{0, 0}), Error);
  CHECK_THROWS_AS((void)fit_temperature(Rows{{1, 2}}, std::vector<Ids>{}), Error);
}

TEST_CASE("calibration_error: worked by hand") {
  const std::vector<double> confidence{0.9, 0.9, 0.61, 0.61};
  const std::vector<bool> right{true, false, true, true};
  // two bins: |1.8 - 1| and |1.22 - 2|
  CHECK(calibration_error(confidence, right) == doctest::Approx(1.58 / 4).epsilon(1e-12));
  CHECK(calibration_error(std::vector<double>{1.0}, {true}) == 0.0);
  CHECK(calibration_error({}, {}) == 0.0);
  CHECK_THROWS_AS((void)calibration_error(confidence, {true}), Error);
}
