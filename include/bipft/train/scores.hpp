#pragma once
/// Scores: how good a model's logits are on a dev set, by the metric of the task. What `fit` ranks
/// epochs by.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "bipft/data/batches.hpp"
#include "bipft/tasks/label_set_metrics.hpp"
#include "bipft/tasks/metrics.hpp"

namespace bipft {

/// Of labels: the largest logit of each text against its label.
struct LabelScore {
  Metric metric = Metric::accuracy;

  [[nodiscard]] double operator()(std::span<const std::vector<float>> logits,
                                  std::span<const EncodedText> texts) const {
    ConfusionMatrix matrix(logits.empty() ? 0 : logits[0].size());
    for (std::size_t i = 0; i < texts.size(); ++i) {
      const std::vector<float>& row = logits[i];
      const auto best = std::max_element(row.begin(), row.end()) - row.begin();
      matrix.add(static_cast<std::size_t>(texts[i].label), static_cast<std::size_t>(best));
    }
    return value_of(metric, matrix);
  }
};

/// Of numbers: the mean of Pearson's and Spearman's correlation; -1 if an answer is none.
struct ValueScore {
  [[nodiscard]] double operator()(std::span<const std::vector<float>> logits,
                                  std::span<const EncodedText> texts) const {
    std::vector<double> truth;
    std::vector<double> answers;
    for (std::size_t i = 0; i < texts.size(); ++i) {
      truth.push_back(static_cast<double>(texts[i].targets.at(0)));
      answers.push_back(static_cast<double>(logits[i].at(0)));
      if (!std::isfinite(answers.back())) return -1.0;
    }
    return correlation(truth, answers);
  }
};

/// Of label sets: the micro F1 of the logits that are not below 0.
struct LabelSetScore {
  [[nodiscard]] double operator()(std::span<const std::vector<float>> logits,
                                  std::span<const EncodedText> texts) const {
    LabelSetCounts counts(logits.empty() ? 0 : logits[0].size());
    for (std::size_t i = 0; i < texts.size(); ++i) {
      std::vector<std::uint32_t> truth;
      for (std::size_t k = 0; k < texts[i].targets.size(); ++k) {
        if (texts[i].targets[k] > 0.5F) truth.push_back(static_cast<std::uint32_t>(k));
      }
      counts.add(truth, answered_labels(logits[i]));
    }
    return counts.micro_f1();
  }
};

}  // namespace bipft
