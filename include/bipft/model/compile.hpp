#pragma once
/// compile: from the parts of a packed model to the plan that a device runs.
///
/// Whatever lies between two binary products and is monotone is folded into integers here: scale,
/// bias, ReLU, shift and comparison become one integer threshold for each channel. It is found by
/// asking, for the integers that a product can give, the very float expressions that the trained
/// form computes, so that both forms give the same bits, ties and roundings included.

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <utility>
#include <vector>

#include "bipft/binarize/attention_scale.hpp"
#include "bipft/device/plan.hpp"
#include "bipft/device/runner.hpp"
#include "bipft/model/compile_signs.hpp"
#include "bipft/model/packed_model.hpp"

namespace bipft {

namespace detail {

/// The smallest v within [low, high] for which `holds(v)`, where holding is monotone; INT32_MIN if
/// it holds everywhere, INT32_MAX if nowhere.
template <class Holds>
[[nodiscard]] std::int32_t first_that(std::int32_t low, std::int32_t high, const Holds& holds) {
  if (holds(low)) return std::numeric_limits<std::int32_t>::min();
  if (!holds(high)) return std::numeric_limits<std::int32_t>::max();
  while (high - low > 1) {
    const std::int32_t middle = low + (high - low) / 2;
    (holds(middle) ? high : low) = middle;
  }
  return high;
}

/// x, rounded to float here and now: a compiler that was told to contract cannot fuse past it.
[[nodiscard]] inline float rounded(float x) {
  volatile const float stored = x;
  return stored;
}

/// fl(fl(scale · v) + bias): what binary_linear computes.
[[nodiscard]] inline float affine(float scale, std::int32_t v, float bias) {
  return rounded(scale * static_cast<float>(v)) + bias;
}

class PlanMaker {
 public:
  PlanMaker(const PackedModel& model, Runner& runner) : model_(model), runner_(runner) {}

  [[nodiscard, gnu::cold]] Plan make() {
    const ModelConfig& config = model_.config;
    plan_.width = config.hidden;
    plan_.inner = config.ffn;
    plan_.positions = config.max_len;
    plan_.labels = config.labels;
    const PackedEmbedding& e = model_.embedding;
    plan_.add(EmbedStep{e.word_bits, e.word, e.word_alpha, e.position, e.type});
    NormStep norm = norm_of(e.norm);
    const std::vector<std::size_t> exits = config.inner_exits();
    for (std::size_t i = 0; i < model_.layers.size(); ++i) {
      norm.packs = inputs_of(model_.layers[i].attention);
      plan_.add(std::move(norm));
      const std::size_t passed = plan_.exits.size();
      if (passed < exits.size() && exits[passed] == i) {
        const std::size_t after = plan_.steps.size();
        const PackedExit& exit = model_.exits[passed];
        head(exit.pooler, exit.pooler_norm, exit.classifier, config.exit_pooling == "mean",
             model_.exit_doubt);
        plan_.make_head(after);
      }
      norm = attention(model_.layers[i].attention);
      norm = feed_forward(model_.layers[i].ffn, std::move(norm));
    }
    plan_.add(std::move(norm));
    head(model_.pooler, model_.pooler_norm, model_.classifier, false);
    return std::move(plan_);
  }

 private:
  /// What tells labels apart, behind the last layer or an inner one.
  [[gnu::cold]] void head(const PackedLinear& pooler, const PackedNorm& norm,
                          const PackedClassifier& classifier, bool mean,
                          const PackedClassifier& doubt = {}) {
    if (mean) plan_.add(FirstStep{true});
    PackStep pack = pack_of(pooler, Bits::pooler_in, !mean);
    if (mean) pack.from = Floats::first;
    plan_.add(std::move(pack));
    linear(pooler, Bits::pooler_in, Floats::pooled, false);
    if (model_.config.residual_pooler()) {
      plan_.add(PoolStep{norm.gamma, norm.beta, epsilon(), mean ? Floats::first : Floats::hidden});
    }
    plan_.add(ClassifyStep{classifier.weight, classifier.bias, doubt.weight, doubt.bias});
  }

  /// A sublayer's inputs are packed by the norm before it; it hands on the norm behind it.
  [[nodiscard, gnu::cold]] static std::vector<PackStep> inputs_of(const PackedAttention& a) {
    return {pack_of(a.query, Bits::q_in), pack_of(a.key, Bits::k_in), pack_of(a.value, Bits::v_in)};
  }
  [[nodiscard, gnu::cold]] NormStep attention(const PackedAttention& a) {
    project(a.query, Bits::q_in, Bits::q);
    project(a.key, Bits::k_in, Bits::k);
    project(a.value, Bits::v_in, Bits::v);

    AttentionStep step;
    step.heads = model_.config.heads;
    step.head_size = model_.config.head_size();
    step.half_alpha = a.probability_alpha / 2.0F;
    if (model_.config.attention == "bool") {
      // A score is positive where fewer than half of the places differ.
      step.most = static_cast<std::int32_t>(step.head_size) / 2 - 1;
    } else {
      step.exponential = exponentials(a, step.head_size);
    }

    // A query's channel is an integer within ±T, its level's scale one multiplication.
    const float mixed = a.probability_alpha * a.value_alpha;
    if (model_.config.estimators != 0) {  // a float is added, which folds into no integer
      const float factor = 1.0F / std::sqrt(static_cast<float>(step.head_size));
      step.estimators.emplace(AttentionStep::Estimators{a.estimator_weight, a.estimator_bias,
                                                        factor, mixed, a.probability_alpha,
                                                        a.output.shift});
      plan_.add(std::move(step));
      linear(a.output, Bits::context, Floats::hidden, true);
      return norm_of(a.norm);
    }
    const auto longest = static_cast<std::int32_t>(model_.config.max_len);
    step.threshold.resize(a.output.bits.cols());
    for (std::size_t c = 0; c < step.threshold.size(); ++c) {
      const float shift = a.output.shift_of(c);
      step.threshold[c] = first_that(
          -longest, longest, [&](std::int32_t v) { return affine(mixed, v, shift) >= 0.0F; });
    }
    plan_.add(std::move(step));
    linear(a.output, Bits::context, Floats::hidden, true);
    return norm_of(a.norm);
  }

  /// AttentionStep's table.
  [[nodiscard, gnu::cold]] std::vector<float> exponentials(const PackedAttention& a,
                                                           std::size_t head_size) {
    const float scale = attention_scale(a.query_alpha, a.key_alpha, head_size);
    const std::size_t values = head_size + 1;
    const auto score = [&](std::size_t popcount) {
      const auto product = static_cast<float>(head_size) - 2.0F * static_cast<float>(popcount);
      return rounded(scale * product);
    };
    std::vector<float> difference(values * values);
    for (std::size_t m = 0; m < values; ++m) {
      for (std::size_t i = 0; i < values; ++i) difference[m * values + i] = score(i) - score(m);
    }
    const Tensor terms = runner_.exponential(Tensor(Shape{values, values}, difference));
    return {terms.data().begin(), terms.data().end()};
  }

  [[nodiscard, gnu::cold]] NormStep feed_forward(const PackedFeedForward& f, NormStep norm) {
    norm.packs = {pack_of(f.inner, Bits::ffn_in)};
    plan_.add(std::move(norm));
    if (model_.config.activation == "gelu" && f.outer.shift.empty()) {
      project(f.inner, Bits::ffn_in, Bits::inner);  // GELU(x) >= 0 where x >= 0, and nowhere else
    } else if (model_.config.activation == "gelu") {
      gelu_bits(f);
    } else {
      const auto bias = f.inner.bias.data();
      const float threshold = f.outer.threshold();
      const bool strict = f.outer.zero_one;
      linear_bits(f.inner, Bits::ffn_in, Bits::inner, [&](std::size_t o, std::int32_t v) {
        const float x = std::max(affine(f.inner.scale(o), v, bias[o]), 0.0F) + f.outer.shift_of(o);
        return strict ? x > threshold : x >= threshold;
      });
    }
    linear(f.outer, Bits::inner, Floats::hidden, true);
    return norm_of(f.norm);
  }

  /// GELU(x) + shift >= 0. From x = -0.75 on GELU rises, below it falls from 0 to -0.17: so a
  /// channel's bit is 0 in an interval of popcounts. Which one, GELU itself is asked, wherever that
  /// is in doubt. (Where a step of x is as small as GELU's last place there may be more than one
  /// interval, and this takes them for one.)
  [[gnu::cold]] void gelu_bits(const PackedFeedForward& f) {
    LinearBitsStep step{Bits::ffn_in, Bits::inner, product(f.inner), base_of(f.inner), {}};
    const auto inputs = static_cast<std::int32_t>(f.inner.bits.cols());
    step.least.assign(step.most.size(), inputs + 1);
    for (std::size_t o = 0; o < step.most.size(); ++o) {
      const std::int32_t base = step.most[o];
      const auto x = [&](std::int32_t ones) {  // it falls
        return affine(f.inner.scale(o), base - 2 * ones, f.inner.bias.data()[o]);
      };
      const auto count = [&](const auto& holds) {  // of ones, from which on x is so low
        return std::clamp(first_that(0, inputs, holds), 0, inputs + 1);
      };
      // Doubt: GELU(x) > x - 1/4; and for x < 0, GELU(x) > -exp(-x²/2) / √(2π).
      const float shift = f.outer.shift.data()[o];
      const float high = shift > 0.0F ? 0.0F : 0.25F - shift;
      const float low =
          shift > 0.0F ? -0.25F - std::sqrt(2.0F * std::log(std::max(0.4F / shift, 1.0F))) : 0.0F;
      const std::int32_t begin = count([&](std::int32_t ones) { return x(ones) <= high; });
      const std::int32_t end = count([&](std::int32_t ones) { return x(ones) < low; });
      Tensor doubtful(Shape{static_cast<std::size_t>(std::max(end - begin, 0))});
      const auto values = doubtful.mutable_data();
      for (std::size_t i = 0; i < values.size(); ++i) {
        values[i] = x(begin + static_cast<std::int32_t>(i));
      }
      std::int32_t first = end;  // of the ones that give a 0, and behind the last of them
      std::int32_t last = shift > 0.0F ? end : inputs + 1;
      const Tensor y = runner_.gelu(doubtful);
      const auto is_zero = [&](std::int32_t ones) {
        return !(y.data()[static_cast<std::size_t>(ones - begin)] + shift >= 0.0F);
      };
      for (std::int32_t ones = end; ones-- > begin;) {
        if (is_zero(ones)) first = ones;
      }
      if (shift > 0.0F) {
        while (last > first && !is_zero(last - 1)) --last;
      }
      step.most[o] = first < last ? first - 1 : inputs;
      step.least[o] = last;
    }
    plan_.add(std::move(step));
  }

  /// A projection whose result is binarized by its sign: multiply, compare.
  [[gnu::cold]] void project(const PackedLinear& l, Bits in, Bits out) {
    const auto bias = l.bias.data();
    linear_bits(l, in, out, [&](std::size_t o, std::int32_t v) {
      return affine(l.scale(o), v, bias[o]) >= 0.0F;
    });
  }

  [[nodiscard]] static PackStep pack_of(const PackedLinear& l, Bits to, bool first_only = false) {
    return {Floats::hidden, to, l.shift, l.threshold(), l.zero_one, first_only};
  }

  [[gnu::cold]] void linear(const PackedLinear& l, Bits from, Floats to, bool add) {
    Tensor scale = Tensor::uninitialized(l.bias.shape());
    const auto scales = scale.mutable_data();
    for (std::size_t o = 0; o < scales.size(); ++o) scales[o] = l.scale(o);
    plan_.add(
        LinearStep{from, to, product(l), step_of(l), base_of(l), std::move(scale), l.bias, add});
  }

  template <class Holds>
  [[gnu::cold]] void linear_bits(const PackedLinear& l, Bits from, Bits to, const Holds& holds) {
    LinearBitsStep step{from, to, product(l), base_of(l), {}};
    const auto inputs = static_cast<std::int32_t>(l.bits.cols());
    for (std::size_t o = 0; o < l.bits.rows(); ++o) {
      const std::int32_t base = step.most[o];
      const std::int32_t too_many = first_that(
          0, inputs, [&](std::int32_t ones) { return !holds(o, base - step_of(l) * ones); });
      step.most[o] = std::max(too_many, 0) - 1;
    }
    plan_.add(std::move(step));
  }

  [[nodiscard, gnu::cold]] NormStep norm_of(const PackedNorm& norm) const {
    return {norm.gamma, norm.beta, epsilon(), false, {}};
  }

  [[nodiscard]] static std::int32_t step_of(const PackedLinear& l) { return l.zero_one ? 1 : 2; }
  [[nodiscard, gnu::cold]] static std::vector<std::int32_t> base_of(const PackedLinear& l) {
    const BitView view = l.bits.view();
    std::vector<std::int32_t> base(view.rows, static_cast<std::int32_t>(view.cols));
    if (!l.zero_one) return base;
    for (std::size_t o = 0; o < view.rows; ++o) {
      std::int32_t ones = 0;  // (C + Σ w) / 2 = the number of weights that are +1
      for (std::size_t word = 0; word < view.words_per_row; ++word) {
        ones += std::popcount(view.row(o)[word]);
      }
      base[o] = ones;
    }
    return base;
  }

  [[nodiscard, gnu::cold]] Product product(const PackedLinear& l) {
    return {l.bits.rows(), l.bits.cols(), runner_.lay_out(l.bits)};
  }

  [[nodiscard]] float epsilon() const { return static_cast<float>(model_.config.norm_epsilon); }

  const PackedModel& model_;
  Runner& runner_;
  Plan plan_;
};

}  // namespace detail

/// The plan that computes `model` on the device of `runner`. The model is not needed any more
/// afterwards.
[[nodiscard]] inline Plan compile(const PackedModel& model, Runner& runner) {
  if (model.config.float_inputs()) return compile_signs(model);
  return detail::PlanMaker(model, runner).make();
}

}  // namespace bipft
