#pragma once
/// BagOfWords: logistic regression over the words of a text, in no order. What a model has to beat.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "bipft/core/error.hpp"
#include "bipft/core/random.hpp"
#include "bipft/core/word_index.hpp"
#include "bipft/data/example.hpp"

namespace bipft {

/// How a bag of words learns. The defaults suit a few hundred to some hundred thousand texts.
struct BagOfWordsOptions {
  std::size_t epochs = 12;
  float rate = 0.4F;       ///< of the first step; falls to 0 in a straight line
  float l2 = 1e-3F;        ///< how hard a step pulls the weights that it touches towards zero
  std::uint64_t seed = 1;  ///< of the order of the texts
};

/// Features are the lower-cased words of a text, each once: runs of letters, digits and bytes from
/// 0x80 on, and every other visible character for itself. The words of a second text are others
/// than those of the first.
///
/// Learnt by stochastic gradient steps on one thread, in an order that the seed alone decides. An
/// example's weight is taken relative to the mean one, and as 10 where it is more. Words that
/// learning did not see say nothing.
class BagOfWords {
 public:
  /// Learns `labels[i]`, an index below `label_count`, from `examples[i]`, each with its weight.
  /// Throws Error if the two differ in length, there are none, or an index is too large.
  BagOfWords(std::span<const Example> examples, std::span<const std::uint32_t> labels,
             std::size_t label_count, const BagOfWordsOptions& options = {})
      : labels_(label_count) {
    if (examples.size() != labels.size() || examples.empty() || label_count == 0) {
      fail("BagOfWords: ", examples.size(), " examples with ", labels.size(), " labels of ",
           label_count);
    }
    std::vector<std::vector<std::uint32_t>> rows(examples.size());
    for (std::size_t i = 0; i < examples.size(); ++i) {
      if (labels[i] >= label_count) fail("BagOfWords: label ", labels[i], " of ", label_count);
      rows[i] = features(examples[i].text, examples[i].pair,
                         [&](std::string_view word) { return words_.add(word); });
    }
    learn(examples, labels, rows, options);
  }

  /// One score a label, as log-odds up to a common constant.
  [[nodiscard]] std::vector<float> scores(std::string_view text, std::string_view pair = {}) const {
    constexpr std::uint32_t unknown = 0xFFFFFFFFU;
    std::vector<std::uint32_t> row = features(
        text, pair, [&](std::string_view word) { return words_.find(word).value_or(unknown); });
    std::erase(row, unknown);
    std::vector<float> result = bias_;
    add_scores(row, weights_, result);
    return result;
  }

  /// The label with the highest score, the first of equals.
  [[nodiscard]] std::uint32_t predict(std::string_view text, std::string_view pair = {}) const {
    const std::vector<float> result = scores(text, pair);
    return static_cast<std::uint32_t>(std::max_element(result.begin(), result.end()) -
                                      result.begin());
  }

  [[nodiscard]] std::size_t word_count() const { return words_.size(); }

 private:
  /// The distinct features of a text or pair, in ascending order, each named by `id_of(word)`.
  template <class IdOf>
  [[nodiscard]] static std::vector<std::uint32_t> features(std::string_view text,
                                                           std::string_view pair,
                                                           const IdOf& id_of) {
    std::vector<std::uint32_t> row;
    const auto is_letter = [](char c) {
      const auto byte = static_cast<unsigned char>(c);
      return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
             (byte >= '0' && byte <= '9') || byte >= 0x80;
    };
    const auto collect = [&](std::string_view side, std::string_view mark) {
      for (std::size_t i = 0; i < side.size();) {
        std::size_t end = i + 1;
        if (is_letter(side[i])) {
          while (end < side.size() && is_letter(side[end])) ++end;
        } else if (static_cast<unsigned char>(side[i]) <= ' ') {
          i = end;
          continue;
        }
        std::string word(mark);
        for (const char c : side.substr(i, end - i)) {
          word += c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
        }
        row.push_back(id_of(word));
        i = end;
      }
    };
    collect(text, "");
    collect(pair, " ");  // no word holds a blank
    std::sort(row.begin(), row.end());
    row.erase(std::unique(row.begin(), row.end()), row.end());
    return row;
  }

  void add_scores(std::span<const std::uint32_t> row, std::span<const float> weights,
                  std::vector<float>& result) const {
    for (const std::uint32_t word : row) {
      for (std::size_t k = 0; k < labels_; ++k) result[k] += weights[word * labels_ + k];
    }
  }

  void learn(std::span<const Example> examples, std::span<const std::uint32_t> labels,
             const std::vector<std::vector<std::uint32_t>>& rows,
             const BagOfWordsOptions& options) {
    weights_.assign(words_.size() * labels_, 0.0F);
    bias_.assign(labels_, 0.0F);
    double total_weight = 0.0;
    for (const Example& example : examples) total_weight += static_cast<double>(example.weight);
    const double mean_weight = total_weight / static_cast<double>(examples.size());

    const auto steps = static_cast<float>(options.epochs * rows.size());
    std::size_t step = 0;
    std::vector<float> gradient(labels_);
    for (std::size_t epoch = 0; epoch < options.epochs; ++epoch) {
      for (const std::uint32_t i :
           Random(options.seed, "bag of words", epoch).permutation(rows.size())) {
        // A long text takes a shorter step: √n words move its score n times.
        const float size = std::sqrt(static_cast<float>(rows[i].size() + 1));
        const float rate = options.rate * (1.0F - static_cast<float>(step++) / steps) / size;
        softmax_gradient(rows[i], labels[i], gradient);
        const double weight = static_cast<double>(examples[i].weight) / mean_weight;
        const float pace = rate * static_cast<float>(std::min(weight, 10.0));
        for (const std::uint32_t word : rows[i]) {
          for (std::size_t k = 0; k < labels_; ++k) {
            float& w = weights_[word * labels_ + k];
            w -= pace * gradient[k] + rate * options.l2 * w;
          }
        }
        for (std::size_t k = 0; k < labels_; ++k) bias_[k] -= pace * gradient[k];
      }
    }
  }

  /// softmax(scores) - onehot(label): the gradient of the cross entropy by the scores.
  void softmax_gradient(std::span<const std::uint32_t> row, std::uint32_t label,
                        std::vector<float>& gradient) const {
    gradient = bias_;
    add_scores(row, weights_, gradient);
    const float highest = *std::max_element(gradient.begin(), gradient.end());
    float sum = 0.0F;
    for (float& value : gradient) sum += value = std::exp(value - highest);
    for (float& value : gradient) value /= sum;
    gradient[label] -= 1.0F;
  }

  std::size_t labels_;
  WordIndex words_;
  std::vector<float> weights_;  // [word, label]
  std::vector<float> bias_;     // [label]
};

}  // namespace bipft
