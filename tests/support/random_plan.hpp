#pragma once
/// Test support: a packed encoder of random numbers, laid out for the active target.

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <iterator>
#include <string>
#include <vector>

#include "bipft/core/error.hpp"
#include "bipft/core/ragged.hpp"
#include "bipft/core/tensor.hpp"
#include "bipft/device/cpu_layout.hpp"
#include "bipft/device/cpu_plan.hpp"
#include "bipft/device/plan.hpp"
#include "bipft/device/runner.hpp"
#include "support/bits.hpp"

namespace bipft::test {

inline constexpr std::size_t random_plan_vocabulary = 300;

[[nodiscard]] inline Tensor random_matrix(Dice& dice, std::size_t rows, std::size_t cols) {
  return Tensor(Shape{rows, cols}, random_reals(dice, rows * cols));
}
[[nodiscard]] inline Tensor random_vector(Dice& dice, std::size_t count) {
  return Tensor(Shape{count}, random_reals(dice, count));
}

[[nodiscard]] inline Product random_product(Dice& dice, std::size_t outputs, std::size_t inputs,
                                            std::vector<BitMatrix>* weights) {
  const BitMatrix weight = random_bits(dice, outputs, inputs);
  if (weights != nullptr) weights->push_back(weight);
  return {outputs, inputs, lay_out_on_cpu(weight)};
}

/// Integers around `middle`.
[[nodiscard]] inline std::vector<std::int32_t> random_limits(Dice& dice, std::size_t count,
                                                             std::size_t middle) {
  std::vector<std::int32_t> limits(count);
  for (std::int32_t& limit : limits) {
    limit = static_cast<std::int32_t>(middle + dice.between(0, 8)) - 4;
  }
  return limits;
}

/// `layers` layers of a post-norm encoder (with attention by softmax, or by distance), a pooler and
/// a classifier of three labels. `weights`, if given, receives the weight matrices in the order of
/// the plan's products.
[[nodiscard]] inline Plan random_plan(std::size_t layers, std::size_t width, std::size_t inner,
                                      std::size_t head_size, bool float_table = false,
                                      std::uint64_t seed = 11,
                                      std::vector<BitMatrix>* weights = nullptr,
                                      bool softmax = true) {
  Dice dice(seed);
  Plan plan;
  plan.width = width;
  plan.inner = inner;
  plan.positions = 520;
  plan.labels = 3;

  EmbedStep embed;
  if (float_table) {
    embed.table = random_matrix(dice, random_plan_vocabulary, width);
  } else {
    embed.bits = random_bits(dice, random_plan_vocabulary, width);
    embed.scale = random_vector(dice, random_plan_vocabulary);
  }
  embed.position = random_matrix(dice, plan.positions, width);
  embed.type = random_matrix(dice, 2, width);
  plan.steps.emplace_back(embed);

  const auto norm = [&](std::initializer_list<Bits> packed) {
    NormStep s;
    s.gamma = random_vector(dice, width);
    s.beta = random_vector(dice, width);
    s.epsilon = 1e-12F;
    for (const Bits to : packed) {
      PackStep pack;
      pack.to = to;
      pack.shift = random_vector(dice, width);
      s.packs.push_back(pack);
    }
    plan.steps.emplace_back(s);
  };
  const auto to_bits = [&](Bits from, Bits to, std::size_t outputs, std::size_t inputs) {
    LinearBitsStep s;
    s.from = from;
    s.to = to;
    s.product = random_product(dice, outputs, inputs, weights);
    s.most = random_limits(dice, outputs, inputs / 2);
    plan.steps.emplace_back(s);
  };
  const auto to_floats = [&](Bits from, Floats to, std::size_t inputs, std::int32_t step) {
    LinearStep s;
    s.from = from;
    s.to = to;
    s.add = to == Floats::hidden;
    s.product = random_product(dice, width, inputs, weights);
    s.step = step;
    s.base.assign(width, static_cast<std::int32_t>(inputs) / (3 - step));
    s.scale = Tensor(Shape{width}, 0.01F);
    s.bias = random_vector(dice, width);
    plan.steps.emplace_back(s);
  };

  for (std::size_t layer = 0; layer < layers; ++layer) {
    norm({Bits::q_in, Bits::k_in, Bits::v_in});
    to_bits(Bits::q_in, Bits::q, width, width);
    to_bits(Bits::k_in, Bits::k, width, width);
    to_bits(Bits::v_in, Bits::v, width, width);
    AttentionStep attention;
    attention.heads = width / head_size;
    attention.head_size = head_size;
    attention.exponential.resize((head_size + 1) * (head_size + 1));
    for (std::size_t m = 0; m <= head_size; ++m) {
      for (std::size_t i = 0; i <= head_size; ++i) {
        const auto gap = static_cast<float>(m) - static_cast<float>(i);
        attention.exponential[m * (head_size + 1) + i] = std::exp(0.35F * gap);
      }
    }
    attention.half_alpha = 0.015F;
    if (!softmax) {
      attention.exponential.clear();
      attention.most = static_cast<std::int32_t>(head_size) / 2 - 1;
    }
    attention.threshold = random_limits(dice, width, 0);
    plan.steps.emplace_back(attention);
    to_floats(Bits::context, Floats::hidden, width, 2);
    norm({Bits::ffn_in});
    to_bits(Bits::ffn_in, Bits::inner, inner, width);
    to_floats(Bits::inner, Floats::hidden, inner, 1);
  }
  norm({});

  PackStep pooler;
  pooler.to = Bits::pooler_in;
  pooler.shift = random_vector(dice, width);
  pooler.strict = true;
  pooler.first_only = true;
  plan.steps.emplace_back(pooler);
  to_floats(Bits::pooler_in, Floats::pooled, width, 2);
  ClassifyStep classify;
  classify.weight = random_matrix(dice, 3, width);
  classify.bias = random_vector(dice, 3);
  plan.steps.emplace_back(classify);
  return plan;
}

[[nodiscard]] inline IdTensor random_ids(Dice& dice, std::size_t count, std::size_t limit) {
  IdTensor ids = IdTensor::uninitialized(Shape{count});
  for (std::int32_t& id : ids.mutable_data()) {
    id = static_cast<std::int32_t>(dice.between(0, limit - 1));
  }
  return ids;
}

/// Texts for a plan: their tokens one after another.
struct PlanBatch {
  IdTensor ids, types;
  Ragged texts;

  [[nodiscard]] PlanResult on(Runner& runner, const Plan& plan) const {
    return runner.run(plan, ids, types, texts, true);
  }
  [[nodiscard]] PlanResult on_cpu(const Plan& plan) const {
    return run_plan_on_cpu(plan, ids, types, texts, true);
  }
};

[[nodiscard]] inline PlanBatch random_batch(Dice& dice, const std::vector<std::size_t>& lengths) {
  PlanBatch batch;
  batch.texts = Ragged(lengths);
  batch.ids = random_ids(dice, batch.texts.tokens(), random_plan_vocabulary);
  batch.types = random_ids(dice, batch.texts.tokens(), 2);
  return batch;
}
[[nodiscard]] inline PlanBatch random_batch(std::uint64_t seed,
                                            const std::vector<std::size_t>& lengths) {
  Dice dice(seed);
  return random_batch(dice, lengths);
}

[[nodiscard]] inline Step& step_at(Plan& plan, std::size_t i) {
  return *std::next(plan.steps.begin(), static_cast<std::ptrdiff_t>(i));
}

/// What the processor says that is wrong with the plan or the batch; nothing if all is well.
[[nodiscard]] inline std::string complaint(const Plan& plan, const PlanBatch& batch) {
  try {
    (void)batch.on_cpu(plan);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

[[nodiscard]] inline bool equal_bytes(const Tensor& a, const Tensor& b) {
  return a.shape() == b.shape() &&
         std::memcmp(a.data().data(), b.data().data(), a.data().size_bytes()) == 0;
}
[[nodiscard]] inline bool equal_bytes(const PlanResult& a, const PlanResult& b) {
  return equal_bytes(a.logits, b.logits) && equal_bytes(a.hidden, b.hidden);
}

}  // namespace bipft::test
