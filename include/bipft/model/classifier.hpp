#pragma once
/// Classifier: the front door. Text in, label out.
///
///   const bipft::Classifier model = bipft::Classifier::load("reviews.bipft");
///   const bipft::Prediction p = model.predict("not bad at all");
///   std::cout << model.label(p) << ' ' << p.probabilities[p.label] << '\n';
///
/// One const Classifier serves any number of threads. What it answers for a text does not depend on
/// the texts beside it, on the number of threads or, for a one-bit model, on the machine.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "bipft/core/parallel.hpp"
#include "bipft/device/runners.hpp"
#include "bipft/model/exit_costs.hpp"
#include "bipft/model/model_file.hpp"
#include "bipft/model/network.hpp"
#include "bipft/text/wordpiece.hpp"

namespace bipft {

/// A text, or two.
struct TextPair {
  std::string_view text;
  std::string_view pair;
  bool has_pair = false;

  TextPair(std::string_view single) : text(single) {}
  TextPair(std::string_view first, std::string_view second)
      : text(first), pair(second), has_pair(true) {}
};

struct Prediction {
  std::size_t label = 0;  ///< an index into ModelCard::labels; of equal ones the first
  /// [K]: they add up to 1, but where a text may have several labels; of a model of numbers a 1.
  std::vector<float> probabilities;
  std::vector<float> logits;  ///< [K], as the model gives them
  float value = 0.0F;         ///< of a model of numbers: its answer, in the labels' unit
  std::size_t layer = 0;      ///< the last one that the text went through, from 1
  float doubt = 0.0F;         ///< at an inner exit of predict_at_all_exits, before the sigmoid
};

/// How the hidden states of a text become one vector.
enum class Pooling {
  cls,   ///< that of the first token, [CLS]
  mean,  ///< the mean over all tokens
};

class Classifier {
 public:
  /// From a file. Throws Error{Fault::model} if it is missing, damaged, or no model.
  [[nodiscard]] static Classifier load(const std::string& path) {
    return Classifier(load_model(path, Wanted::answers));
  }
  /// From the bytes of a file, of which nothing is needed afterwards.
  [[nodiscard]] static Classifier from_memory(std::span<const std::byte> bytes,
                                              std::string_view name = "memory") {
    return Classifier(load_model(bytes, name, Wanted::answers));
  }

  [[gnu::cold]] explicit Classifier(ModelFile file)
      : card_(std::move(file.card)),
        digest_(std::move(file.digest)),
        file_bytes_(file.bytes),
        tokenizer_(std::move(file.vocabulary), card_.tokenizer),
        network_(file.packed ? Network(*file.packed, active_runner())
                             : Network(*file.latent, active_runner())) {
    use_own_exit_rule();
  }

  /// From a file whose network is computed in another form: one of a stage, by tape_network.
  Classifier(ModelFile file, Network network)
      : card_(std::move(file.card)),
        digest_(std::move(file.digest)),
        file_bytes_(file.bytes),
        tokenizer_(std::move(file.vocabulary), card_.tokenizer),
        network_(std::move(network)) {
    use_own_exit_rule();
  }

  /// From a network in any form: for comparisons of the same model in several.
  Classifier(ModelCard card, WordPiece tokenizer, Network network)
      : card_(std::move(card)), tokenizer_(std::move(tokenizer)), network_(std::move(network)) {
    use_own_exit_rule();
  }

  [[nodiscard]] Prediction predict(std::string_view text) const {
    const TextPair one[] = {TextPair(text)};
    return std::move(predict(std::span<const TextPair>(one))[0]);
  }
  [[nodiscard]] Prediction predict(std::string_view text, std::string_view pair) const {
    const TextPair one[] = {TextPair(text, pair)};
    return std::move(predict(std::span<const TextPair>(one))[0]);
  }
  /// Many at once, on all threads.
  [[nodiscard]] std::vector<Prediction> predict(std::span<const TextPair> texts) const {
    return predict(std::span<const EncodedText>(encode_all(texts)));
  }
  /// Throws Error if the model has no head, and so no labels.
  [[nodiscard]] std::vector<Prediction> predict(std::span<const EncodedText> texts) const {
    if (card_.labels.empty()) fail("the model has no head for labels; embed() is what it can do");
    std::vector<Prediction> predictions;
    predictions.reserve(texts.size());
    const auto use = [&](const Batch& batch, const PlanResult& result) {
      for (std::size_t b = 0; b < batch.texts.texts(); ++b) {
        const auto row = result.logits.row(b);
        const std::size_t exit =
            result.stops.empty() ? exit_layers_.size() - 1 : std::size_t{result.stops.data()[b]};
        predictions.push_back(judge({row.begin(), row.end()}, exit));
      }
    };
    network_.for_each_batch(texts, false, use, stops_early() ? &exits_ : nullptr);
    return predictions;
  }
  /// What each exit says of each text, as `predict` would if the text stopped there: [text][exit].
  [[nodiscard, gnu::cold]] std::vector<std::vector<Prediction>> predict_at_all_exits(
      std::span<const EncodedText> texts) const {
    ExitRequest all = exits_;
    all.all = true;
    std::vector<std::vector<Prediction>> predictions;
    const std::size_t labels = card_.labels.size();
    const auto use = [&](const Batch& batch, const PlanResult& result) {
      for (std::size_t b = 0; b < batch.texts.texts(); ++b) {
        std::vector<Prediction>& one = predictions.emplace_back();
        for (std::size_t i = 0; i < exit_layers_.size(); ++i) {
          const auto row = result.logits.row(b).subspan(i * labels, labels);
          one.push_back(judge({row.begin(), row.end()}, i));
          if (!result.doubts.empty() && i < result.doubts.cols()) {
            one.back().doubt = result.doubts.row(b)[i];
          }
        }
      }
    };
    network_.for_each_batch(texts, false, use, &all);
    return predictions;
  }

  /// Texts stop by `rule` from now on, whatever the model's file says; by `never` nowhere but at
  /// the last layer. Throws Error if the rule makes no sense for this model.
  [[gnu::cold]] void set_exit_rule(const ExitRules& rule, Fault fault = Fault::usage) {
    check_exit_rule(rule, exit_setting(), fault);
    exits_.costs = needs_of(rule).macs ? exit_costs(card_.config) : std::vector<ExitCost>();
    exits_.rule = rule;
  }
  [[nodiscard]] const ExitRules& exit_rule() const { return exits_.rule; }
  /// The layers, from 1, where texts may stop: those with a head, and the last.
  [[nodiscard]] const std::vector<std::size_t>& exit_layers() const { return exit_layers_; }
  /// What rules know of this model.
  [[nodiscard, gnu::cold]] ExitSetting exit_setting() const {
    return {.answer = exits_.answer,
            .exits = exit_layers_.size(),
            .labels = card_.labels.size(),
            .doubts = card_.config.exit_doubts != 0,
            .macs = {1.0}};
  }

  /// One vector of the model's width for each text, of the last layer: no text stops before.
  [[nodiscard]] std::vector<std::vector<float>> embed(std::span<const TextPair> texts,
                                                      Pooling pooling = Pooling::cls) const {
    std::vector<std::vector<float>> vectors;
    network_.for_each_batch(encode_all(texts), true,
                            [&](const Batch& batch, const PlanResult& result) {
                              for (std::size_t b = 0; b < batch.texts.texts(); ++b) {
                                vectors.push_back(pool(result.hidden, batch.texts, b, pooling));
                              }
                            });
    return vectors;
  }

  /// The ids that the model gets: with [CLS] and [SEP], cut to the model's length.
  [[nodiscard]] EncodedText encode(const TextPair& text) const {
    Encoding encoding = text.has_pair
                            ? tokenizer_.encode(text.text, text.pair, card_.config.max_len)
                            : tokenizer_.encode(text.text, card_.config.max_len);
    return {std::move(encoding.ids), std::move(encoding.type_ids)};
  }

  [[nodiscard]] const std::string& label(const Prediction& prediction) const {
    return card_.labels[prediction.label];
  }
  [[nodiscard]] const ModelCard& card() const { return card_; }
  [[nodiscard]] const WordPiece& tokenizer() const { return tokenizer_; }
  [[nodiscard]] const std::string& digest() const { return digest_; }  ///< SHA-256 of the file
  [[nodiscard]] std::size_t file_bytes() const { return file_bytes_; }

  /// Lets a literal [SEP] and its like in a text act as the token.
  void set_special(bool special) {
    TokenizerOptions options = tokenizer_.options();
    options.special = special;
    tokenizer_ = WordPiece(tokenizer_.vocabulary(), options);
  }

 private:
  [[nodiscard]] std::vector<EncodedText> encode_all(std::span<const TextPair> texts) const {
    std::vector<EncodedText> encoded(texts.size());
    parallel_for(texts.size(), 16, [&](std::size_t begin, std::size_t end) {
      for (std::size_t i = begin; i < end; ++i) encoded[i] = encode(texts[i]);
    });
    return encoded;
  }

  /// The vector of text b. A mean is added up row by row.
  [[nodiscard]] static std::vector<float> pool(const Tensor& hidden, const Ragged& texts,
                                               std::size_t b, Pooling pooling) {
    const auto first = hidden.row(texts.begin(b));
    std::vector<float> vector(first.begin(), first.end());
    if (pooling == Pooling::cls) return vector;
    for (std::size_t t = 1; t < texts.length(b); ++t) {
      const auto row = hidden.row(texts.begin(b) + t);
      for (std::size_t c = 0; c < vector.size(); ++c) vector[c] += row[c];
    }
    for (float& value : vector) value /= static_cast<float>(texts.length(b));
    return vector;
  }

  /// softmax(logits / temperature), or σ of each where a text has several labels, in double: a
  /// handful of numbers, alike everywhere but for the last digit of a C library's exp, which float
  /// rounding hides.
  [[nodiscard]] Prediction judge(std::vector<float> logits, std::size_t exit) const {
    Prediction result;
    result.logits = std::move(logits);
    result.layer = exit_layers_[exit];
    if (card_.answer == AnswerKind::value) result.value = card_.scale.to_value(result.logits[0]);
    result.label = static_cast<std::size_t>(
        std::max_element(result.logits.begin(), result.logits.end()) - result.logits.begin());
    const double best = static_cast<double>(result.logits[result.label]);
    const double temperature = static_cast<double>(
        exits_.temperatures.empty() ? card_.temperature : exits_.temperatures[exit]);
    if (card_.answer == AnswerKind::labels) {
      for (const float logit : result.logits) {
        const double odds = std::exp(-static_cast<double>(logit) / temperature);
        result.probabilities.push_back(static_cast<float>(1.0 / (1.0 + odds)));
      }
      return result;
    }
    std::vector<double> terms;
    double total = 0.0;
    for (const float logit : result.logits) {
      terms.push_back(std::exp((static_cast<double>(logit) - best) / temperature));
      total += terms.back();
    }
    for (const double term : terms) {
      result.probabilities.push_back(static_cast<float>(term / total));
    }
    return result;
  }

  [[nodiscard]] bool stops_early() const {
    return exit_layers_.size() > 1 && !std::holds_alternative<NeverExit>(exits_.rule);
  }
  /// Throws Error{Fault::model} if the card's makes no sense.
  [[gnu::cold]] void use_own_exit_rule() {
    exit_layers_ = card_.config.inner_exits();
    exit_layers_.push_back(card_.config.layers);
    exits_.answer = card_.answer == AnswerKind::value    ? ExitAnswer::value
                    : card_.answer == AnswerKind::labels ? ExitAnswer::labels
                                                         : ExitAnswer::label;
    if (!card_.exit_temperatures.empty()) {
      exits_.temperatures = card_.exit_temperatures;
      exits_.temperatures.push_back(card_.temperature);
    }
    if (card_.exit_rule.empty()) return;
    set_exit_rule(bipft::exit_rule(card_.exit_rule, Fault::model), Fault::model);
  }

  ModelCard card_;
  std::string digest_;
  std::size_t file_bytes_ = 0;
  WordPiece tokenizer_;
  Network network_;
  ExitRequest exits_ = {};
  std::vector<std::size_t> exit_layers_;
};

}  // namespace bipft
