#pragma once
/// ExitHeads: what inner layers answer with, in the form that learns.

#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "bipft/core/error.hpp"
#include "bipft/nn/binary_linear.hpp"
#include "bipft/nn/layer_norm.hpp"
#include "bipft/nn/linear.hpp"
#include "bipft/ops/arithmetic.hpp"
#include "bipft/ops/dropout.hpp"
#include "bipft/ops/select.hpp"

namespace bipft {

/// One head, built as the model's last one is: a pooler of the method's own bits, with its norm
/// where that has one, and a classifier in full precision. [DeeBERT] gives its exits a pooler of
/// their own likewise; a one-bit one costs a row of a text's tokens, and 32 times less memory than
/// one in floats.
struct ExitHead {
  LinearLayer pooler;                    ///< [C, C]
  std::optional<LayerNorm> pooler_norm;  ///< of a residual pooler
  Linear classifier;                     ///< [K, C], never binary

  void visit(auto&& part) {
    part("pooler", pooler);
    part("pooler_norm", pooler_norm);
    part("classifier", classifier);
  }

  /// tanh(pooler(h)), or tanh(norm(pooler(h)) + h) of a residual pooler.
  ///   read: [B, C], one h a text   result: [B, C]
  [[nodiscard]] Var pool(const Var& read, const Ragged& texts, float dropout_rate) {
    Var pooled = project(pooler, read, texts);
    if (pooler_norm) pooled = add((*pooler_norm)(pooled), read);
    return dropout(activate(Activation::tanh, pooled), dropout_rate);
  }
};

/// The heads of inner layers, ascending. Their parameters are named by the layer, counted from 1:
/// "exits.2.pooler.weight". So a model that is begun with hands on those of layers that keep one.
struct ExitHeads {
  std::vector<std::size_t> layers;
  std::vector<ExitHead> heads;
  std::optional<Linear> doubt;  ///< [1, C]: of all of them, whether the answer is wrong [BERxiT]
  bool mean = false;            ///< they read the mean of a text's tokens, not its first

  void visit(auto&& part) {
    for (std::size_t i = 0; i < heads.size(); ++i) part(std::to_string(layers[i]), heads[i]);
    part("doubt", doubt);
  }

  [[nodiscard]] std::size_t size() const { return heads.size(); }

  /// The logits of exit i.   hidden: [N, C], behind layer layers[i]   result: [B, K]
  /// Adds to `doubts`, if that is given and there is a head for them, the logits of the doubt, [B,
  /// 1]. What is doubted does not learn by it, here: the head alone does.
  [[nodiscard]] Var operator()(std::size_t i, const Var& hidden, const Ragged& texts,
                               float dropout_rate, std::vector<Var>* doubts = nullptr) {
    const Var read = mean ? mean_tokens(hidden, texts) : first_tokens(hidden, texts);
    const Var pooled = heads[i].pool(read, texts, dropout_rate);
    if (doubts != nullptr && doubt) {
      doubts->push_back((*doubt)(pooled.tape().constant(pooled.value())));
    }
    return heads[i].classifier(pooled);
  }
};

}  // namespace bipft
