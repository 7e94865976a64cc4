#pragma once
/// examine: how well a model in pre-training does on text that it does not learn from.

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <variant>
#include <vector>

#include "bipft/data/pretraining.hpp"
#include "bipft/model/model.hpp"
#include "bipft/train/pretrain_objective.hpp"

namespace bipft {

/// Each a mean over what it is about: masked words, pairs, tokens. None where it was not asked for.
struct PretrainFigures {
  std::optional<double> words_loss;      ///< cross-entropy of masked words
  std::optional<double> words_accuracy;  ///< share of masked words that were found
  std::optional<double> next_loss;
  std::optional<double> next_accuracy;
  std::optional<double> taught_next;
  std::optional<double> taught_hidden;  ///< mean squared error of hidden states
  std::optional<double> dead_channels;  ///< of a one-bit model, see DeadChannels
  std::size_t tokens = 0;

  void visit(auto&& part) const {
    part("mlm_loss", words_loss);
    part("mlm_accuracy", words_accuracy);
    part("nsp_loss", next_loss);
    part("nsp_accuracy", next_accuracy);
    part("nsp_soft_loss", taught_next);
    part("hidden_loss", taught_hidden);
    part("dead_channels", dead_channels);
  }
};

/// Counts channels whose bit was the same in every token seen: of the inputs of the query, key and
/// value matrices of all layers, 3 L C channels. Such a channel costs what others cost, and tells
/// nothing.
class DeadChannels {
 public:
  /// states: the L + 1 hidden states of a one-bit `model`, [N, C] each
  template <class Model>
  void see(const Model& model, const std::vector<Var>& states) {
    std::size_t at = 0;
    for (std::size_t l = 0; l < model.layers.size(); ++l) {
      const Attention& attention = model.layers[l].attention;
      for (const LinearLayer* layer : {&attention.query, &attention.key, &attention.value}) {
        const BitRule rule = rule_of(std::get<BinaryLinear>(*layer).input);
        see(at++, rule.bits(states[l].device(), states[l].value()));
      }
    }
  }

  /// Their share of all; 0 if nothing was seen.
  [[nodiscard]] double share() const {
    double dead = 0;
    double all = 0;
    for (const Seen& seen : seen_) {
      all += static_cast<double>(seen.channels);
      dead += static_cast<double>(seen.channels);
      for (std::size_t w = 0; w < seen.ones.size(); ++w) {
        dead -= std::popcount(seen.ones[w] & seen.zeros[w]);
      }
    }
    return all == 0 ? 0 : dead / all;
  }

 private:
  struct Seen {
    std::size_t channels = 0;
    std::vector<std::uint64_t> ones, zeros;  ///< which channels had a 1, and a 0
  };

  void see(std::size_t at, const BitMatrix& bits) {
    if (seen_.size() <= at) seen_.resize(at + 1);
    Seen& seen = seen_[at];
    const BitView view = bits.view();
    seen.channels = view.cols;
    seen.ones.resize(view.words_per_row);
    seen.zeros.resize(view.words_per_row);
    for (std::size_t row = 0; row < view.rows; ++row) {
      for (std::size_t w = 0; w < view.words_per_row; ++w) {
        seen.ones[w] |= view.row(row)[w];  // padding has no ones, so it never counts as alive
        seen.zeros[w] |= ~view.row(row)[w];
      }
    }
  }

  std::vector<Seen> seen_;
};

/// `model` on the first `pieces` pieces of `batches`, without dropout.
template <class Model>
[[nodiscard]] PretrainFigures examine(Device& device, Model& model,
                                      const PretrainObjective& objective,
                                      const PretrainingBatches& batches, std::uint64_t pieces) {
  double words = 0, words_right = 0, masked = 0;
  double next = 0, next_right = 0, taught_next = 0, texts = 0;
  double hidden = 0, tokens = 0;
  DeadChannels dead;
  for (std::uint64_t step = 0; step * batches.batch() < pieces; ++step) {
    const Batch batch = batches(step, pieces);
    Tape tape(device, Tape::Mode::inference);
    std::vector<Var> states;
    const PretrainTerms terms = objective.terms_of(tape, model, batch, true, &states);
    const auto add = [](double& sum, const std::optional<Var>& mean, double count) {
      if (mean) sum += static_cast<double>(mean->value().data()[0]) * count;
    };
    const auto of_batch = static_cast<double>(batch.texts.texts());
    add(words, terms.words, static_cast<double>(batch.masked.numel()));
    add(next, terms.next, of_batch);
    add(taught_next, terms.taught_next, of_batch);
    add(hidden, terms.taught_hidden, static_cast<double>(batch.texts.tokens()));
    masked += static_cast<double>(batch.masked.numel());
    texts += of_batch;
    tokens += static_cast<double>(batch.texts.tokens());
    words_right += static_cast<double>(terms.words_right);
    next_right += static_cast<double>(terms.next_right);
    if (model.config.bit_inputs()) dead.see(model, states);
  }
  const PretrainLosses& losses = objective.losses;
  PretrainFigures figures;
  figures.tokens = static_cast<std::size_t>(tokens);
  if (tokens == 0) return figures;
  if (losses.words) {
    figures.words_loss = words / masked;
    figures.words_accuracy = words_right / masked;
  }
  if (losses.next) figures.next_loss = next / texts;
  if (losses.pairs()) figures.next_accuracy = next_right / texts;
  if (losses.taught_next) figures.taught_next = taught_next / texts;
  if (losses.taught_hidden) figures.taught_hidden = hidden / tokens;
  if (model.config.bit_inputs()) figures.dead_channels = dead.share();
  return figures;
}

}  // namespace bipft
