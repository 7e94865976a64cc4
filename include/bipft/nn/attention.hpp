#pragma once
/// Attention: every token's mix of the values of all tokens of its text, by query and key.
///
/// One description for both forms: in full precision as [BERT] has it, binary as [BiT] has it,
/// where q, k and v are ±1, a softmax is still taken, and its probabilities become 0/1.

#include <cmath>
#include <cstddef>
#include <optional>

#include "bipft/binarize/binary_attention.hpp"
#include "bipft/binarize/elastic_sign.hpp"
#include "bipft/binarize/elastic_step.hpp"
#include "bipft/core/ragged.hpp"
#include "bipft/nn/binary_linear.hpp"
#include "bipft/ops/attention.hpp"
#include "bipft/ops/dropout.hpp"
#include "bipft/ops/softmax.hpp"

namespace bipft {

/// What turns the operands of attention's two products into bits. None of them has a shift: BiT's
/// published code constructs shifts for q, k and v and then overwrites what they did, and BiPFT
/// dropped them.
struct AttentionBinarizers {
  ElasticSign query, key, value;
  ElasticStep probability;

  void visit(auto&& part) {
    part("query", query);
    part("key", key);
    part("value", value);
    part("probability", probability);
  }
};

struct Attention {
  LinearLayer query, key, value, output;  ///< [C, C] each
  std::optional<AttentionBinarizers> binary;
  std::optional<StagedAttention> staged;  ///< in its place, in a stage
  std::size_t heads;
  float dropout_rate;

  Attention(std::size_t channels, std::size_t head_count, bool is_binary, double dropout,
            const Initializer& init)
      : query(make_linear(is_binary, channels, channels, ElasticSign::name, init.at("query"))),
        key(make_linear(is_binary, channels, channels, ElasticSign::name, init.at("key"))),
        value(make_linear(is_binary, channels, channels, ElasticSign::name, init.at("value"))),
        output(make_linear(is_binary, channels, channels, ElasticSign::name, init.at("output"))),
        heads(head_count),
        dropout_rate(static_cast<float>(dropout)) {
    if (is_binary) binary.emplace();
  }

  void visit(auto&& part) {
    part("query", query);
    part("key", key);
    part("value", value);
    part("output", output);
    part("binary", binary);
    part("binary", staged);
  }

  /// S = q kᵀ / √D,  P = softmax(S),  result = output(P v), text by text and head by head; with
  /// levels in place of q, k, v and of P after dropout, where the layer is binary.
  ///   x: [N, C]   result: [N, C]
  [[nodiscard]] Var operator()(const Var& x, const Ragged& texts) {
    Var q = project(query, x, texts);
    Var k = project(key, x, texts);
    Var v = project(value, x, texts);
    if (!binary) {
      if (staged) {
        q = staged->query(q, texts);
        k = staged->key(k, texts);
        v = staged->value(v, texts);
      }
      const float scale = 1.0F / std::sqrt(static_cast<float>(x.value().cols() / heads));
      Var p = dropout(softmax(scores(q, k, texts, heads, scale), texts, heads), dropout_rate);
      if (staged) p = staged->probability(p, texts);
      return project(output, mix(p, v, texts, heads), texts);
    }
    const BinaryVar q_bits = binary->query(q);
    const BinaryVar k_bits = binary->key(k);
    const BinaryVar v_bits = binary->value(v);
    if (x.tape().products() == Tape::Products::bits) {
      return project(output, binary_attention(q_bits, k_bits, v_bits, binary->probability, texts,
                                              heads, dropout_rate),
                     texts);
    }
    const Var s = binary_scores(q_bits, k_bits, texts, heads);
    const Var p = dropout(softmax(s, texts, heads), dropout_rate);
    return project(output, binary_mix(binary->probability(p), v_bits, texts, heads),
                   texts);
  }

  /// Makes a binary layer one of a stage, whose operands have `bits` bits.
  void make_staged(std::size_t bits) {
    for (LinearLayer* layer : {&query, &key, &value, &output}) bipft::make_staged(*layer, bits);
    binary.reset();
    staged.emplace(bits);
  }
};

}  // namespace bipft
