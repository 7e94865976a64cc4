#pragma once
/// EncoderLayer: attention and feed-forward, each added to what it was given, then normed [BERT].

#include <vector>

#include "bipft/nn/attention.hpp"
#include "bipft/nn/feed_forward.hpp"
#include "bipft/nn/layer_norm.hpp"

namespace bipft {

struct EncoderLayer {
  Attention attention;
  LayerNorm attention_norm;
  FeedForward ffn;
  LayerNorm ffn_norm;
  float dropout_rate;

  void visit(auto&& part) {
    part("attention", attention);
    part("attention_norm", attention_norm);
    part("ffn", ffn);
    part("ffn_norm", ffn_norm);
  }

  /// h' = norm(h + dropout(attention(h))),  result = norm(h' + dropout(ffn(h')))
  ///   hidden: [N, C]   inputs: where attention's are added, if anywhere   result: [N, C]
  [[nodiscard]] Var operator()(const Var& hidden, const Ragged& texts,
                               std::vector<AttentionInputs>* inputs = nullptr) {
    const Var mixed = attention_norm(hidden, attention(hidden, texts, inputs), dropout_rate);
    return ffn_norm(mixed, ffn(mixed, texts), dropout_rate);
  }
};

}  // namespace bipft
