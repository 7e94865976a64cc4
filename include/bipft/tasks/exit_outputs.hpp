#pragma once
/// ExitOutputs: what a model said after each of its exits about every text of a data set, with the
/// truth. Found in one pass through all layers; every rule can be measured on it afterwards.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string_view>
#include <vector>

#include "bipft/core/error.hpp"
#include "bipft/data/answer_kind.hpp"
#include "bipft/exit/exit_rule.hpp"
#include "bipft/tasks/metrics.hpp"

namespace bipft {

[[nodiscard]] constexpr ExitAnswer exit_answer(AnswerKind kind) {
  switch (kind) {
    case AnswerKind::label:
      break;
    case AnswerKind::value:
      return ExitAnswer::value;
    case AnswerKind::labels:
      return ExitAnswer::labels;
  }
  return ExitAnswer::label;
}

/// N texts, K exits, C logits each.
struct ExitOutputs {
  AnswerKind answer = AnswerKind::label;
  Metric metric = Metric::accuracy;  ///< the score
  std::size_t labels = 2;            ///< C; 1 of numbers
  std::vector<std::size_t>
      layers;                 ///< [K]: the layers before each exit, ascending; the last is all
  std::vector<float> logits;  ///< [N, K, C]

  // The truth, one of the three, [N]:
  std::vector<std::uint32_t> truth;              ///< labels
  std::vector<double> values;                    ///< in the unit of the logit, or any other
  std::vector<std::vector<std::uint32_t>> sets;  ///< ascending

  // What is known besides, or empty:
  std::vector<double> ms;      ///< [K]: milliseconds of a text that stops there, heads included
  std::vector<double> macs;    ///< [N, K]: what each text has cost at each exit
  std::vector<double> doubts;  ///< [N, K]: u in 0 ... 1, of a head that learnt when to stop

  [[nodiscard]] std::size_t exits() const { return layers.size(); }
  [[nodiscard]] std::size_t texts() const {
    switch (answer) {
      case AnswerKind::label:
        break;
      case AnswerKind::value:
        return values.size();
      case AnswerKind::labels:
        return sets.size();
    }
    return truth.size();
  }
  /// The logits of one text at one exit, from 0.
  [[nodiscard]] std::span<const float> row(std::size_t text, std::size_t exit) const {
    return std::span(logits).subspan((text * exits() + exit) * labels, labels);
  }

  /// Where rules are to work: the costs are those of the mean text.
  [[nodiscard]] ExitSetting setting() const {
    ExitSetting setting{.answer = exit_answer(answer),
                        .exits = exits(),
                        .labels = labels,
                        .doubts = !doubts.empty(),
                        .macs = {}};
    if (macs.empty()) return setting;
    for (std::size_t k = 0; k < exits(); ++k) {
      double sum = 0.0;
      for (std::size_t n = 0; n < texts(); ++n) sum += macs[n * exits() + k];
      setting.macs.push_back(sum / static_cast<double>(texts()));
    }
    return setting;
  }

  /// Throws Error if the parts do not fit together.
  void check() const {
    if (texts() == 0 || exits() == 0 || labels == 0) {
      fail("exit outputs: ", texts(), " texts, ", exits(), " exits, ", labels, " labels");
    }
    if (exits() > 255) fail("exit outputs: ", exits(), " exits; 255 are the most");
    if (answer == AnswerKind::value && labels != 1) {
      fail("exit outputs: ", labels, " logits for a number");
    }
    if (layers[0] == 0 || !std::is_sorted(layers.begin(), layers.end(), std::less_equal<>())) {
      fail("exit outputs: the layers of the exits do not ascend from 1");
    }
    const std::size_t points = texts() * exits();
    expect("logits", logits.size(), points * labels);
    if (!ms.empty()) expect("milliseconds", ms.size(), exits());
    if (!macs.empty()) expect("costs", macs.size(), points);
    if (!doubts.empty()) expect("doubts", doubts.size(), points);
    for (const std::uint32_t label : truth) {
      if (label >= labels) fail("exit outputs: label ", label, " of ", labels);
    }
    if (!std::all_of(ms.begin(), ms.end(), [](double one) { return one >= 0.0; })) {
      fail("exit outputs: milliseconds that are negative or none");
    }
    const bool of_values = answer == AnswerKind::value;
    const bool of_sets = answer == AnswerKind::labels;
    if (of_values != (metric == Metric::correlation) || of_sets != (metric == Metric::micro_f1)) {
      fail("exit outputs: ", to_string(metric), " is not measured on answers of kind ",
           to_string(answer));
    }
  }

 private:
  static void expect(std::string_view what, std::size_t found, std::size_t wanted) {
    if (found != wanted) fail("exit outputs: ", found, ' ', what, ", not ", wanted);
  }
};

}  // namespace bipft
