#pragma once
/// ResampledCorrelation: the correlation of one sample after the other of the same two series,
/// whose ranks take no sorting.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "bipft/core/error.hpp"
#include "bipft/tasks/metrics.hpp"

namespace bipft {

/// A measure for `bootstrap`. Const and safe to share among threads.
class ResampledCorrelation {
 public:
  /// Sorts both series, once. Throws Error unless they have one length and no NaN.
  ResampledCorrelation(std::span<const double> x, std::span<const double> y) : x_(x), y_(y) {
    if (x.size() != y.size()) {
      fail("ResampledCorrelation: ", x.size(), " values against ", y.size());
    }
  }

  /// `correlation` of the values that `sample` lists, some of them several times, to its last bit:
  /// how often each value is there tells the ranks of all, in as many steps as there are values.
  [[nodiscard]] double operator()(std::span<const std::uint32_t> sample) const {
    const auto of_sample = [&](const Series& series) {
      std::vector<double> values(sample.size());
      for (std::size_t i = 0; i < sample.size(); ++i) values[i] = series.values[sample[i]];
      return values;
    };
    return (pearson(of_sample(x_), of_sample(y_)) +
            pearson(x_.ranks_of(sample), y_.ranks_of(sample))) /
           2.0;
  }

 private:
  struct Series {
    std::vector<double> values;
    std::vector<std::uint32_t> level;  // which of the distinct values each is, counted from below
    std::size_t levels = 0;

    explicit Series(std::span<const double> of) : values(of.begin(), of.end()), level(of.size()) {
      std::vector<double> distinct = values;
      for (const double value : distinct) {
        if (std::isnan(value)) fail("ResampledCorrelation: a value is NaN");
      }
      std::sort(distinct.begin(), distinct.end());
      distinct.erase(std::unique(distinct.begin(), distinct.end()), distinct.end());
      levels = distinct.size();
      for (std::size_t i = 0; i < values.size(); ++i) {
        const auto at = std::lower_bound(distinct.begin(), distinct.end(), values[i]);
        level[i] = static_cast<std::uint32_t>(at - distinct.begin());
      }
    }

    /// ranks_of the sample's values.
    [[nodiscard]] std::vector<double> ranks_of(std::span<const std::uint32_t> sample) const {
      std::vector<std::uint32_t> counts(levels);
      for (const std::uint32_t i : sample) ++counts[level[i]];
      std::vector<double> rank(levels);
      std::size_t first = 0;
      for (std::size_t k = 0; k < levels; ++k) {
        const std::size_t end = first + counts[k];
        rank[k] = static_cast<double>(first + 1 + end) / 2.0;
        first = end;
      }
      std::vector<double> ranks(sample.size());
      for (std::size_t i = 0; i < sample.size(); ++i) ranks[i] = rank[level[sample[i]]];
      return ranks;
    }
  };

  Series x_;
  Series y_;
};

}  // namespace bipft
