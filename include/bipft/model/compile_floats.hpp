#pragma once
/// compile, for models in full precision: from parameters to the plan that a device runs.

#include <cmath>
#include <string>

#include "bipft/core/visit.hpp"
#include "bipft/device/plan.hpp"
#include "bipft/model/parameters.hpp"

namespace bipft {

namespace detail {

class FloatPlanMaker {
 public:
  explicit FloatPlanMaker(const ModelParameters& model) : model_(model) {}

  [[nodiscard, gnu::cold]] Plan make() {
    const ModelConfig& config = model_.config;
    if (config.weight_bits == 1) {
      fail(
          "compile: latent weights of a binary model; pack it, or compute a staged one by "
          "tape_network (model/tape_network.hpp)");
    }
    plan_.width = config.hidden;
    plan_.inner = config.ffn;
    plan_.positions = config.max_len;
    plan_.labels = config.labels;
    const Tensor words = model_.word_bits.empty() ? model_.at("embedding.word") : Tensor();
    plan_.add(EmbedStep{model_.word_bits, words, model_.word_alpha, model_.at("embedding.position"),
                        model_.at("embedding.type")});
    norm("embedding.norm", false);
    const std::vector<std::size_t> exits = config.inner_exits();
    for (std::size_t i = 0; i < config.layers; ++i) {
      layer(concat("layers.", i));
      const std::size_t passed = plan_.exits.size();
      if (passed == exits.size() || exits[passed] != i + 1) continue;
      const std::size_t after = plan_.steps.size();
      head(concat("exits.", i + 1), config.exit_pooling == "mean");
      plan_.make_head(after);
    }
    head("", false);
    return std::move(plan_);
  }

 private:
  /// What tells labels apart, behind the last layer or an inner one.
  [[gnu::cold]] void head(const std::string& path, bool mean) {
    plan_.add(FirstStep{mean});
    matrix(Floats::first, Floats::pooled, join_path(path, "pooler"));
    const bool doubts = !path.empty() && model_.config.exit_doubts != 0;
    plan_.add(ClassifyStep{model_.at(join_path(path, "classifier.weight")),
                           model_.at(join_path(path, "classifier.bias")),
                           doubts ? model_.at("exits.doubt.weight") : Tensor(),
                           doubts ? model_.at("exits.doubt.bias") : Tensor()});
  }

  [[gnu::cold]] void layer(const std::string& path) {
    matrix(Floats::hidden, Floats::q, join_path(path, "attention.query"));
    matrix(Floats::hidden, Floats::k, join_path(path, "attention.key"));
    matrix(Floats::hidden, Floats::v, join_path(path, "attention.value"));
    const auto head_size = static_cast<float>(model_.config.head_size());
    plan_.add(FloatAttentionStep{model_.config.heads, 1.0F / std::sqrt(head_size)});
    matrix(Floats::context, Floats::branch, join_path(path, "attention.output"));
    norm(join_path(path, "attention_norm"), true);
    matrix(Floats::hidden, Floats::inner, join_path(path, "ffn.inner"),
           model_.config.activation == "gelu" ? Activation::gelu : Activation::relu);
    matrix(Floats::inner, Floats::branch, join_path(path, "ffn.outer"));
    norm(join_path(path, "ffn_norm"), true);
  }

  [[gnu::cold]] void matrix(Floats from, Floats to, const std::string& path,
                            std::optional<Activation> activation = std::nullopt) {
    plan_.add(MatrixStep{from, to, model_.at(join_path(path, "weight")),
                         model_.at(join_path(path, "bias")), activation});
  }
  [[gnu::cold]] void norm(const std::string& path, bool add_branch) {
    plan_.add(NormStep{gamma(path), beta(path), epsilon(), add_branch, {}});
  }

  [[nodiscard]] const Tensor& gamma(const std::string& path) const {
    return model_.at(join_path(path, "gamma"));
  }
  [[nodiscard]] const Tensor& beta(const std::string& path) const {
    return model_.at(join_path(path, "beta"));
  }
  [[nodiscard]] float epsilon() const { return static_cast<float>(model_.config.norm_epsilon); }

  const ModelParameters& model_;
  Plan plan_;
};

}  // namespace detail

/// The plan that computes `model` on any device. It shares the parameters' memory.
/// Throws Error if the model is binary or a parameter is missing.
[[nodiscard]] inline Plan compile(const ModelParameters& model) {
  return detail::FloatPlanMaker(model).make();
}

}  // namespace bipft
