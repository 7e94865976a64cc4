#pragma once
/// Temperature: the one number that makes probabilities honest, fitted on texts that were not
/// learnt.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "bipft/core/error.hpp"

namespace bipft {

/// The T that makes softmax(z / T) most probable, of logits z [n, K] whose labels are known
/// [Calibration] §4.2:
///
///   min over T of  -Σ_i Σ_k t_ik log softmax(z_i / T)_k
///
/// As [Platt] has it, a target t is (n + 1) / (n + K) for the label and 1 / (n + K) for each other,
/// not 1 and 0: else T would be 0 for a model that is always right. The sum is convex in 1 / T, and
/// the zero of its derivative is found by halving; T lies in 1/64 ... 64 and is rounded to four
/// digits, which hides what C libraries' exp differ in. 1 of no texts, and where K is 1.
/// No label's place among the others changes by it.
///
///   logits: n rows of K   labels: [n], in 0 ... K-1
/// Throws Error if the shapes do not fit.
[[nodiscard]] inline float fit_temperature(std::span<const std::vector<float>> logits,
                                           std::span<const std::uint32_t> labels) {
  if (logits.size() != labels.size()) {
    fail("fit_temperature: ", logits.size(), " rows of logits, ", labels.size(), " labels");
  }
  if (logits.empty() || logits[0].size() < 2) return 1.0F;
  const std::size_t classes = logits[0].size();
  for (std::size_t i = 0; i < labels.size(); ++i) {
    if (logits[i].size() != classes || labels[i] >= classes) {
      fail("fit_temperature: label ", labels[i], " of ", logits[i].size(), " logits in row ", i);
    }
  }
  const double all = static_cast<double>(labels.size()) + static_cast<double>(classes);
  // d/dβ of the sum, β = 1 / T: Σ_i (Σ_k softmax(β z)_k z_k - Σ_k t_k z_k).
  const auto slope = [&](double beta) {
    double total = 0.0;
    for (std::size_t i = 0; i < labels.size(); ++i) {
      const std::vector<float>& row = logits[i];
      const double best = static_cast<double>(*std::max_element(row.begin(), row.end()));
      double sum = 0.0;
      double mean = 0.0;    // of z - best under the softmax, times the sum
      double others = 0.0;  // Σ_k (z - best)
      for (const float logit : row) {
        const double z = static_cast<double>(logit) - best;
        const double term = std::exp(beta * z);
        sum += term;
        mean += term * z;
        others += z;
      }
      const double own = static_cast<double>(row[labels[i]]) - best;
      const double n = static_cast<double>(labels.size());
      total += mean / sum - (n * own + others) / all;
    }
    return total;
  };
  // Halves of a range of exponents: every value on the way is exact but for exp.
  double low = -6.0;
  double high = 6.0;
  for (int step = 0; step < 40; ++step) {
    const double middle = (low + high) / 2.0;
    slope(std::exp2(middle)) < 0.0 ? low = middle : high = middle;
  }
  const double temperature = std::exp2(-(low + high) / 2.0);
  const double unit = std::pow(10.0, std::floor(std::log10(temperature)) - 3.0);
  return static_cast<float>(std::round(temperature / unit) * unit);
}

/// The same for labels that are there or not, each for itself: σ(z / T) for every logit, which is
/// the softmax of it and 0.   logits: n rows of K   sets: of each row the labels that are there
[[nodiscard]] inline float fit_temperature(std::span<const std::vector<float>> logits,
                                           std::span<const std::vector<std::uint32_t>> sets) {
  if (logits.size() != sets.size()) {
    fail("fit_temperature: ", logits.size(), " rows of logits, ", sets.size(), " label sets");
  }
  std::vector<std::vector<float>> rows;
  std::vector<std::uint32_t> labels;
  for (std::size_t i = 0; i < logits.size(); ++i) {
    for (std::size_t k = 0; k < logits[i].size(); ++k) {
      rows.push_back({0.0F, logits[i][k]});
      labels.push_back(std::ranges::count(sets[i], static_cast<std::uint32_t>(k)) > 0 ? 1U : 0U);
    }
  }
  return fit_temperature(rows, labels);
}

/// Expected calibration error [Calibration] eq. 3: answers in 15 bins of equal width by their
/// confidence, and over all bins the mean of |confidence - share of right answers|, weighted by how
/// many are in each. 0 of no answers.   confidence: in 0 ... 1
/// Throws Error unless both have one length.
[[nodiscard]] inline double calibration_error(std::span<const double> confidence,
                                              const std::vector<bool>& right) {
  if (confidence.size() != right.size()) {
    fail("calibration_error: ", confidence.size(), " answers, ", right.size(), " verdicts");
  }
  constexpr std::size_t bins = 15;
  double surplus[bins] = {};  // Σ (confidence - right)
  for (std::size_t i = 0; i < right.size(); ++i) {
    const double place = std::clamp(confidence[i], 0.0, 1.0) * static_cast<double>(bins);
    const std::size_t bin = std::min(static_cast<std::size_t>(place), bins - 1);
    surplus[bin] += confidence[i] - (right[i] ? 1.0 : 0.0);
  }
  double total = 0.0;
  for (const double one : surplus) total += std::abs(one);
  return right.empty() ? 0.0 : total / static_cast<double>(right.size());
}

}  // namespace bipft
