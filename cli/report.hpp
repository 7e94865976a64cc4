#pragma once
/// Report: what was measured, as JSON and as a table.

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "bipft/core/error.hpp"
#include "bipft/io/json.hpp"
#include "bipft/tasks/metrics.hpp"

namespace bipft::cli {

/// `value` with `digits` digits after the point.
[[nodiscard]] inline std::string fixed(double value, int digits) {
  char text[64];
  const auto [end, error] =
      std::to_chars(text, text + sizeof text, value, std::chars_format::fixed, digits);
  return error == std::errc() ? std::string(text, end) : concat(value);
}

/// "1,234,567"
[[nodiscard]] inline std::string grouped(std::size_t number) {
  std::string text = concat(number);
  for (std::size_t at = text.size(); at > 3;) text.insert(at -= 3, 1, ',');
  return text;
}

/// Rows of cells in aligned columns: the first is flush left, the others flush right.
class Table {
 public:
  void row(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }

  [[nodiscard]] std::string text() const {
    std::vector<std::size_t> widths;
    for (const auto& cells : rows_) {
      widths.resize(std::max(widths.size(), cells.size()));
      for (std::size_t i = 0; i < cells.size(); ++i) {
        widths[i] = std::max(widths[i], width(cells[i]));
      }
    }
    std::string text;
    for (const auto& cells : rows_) {
      for (std::size_t i = 0; i < cells.size(); ++i) {
        const std::string blanks(widths[i] - width(cells[i]), ' ');
        if (i > 0) text += "  " + blanks;
        text += cells[i];
        if (i == 0 && cells.size() > 1) text += blanks;
      }
      text += '\n';
    }
    return text;
  }

 private:
  /// Code points: every byte that begins one.
  [[nodiscard]] static std::size_t width(std::string_view cell) {
    return static_cast<std::size_t>(std::ranges::count_if(
        cell, [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
  }
  std::vector<std::vector<std::string>> rows_;
};

/// Every metric of a classification. Correlations are for tasks whose label is a number: null.
[[nodiscard]] inline Json metrics_of(const ConfusionMatrix& matrix, Metric glue) {
  Json metrics = Json::object();
  metrics.set("accuracy", accuracy(matrix))
      .set("f1", f1(matrix))
      .set("macro_f1", macro_f1(matrix))
      .set("matthews", matthews(matrix))
      .set("pearson", Json())
      .set("spearman", Json())
      .set("glue", value_of(glue, matrix));
  return metrics;
}

/// Truth downwards, answers across.
[[nodiscard]] inline Json confusion_of(const ConfusionMatrix& matrix,
                                       const std::vector<std::string>& labels) {
  Json names = Json::array();
  Json rows = Json::array();
  for (std::size_t truth = 0; truth < matrix.labels(); ++truth) {
    names.push(labels[truth]);
    Json row = Json::array();
    for (std::size_t k = 0; k < matrix.labels(); ++k) row.push(matrix.at(truth, k));
    rows.push(row);
  }
  return Json::object().set("labels", names).set("rows", rows);
}

/// How one label fares, as a row of a table, and that table's head.
[[nodiscard]] inline std::vector<std::string> scores_head() {
  return {"label", "texts", "precision", "recall", "f1"};
}
[[nodiscard]] inline std::vector<std::string> scores_row(const std::string& label,
                                                         const LabelScores& one) {
  return {label, concat(one.support), fixed(one.precision, 4), fixed(one.recall, 4),
          fixed(one.f1, 4)};
}

/// How each label fares: what --confusion prints above the matrix.
[[nodiscard]] inline std::string confusion_text(const ConfusionMatrix& matrix,
                                                const std::vector<std::string>& labels) {
  Table scores;
  scores.row(scores_head());
  for (std::size_t k = 0; k < matrix.labels(); ++k) {
    scores.row(scores_row(labels[k], scores_of(matrix, k)));
  }
  Table counts;
  std::vector<std::string> head{"is \\ answered"};
  head.insert(head.end(), labels.begin(), labels.end());
  counts.row(std::move(head));
  for (std::size_t truth = 0; truth < matrix.labels(); ++truth) {
    std::vector<std::string> row{labels[truth]};
    for (std::size_t k = 0; k < matrix.labels(); ++k) row.push_back(concat(matrix.at(truth, k)));
    counts.row(std::move(row));
  }
  return concat(scores.text(), '\n', counts.text());
}

}  // namespace bipft::cli
