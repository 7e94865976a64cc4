#pragma once
/// Metrics: how good answers are. Every degenerate case is defined, and none is NaN: where a figure
/// would be 0/0 it is 0, "nothing was shown".

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <span>
#include <string_view>
#include <vector>

#include "bipft/core/error.hpp"

namespace bipft {

/// How often label `truth` was answered by label `answer`, for K labels.
class ConfusionMatrix {
 public:
  explicit ConfusionMatrix(std::size_t labels) : labels_(labels), counts_(labels * labels) {}

  /// Throws Error unless both spans have one length and hold indices below `labels`.
  ConfusionMatrix(std::size_t labels, std::span<const std::uint32_t> truth,
                  std::span<const std::uint32_t> answers)
      : ConfusionMatrix(labels) {
    if (truth.size() != answers.size()) {
      fail("ConfusionMatrix: ", truth.size(), " labels but ", answers.size(), " answers");
    }
    for (std::size_t i = 0; i < truth.size(); ++i) add(truth[i], answers[i]);
  }

  void add(std::size_t truth, std::size_t answer) {
    if (truth >= labels_ || answer >= labels_) {
      fail("ConfusionMatrix: label ", std::max(truth, answer), " of ", labels_, " labels");
    }
    ++counts_[truth * labels_ + answer];
  }

  [[nodiscard]] std::size_t labels() const { return labels_; }
  [[nodiscard]] std::size_t at(std::size_t truth, std::size_t answer) const {
    return counts_[truth * labels_ + answer];
  }
  [[nodiscard]] std::size_t total() const {
    return std::accumulate(counts_.begin(), counts_.end(), std::size_t{0});
  }
  /// Examples of this label, right answers for it, and answers that named it.
  [[nodiscard]] std::size_t support(std::size_t label) const {
    std::size_t sum = 0;
    for (std::size_t k = 0; k < labels_; ++k) sum += at(label, k);
    return sum;
  }
  [[nodiscard]] std::size_t hits(std::size_t label) const { return at(label, label); }
  [[nodiscard]] std::size_t answered(std::size_t label) const {
    std::size_t sum = 0;
    for (std::size_t k = 0; k < labels_; ++k) sum += at(k, label);
    return sum;
  }

 private:
  std::size_t labels_;
  std::vector<std::size_t> counts_;  // [truth, answer]
};

namespace detail {

[[nodiscard]] inline double ratio(std::size_t part, std::size_t whole) {
  return whole == 0 ? 0.0 : static_cast<double>(part) / static_cast<double>(whole);
}

}  // namespace detail

/// Right answers over all; 0 of no examples.
[[nodiscard]] inline double accuracy(const ConfusionMatrix& matrix) {
  std::size_t hits = 0;
  for (std::size_t k = 0; k < matrix.labels(); ++k) hits += matrix.hits(k);
  return detail::ratio(hits, matrix.total());
}

/// One label against all the others.
struct LabelScores {
  std::size_t support = 0;  ///< examples of this label
  double precision =
      0.0;              ///< of the answers that named it, how many were right; 0 if none named it
  double recall = 0.0;  ///< of its examples, how many were found; 0 if there are none
  double f1 = 0.0;      ///< 2 hits / (support + answers); 0 if there were neither
};

[[nodiscard]] inline LabelScores scores_of(const ConfusionMatrix& matrix, std::size_t label) {
  const std::size_t hits = matrix.hits(label);
  const std::size_t support = matrix.support(label);
  const std::size_t answered = matrix.answered(label);
  return {support, detail::ratio(hits, answered), detail::ratio(hits, support),
          detail::ratio(2 * hits, support + answered)};
}

/// The mean F1 of all labels that occur, as truth or as answer; 0 of no examples.
[[nodiscard]] inline double macro_f1(const ConfusionMatrix& matrix) {
  double sum = 0.0;
  std::size_t count = 0;
  for (std::size_t k = 0; k < matrix.labels(); ++k) {
    if (matrix.support(k) + matrix.answered(k) == 0) continue;
    sum += scores_of(matrix, k).f1;
    ++count;
  }
  return count == 0 ? 0.0 : sum / static_cast<double>(count);
}

/// F1 of label 1 where there are two labels, as GLUE has it for MRPC and QQP; else the macro F1.
[[nodiscard]] inline double f1(const ConfusionMatrix& matrix) {
  return matrix.labels() == 2 ? scores_of(matrix, 1).f1 : macro_f1(matrix);
}

/// Matthews' correlation, for K labels as Gorodkin (2004) has it:
///
///   R = (c s - Σ p_k t_k) / √((s² - Σ p_k²) (s² - Σ t_k²))
///
/// with s examples, c right answers, t_k examples of label k and p_k answers that named it. In -1
/// ... 1; 0 if all examples, or all answers, are of one label, and of no examples.
[[nodiscard]] inline double matthews(const ConfusionMatrix& matrix) {
  const auto real = [](std::size_t n) { return static_cast<double>(n); };
  const double s = real(matrix.total());
  double c = 0.0;
  double pt = 0.0;
  double pp = 0.0;
  double tt = 0.0;
  for (std::size_t k = 0; k < matrix.labels(); ++k) {
    const double p = real(matrix.answered(k));
    const double t = real(matrix.support(k));
    c += real(matrix.hits(k));
    pt += p * t;
    pp += p * p;
    tt += t * t;
  }
  const double spread = std::sqrt(s * s - pp) * std::sqrt(s * s - tt);
  return spread > 0.0 ? std::clamp((c * s - pt) / spread, -1.0, 1.0) : 0.0;
}

/// Pearson's correlation of two series, in -1 ... 1. 0 if one of them is constant, or shorter than
/// two. Throws Error unless both have one length.
[[nodiscard]] inline double pearson(std::span<const double> x, std::span<const double> y) {
  if (x.size() != y.size()) fail("pearson: ", x.size(), " values against ", y.size());
  if (x.empty()) return 0.0;
  const double n = static_cast<double>(x.size());
  const double mean_x = std::accumulate(x.begin(), x.end(), 0.0) / n;
  const double mean_y = std::accumulate(y.begin(), y.end(), 0.0) / n;
  double xx = 0.0;
  double yy = 0.0;
  double xy = 0.0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double dx = x[i] - mean_x;
    const double dy = y[i] - mean_y;
    xx += dx * dx;
    yy += dy * dy;
    xy += dx * dy;
  }
  // A constant series is told by its values: its rounded mean may leave a tiny spread.
  const auto constant = [](std::span<const double> v) {
    return std::all_of(v.begin(), v.end(), [&](double value) { return value == v[0]; });
  };
  const double spread = std::sqrt(xx) * std::sqrt(yy);
  if (constant(x) || constant(y) || !(spread > 0.0)) return 0.0;
  return std::clamp(xy / spread, -1.0, 1.0);
}

/// The ranks of `values` from 1; equal ones share the mean of their ranks.
[[nodiscard]] inline std::vector<double> ranks_of(std::span<const double> values) {
  std::vector<std::size_t> order(values.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return values[a] < values[b] || (values[a] == values[b] && a < b);
  });
  std::vector<double> ranks(values.size());
  for (std::size_t first = 0; first < order.size();) {
    std::size_t end = first + 1;
    while (end < order.size() && values[order[end]] == values[order[first]]) ++end;
    const double rank = static_cast<double>(first + 1 + end) / 2.0;
    for (; first < end; ++first) ranks[order[first]] = rank;
  }
  return ranks;
}

/// Spearman's correlation: Pearson's of the ranks, with the same degenerate cases. NaN has no rank:
/// throws Error if there is one.
[[nodiscard]] inline double spearman(std::span<const double> x, std::span<const double> y) {
  const auto check = [](std::span<const double> v) {
    for (const double value : v) {
      if (std::isnan(value)) fail("spearman: a value is NaN");
    }
  };
  check(x);
  check(y);
  return pearson(ranks_of(x), ranks_of(y));
}

/// The mean of Pearson's and Spearman's correlation: GLUE's number for STS-B.
[[nodiscard]] inline double correlation(std::span<const double> x, std::span<const double> y) {
  return (pearson(x, y) + spearman(x, y)) / 2.0;
}

/// The root of the mean square of x - y, and the mean of |x - y|; 0 of no values.
struct Distance {
  double rmse = 0.0;
  double mae = 0.0;
};
/// Throws Error unless both have one length.
[[nodiscard]] inline Distance distance(std::span<const double> x, std::span<const double> y) {
  if (x.size() != y.size()) fail("distance: ", x.size(), " values against ", y.size());
  Distance result;
  const double n = static_cast<double>(std::max<std::size_t>(x.size(), 1));
  for (std::size_t i = 0; i < x.size(); ++i) {
    result.rmse += (x[i] - y[i]) * (x[i] - y[i]);
    result.mae += std::abs(x[i] - y[i]);
  }
  return {std::sqrt(result.rmse / n), result.mae / n};
}

/// The one number of a task: what its dev set is ranked by.
enum class Metric {
  accuracy,
  matthews,
  correlation,  ///< the mean of Pearson and Spearman, of tasks whose label is a number
  micro_f1,     ///< of all labels together, of tasks where a text has several
};

[[nodiscard]] constexpr std::string_view to_string(Metric metric) {
  constexpr std::string_view names[] = {"accuracy", "matthews", "correlation", "micro_f1"};
  return names[static_cast<std::size_t>(metric)];
}

/// That number for a classification. Throws Error for metrics of numbers and of label sets.
[[nodiscard]] inline double value_of(Metric metric, const ConfusionMatrix& matrix) {
  switch (metric) {
    case Metric::accuracy:
      return accuracy(matrix);
    case Metric::matthews:
      return matthews(matrix);
    case Metric::correlation:
    case Metric::micro_f1:
      break;
  }
  fail(to_string(metric), " is not measured on single labels");
}

}  // namespace bipft
