#pragma once
/// compile: from the parts of a packed model to the plan that a device runs.
///
/// Whatever lies between two binary products and is monotone is folded into integers here: scale,
/// bias, ReLU, shift and comparison become one integer threshold for each channel. It is found by
/// asking, for the integers that a product can give, the very float expressions that the trained
/// form computes, so that both forms give the same bits, ties and roundings included.

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <utility>
#include <vector>

#include "bipft/binarize/attention_scale.hpp"
#include "bipft/device/plan.hpp"
#include "bipft/device/runner.hpp"
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

  [[nodiscard]] Plan make() {
    const ModelConfig& config = model_.config;
    plan_.width = config.hidden;
    plan_.inner = config.ffn;
    plan_.positions = config.max_len;
    plan_.labels = config.labels;
    embed();
    for (const PackedEncoderLayer& layer : model_.layers) {
      attention(layer.attention);
      feed_forward(layer.ffn);
    }
    pack(model_.pooler, Floats::hidden, Bits::pooler_in, true);
    linear(model_.pooler, Bits::pooler_in, Floats::pooled);
    plan_.add(ClassifyStep{model_.classifier.weight, model_.classifier.bias});
    return std::move(plan_);
  }

 private:
  void embed() {
    const PackedEmbedding& e = model_.embedding;
    plan_.add(EmbedStep{e.word_bits, e.word, e.word_alpha, e.position, e.type, e.norm.gamma,
                        e.norm.beta, epsilon()});
  }

  void attention(const PackedAttention& a) {
    project(a.query, Bits::q_in, Bits::q);
    project(a.key, Bits::k_in, Bits::k);
    project(a.value, Bits::v_in, Bits::v);

    AttentionStep step;
    step.heads = model_.config.heads;
    step.head_size = model_.config.head_size();
    step.half_alpha = a.probability_alpha / 2.0F;
    const float scale = attention_scale(a.query_alpha, a.key_alpha, step.head_size);
    const std::size_t values = step.head_size + 1;
    const auto score = [&](std::size_t popcount) {
      const auto product = static_cast<float>(step.head_size) - 2.0F * static_cast<float>(popcount);
      return rounded(scale * product);
    };
    std::vector<float> difference(values * values);
    for (std::size_t m = 0; m < values; ++m) {
      for (std::size_t i = 0; i < values; ++i) difference[m * values + i] = score(i) - score(m);
    }
    const Tensor terms = runner_.exponential(Tensor(Shape{values, values}, difference));
    step.exponential.assign(terms.data().begin(), terms.data().end());

    // A query's channel is an integer within ±T, its level's scale one multiplication.
    const float mixed = a.probability_alpha * a.value_alpha;
    const auto longest = static_cast<std::int32_t>(model_.config.max_len);
    const auto shift = a.output.shift.data();
    step.threshold.resize(shift.size());
    for (std::size_t c = 0; c < shift.size(); ++c) {
      step.threshold[c] = first_that(
          -longest, longest, [&](std::int32_t v) { return affine(mixed, v, shift[c]) >= 0.0F; });
    }
    plan_.add(std::move(step));
    linear(a.output, Bits::context, Floats::branch);
    residual_norm(a.norm);
  }

  void feed_forward(const PackedFeedForward& f) {
    pack(f.inner, Floats::hidden, Bits::ffn_in, false);
    const auto bias = f.inner.bias.data();
    const auto shift = f.outer.shift.data();
    const float threshold = f.outer.threshold();
    const bool strict = f.outer.zero_one;
    linear_bits(f.inner, Bits::ffn_in, Bits::inner, [&](std::size_t o, std::int32_t v) {
      const float x = std::max(affine(f.inner.scale(), v, bias[o]), 0.0F) + shift[o];
      return strict ? x > threshold : x >= threshold;
    });
    linear(f.outer, Bits::inner, Floats::branch);
    residual_norm(f.norm);
  }

  /// A projection whose result is binarized by its sign: pack, multiply, compare.
  void project(const PackedLinear& l, Bits in, Bits out) {
    pack(l, Floats::hidden, in, false);
    const auto bias = l.bias.data();
    linear_bits(l, in, out, [&](std::size_t o, std::int32_t v) {
      return affine(l.scale(), v, bias[o]) >= 0.0F;
    });
  }

  void pack(const PackedLinear& l, Floats from, Bits to, bool first_only) {
    plan_.add(PackStep{from, to, l.shift, l.threshold(), l.zero_one, first_only});
  }

  void linear(const PackedLinear& l, Bits from, Floats to) {
    plan_.add(LinearStep{from, to, product(l), l.scale(), l.bias});
  }

  template <class Holds>
  void linear_bits(const PackedLinear& l, Bits from, Bits to, const Holds& holds) {
    LinearBitsStep step{from, to, product(l), {}};
    const auto inputs = static_cast<std::int32_t>(l.bits.cols());
    step.threshold.resize(l.bits.rows());
    for (std::size_t o = 0; o < l.bits.rows(); ++o) {
      step.threshold[o] = first_that(-inputs, inputs, [&](std::int32_t v) { return holds(o, v); });
    }
    plan_.add(std::move(step));
  }

  void residual_norm(const PackedNorm& norm) {
    plan_.add(ResidualNormStep{norm.gamma, norm.beta, epsilon()});
  }

  [[nodiscard]] Product product(const PackedLinear& l) {
    Product result;
    result.outputs = l.bits.rows();
    result.inputs = l.bits.cols();
    result.step = l.zero_one ? 1 : 2;
    const auto inputs = static_cast<std::int32_t>(result.inputs);
    result.base.assign(result.outputs, inputs);
    if (l.zero_one) {  // (C + Σ w) / 2 = the number of weights that are +1
      const BitView view = l.bits.view();
      for (std::size_t o = 0; o < result.outputs; ++o) {
        std::int32_t ones = 0;
        for (std::size_t word = 0; word < view.words_per_row; ++word) {
          ones += std::popcount(view.row(o)[word]);
        }
        result.base[o] = ones;
      }
    }
    result.weight = runner_.lay_out(l.bits);
    return result;
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
  return detail::PlanMaker(model, runner).make();
}

}  // namespace bipft
