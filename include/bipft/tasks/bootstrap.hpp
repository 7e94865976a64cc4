#pragma once
/// Bootstrap: how far a measured figure might be off, had other texts been at hand.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "bipft/core/error.hpp"
#include "bipft/core/parallel.hpp"
#include "bipft/core/random.hpp"

namespace bipft {

struct Interval {
  double low = 0.0;
  double high = 0.0;
};

struct BootstrapOptions {
  double level = 0.95;
  std::size_t resamples = 1000;
  std::uint64_t seed = 1;
};

/// The percentile interval of a figure of `count` texts [Bootstrap] ch. 13:
/// `measure(sample)` is that figure for the texts that `sample` lists, some of them several times.
/// As many are drawn as there are, with replacement, `resamples` times; the middle `level` of the
/// results lie between low and high, which are among them. Draws are numbered, so the result does
/// not depend on the number of threads; `measure` must bear being called by several.
/// Throws Error if there are no texts or no resamples, or the level is not between 0 and 1.
template <class Measure>
[[nodiscard]] Interval bootstrap(std::size_t count, const Measure& measure,
                                 const BootstrapOptions& options = {}) {
  if (count == 0 || options.resamples == 0 || !(options.level > 0.0 && options.level < 1.0)) {
    fail("bootstrap: ", count, " texts, ", options.resamples, " resamples, level ", options.level);
  }
  std::vector<double> figures(options.resamples);
  parallel_for(options.resamples, 1, [&](std::size_t begin, std::size_t end) {
    std::vector<std::uint32_t> sample(count);
    for (std::size_t r = begin; r < end; ++r) {
      const Random random(options.seed, "bootstrap", r);
      for (std::size_t i = 0; i < count; ++i) {
        sample[i] = static_cast<std::uint32_t>(random.below(i, count));
      }
      figures[r] = measure(std::span<const std::uint32_t>(sample));
    }
  });
  std::sort(figures.begin(), figures.end());
  const double last = static_cast<double>(figures.size() - 1);
  const double tail = (1.0 - options.level) / 2.0;
  const auto at = [&](double share) {
    return figures[static_cast<std::size_t>(std::floor(share * last + 0.5))];
  };
  return {at(tail), at(1.0 - tail)};
}

}  // namespace bipft
