#pragma once
/// ExitPoint: one text at one exit, as the few numbers that rules decide by. They take O(labels) to
/// find and nothing to keep, so that a stored set of logits is read once for all rules.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <span>

#include "bipft/core/error.hpp"

namespace bipft {

/// What a model answers a text with: one of its labels, a number, or any of its labels.
enum class ExitAnswer { label, value, labels };

/// A number that is not there, or that NaN and infinite logits leave: NaN. No rule stops because of
/// it, for no comparison holds. Layers count from 1, as people count exits.
struct ExitPoint {
  static constexpr double none = std::numeric_limits<double>::quiet_NaN();

  ExitAnswer answer = ExitAnswer::label;
  std::size_t exit = 1;    ///< i, the number of the exit
  std::size_t exits = 1;   ///< K, how many there are
  std::size_t labels = 1;  ///< C

  std::size_t top = 0;         ///< the likeliest label; of equal ones the first
  double entropy = none;       ///< H(p), in nats
  double most_entropy = none;  ///< ln C, that of knowing nothing
  double best = none;          ///< the largest probability
  double second = none;        ///< the next one; 0 of a single label
  bool same = false;           ///< whether the answer is that of the exit before
  double change = none;     ///< since the exit before: JSD(p_{i-1}, p_i), of numbers |y - y_{i-1}|
  double doubt = none;      ///< u, from a head that learnt how often the answer here is wrong
  double next_macs = none;  ///< what the text will have cost at the next exit

  /// H / ln C in 0 ... 1; 0 of a single label, which is certain.
  [[nodiscard]] double relative_entropy() const {
    return labels == 1 ? entropy * 0.0 : entropy / most_entropy;
  }
};

namespace detail {

/// A softmax in three numbers, with e_c = exp(z_c - m): the largest logit, Σ e, Σ (z - m) e.
struct SoftmaxSums {
  double most = 0.0;
  double sum = 0.0;
  double weighted = 0.0;
  std::size_t top = 0;
  double next = -std::numeric_limits<double>::infinity();  ///< the second largest logit
};

/// Whether all logits are numbers that a softmax can be made of.
template <class Real>
[[nodiscard]] bool all_finite(std::span<const Real> logits) {
  return std::all_of(logits.begin(), logits.end(), [](Real z) { return std::isfinite(z); });
}

template <class Real>
[[nodiscard]] SoftmaxSums softmax_sums(std::span<const Real> logits) {
  SoftmaxSums sums;
  for (std::size_t c = 1; c < logits.size(); ++c) {
    if (logits[c] > logits[sums.top]) sums.top = c;
  }
  sums.most = static_cast<double>(logits[sums.top]);
  for (std::size_t c = 0; c < logits.size(); ++c) {
    const double z = static_cast<double>(logits[c]) - sums.most;
    const double e = std::exp(z);
    sums.sum += e;
    sums.weighted += z * e;
    if (c != sums.top) sums.next = std::max(sums.next, z);
  }
  return sums;
}

/// JSD(p, q) = H((p + q) / 2) - (H(p) + H(q)) / 2 of two softmaxes, as
///   ½ Σ p ln(p / m) + ½ Σ q ln(q / m),   m = (p + q) / 2
/// which is 0 for equal ones to the last digit, and never below.          In 0 ... ln 2.
template <class Real>
[[nodiscard]] double divergence(std::span<const Real> p_logits, const SoftmaxSums& p_sums,
                                std::span<const Real> q_logits) {
  const SoftmaxSums q_sums = softmax_sums(q_logits);
  double total = 0.0;
  for (std::size_t c = 0; c < p_logits.size(); ++c) {
    const double p = std::exp(static_cast<double>(p_logits[c]) - p_sums.most) / p_sums.sum;
    const double q = std::exp(static_cast<double>(q_logits[c]) - q_sums.most) / q_sums.sum;
    const double middle = (p + q) / 2.0;
    if (p > 0.0) total += p * std::log(p / middle);
    if (q > 0.0) total += q * std::log(q / middle);
  }
  return std::max(0.0, total / 2.0);
}

}  // namespace detail

/// What `logits` say at exit `exit` of `exits`, after `previous` at the exit before (empty at the
/// first). The entropy is that of the softmax, by its largest logit m and e_c = exp(z_c - m):
///
///   H = ln Σ e - Σ (z_c - m) e_c / Σ e
///
/// which neither overflows nor loses what is left of a certain answer. All this is double: C
/// libraries, whose exp and log differ in the last digit, differ in no text but one that is as near
/// to a threshold. Of numbers and label sets, which have no softmax, only `same` and `change` are
/// filled, and for sets only `same`. Without `divergence` the change of labels is left out, which
/// most rules do not ask for.
///
///   logits, previous: [C], of numbers [1]
/// Throws Error if there are no logits, or not as many as before.
template <class Real>
[[nodiscard]] ExitPoint exit_point(ExitAnswer answer, std::size_t exit, std::size_t exits,
                                   std::span<const Real> logits, std::span<const Real> previous,
                                   bool divergence = true) {
  if (logits.empty() || (!previous.empty() && previous.size() != logits.size())) {
    fail("exit ", exit, ": ", logits.size(), " logits after ", previous.size());
  }
  ExitPoint at;
  at.answer = answer;
  at.exit = exit;
  at.exits = exits;
  at.labels = logits.size();
  at.most_entropy = std::log(static_cast<double>(logits.size()));
  if (!detail::all_finite(logits)) return at;
  const bool compares = !previous.empty() && detail::all_finite(previous);
  switch (answer) {
    case ExitAnswer::label: {
      const detail::SoftmaxSums sums = detail::softmax_sums(logits);
      at.top = sums.top;
      at.entropy = std::log(sums.sum) - sums.weighted / sums.sum;
      at.best = 1.0 / sums.sum;
      at.second = std::exp(sums.next) / sums.sum;
      if (!compares) break;
      at.same = std::max_element(previous.begin(), previous.end()) - previous.begin() ==
                static_cast<std::ptrdiff_t>(at.top);
      if (divergence) at.change = detail::divergence(logits, sums, previous);
      break;
    }
    case ExitAnswer::value:
      if (!compares) break;
      at.change = std::abs(static_cast<double>(logits[0]) - static_cast<double>(previous[0]));
      at.same = at.change == 0.0;
      break;
    case ExitAnswer::labels:
      at.same = compares && std::equal(logits.begin(), logits.end(), previous.begin(),
                                       [](Real z, Real y) { return (z >= 0) == (y >= 0); });
      break;
  }
  return at;
}

}  // namespace bipft
