#pragma once
/// Model: an encoder, a pooler and a classifier, in the form that learns.
///
/// The whole network on a Tape, in full precision or with latent weights behind binarizers, as its
/// config says. A binary one packs itself into a PackedModel, which computes the same.

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "bipft/data/batches.hpp"
#include "bipft/model/config.hpp"
#include "bipft/model/exit_heads.hpp"
#include "bipft/model/packed_model.hpp"
#include "bipft/model/parameters.hpp"
#include "bipft/nn/embedding.hpp"
#include "bipft/nn/encoder_layer.hpp"
#include "bipft/ops/arithmetic.hpp"
#include "bipft/ops/select.hpp"

namespace bipft {

namespace detail {

/// What a config says about latent weights that learn by a surrogate.
[[nodiscard]] inline SurrogateSign surrogate_of(const ModelConfig& config) {
  using Sign = SurrogateSign;
  return {choose<Surrogates>("surrogate", config.weight_surrogate),
          config.scale_a_row() ? Sign::Scale::row : Sign::Scale::none,
          config.scale_gradient == "full"        ? Sign::ScaleGradient::full
          : config.scale_gradient == "reference" ? Sign::ScaleGradient::reference
                                                 : Sign::ScaleGradient::detached,
          config.weight_center == "row"      ? Sign::Center::row
          : config.weight_center == "tensor" ? Sign::Center::tensor
                                             : Sign::Center::none};
}

/// The binarizers that a config names in its own words; none for a model in full precision. A stage
/// has its weights by them, and which inputs have both signs.
[[nodiscard]] inline std::optional<BinaryForm> form_of(const ModelConfig& config) {
  if (config.weight_bits == 32) return std::nullopt;
  BinaryForm form;
  if (config.plain()) form.input = PlainSign::name;
  if (config.input_levels == "approx") {
    form.input = ApproxSign::name;
    form.inner = form.gate = ApproxStep::name;
  }
  if (config.inner_levels == "sign") form.inner = form.input;
  if (config.float_inputs()) form.input = {};
  if (config.attention == "bool") form.probability = BoolAttention::name;
  if (config.scale_a_row()) form.weight = RowSign::name;
  if (config.by_surrogate()) {
    form.weight = SurrogateSign::name;
    form.surrogate = surrogate_of(config);
  }
  if (config.gated()) {
    const bool hidden = config.slfn_gate == "hidden_sigmoid";
    form.gates = hidden ? GateForm::hidden_sigmoid : GateForm::output_sigmoid;
    if (!hidden) form.gate = form.input;  // its midst has both signs
  }
  form.estimators = config.estimators;
  return form;
}
[[nodiscard]] inline std::string_view words_of(const ModelConfig& config) {
  if (config.embedding_bits != 1) return {};
  return config.scale_a_row() ? RowSign::name : EmbeddingRows::name;
}

}  // namespace detail

/// A template so that no program compiles it but those that learn: they call it Model.
template <class Layer>
struct BasicModel {
  ModelConfig config;
  Embedding embedding;
  std::vector<Layer> layers;
  LinearLayer pooler;                    ///< [C, C]
  std::optional<LayerNorm> pooler_norm;  ///< of a residual pooler
  Linear classifier;                     ///< [K, C], never binary
  ExitHeads exits;                       ///< those of inner layers, if it has any

  /// Random weights; a parameter's depend on `seed` and its path alone.
  /// Throws Error if the config does not fit together.
  BasicModel(const ModelConfig& shape, std::uint64_t seed)
      : BasicModel(shape, Initializer{seed, "", initial_deviation(shape.hidden)}) {}

  /// All matrices zero, for numbers that are about to be read.
  struct Blank {};
  BasicModel(const ModelConfig& shape, Blank /*blank*/) : BasicModel(shape, Initializer{}) {}

  /// With the given numbers, which share their memory with it until it learns. They were learnt, so
  /// what binarizers find out on a first batch is found out.
  /// Throws Error{Fault::model} that lists what is missing, left over or of another shape.
  explicit BasicModel(const ModelParameters& parameters);

  void visit(auto&& part) {
    part("embedding", embedding);
    part("layers", layers);
    part("pooler", pooler);
    part("pooler_norm", pooler_norm);
    part("classifier", classifier);
    part("exits", exits);
  }

  /// The embeddings and every layer's hidden states, L + 1 of them.   each: [N, C]
  /// Adds the queries, keys and values of every layer to `inputs`, if it is given. `balanced`: a
  /// layer behind exit i of K hands back (K - i)/(K - i + 1) of its gradient, as [ElasticBERT] has
  /// it; what exit_logits keeps of its own is the rest, so that each layer gets the mean of the
  /// gradients of all exits above it and not their sum.
  [[nodiscard]] std::vector<Var> hidden_states(Tape& tape, const Batch& batch,
                                               std::vector<AttentionInputs>* inputs = nullptr,
                                               bool balanced = false) {
    const auto rate = static_cast<float>(config.dropout);
    std::vector<Var> states;
    states.push_back(dropout(embedding(tape, batch.ids, batch.type_ids, batch.positions), rate));
    std::size_t passed = 0;  // exits
    for (Layer& layer : layers) {
      Var from = states.back();
      if (balanced && passed < exits.size() && exits.layers[passed] + 1 == states.size()) {
        const float share = share_of_exit(passed++);
        from = scale_gradient(from, 1.0F - share);
      }
      states.push_back(layer(from, batch.texts, inputs));
    }
    return states;
  }

  /// The logits of every exit, the last layer's behind them all.   states: those of hidden_states,
  /// and as `balanced` as those   each: [B, K]
  /// Adds to `doubts`, if that is given, what each inner exit's is before the sigmoid, [B, 1].
  [[nodiscard]] std::vector<Var> exit_logits(const std::vector<Var>& states, const Ragged& texts,
                                             bool balanced = false,
                                             std::vector<Var>* doubts = nullptr) {
    std::vector<Var> logits;
    for (std::size_t i = 0; i < exits.size(); ++i) {
      const Var& state = states[exits.layers[i]];
      logits.push_back(exits(i, balanced ? scale_gradient(state, share_of_exit(i)) : state, texts,
                             static_cast<float>(config.dropout), doubts));
    }
    logits.push_back(classify(states.back(), texts));
    return logits;
  }

  /// The last layer's hidden states.   result: [N, C]
  [[nodiscard]] Var encode(Tape& tape, const Batch& batch) {
    return hidden_states(tape, batch).back();
  }

  /// What a head reads of a text, tanh(pooler(h)) of h, the hidden state of [CLS]. A residual
  /// pooler has tanh(norm(pooler(h)) + h), as [BiPFT] does.   hidden: [N, C]   result: [B, C]
  [[nodiscard]] Var pool(const Var& hidden, const Ragged& texts) {
    const Var first = first_tokens(hidden, texts);
    Var pooled = project(pooler, first, texts);
    if (pooler_norm) pooled = add((*pooler_norm)(pooled), first);
    pooled = activate(Activation::tanh, pooled);
    return dropout(pooled, static_cast<float>(config.dropout));
  }

  /// The classifier's logits of pool.   hidden: [N, C]   result: [B, K]
  [[nodiscard]] Var classify(const Var& hidden, const Ragged& texts) {
    return classifier(pool(hidden, texts));
  }

  /// The logits.   result: [B, K]
  [[nodiscard]] Var operator()(Tape& tape, const Batch& batch) {
    return classify(encode(tape, batch), batch.texts);
  }

  /// To be called after each update: holds scales of bits above 0, and latent weights within
  /// ±latent_clip, if there is one. A surrogate that ends there would never let them come back.
  void clamp(Device& device) {
    clamp_binarizers(*this);
    if (config.latent_clip == 0) return;
    const auto end = static_cast<float>(config.latent_clip);
    const auto clip = [&](const std::string&, auto& layer) {
      const Tensor& w = layer.weight.value;
      const Tensor ends = device.add(device.threshold_select(w, end, true, 0.0F, end),
                                     device.threshold_select(w, -end, false, -end, 0.0F));
      layer.weight.value = device.add(device.window_mask(w, -end, end, w), ends);
    };
    for_each<BinaryLinear>(*this, clip);
    for_each<SignLinear>(*this, clip);
  }

  /// A snapshot of what it learns with.
  [[nodiscard]] ModelParameters parameters(Device& device) const;

  /// A snapshot in bits. Throws Error if the model is not binary.
  [[nodiscard]] PackedModel pack(Device& device) const;

  /// A model with latent weights at ± their scale: what training can go on from when nothing but
  /// bits is left. It computes what `packed` computes, but where a row of the word embedding has a
  /// scale below the table's mean, around which latent words take their signs.
  [[nodiscard]] static BasicModel unpack(const PackedModel& packed, Device& device);

 private:
  /// 1/(K - i) of exit i of K, counted from 0.
  [[nodiscard]] float share_of_exit(std::size_t i) const {
    return 1.0F / static_cast<float>(exits.size() + 1 - i);
  }

  BasicModel(const ModelConfig& shape, const Initializer& start)
      : config((shape.check(), shape)),
        embedding(shape.vocabulary, shape.max_len, shape.hidden, detail::words_of(shape),
                  shape.norm_epsilon, start.at("embedding")),
        pooler(make_linear(detail::form_of(shape), shape.hidden, shape.hidden, start.at("pooler"))),
        classifier(shape.hidden, shape.labels, start.at("classifier")) {
    if (shape.residual_pooler()) pooler_norm.emplace(shape.hidden, shape.norm_epsilon);
    const Activation activation = shape.activation == "gelu"   ? Activation::gelu
                                  : shape.activation == "tanh" ? Activation::tanh
                                                               : Activation::relu;
    const std::optional<BinaryForm> form = detail::form_of(shape);
    const auto dropout = static_cast<float>(shape.dropout);
    for (std::size_t i = 0; i < shape.layers; ++i) {
      const Initializer init = start.at(concat("layers.", i));
      layers.push_back(Layer{
          Attention(shape.hidden, shape.heads, form, shape.attention_dropout, init.at("attention")),
          LayerNorm(shape.hidden, shape.norm_epsilon),
          FeedForward(shape.hidden, shape.ffn, form, activation, init.at("ffn")),
          LayerNorm(shape.hidden, shape.norm_epsilon), dropout});
    }
    exits.layers = shape.inner_exits();
    exits.mean = shape.exit_pooling == "mean";
    for (const std::size_t layer : exits.layers) {
      const Initializer init = start.at(concat("exits.", layer));
      exits.heads.push_back({make_linear(form, shape.hidden, shape.hidden, init.at("pooler")),
                             std::nullopt,
                             Linear(shape.hidden, shape.labels, init.at("classifier"))});
      if (shape.residual_pooler()) {
        exits.heads.back().pooler_norm.emplace(shape.hidden, shape.norm_epsilon);
      }
    }
    if (shape.exit_doubts != 0) exits.doubt.emplace(shape.hidden, 1, start.at("exits.doubt"));
    if (!shape.staged()) return;
    for (Layer& layer : layers) {
      layer.attention.make_staged(shape.act_bits);
      make_staged(layer.ffn.inner, shape.act_bits);
      make_staged(layer.ffn.outer, shape.act_bits);
    }
    make_staged(pooler, shape.act_bits);
    for (ExitHead& head : exits.heads) make_staged(head.pooler, shape.act_bits);
  }
};

using Model = BasicModel<EncoderLayer>;

namespace detail {

[[nodiscard]] inline PackedLinear pack_linear(const LinearLayer& layer, Device& device) {
  if (const auto* floats = std::get_if<SignLinear>(&layer)) return floats->pack(device);
  return std::get<BinaryLinear>(layer).pack(device);
}
[[nodiscard]] inline PackedNorm pack_norm(const LayerNorm& norm) {
  return {norm.gamma.value, norm.beta.value};
}

/// What a binarizer learns of its own, if anything.
inline void unpack_levels(Binarizers& binarizer, float alpha, const Tensor& shift = {}) {
  const auto take = [&](Elastic& elastic) {
    elastic.alpha.value = Tensor(Shape{1}, alpha);
    elastic.shift.value = shift;
    elastic.calibrated.value = true;
  };
  if (auto* sign = std::get_if<ElasticSign>(&binarizer)) take(*sign);
  if (auto* step = std::get_if<ElasticStep>(&binarizer)) take(*step);
}
inline void unpack_linear(LinearLayer& layer, const PackedLinear& packed, Device& device) {
  const auto take = [&](auto& linear) {
    const auto* by_surrogate = std::get_if<SurrogateSign>(&linear.binary);
    const bool unscaled =
        by_surrogate != nullptr && by_surrogate->scale == SurrogateSign::Scale::none;
    // At ±1 a surrogate passes nothing on: so they begin as far from 0 as random ones do.
    const Tensor size(Shape{1}, initial_deviation(packed.bits.cols()));
    linear.weight.value = signed_values(device, packed.bits, unscaled ? size : packed.alpha);
    linear.bias.value = packed.bias;
  };
  if (auto* floats = std::get_if<SignLinear>(&layer)) return take(*floats);
  auto& linear = std::get<BinaryLinear>(layer);
  take(linear);
  unpack_levels(linear.input, packed.in_alpha, packed.shift);
}
inline void unpack_norm(LayerNorm& norm, const PackedNorm& packed) {
  norm.gamma.value = packed.gamma;
  norm.beta.value = packed.beta;
}

}  // namespace detail

namespace detail {

/// Parameters were learnt, so what binarizers find out on a first batch is found out.
template <class Model>
void mark_calibrated(Model& model) {
  for_each<Calibrated>(model, [](const std::string&, Calibrated& flag) { flag.value = true; });
}

/// Parameters of a model of `before` bits were put into one of `config`'s. Scales of activations of
/// more bits stay as they are, but for those of levels from 0, whose grid was another: they are
/// found out anew, as BiT's code does only where it was not told otherwise. All else is new.
template <class Model>
void carry_scales(Model& model, const ModelConfig& before) {
  const ModelConfig& config = model.config;
  if (before.weight_bits != config.weight_bits || before.act_bits < config.act_bits) return;
  if (before.float_inputs() && !config.float_inputs()) return;  // there were no scales
  mark_calibrated(model);
  if (before.act_bits == config.act_bits) return;
  const auto anew = [](const std::string&, auto& step) { step.calibrated.value = false; };
  for_each<ElasticStep>(model, anew);
  for_each<ElasticBits>(model, [](const std::string&, ElasticBits& binarizer) {
    if (!binarizer.is_signed) binarizer.calibrated.value = false;
  });
}

/// Puts `values` into the parameters of their names. Returns what does not fit, or nothing.
template <class Model>
[[nodiscard]] std::string assign(Model& model, const std::vector<NamedTensor>& values) {
  std::string problems;
  const auto problem = [&problems](const auto&... parts) {
    problems += concat(problems.empty() ? "" : "; ", parts...);
  };
  std::map<std::string_view, const Tensor*> left;
  for (const NamedTensor& value : values) left.emplace(value.name, &value.tensor);
  for_each<Parameter>(model, [&](const std::string& name, Parameter& parameter) {
    const auto found = left.find(name);
    if (found == left.end()) return problem(name, ": missing");
    if (found->second->shape() != parameter.value.shape()) {
      problem(name, ": ", found->second->shape(), " where ", parameter.value.shape(), " belongs");
    }
    parameter.value = *found->second;
    left.erase(found);
  });
  for (const auto& [name, tensor] : left) problem(name, ": the model has no such parameter");
  return problems;
}

}  // namespace detail

template <class Layer>
BasicModel<Layer>::BasicModel(const ModelParameters& parameters)
    : BasicModel(parameters.config, Blank{}) {
  const std::string problems = detail::assign(*this, parameters.tensors);
  if (!problems.empty()) fail(Fault::model, "parameters: ", problems);
  detail::mark_calibrated(*this);
}

template <class Layer>
ModelParameters BasicModel<Layer>::parameters(Device& device) const {
  ModelParameters result{config, {}, {}, {}};
  // Visiting is not const, but this only reads.
  for_each<Parameter>(const_cast<BasicModel&>(*this),
                      [&](const std::string& name, const Parameter& parameter) {
                        result.tensors.push_back({name, parameter.value});
                      });
  if (config.weight_bits == 32 && embedding.binary) {
    SignMatrix rows =
        std::visit([&](const auto& chosen) { return chosen.signs(device, embedding.word.value); },
                   *embedding.binary);
    result.word_bits = std::move(rows.bits);
    result.word_alpha = std::move(rows.scale);
  }
  return result;
}

template <class Layer>
PackedModel BasicModel<Layer>::pack(Device& device) const {
  if (!config.binary()) {
    fail("Model::pack: a model of ", config.weight_bits, "-bit weights and ", config.act_bits,
         "-bit activations");
  }
  PackedModel packed;
  packed.config = config;

  if (embedding.binary) {
    SignMatrix rows =
        std::visit([&](const auto& chosen) { return chosen.signs(device, embedding.word.value); },
                   *embedding.binary);
    packed.embedding.word_bits = std::move(rows.bits);
    packed.embedding.word_alpha = std::move(rows.scale);
  } else {
    packed.embedding.word = embedding.word.value;
  }
  packed.embedding.position = embedding.position.value;
  packed.embedding.type = embedding.type.value;
  packed.embedding.norm = detail::pack_norm(embedding.norm);

  for (const Layer& layer : layers) {
    const Attention& a = layer.attention;
    PackedEncoderLayer out;
    out.attention.query = detail::pack_linear(a.query, device);
    out.attention.key = detail::pack_linear(a.key, device);
    out.attention.value = detail::pack_linear(a.value, device);
    out.attention.output = detail::pack_linear(a.output, device);
    out.attention.norm = detail::pack_norm(layer.attention_norm);
    if (a.binary) {
      out.attention.query_alpha = rule_of(a.binary->query).scale;
      out.attention.key_alpha = rule_of(a.binary->key).scale;
      out.attention.value_alpha = rule_of(a.binary->value).scale;
      out.attention.probability_alpha = rule_of(a.binary->probability).scale;
    }
    if (a.estimators) {
      out.attention.estimator_weight = a.estimators->weight.value;
      out.attention.estimator_bias = a.estimators->bias.value;
    }
    out.ffn.inner = detail::pack_linear(layer.ffn.inner, device);
    out.ffn.outer = detail::pack_linear(layer.ffn.outer, device);
    out.ffn.norm = detail::pack_norm(layer.ffn_norm);
    if (layer.ffn.gate) {
      out.ffn.gate_inner = detail::pack_linear(layer.ffn.gate->inner, device);
      out.ffn.gate_outer = detail::pack_linear(layer.ffn.gate->outer, device);
    }
    packed.layers.push_back(std::move(out));
  }

  packed.pooler = detail::pack_linear(pooler, device);
  if (pooler_norm) packed.pooler_norm = detail::pack_norm(*pooler_norm);
  packed.classifier = {classifier.weight.value, classifier.bias.value};
  for (const ExitHead& head : exits.heads) {
    PackedExit& out = packed.exits.emplace_back();
    out.pooler = detail::pack_linear(head.pooler, device);
    if (head.pooler_norm) out.pooler_norm = detail::pack_norm(*head.pooler_norm);
    out.classifier = {head.classifier.weight.value, head.classifier.bias.value};
  }
  if (exits.doubt) packed.exit_doubt = {exits.doubt->weight.value, exits.doubt->bias.value};
  return packed;
}

template <class Layer>
BasicModel<Layer> BasicModel<Layer>::unpack(const PackedModel& packed, Device& device) {
  BasicModel model(packed.config, Blank{});
  if (packed.embedding.word_bits.empty()) {
    model.embedding.word.value = packed.embedding.word;
  } else {
    model.embedding.word.value =
        detail::signed_values(device, packed.embedding.word_bits, packed.embedding.word_alpha);
  }
  model.embedding.position.value = packed.embedding.position;
  model.embedding.type.value = packed.embedding.type;
  detail::unpack_norm(model.embedding.norm, packed.embedding.norm);

  for (std::size_t i = 0; i < model.layers.size(); ++i) {
    Layer& layer = model.layers[i];
    const PackedEncoderLayer& in = packed.layers[i];
    detail::unpack_linear(layer.attention.query, in.attention.query, device);
    detail::unpack_linear(layer.attention.key, in.attention.key, device);
    detail::unpack_linear(layer.attention.value, in.attention.value, device);
    detail::unpack_linear(layer.attention.output, in.attention.output, device);
    if (auto& binary = layer.attention.binary) {
      detail::unpack_levels(binary->query, in.attention.query_alpha);
      detail::unpack_levels(binary->key, in.attention.key_alpha);
      detail::unpack_levels(binary->value, in.attention.value_alpha);
      detail::unpack_levels(binary->probability, in.attention.probability_alpha);
    }
    detail::unpack_norm(layer.attention_norm, in.attention.norm);
    if (layer.attention.estimators) {
      layer.attention.estimators->weight.value = in.attention.estimator_weight;
      layer.attention.estimators->bias.value = in.attention.estimator_bias;
    }
    detail::unpack_linear(layer.ffn.inner, in.ffn.inner, device);
    detail::unpack_linear(layer.ffn.outer, in.ffn.outer, device);
    if (auto& gate = layer.ffn.gate) {
      detail::unpack_linear(gate->inner, in.ffn.gate_inner, device);
      detail::unpack_linear(gate->outer, in.ffn.gate_outer, device);
    }
    detail::unpack_norm(layer.ffn_norm, in.ffn.norm);
  }
  detail::unpack_linear(model.pooler, packed.pooler, device);
  if (model.pooler_norm) detail::unpack_norm(*model.pooler_norm, packed.pooler_norm);
  model.classifier.weight.value = packed.classifier.weight;
  model.classifier.bias.value = packed.classifier.bias;
  for (std::size_t i = 0; i < packed.exits.size(); ++i) {
    ExitHead& head = model.exits.heads[i];
    const PackedExit& in = packed.exits[i];
    detail::unpack_linear(head.pooler, in.pooler, device);
    if (head.pooler_norm) detail::unpack_norm(*head.pooler_norm, in.pooler_norm);
    head.classifier.weight.value = in.classifier.weight;
    head.classifier.bias.value = in.classifier.bias;
  }
  if (model.exits.doubt) {
    model.exits.doubt->weight.value = packed.exit_doubt.weight;
    model.exits.doubt->bias.value = packed.exit_doubt.bias;
  }
  return model;
}

}  // namespace bipft
