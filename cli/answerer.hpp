#pragma once
/// Answerer: blocks of lines to answers, with a model.

#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "answers.hpp"
#include "bipft/core/error.hpp"
#include "bipft/model/classifier.hpp"
#include "filter.hpp"
#include "run_options.hpp"

namespace bipft::cli {

/// Appends an answer a line, in their order; for the lines that have none, what --on-error says.
class Answerer {
 public:
  Answerer(const Classifier& model, const RunOptions& options, AnswerFormat format)
      : model_(model),
        options_(options),
        format_(format),
        choice_(choice_of(options, model.card().answer, format)) {}

  void operator()(std::span<const Line> lines, std::string& out) {
    std::vector<TextPair> texts;
    for (const Line& line : lines) {
      if (reason(line).empty()) texts.push_back(text_of(line));
    }
    if (options_.tokens) {
      each(lines, out, [&](Row& row, std::size_t i) {
        const auto ids = model_.encode(texts[i]).ids;
        std::string list;
        if (format_ == AnswerFormat::jsonl) return row.numbers<std::int32_t>("tokens", ids);
        for (const std::int32_t id : ids) list += concat(list.empty() ? "" : " ", id);
        row.raw("tokens", list);
      });
    } else if (!options_.embed.empty()) {
      const auto pooling = options_.embed == "mean" ? Pooling::mean : Pooling::cls;
      const auto vectors = model_.embed(texts, pooling);
      each(lines, out, [&](Row& row, std::size_t i) {
        row.numbers<float>("embedding", vectors[i]);
        if (format_ == AnswerFormat::npy)
          rows_.insert(rows_.end(), vectors[i].begin(), vectors[i].end());
      });
    } else {
      const std::vector<Prediction> predictions = model_.predict(texts);
      each(lines, out, [&](Row& row, std::size_t i) {
        const Prediction& one = predictions[i];
        if (options_.logits) {
          row.numbers<float>("logits", one.logits, 9);
        } else if (values()) {
          row.number("value", one.value);
        } else {
          write_labels(row, format_, choice_, model_.card().labels, one.probabilities);
        }
        if (!options_.exit.empty()) row.raw("layer", concat(one.layer));
      });
    }
    if (format_ == AnswerFormat::npy) out.clear();
  }

  [[nodiscard]] std::uint64_t broken() const { return broken_; }
  [[nodiscard]] const std::string& first_broken() const { return first_broken_; }
  [[nodiscard]] const std::vector<float>& rows() const { return rows_; }

 private:
  [[nodiscard]] bool values() const { return model_.card().answer == AnswerKind::value; }

  /// Why there is no answer to `line`; empty if there is one.
  [[nodiscard]] std::string_view reason(const Line& line) const {
    if (line.too_long) return "it is longer than 16 MB";
    if (model_.card().pairs && line.text.find('\t') == std::string_view::npos) {
      return "the model wants a pair, two texts parted by a tab";
    }
    return {};
  }
  [[nodiscard]] TextPair text_of(const Line& line) const {
    const std::size_t tab = model_.card().pairs ? line.text.find('\t') : std::string_view::npos;
    if (tab == std::string_view::npos) return line.text;
    return {line.text.substr(0, tab), line.text.substr(tab + 1)};
  }

  /// A row a line: `write(row, i)` for the i-th one that has an answer, a mark for the others.
  template <class Write>
  void each(std::span<const Line> lines, std::string& out, const Write& write) {
    std::size_t answered = 0;
    for (const Line& line : lines) {
      const std::string_view why = reason(line);
      if (!why.empty()) {
        if (broken_++ == 0) first_broken_ = concat("line ", line.number, ": ", why);
        if (options_.on_error == "skip") continue;
      }
      Row row(out, format_);
      if (options_.keep) write_input(row, format_, line.text, model_.card().pairs);
      if (why.empty()) {
        write(row, answered++);
      } else {
        mark(row, why);
      }
      row.end();
    }
  }
  void mark(Row& row, std::string_view why) {
    const bool labels = options_.embed.empty() && !options_.tokens && !options_.logits;
    if (format_ == AnswerFormat::npy) {
      rows_.insert(rows_.end(), model_.card().config.hidden,
                   std::numeric_limits<float>::quiet_NaN());
      return;
    }
    const bool several = choice_.several && format_ == AnswerFormat::jsonl;
    row.nothing(labels            ? values()  ? "value"
                                    : several ? "labels"
                                              : "label"
                : options_.tokens ? "tokens"
                : options_.logits ? "logits"
                                  : "embedding");
    if (labels && !values() && !several) row.nothing("probability");
    if (!options_.exit.empty()) row.nothing("layer");
    if (format_ == AnswerFormat::jsonl) row.text("error", why);
  }

  const Classifier& model_;
  const RunOptions& options_;
  AnswerFormat format_;
  Choice choice_;
  std::uint64_t broken_ = 0;
  std::string first_broken_;
  std::vector<float> rows_;  ///< of --format npy, which is written at the end
};

}  // namespace bipft::cli
