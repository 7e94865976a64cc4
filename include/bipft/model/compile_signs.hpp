#pragma once
/// compile_signs: from a packed model whose inputs are floats to the plan that a device runs.
///
/// Weights stay bits, here as in the file, and are never made floats but a panel at a time.

#include <cmath>
#include <cstddef>
#include <optional>
#include <utility>

#include "bipft/core/bit_matrix.hpp"
#include "bipft/device/plan.hpp"
#include "bipft/model/packed_model.hpp"

namespace bipft {

namespace detail {

class SignPlanMaker {
 public:
  explicit SignPlanMaker(const PackedModel& model) : model_(model) {}

  [[nodiscard, gnu::cold]] Plan make() {
    const ModelConfig& config = model_.config;
    plan_.width = config.hidden;
    plan_.inner = config.ffn;
    plan_.positions = config.max_len;
    plan_.labels = config.labels;
    const PackedEmbedding& e = model_.embedding;
    plan_.add(EmbedStep{e.word_bits, e.word, e.word_alpha, e.position, e.type});
    norm(e.norm, false);
    const std::vector<std::size_t> exits = config.inner_exits();
    for (std::size_t i = 0; i < model_.layers.size(); ++i) {
      attention(model_.layers[i].attention);
      feed_forward(model_.layers[i].ffn);
      const std::size_t passed = plan_.exits.size();
      if (passed == exits.size() || exits[passed] != i + 1) continue;
      const std::size_t after = plan_.steps.size();
      const PackedExit& exit = model_.exits[passed];
      head(exit.pooler, exit.pooler_norm, exit.classifier, config.exit_pooling == "mean",
           model_.exit_doubt);
      plan_.make_head(after);
    }
    head(model_.pooler, model_.pooler_norm, model_.classifier, false);
    return std::move(plan_);
  }

 private:
  /// What tells labels apart, behind the last layer or an inner one.
  [[gnu::cold]] void head(const PackedLinear& pooler, const PackedNorm& norm,
                          const PackedClassifier& classifier, bool mean,
                          const PackedClassifier& doubt = {}) {
    plan_.add(FirstStep{mean});
    linear(pooler, Floats::first, Floats::pooled);
    if (model_.config.residual_pooler()) {
      plan_.add(PoolStep{norm.gamma, norm.beta, epsilon(), Floats::first});
    }
    plan_.add(ClassifyStep{classifier.weight, classifier.bias, doubt.weight, doubt.bias});
  }

  [[gnu::cold]] void attention(const PackedAttention& a) {
    linear(a.query, Floats::hidden, Floats::q);
    linear(a.key, Floats::hidden, Floats::k);
    linear(a.value, Floats::hidden, Floats::v);
    const auto head_size = static_cast<float>(model_.config.head_size());
    plan_.add(FloatAttentionStep{model_.config.heads, 1.0F / std::sqrt(head_size), true});
    linear(a.output, Floats::context, Floats::branch);
    norm(a.norm, true);
  }

  /// The gate comes first: its midst and the values' take turns in one buffer.
  [[gnu::cold]] void feed_forward(const PackedFeedForward& f) {
    const ModelConfig& config = model_.config;
    if (config.gated()) {
      const bool hidden = config.slfn_gate == "hidden_sigmoid";
      linear(f.gate_inner, Floats::hidden, Floats::inner);
      if (hidden) plan_.add(SigmoidStep{Floats::inner});
      linear(f.gate_outer, Floats::inner, Floats::gate);
      if (!hidden) plan_.add(SigmoidStep{Floats::gate});
    }
    linear(f.inner, Floats::hidden, Floats::inner,
           config.activation == "gelu"   ? Activation::gelu
           : config.activation == "tanh" ? Activation::tanh
                                         : Activation::relu);
    linear(f.outer, Floats::inner, Floats::branch);
    if (config.gated()) plan_.add(MultiplyStep{Floats::branch, Floats::gate});
    norm(f.norm, true);
  }

  [[gnu::cold]] void linear(const PackedLinear& l, Floats from, Floats to,
                            std::optional<Activation> activation = std::nullopt) {
    BitMatrix signs(l.bits.cols(), l.bits.rows());
    for (std::size_t o = 0; o < l.bits.rows(); ++o) {
      for (std::size_t c = 0; c < l.bits.cols(); ++c) signs.set(c, o, l.bits.bit(o, c));
    }
    Tensor scale = Tensor::uninitialized(l.bias.shape());
    const auto scales = scale.mutable_data();
    for (std::size_t o = 0; o < scales.size(); ++o) scales[o] = l.scale(o);
    plan_.add(SignStep{from, to, std::move(signs), std::move(scale), l.bias, activation});
  }

  [[gnu::cold]] void norm(const PackedNorm& n, bool add_branch) {
    plan_.add(NormStep{n.gamma, n.beta, epsilon(), add_branch, {}});
  }
  [[nodiscard]] float epsilon() const { return static_cast<float>(model_.config.norm_epsilon); }

  const PackedModel& model_;
  Plan plan_;
};

}  // namespace detail

/// The plan that computes `model`, of one-bit weights and floats for inputs, on any device.
[[nodiscard]] inline Plan compile_signs(const PackedModel& model) {
  return detail::SignPlanMaker(model).make();
}

}  // namespace bipft
