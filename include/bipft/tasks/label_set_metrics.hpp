#pragma once
/// Label-set metrics: how good answers are where a text has any number of labels. As elsewhere,
/// what would be 0/0 is 0.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <span>
#include <vector>

#include "bipft/core/error.hpp"
#include "bipft/tasks/metrics.hpp"

namespace bipft {

/// How often each of K labels was there, was answered, and both.
class LabelSetCounts {
 public:
  explicit LabelSetCounts(std::size_t labels)
      : support_(labels), answered_(labels), hits_(labels) {}

  /// One text. Both sets are ascending, without repetition; throws Error for an index beyond K.
  void add(std::span<const std::uint32_t> truth, std::span<const std::uint32_t> answer) {
    count(truth, support_);
    count(answer, answered_);
    std::vector<std::uint32_t> both;
    std::set_intersection(truth.begin(), truth.end(), answer.begin(), answer.end(),
                          std::back_inserter(both));
    count(both, hits_);
    ++texts_;
    right_ += std::equal(truth.begin(), truth.end(), answer.begin(), answer.end()) ? 1U : 0U;
  }

  [[nodiscard]] std::size_t labels() const { return hits_.size(); }
  [[nodiscard]] std::size_t texts() const { return texts_; }

  /// One label for itself.
  [[nodiscard]] LabelScores scores(std::size_t label) const {
    const std::size_t hits = hits_[label];
    return {support_[label], detail::ratio(hits, answered_[label]),
            detail::ratio(hits, support_[label]),
            detail::ratio(2 * hits, support_[label] + answered_[label])};
  }
  /// Texts whose labels were all found, and no other: subset accuracy.
  [[nodiscard]] double accuracy() const { return detail::ratio(right_, texts_); }
  /// F1 over all labels of all texts together: 2 hits / (labels there + labels answered).
  [[nodiscard]] double micro_f1() const {
    std::size_t hits = 0;
    std::size_t named = 0;
    for (std::size_t k = 0; k < labels(); ++k) {
      hits += hits_[k];
      named += support_[k] + answered_[k];
    }
    return detail::ratio(2 * hits, named);
  }
  /// The mean F1 of all labels that occur, as truth or as answer.
  [[nodiscard]] double macro_f1() const {
    double sum = 0.0;
    std::size_t count = 0;
    for (std::size_t k = 0; k < labels(); ++k) {
      if (support_[k] + answered_[k] == 0) continue;
      sum += scores(k).f1;
      ++count;
    }
    return count == 0 ? 0.0 : sum / static_cast<double>(count);
  }

 private:
  static void count(std::span<const std::uint32_t> set, std::vector<std::size_t>& counts) {
    for (const std::uint32_t label : set) {
      if (label >= counts.size()) fail("LabelSetCounts: label ", label, " of ", counts.size());
      ++counts[label];
    }
  }

  std::vector<std::size_t> support_, answered_, hits_;  // [K]
  std::size_t texts_ = 0;
  std::size_t right_ = 0;
};

/// The labels whose logit is not below 0, and so whose probability is at least a half.
[[nodiscard]] inline std::vector<std::uint32_t> answered_labels(std::span<const float> logits) {
  std::vector<std::uint32_t> set;
  for (std::size_t k = 0; k < logits.size(); ++k) {
    if (logits[k] >= 0.0F) set.push_back(static_cast<std::uint32_t>(k));
  }
  return set;
}

}  // namespace bipft
