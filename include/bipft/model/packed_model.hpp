#pragma once
/// PackedModel: a binary encoder as bits and the floats that go with them, as the file holds it.
///
/// Made by Model::pack() from a trained model, or read from a file; `compile` (model/compile.hpp)
/// makes of it the plan that a device runs. There is no float copy of any binary matrix.

#include <cstddef>
#include <string>
#include <vector>

#include "bipft/core/bit_matrix.hpp"
#include "bipft/core/tensor.hpp"
#include "bipft/core/visit.hpp"
#include "bipft/device/estimates.hpp"
#include "bipft/model/config.hpp"
#include "bipft/nn/packed_linear.hpp"

namespace bipft {

/// γ and β of a layer norm.
struct PackedNorm {
  Tensor gamma;  ///< [C]
  Tensor beta;   ///< [C]
};

struct PackedAttention {
  PackedLinear query, key, value, output;
  float query_alpha = 1;  ///< the levels' scales of q, k, v and of the probabilities
  float key_alpha = 1;
  float value_alpha = 1;
  float probability_alpha = 1;
  PackedNorm norm;
  Tensor estimator_weight;  ///< [4 rank + 1, C], of a model with estimators
  Tensor estimator_bias;    ///< [4 rank + 1]
};

struct PackedFeedForward {
  PackedLinear inner, outer;
  PackedNorm norm;
  PackedLinear gate_inner, gate_outer;  ///< of a gated one
};

struct PackedEncoderLayer {
  PackedAttention attention;
  PackedFeedForward ffn;
};

struct PackedEmbedding {
  BitMatrix word_bits;  ///< [V, C], empty if the word embedding has 32 bits
  Tensor word_alpha;    ///< [V], with word_bits
  Tensor word;          ///< [V, C], if it has 32 bits
  Tensor position;      ///< [P, C]
  Tensor type;          ///< [2, C]
  PackedNorm norm;
};

struct PackedClassifier {
  Tensor weight;  ///< [K, C]
  Tensor bias;    ///< [K]
};

/// What stands after an inner layer: the same as after the last.
struct PackedExit {
  PackedLinear pooler;
  PackedNorm pooler_norm;  ///< of a residual pooler
  PackedClassifier classifier;
};

struct PackedModel {
  ModelConfig config;
  PackedEmbedding embedding;
  std::vector<PackedEncoderLayer> layers;
  PackedLinear pooler;
  PackedNorm pooler_norm;  ///< of a residual pooler
  PackedClassifier classifier;
  std::vector<PackedExit> exits;  ///< one for each of config.inner_exits()
  PackedClassifier exit_doubt;    ///< [1, C] and [1], with config.exit_doubts
};

namespace detail {

/// One part. Out of line, like the loops over parts below: the names are joined there and not in
/// each of their many callers.
template <class Action>
[[gnu::cold, gnu::noinline]] void act_on(const Action& action, std::string_view path,
                                         std::string_view name, auto& part, const Shape& shape) {
  action(join_path(path, name), part, shape);
}

template <class Action>
[[gnu::cold, gnu::noinline]] void for_each_of_linear(const Action& action, std::string_view path,
                                                     std::string_view name, auto& linear,
                                                     const ModelConfig& config, std::size_t outputs,
                                                     std::size_t inputs) {
  const std::string at = join_path(path, name);
  act_on(action, at, "bits", linear.bits, Shape{outputs, inputs});
  if (!config.unscaled()) {
    act_on(action, at, "alpha", linear.alpha, Shape{config.scale_a_row() ? outputs : 1});
  }
  act_on(action, at, "bias", linear.bias, Shape{outputs});
  if (!config.elastic_bits()) return;
  act_on(action, at, "in_alpha", linear.in_alpha, Shape{1});
  act_on(action, at, "shift", linear.shift, Shape{inputs});
}

template <class Action>
[[gnu::cold, gnu::noinline]] void for_each_of_norm(const Action& action, std::string_view path,
                                                   std::string_view name, auto& norm,
                                                   std::size_t channels) {
  const std::string at = join_path(path, name);
  act_on(action, at, "gamma", norm.gamma, Shape{channels});
  act_on(action, at, "beta", norm.beta, Shape{channels});
}

/// The head of a model, or of one of its exits: what pools, and what tells labels apart.
template <class Action>
[[gnu::noinline]] void for_each_of_head(const Action& action, std::string_view path, auto& pooler,
                                        auto& norm, auto& classifier, const ModelConfig& config) {
  const std::size_t c = config.hidden;
  for_each_of_linear(action, path, "pooler", pooler, config, c, c);
  if (config.residual_pooler()) for_each_of_norm(action, path, "pooler_norm", norm, c);
  act_on(action, path, "classifier.weight", classifier.weight, Shape{config.labels, c});
  act_on(action, path, "classifier.bias", classifier.bias, Shape{config.labels});
}

}  // namespace detail

/// Calls `action(name, part, shape)` for every BitMatrix, Tensor and float of `model`, with the
/// name and the shape that it has in a file by the model's config. The one list for writing and
/// reading: of a model to be read only `config` and the numbers of `layers` and `exits` need be
/// set.
template <class Packed, class Action>
[[gnu::cold]] void for_each_packed(Packed& model, const Action& action) {
  const ModelConfig& config = model.config;
  const std::size_t c = config.hidden;
  auto& embedding = model.embedding;
  if (config.embedding_bits == 1) {
    detail::act_on(action, "", "embedding.word.bits", embedding.word_bits,
                   Shape{config.vocabulary, c});
    detail::act_on(action, "", "embedding.word.alpha", embedding.word_alpha,
                   Shape{config.vocabulary});
  } else {
    detail::act_on(action, "", "embedding.word", embedding.word, Shape{config.vocabulary, c});
  }
  detail::act_on(action, "", "embedding.position", embedding.position, Shape{config.max_len, c});
  detail::act_on(action, "", "embedding.type", embedding.type, Shape{2, c});
  detail::for_each_of_norm(action, "embedding", "norm", embedding.norm, c);

  for (std::size_t i = 0; i < model.layers.size(); ++i) {
    const std::string path = concat("layers.", i);
    auto& attention = model.layers[i].attention;
    detail::for_each_of_linear(action, path, "attention.query", attention.query, config, c, c);
    detail::for_each_of_linear(action, path, "attention.key", attention.key, config, c, c);
    detail::for_each_of_linear(action, path, "attention.value", attention.value, config, c, c);
    detail::for_each_of_linear(action, path, "attention.output", attention.output, config, c, c);
    if (config.elastic_bits()) {
      detail::act_on(action, path, "attention.query_alpha", attention.query_alpha, Shape{1});
      detail::act_on(action, path, "attention.key_alpha", attention.key_alpha, Shape{1});
      detail::act_on(action, path, "attention.value_alpha", attention.value_alpha, Shape{1});
    }
    if (config.bit_inputs() && config.attention != "bool") {
      detail::act_on(action, path, "attention.probability_alpha", attention.probability_alpha,
                     Shape{1});
    }
    if (config.estimators != 0) {
      const std::size_t rows = estimate_columns(config.estimators);
      detail::act_on(action, path, "attention.estimators.weight", attention.estimator_weight,
                     Shape{rows, c});
      detail::act_on(action, path, "attention.estimators.bias", attention.estimator_bias,
                     Shape{rows});
    }
    detail::for_each_of_norm(action, path, "attention_norm", attention.norm, c);
    auto& ffn = model.layers[i].ffn;
    detail::for_each_of_linear(action, path, "ffn.inner", ffn.inner, config, config.ffn, c);
    detail::for_each_of_linear(action, path, "ffn.outer", ffn.outer, config, c, config.ffn);
    if (config.gated()) {
      detail::for_each_of_linear(action, path, "ffn.gate.inner", ffn.gate_inner, config, config.ffn,
                                 c);
      detail::for_each_of_linear(action, path, "ffn.gate.outer", ffn.gate_outer, config, c,
                                 config.ffn);
    }
    detail::for_each_of_norm(action, path, "ffn_norm", ffn.norm, c);
  }

  detail::for_each_of_head(action, "", model.pooler, model.pooler_norm, model.classifier, config);
  if (model.exits.empty()) return;
  const std::vector<std::size_t> layers = config.inner_exits();
  for (std::size_t i = 0; i < model.exits.size(); ++i) {
    auto& exit = model.exits[i];
    detail::for_each_of_head(action, concat("exits.", layers[i]), exit.pooler, exit.pooler_norm,
                             exit.classifier, config);
  }
  if (config.exit_doubts == 0) return;
  detail::act_on(action, "", "exits.doubt.weight", model.exit_doubt.weight, Shape{1, c});
  detail::act_on(action, "", "exits.doubt.bias", model.exit_doubt.bias, Shape{1});
}

}  // namespace bipft
