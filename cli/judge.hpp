#pragma once
/// Judge: the answers of a model against the labels of a data set, whatever they are: one label, a
/// number, or several labels.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "bipft/core/error.hpp"
#include "bipft/data/labels.hpp"
#include "bipft/data/values.hpp"
#include "bipft/io/json.hpp"
#include "bipft/model/classifier.hpp"
#include "bipft/tasks/bootstrap.hpp"
#include "bipft/tasks/label_set_metrics.hpp"
#include "bipft/tasks/metrics.hpp"
#include "bipft/tasks/resampled_correlation.hpp"
#include "bipft/tasks/temperature.hpp"
#include "report.hpp"

namespace bipft::cli {

class Judge {
 public:
  using Predictions = std::vector<Prediction>;
  using Sample = std::span<const std::uint32_t>;

  /// Reads the labels. Throws Error{Fault::data} for one that the model does not know.
  Judge(const Dataset& data, const ModelCard& card, Metric metric)
      : data_(data), card_(card), metric_(metric) {
    switch (data.answer) {
      case AnswerKind::label:
        labels_ = label_ids(data, card.labels);
        break;
      case AnswerKind::value:
        values_ = values_of(data);
        break;
      case AnswerKind::labels:
        sets_ = label_sets(data, card.labels);
        break;
    }
  }

  [[nodiscard]] const std::vector<std::uint32_t>& labels() const { return labels_; }

  /// Every metric by its name; null for those that answers of this kind do not have.
  [[nodiscard]] Json metrics(const Predictions& predictions) const {
    if (data_.answer == AnswerKind::label) {
      return metrics_of(confusion(predictions), metric_).set("ece", error_of(predictions));
    }
    Json json = Json::object();
    const Json none;
    if (data_.answer == AnswerKind::value) {
      const std::vector<double> answers = values_in(predictions);
      const Distance apart = distance(values_, answers);
      return json.set("accuracy", none)
          .set("f1", none)
          .set("matthews", none)
          .set("pearson", pearson(values_, answers))
          .set("spearman", spearman(values_, answers))
          .set("rmse", apart.rmse)
          .set("mae", apart.mae)
          .set("glue", correlation(values_, answers));
    }
    const LabelSetCounts counts = counts_of(predictions);
    return json.set("accuracy", counts.accuracy())
        .set("f1", counts.micro_f1())
        .set("macro_f1", counts.macro_f1())
        .set("matthews", none)
        .set("pearson", none)
        .set("spearman", none)
        .set("glue", counts.micro_f1())
        .set("ece", error_of(predictions));
  }

  /// Where the task's one number lies in 95 of 100 such data sets.
  [[nodiscard]] Interval interval(const Predictions& predictions) const {
    if (data_.answer == AnswerKind::label) {
      std::vector<std::uint32_t> answers;
      for (const Prediction& one : predictions) {
        answers.push_back(static_cast<std::uint32_t>(one.label));
      }
      return interval_of(answers);
    }
    if (data_.answer == AnswerKind::value) {
      return bootstrap(data_.size(), ResampledCorrelation(values_, values_in(predictions)));
    }
    const std::vector<std::vector<std::uint32_t>> answers = sets_in(predictions);
    return bootstrap(data_.size(), [&](Sample sample) {
      LabelSetCounts counts(card_.labels.size());
      for (const std::uint32_t i : sample) counts.add(sets_[i], answers[i]);
      return counts.micro_f1();
    });
  }
  /// The same of other answers to texts with one label.
  [[nodiscard]] Interval interval_of(std::span<const std::uint32_t> answers) const {
    return bootstrap(data_.size(), [&](Sample sample) {
      ConfusionMatrix matrix(card_.labels.size());
      for (const std::uint32_t i : sample) matrix.add(labels_[i], answers[i]);
      return value_of(metric_, matrix);
    });
  }

  /// Of texts with one label.
  [[nodiscard]] ConfusionMatrix confusion(const Predictions& predictions) const {
    ConfusionMatrix matrix(card_.labels.size());
    for (std::size_t i = 0; i < labels_.size(); ++i) matrix.add(labels_[i], predictions[i].label);
    return matrix;
  }
  /// Which label is taken for which; of several labels how each of them fares.
  [[nodiscard]] Json confusion_json(const Predictions& predictions) const {
    if (data_.answer == AnswerKind::label) {
      return confusion_of(confusion(predictions), card_.labels);
    }
    const LabelSetCounts counts = counts_of(predictions);
    Json rows = Json::array();
    for (std::size_t k = 0; k < counts.labels(); ++k) {
      const LabelScores one = counts.scores(k);
      Json row = Json::object();
      row.set("label", card_.labels[k]).set("texts", one.support);
      rows.push(row.set("precision", one.precision).set("recall", one.recall).set("f1", one.f1));
    }
    return rows;
  }
  [[nodiscard]] std::string confusion_table(const Predictions& predictions) const {
    if (data_.answer == AnswerKind::label) {
      return confusion_text(confusion(predictions), card_.labels);
    }
    const LabelSetCounts counts = counts_of(predictions);
    Table table;
    table.row(scores_head());
    for (std::size_t k = 0; k < counts.labels(); ++k) {
      table.row(scores_row(card_.labels[k], counts.scores(k)));
    }
    return table.text();
  }

  /// Texts that were answered wrongly, the surest answers first; of numbers all texts, those
  /// farthest off first.
  [[nodiscard]] std::string errors(const Predictions& predictions) const {
    struct Wrong {
      std::size_t text;
      double size;
      std::string answer;
    };
    std::vector<Wrong> wrong;
    for (std::size_t i = 0; i < data_.size(); ++i) {
      const Prediction& one = predictions[i];
      if (data_.answer == AnswerKind::label && one.label != labels_[i]) {
        wrong.push_back(
            {i, static_cast<double>(one.probabilities[one.label]), card_.labels[one.label]});
      } else if (data_.answer == AnswerKind::value) {
        const double value = static_cast<double>(one.value);
        wrong.push_back({i, std::abs(value - values_[i]), concat(one.value)});
      } else if (data_.answer == AnswerKind::labels) {
        const std::vector<std::uint32_t> answer = set_in(one);
        if (answer == sets_[i]) continue;
        Wrong next{i, 0.0, {}};
        for (const std::uint32_t k : answer) {
          next.answer += concat(next.answer.empty() ? "" : " ", card_.labels[k]);
        }
        std::vector<std::uint32_t> differing;  // the surest of them counts
        std::ranges::set_symmetric_difference(answer, sets_[i], std::back_inserter(differing));
        for (const std::uint32_t k : differing) {
          next.size = std::max(next.size, sureness(one.probabilities[k]));
        }
        wrong.push_back(std::move(next));
      }
    }
    std::ranges::stable_sort(wrong, [](const Wrong& a, const Wrong& b) { return a.size > b.size; });
    const auto cell = [](std::string text) {
      std::ranges::replace_if(
          text, [](char c) { return c == '\t' || c == '\n' || c == '\r'; }, ' ');
      return text;
    };
    const bool values = data_.answer == AnswerKind::value;
    std::string table = concat("place\tlabel\tanswer\t", values ? "error" : "probability", "\ttext",
                               data_.pairs ? "\ttext2\n" : "\n");
    for (const Wrong& one : wrong) {
      const Example& example = data_.examples[one.text];
      table += concat(data_.place(example), '\t', cell(example.label), '\t', cell(one.answer), '\t',
                      static_cast<float>(one.size), '\t', cell(example.text));
      if (data_.pairs) table += concat('\t', cell(example.pair));
      table += '\n';
    }
    return table;
  }

  /// The temperature that makes these probabilities honest; 1 for numbers, which have none.
  [[nodiscard]] float temperature(const Predictions& predictions) const {
    std::vector<std::vector<float>> logits;
    for (const Prediction& one : predictions) logits.push_back(one.logits);
    if (data_.answer == AnswerKind::label) return fit_temperature(logits, labels_);
    if (data_.answer == AnswerKind::labels) return fit_temperature(logits, sets_);
    return 1.0F;
  }

 private:
  [[nodiscard]] static double sureness(float probability) {
    const auto p = static_cast<double>(probability);
    return std::max(p, 1.0 - p);
  }
  [[nodiscard]] static std::vector<double> values_in(const Predictions& predictions) {
    std::vector<double> values;
    for (const Prediction& one : predictions) values.push_back(static_cast<double>(one.value));
    return values;
  }
  [[nodiscard]] static std::vector<std::uint32_t> set_in(const Prediction& one) {
    std::vector<std::uint32_t> set;
    for (std::size_t k = 0; k < one.probabilities.size(); ++k) {
      if (one.probabilities[k] >= 0.5F) set.push_back(static_cast<std::uint32_t>(k));
    }
    return set;
  }
  [[nodiscard]] static std::vector<std::vector<std::uint32_t>> sets_in(
      const Predictions& predictions) {
    std::vector<std::vector<std::uint32_t>> sets;
    for (const Prediction& one : predictions) sets.push_back(set_in(one));
    return sets;
  }
  [[nodiscard]] LabelSetCounts counts_of(const Predictions& predictions) const {
    LabelSetCounts counts(card_.labels.size());
    for (std::size_t i = 0; i < sets_.size(); ++i) counts.add(sets_[i], set_in(predictions[i]));
    return counts;
  }
  [[nodiscard]] double error_of(const Predictions& predictions) const {
    std::vector<double> confidence;
    std::vector<bool> right;
    for (std::size_t i = 0; i < predictions.size(); ++i) {
      const Prediction& one = predictions[i];
      if (data_.answer == AnswerKind::label) {
        confidence.push_back(static_cast<double>(one.probabilities[one.label]));
        right.push_back(one.label == labels_[i]);
        continue;
      }
      for (std::size_t k = 0; k < one.probabilities.size(); ++k) {
        const bool there = std::ranges::count(sets_[i], static_cast<std::uint32_t>(k)) > 0;
        confidence.push_back(sureness(one.probabilities[k]));
        right.push_back(there == (one.probabilities[k] >= 0.5F));
      }
    }
    return calibration_error(confidence, right);
  }

  const Dataset& data_;
  const ModelCard& card_;
  Metric metric_;
  // What the labels of the data are, one of the three:
  std::vector<std::uint32_t> labels_;
  std::vector<double> values_;
  std::vector<std::vector<std::uint32_t>> sets_;
};

}  // namespace bipft::cli
