#pragma once
/// Attention: every token's mix of the values of all tokens of its text, by query and key.
///
/// One description for all forms: in full precision as [BERT] has it; binary as [BiT] has it, where
/// q, k and v are ±1, a softmax is still taken, and its probabilities become 0/1; as [BiPFT] has
/// it, where scores and values get estimates of what bits have lost; and as [BiBERT] has it, where
/// scores become 0/1 without a softmax.

#include <cmath>
#include <cstddef>
#include <optional>
#include <string_view>
#include <variant>
#include <vector>

#include "bipft/binarize/binarizers.hpp"
#include "bipft/binarize/binary_attention.hpp"
#include "bipft/core/ragged.hpp"
#include "bipft/nn/binary_linear.hpp"
#include "bipft/nn/estimators.hpp"
#include "bipft/ops/attention.hpp"
#include "bipft/ops/dropout.hpp"
#include "bipft/ops/softmax.hpp"

namespace bipft {

/// What turns the operands of attention's two products into bits. None of them has a shift: BiT's
/// published code constructs shifts for q, k and v and then overwrites what they did, BiPFT dropped
/// them, and BiBERT has none.
struct AttentionBinarizers {
  Binarizers query, key, value, probability;

  explicit AttentionBinarizers(const BinaryForm& form)
      : query(make(form.input)),
        key(make(form.input)),
        value(make(form.input)),
        probability(make(form.probability)) {}

  /// Whether it is the scores themselves that become 0/1.
  [[nodiscard]] bool of_scores() const {
    return std::holds_alternative<BoolAttention>(probability);
  }

  void visit(auto&& part) {
    part("query", query);
    part("key", key);
    part("value", value);
    part("probability", probability);
  }

 private:
  [[nodiscard]] static Binarizers make(std::string_view name) {
    return choose<Binarizers>("binarizer", name, std::size_t{0});  // no channels: no shift
  }
};

/// Queries, keys and values of all tokens, as floats.   each: [N, C]
struct AttentionInputs {
  Var query, key, value;
};

struct Attention {
  LinearLayer query, key, value, output;  ///< [C, C] each
  std::optional<AttentionBinarizers> binary;
  std::optional<Estimators> estimators;   ///< beside it, if its form has them
  std::optional<StagedAttention> staged;  ///< in its place, in a stage
  bool plain;  ///< beside one-bit weights: equal on every target, as a packed model is
  std::size_t heads;
  float dropout_rate;

  Attention(std::size_t channels, std::size_t head_count, const std::optional<BinaryForm>& form,
            double dropout, const Initializer& init)
      : query(make_linear(form, channels, channels, init.at("query"))),
        key(make_linear(form, channels, channels, init.at("key"))),
        value(make_linear(form, channels, channels, init.at("value"))),
        output(make_linear(form, channels, channels, init.at("output"))),
        plain(form && form->float_inputs()),
        heads(head_count),
        dropout_rate(static_cast<float>(dropout)) {
    if (form && !form->float_inputs()) binary.emplace(*form);
    if (form && form->estimators != 0) {
      estimators.emplace(channels, form->estimators, init.at("estimators"));
    }
  }

  void visit(auto&& part) {
    part("query", query);
    part("key", key);
    part("value", value);
    part("output", output);
    part("binary", binary);
    part("estimators", estimators);
    part("binary", staged);
  }

  /// S = q kᵀ / √D,  P = softmax(S),  result = output(P v), text by text and head by head; with
  /// levels in place of q, k, v and of P after dropout, where the layer is binary; without a
  /// softmax, so that dropout is of scores, where these are what becomes levels.
  /// Adds q, k and v to `inputs`, if it is given: what direction matching compares.
  ///   x: [N, C]   result: [N, C]
  [[nodiscard]] Var operator()(const Var& x, const Ragged& texts,
                               std::vector<AttentionInputs>* inputs = nullptr) {
    Var q = project(query, x, texts);
    Var k = project(key, x, texts);
    Var v = project(value, x, texts);
    if (inputs != nullptr) inputs->push_back({q, k, v});
    if (!binary) {
      if (staged) {
        q = staged->query(q, texts);
        k = staged->key(k, texts);
        v = staged->value(v, texts);
      }
      const float scale = 1.0F / std::sqrt(static_cast<float>(x.value().cols() / heads));
      Var p =
          dropout(softmax(scores(q, k, texts, heads, scale, plain), texts, heads), dropout_rate);
      if (staged) p = staged->probability(p, texts);
      return project(output, mix(p, v, texts, heads, plain), texts);
    }
    const BinaryVar q_bits = binarize(binary->query, q);
    const BinaryVar k_bits = binarize(binary->key, k);
    const BinaryVar v_bits = binarize(binary->value, v);
    if (estimators) {  // in the order of a packed model's sums, by bits or by floats
      auto& step = std::get<ElasticStep>(binary->probability);
      const Var mixed = binary_attention(q_bits, k_bits, v_bits, step, texts, heads, dropout_rate,
                                         (*estimators)(x));
      return project(output, mixed, texts);
    }
    if (x.tape().products() == Tape::Products::bits) {
      if (auto* step = std::get_if<ElasticStep>(&binary->probability)) {
        return project(output,
                       binary_attention(q_bits, k_bits, v_bits, *step, texts, heads, dropout_rate),
                       texts);
      }
      if (auto* positive = std::get_if<BoolAttention>(&binary->probability)) {
        return project(
            output, binary_attention(q_bits, k_bits, v_bits, *positive, texts, heads, dropout_rate),
            texts);
      }
    }
    const Var s = binary_scores(q_bits, k_bits, texts, heads);
    const Var p = dropout(binary->of_scores() ? s : softmax(s, texts, heads), dropout_rate);
    return project(output, binary_mix(binarize(binary->probability, p), v_bits, texts, heads),
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
