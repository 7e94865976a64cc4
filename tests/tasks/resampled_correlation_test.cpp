#include "bipft/tasks/resampled_correlation.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "bipft/core/random.hpp"
#include "bipft/tasks/bootstrap.hpp"

using namespace bipft;

namespace {

/// Two series that go together somewhat, of values on a grid of `step`: coarse ones have many ties.
struct Pairs {
  std::vector<double> x, y;

  Pairs(std::size_t count, double step, std::uint64_t seed) {
    const Random random(seed, "pairs");
    const auto on_grid = [&](double value) { return step > 0 ? std::round(value / step) : value; };
    for (std::size_t i = 0; i < count; ++i) {
      const auto first = static_cast<double>(random.normal(2 * i));
      x.push_back(on_grid(first));
      y.push_back(on_grid(first + static_cast<double>(random.normal(2 * i + 1))));
    }
  }
  /// As one would write it.
  [[nodiscard]] double plainly(std::span<const std::uint32_t> sample) const {
    std::vector<double> a;
    std::vector<double> b;
    for (const std::uint32_t i : sample) {
      a.push_back(x[i]);
      b.push_back(y[i]);
    }
    return correlation(a, b);
  }
};

}  // namespace

TEST_CASE("ResampledCorrelation: is the correlation of every sample, to its last bit") {
  for (const std::size_t count : {1U, 2U, 3U, 17U, 500U}) {
    for (const double step : {0.0, 0.3, 2.0, 1000.0}) {
      CAPTURE(count);
      CAPTURE(step);
      const Pairs pairs(count, step, count);
      const ResampledCorrelation fast(pairs.x, pairs.y);
      std::size_t wrong = 0;
      for (std::uint64_t draw = 0; draw < 50; ++draw) {
        const Random random(draw, "sample");
        std::vector<std::uint32_t> sample(draw % 7 == 0 ? count / 2 : count);
        for (std::size_t i = 0; i < sample.size(); ++i) {
          sample[i] = static_cast<std::uint32_t>(random.below(i, count));
        }
        wrong += fast(sample) == pairs.plainly(sample) ? 0U : 1U;
      }
      CHECK(wrong == 0);
    }
  }
}

TEST_CASE("ResampledCorrelation: as a measure it gives the interval of the plain one") {
  const Pairs pairs(300, 0.5, 9);
  const Interval fast = bootstrap(300, ResampledCorrelation(pairs.x, pairs.y));
  const Interval plain = bootstrap(300, [&](auto sample) { return pairs.plainly(sample); });
  CHECK(fast.low == plain.low);
  CHECK(fast.high == plain.high);
  CHECK(fast.low < fast.high);
}

TEST_CASE("ResampledCorrelation: refuses other lengths, and NaN") {
  const std::vector<double> three{1, 2, 3};
  const std::vector<double> two{1, 2};
  const std::vector<double> none{1, std::numeric_limits<double>::quiet_NaN(), 3};
  CHECK_THROWS_AS(ResampledCorrelation(three, two), Error);
  CHECK_THROWS_AS(ResampledCorrelation(three, none), Error);
  CHECK_THROWS_AS(ResampledCorrelation(none, three), Error);
}
