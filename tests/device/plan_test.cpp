#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <concepts>
#include <cstdint>
#include <cstring>
#include <iterator>
#include <string>
#include <vector>

#include "bipft/core/parallel.hpp"
#include "bipft/device/cpu_plan.hpp"
#include "bipft/kernels/dispatch.hpp"
#include "support/bits.hpp"
#include "support/counting_allocator.hpp"
#include "support/random_plan.hpp"

using namespace bipft;

namespace {

struct Batch {
  IdTensor ids, types;
  Ragged texts;
};

Batch random_batch(const std::vector<std::size_t>& lengths, std::uint64_t seed) {
  test::Dice dice(seed);
  Batch batch;
  batch.texts = Ragged(lengths);
  batch.ids = test::random_ids(dice, batch.texts.tokens(), test::random_plan_vocabulary);
  batch.types = test::random_ids(dice, batch.texts.tokens(), 2);
  return batch;
}

/// Text b of a batch, alone.
Batch one_text(const Batch& all, std::size_t b) {
  const std::size_t begin = all.texts.begin(b);
  const std::size_t length = all.texts.length(b);
  return {IdTensor(Shape{length}, all.ids.data().subspan(begin, length)),
          IdTensor(Shape{length}, all.types.data().subspan(begin, length)),
          Ragged(std::vector<std::size_t>{length})};
}

Step& step_at(Plan& plan, std::size_t i) {
  return *std::next(plan.steps.begin(), static_cast<std::ptrdiff_t>(i));
}

PlanResult run(const Plan& plan, const Batch& batch) {
  return run_plan_on_cpu(plan, batch.ids, batch.types, batch.texts, true);
}

bool same_bytes(std::span<const float> a, std::span<const float> b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size_bytes()) == 0;
}
bool same_bytes(const PlanResult& a, const PlanResult& b) {
  return same_bytes(a.logits.data(), b.logits.data()) &&
         same_bytes(a.hidden.data(), b.hidden.data());
}

/// The active target and the threads, as they were.
struct Restore {
  std::string target{kernels::active().name};
  std::size_t count = threads();
  Restore() = default;
  Restore(const Restore&) = delete;
  Restore& operator=(const Restore&) = delete;
  ~Restore() {
    kernels::select_target(target);
    set_threads(count);
  }
};

std::string message_of(const Plan& plan, const Batch& batch) {
  try {
    (void)run(plan, batch);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

// --- The same plan by plain loops, in the order of additions that table.hpp promises -------------

float sum16(const std::vector<float>& x) {
  volatile float lane[16] = {};
  for (std::size_t i = 0; i < x.size(); ++i) lane[i % 16] = lane[i % 16] + x[i];
  for (std::size_t half = 8; half != 0; half /= 2) {
    for (std::size_t l = 0; l < half; ++l) lane[l] = lane[l] + lane[l + half];
  }
  return lane[0];
}

float rounded(float x) {
  volatile float y = x;
  return y;
}

void plain_norm(float* x, std::size_t n, const Tensor& gamma, const Tensor& beta, float epsilon) {
  const auto count = static_cast<float>(n);
  const float mean = sum16(std::vector<float>(x, x + n)) / count;
  std::vector<float> squares(n);
  for (std::size_t c = 0; c < n; ++c) squares[c] = rounded((x[c] - mean) * (x[c] - mean));
  const float inverse = 1.0F / std::sqrt(sum16(squares) / count + epsilon);
  for (std::size_t c = 0; c < n; ++c) {
    x[c] = rounded(rounded((x[c] - mean) * inverse) * gamma.data()[c]) + beta.data()[c];
  }
}

/// Estimators of random numbers for every attention of a plan.
void add_estimators(Plan& plan, std::size_t rank) {
  test::Dice dice(23);
  for (Step& step : plan.steps) {
    auto* attention = get_if<AttentionStep>(&step);
    if (attention == nullptr) continue;
    attention->threshold.clear();
    attention->estimators.emplace(
        AttentionStep::Estimators{test::random_matrix(dice, 4 * rank + 1, plan.width),
                                  test::random_vector(dice, 4 * rank + 1), 0.01F, 0.05F, 0.03F,
                                  test::random_vector(dice, plan.width)});
  }
}

/// Walks a plan for one text with nothing but indices: what the executor has to equal.
class PlainWalk {
 public:
  /// `weights` are the plan's weight matrices in the order of its products.
  PlainWalk(const Plan& plan, const std::vector<BitMatrix>& weights, const Batch& text)
      : plan_(plan), weights_(weights), text_(text), tokens_(text.texts.tokens()) {
    for (const Step& step : plan.steps) visit(*this, step);
  }

  std::vector<float> hidden, logits;

  void operator()(const EmbedStep& s) {
    hidden.resize(tokens_ * plan_.width);
    for (std::size_t t = 0; t < tokens_; ++t) {
      const auto id = static_cast<std::size_t>(text_.ids.data()[t]);
      const auto type = static_cast<std::size_t>(text_.types.data()[t]);
      for (std::size_t c = 0; c < plan_.width; ++c) {
        float word = 0;
        if (s.bits.empty()) {
          word = s.table.row(id)[c];
        } else {
          word = s.bits.bit(id, c) ? s.scale.data()[id] : -s.scale.data()[id];
        }
        hidden[t * plan_.width + c] = rounded(word + s.position.row(t)[c]) + s.type.row(type)[c];
      }
    }
  }
  void operator()(const PackStep& s) {
    const std::size_t rows = s.first_only ? 1 : tokens_;
    BitMatrix& to = bits_[static_cast<int>(s.to)] = BitMatrix(rows, plan_.width);
    for (std::size_t n = 0; n < rows; ++n) {
      for (std::size_t c = 0; c < plan_.width; ++c) {
        const float x = rounded(hidden[n * plan_.width + c] + s.shift.data()[c]);
        to.set(n, c, s.strict ? x > s.threshold : x >= s.threshold);
      }
    }
  }
  void operator()(const LinearStep& s) {
    std::vector<float>& to = s.to == Floats::pooled ? pooled_ : hidden;
    const std::vector<std::int32_t> ones = product(s.product, s.from);
    to.resize(ones.size());
    for (std::size_t i = 0; i < ones.size(); ++i) {
      const std::size_t o = i % s.product.outputs;
      const auto v = static_cast<float>(s.base[o] - s.step * ones[i]);
      const float y = rounded(rounded(s.scale.data()[o] * v) + s.bias.data()[o]);
      to[i] = s.add ? to[i] + y : y;
    }
  }
  void operator()(const LinearBitsStep& s) {
    const std::vector<std::int32_t> ones = product(s.product, s.from);
    const std::size_t outputs = s.product.outputs;
    BitMatrix& to = bits_[static_cast<int>(s.to)] = BitMatrix(tokens_, outputs);
    for (std::size_t i = 0; i < ones.size(); ++i) {
      const std::size_t o = i % outputs;
      const bool again = !s.least.empty() && ones[i] >= s.least[o];
      to.set(i / outputs, o, ones[i] <= s.most[o] || again);
    }
  }
  void operator()(const AttentionStep& s) {
    const BitMatrix& q = bits_[static_cast<int>(Bits::q)];
    const BitMatrix& k = bits_[static_cast<int>(Bits::k)];
    const BitMatrix& v = bits_[static_cast<int>(Bits::v)];
    BitMatrix& context = bits_[static_cast<int>(Bits::context)] = BitMatrix(tokens_, plan_.width);
    for (std::size_t h = 0; h < s.heads; ++h) {
      for (std::size_t t = 0; t < tokens_; ++t) {
        std::vector<std::size_t> distance(tokens_);
        std::size_t least = s.head_size;
        for (std::size_t j = 0; j < tokens_; ++j) {
          for (std::size_t d = h * s.head_size; d < (h + 1) * s.head_size; ++d) {
            distance[j] += q.bit(t, d) != k.bit(j, d) ? 1U : 0U;
          }
          least = std::min(least, distance[j]);
        }
        std::vector<float> term(tokens_);
        for (std::size_t j = 0; j < tokens_; ++j) {
          if (!s.exponential.empty()) {
            term[j] = s.exponential[least * (s.head_size + 1) + distance[j]];
          } else {
            term[j] = static_cast<std::int32_t>(distance[j]) <= s.most ? 1.0F : 0.0F;
          }
        }
        if (s.estimators) {
          const std::vector<float> weight = weights_of(*s.estimators, t);
          for (std::size_t j = 0; j < tokens_; ++j) term[j] *= weight[j];
        }
        const float inverse = s.exponential.empty() ? 1.0F : 1.0F / sum16(term);
        std::vector<float> rest(tokens_);  // r_v of the living keys
        for (std::size_t j = 0; j < tokens_ && s.estimators; ++j) {
          const bool alive = rounded(term[j] * inverse) > s.half_alpha;
          rest[j] = alive ? estimate(*s.estimators, j).back() : 0.0F;
        }
        for (std::size_t d = h * s.head_size; d < (h + 1) * s.head_size; ++d) {
          std::int32_t sum = 0;
          for (std::size_t j = 0; j < tokens_; ++j) {
            if (rounded(term[j] * inverse) > s.half_alpha) sum += v.bit(j, d) ? 1 : -1;
          }
          if (!s.estimators) {
            context.set(t, d, sum >= s.threshold[d]);
            continue;
          }
          const float mixed = rounded(s.estimators->mixed * static_cast<float>(sum));
          const float x = rounded(mixed + rounded(s.estimators->alpha * sum16(rest)));
          context.set(t, d, x + s.estimators->shift.data()[d] >= 0.0F);
        }
      }
    }
  }
  template <class FloatStep>
  requires std::same_as<FloatStep, MatrixStep> || std::same_as<FloatStep, FloatAttentionStep> ||
      std::same_as<FloatStep, FirstStep> || std::same_as<FloatStep, SignStep> ||
      std::same_as<FloatStep, SigmoidStep> || std::same_as<FloatStep, MultiplyStep>
  void operator()(const FloatStep& /*s*/) { FAIL("a plan in bits has no float products"); }
  void operator()(const NormStep& s) {
    for (std::size_t t = 0; t < tokens_; ++t) {
      plain_norm(&hidden[t * plan_.width], plan_.width, s.gamma, s.beta, s.epsilon);
    }
    for (const PackStep& pack : s.packs) (*this)(pack);
  }
  void operator()(const PoolStep& s) {
    plain_norm(pooled_.data(), plan_.width, s.gamma, s.beta, s.epsilon);
    for (std::size_t c = 0; c < plan_.width; ++c) pooled_[c] += hidden[c];
  }
  void operator()(const ClassifyStep& s) {
    for (std::size_t label = 0; label < plan_.labels; ++label) {
      std::vector<float> products(plan_.width);
      std::vector<float> tanh(plan_.width);
      kernels::find_target("scalar").tanh(pooled_.data(), plan_.width, tanh.data());
      for (std::size_t c = 0; c < plan_.width; ++c) {
        products[c] = tanh[c] * s.weight.row(label)[c];
      }
      logits.push_back(sum16(products) + s.bias.data()[label]);
    }
  }

 private:
  /// m_q, r_q, m_k, r_k and r_v of a token, each of the first but one as often as the rank says.
  std::vector<float> estimate(const AttentionStep::Estimators& e, std::size_t token) const {
    std::vector<float> y;
    for (std::size_t o = 0; o < e.weight.rows(); ++o) {
      std::vector<float> products(plan_.width);
      for (std::size_t c = 0; c < plan_.width; ++c) {
        products[c] = hidden[token * plan_.width + c] * e.weight.row(o)[c];
      }
      y.push_back(sum16(products) + e.bias.data()[o]);
    }
    return y;
  }
  /// exp(E - max E) of a query.
  std::vector<float> weights_of(const AttentionStep::Estimators& e, std::size_t query) const {
    const std::size_t rank = e.weight.rows() / 4;
    const std::vector<float> of_query = estimate(e, query);
    std::vector<float> weight;
    for (std::size_t j = 0; j < tokens_; ++j) {
      const std::vector<float> of_key = estimate(e, j);
      float sum = 0;
      for (std::size_t c = 0; c < 2 * rank; ++c) {
        const float both = of_query[c] + of_query[rank + c];
        const float a = c < rank ? rounded(both * e.factor) : rounded(of_query[c] * e.factor);
        const float b = of_key[c < rank ? 3 * rank + c : rank + c];
        sum = c == 0 ? rounded(a * b) : rounded(sum + rounded(a * b));
      }
      weight.push_back(sum);
    }
    const float most = *std::max_element(weight.begin(), weight.end());
    for (float& w : weight) w = rounded(w - most);
    kernels::find_target("scalar").exp(weight.data(), weight.size(), weight.data());
    return weight;
  }
  std::vector<std::int32_t> product(const Product& p, Bits from) {
    const BitMatrix& a = bits_[static_cast<int>(from)];
    const BitMatrix& w = weights_[products_++];
    std::vector<std::int32_t> ones;
    for (std::size_t n = 0; n < a.rows(); ++n) {
      for (std::size_t o = 0; o < p.outputs; ++o) {
        std::int32_t different = 0;
        for (std::size_t c = 0; c < p.inputs; ++c) {
          different += a.bit(n, c) != w.bit(o, c) ? 1 : 0;
        }
        ones.push_back(different);
      }
    }
    return ones;
  }

  const Plan& plan_;
  const std::vector<BitMatrix>& weights_;
  const Batch& text_;
  std::size_t tokens_;
  std::size_t products_ = 0;
  BitMatrix bits_[10];
  std::vector<float> pooled_;
};

}  // namespace

TEST_CASE("run: a plan equals the same steps in plain loops, byte by byte") {
  for (const bool odd : {false, true}) {  // words in floats, and attention without a softmax
    for (const std::size_t head_size : {32U, 64U}) {
      const std::size_t width = head_size == 32 ? 96 : 128;
      CAPTURE(odd);
      CAPTURE(head_size);
      std::vector<BitMatrix> weights;
      Plan plan = test::random_plan(2, width, 200, head_size, odd, 11, &weights, !odd);
      if (odd) {  // and a norm behind the pooler, and limits at either end of the popcounts
        test::Dice dice(22);
        PoolStep pool{test::random_vector(dice, width), test::random_vector(dice, width), 1e-12F};
        plan.steps.insert(std::prev(plan.steps.end()), std::move(pool));
        auto& inner = get<LinearBitsStep>(step_at(plan, 8));
        REQUIRE(inner.to == Bits::inner);
        inner.least = test::random_limits(dice, 200, width / 2 + 6);
      }
      const Batch batch = random_batch({7, 1, 40}, 12);
      const PlanResult result = run(plan, batch);
      REQUIRE(result.logits.shape() == Shape{3, 3});
      REQUIRE(result.hidden.shape() == Shape{48, width});
      for (std::size_t b = 0; b < 3; ++b) {
        const Batch text = one_text(batch, b);
        const PlainWalk plain(plan, weights, text);
        CHECK(same_bytes(result.logits.row(b), plain.logits));
        const std::size_t begin = batch.texts.begin(b) * width;
        CHECK(same_bytes(result.hidden.data().subspan(begin, plain.hidden.size()), plain.hidden));
      }
    }
  }
}

TEST_CASE("run: so does one with estimators, of any rank") {
  for (const std::size_t head_size : {32U, 64U}) {
    for (const std::size_t rank : {1U, 3U}) {
      CAPTURE(head_size);
      CAPTURE(rank);
      std::vector<BitMatrix> weights;
      Plan plan = test::random_plan(2, 128, 200, head_size, false, 11, &weights);
      add_estimators(plan, rank);
      const Batch batch = random_batch({7, 1, 40}, 12);
      const PlanResult result = run(plan, batch);
      for (std::size_t b = 0; b < 3; ++b) {
        const PlainWalk plain(plan, weights, one_text(batch, b));
        CHECK(same_bytes(result.logits.row(b), plain.logits));
        const std::size_t begin = batch.texts.begin(b) * 128;
        CHECK(same_bytes(result.hidden.data().subspan(begin, plain.hidden.size()), plain.hidden));
      }
    }
  }
}

TEST_CASE("run: a text's answer does not depend on its batch") {
  for (const std::size_t rank : {0U, 1U}) {
    Plan plan = test::random_plan(2, 96, 384, 32);
    if (rank != 0) add_estimators(plan, rank);
    const Batch batch = random_batch({3, 250, 1, 17, 300, 64, 65, 128, 2, 520, 30}, 13);
    const PlanResult together = run(plan, batch);
    for (std::size_t b = 0; b < batch.texts.texts(); ++b) {
      CAPTURE(b);
      const PlanResult alone = run(plan, one_text(batch, b));
      CHECK(same_bytes(alone.logits.data(), together.logits.row(b)));
      const std::size_t begin = batch.texts.begin(b) * 96;
      CHECK(same_bytes(alone.hidden.data(),
                       together.hidden.data().subspan(begin, alone.hidden.numel())));
    }
  }
}

TEST_CASE("run: the number of threads and the target never change a byte") {
  const Restore restore;
  std::vector<std::size_t> lengths;
  test::Dice dice(14);
  for (std::size_t b = 0; b < 40; ++b) lengths.push_back(dice.between(1, 120));
  const Batch batch = random_batch(lengths, 15);
  kernels::select_target("scalar");
  set_threads(1);
  const PlanResult expected = run(test::random_plan(2, 128, 256, 64), batch);
  for (const kernels::KernelTable* target : kernels::supported_targets()) {
    CAPTURE(target->name);
    kernels::select_target(target->name);
    const Plan plan = test::random_plan(2, 128, 256, 64);
    for (const std::size_t count : {1U, 2U, 3U, 7U}) {
      CAPTURE(count);
      set_threads(count);
      CHECK(same_bytes(run(plan, batch), expected));
    }
  }
}

TEST_CASE("run: a plan stays on the target that its weights were laid out for") {
  const Restore restore;
  const Batch batch = random_batch({5, 9}, 16);
  kernels::select_target("scalar");
  const Plan plan = test::random_plan(1, 64, 128, 32);
  const PlanResult expected = run(plan, batch);
  for (const kernels::KernelTable* target : kernels::supported_targets()) {
    kernels::select_target(target->name);
    CHECK(same_bytes(run(plan, batch), expected));
  }
}

TEST_CASE("run: hidden states only for whoever asks, and nothing for no texts") {
  const Plan plan = test::random_plan(1, 64, 128, 32);
  const Batch batch = random_batch({5, 9}, 17);
  const PlanResult with = run(plan, batch);
  const PlanResult without = run_plan_on_cpu(plan, batch.ids, batch.types, batch.texts, false);
  CHECK(without.hidden.empty());
  CHECK(same_bytes(with.logits.data(), without.logits.data()));
  CHECK(run(plan, Batch{}).logits.empty());
}

TEST_CASE("run: ids, type ids and lengths that do not fit are named") {
  const Plan plan = test::random_plan(1, 64, 128, 32);
  Batch batch = random_batch({5, 9}, 18);
  batch.ids.mutable_data()[7] = 300;
  CHECK(message_of(plan, batch) == "run: text 1, token 2: token id 300 is not one of 0 to 299");
  batch.ids.mutable_data()[7] = -1;
  CHECK(message_of(plan, batch) == "run: text 1, token 2: token id -1 is not one of 0 to 299");
  batch.ids.mutable_data()[7] = 0;
  batch.types.mutable_data()[0] = 2;
  CHECK(message_of(plan, batch) == "run: text 0, token 0: type id 2 is not one of 0 to 1");
  batch.types = IdTensor(Shape{13});
  CHECK(message_of(plan, batch) == "run: 13 type ids for 14 tokens");
  CHECK(message_of(plan, random_batch({1, 521}, 19)) ==
        "run: text 1 has 521 tokens, but the model was made for 520 at most; cut the text");
}

TEST_CASE("run: a plan that is not sound is refused at its step") {
  const Batch batch = random_batch({5}, 20);
  const Plan good = test::random_plan(1, 64, 128, 32);
  REQUIRE(message_of(good, batch).empty());
  const auto refused = [&](std::size_t step, auto change) {
    Plan plan = good;
    change(step_at(plan, step));
    const std::string message = message_of(plan, batch);
    CAPTURE(message);
    CHECK(message.starts_with(concat("plan: step ", step, ": ")));
  };
  refused(0, [](Step& s) { get<EmbedStep>(s).scale = Tensor(Shape{3}); });
  refused(0, [](Step& s) { get<EmbedStep>(s).position = Tensor(Shape{519, 64}); });
  refused(1, [](Step& s) { get<NormStep>(s).gamma = Tensor(Shape{1}); });
  refused(1, [](Step& s) { get<NormStep>(s).add_branch = true; });
  refused(1, [](Step& s) { get<NormStep>(s).packs[0].shift = Tensor(Shape{63}); });
  refused(1, [](Step& s) { get<NormStep>(s).packs[0].first_only = true; });
  refused(1, [](Step& s) { get<NormStep>(s).packs[2].from = Floats::branch; });
  refused(2, [](Step& s) { get<LinearBitsStep>(s).most.pop_back(); });
  refused(2, [](Step& s) { get<LinearBitsStep>(s).least.resize(63); });
  refused(2, [](Step& s) { get<LinearBitsStep>(s).from = Bits::context; });
  refused(2, [](Step& s) { get<LinearBitsStep>(s).product.weight = nullptr; });
  refused(5, [](Step& s) { get<AttentionStep>(s).head_size = 16; });
  refused(5, [](Step& s) { get<AttentionStep>(s).exponential.pop_back(); });
  refused(5, [](Step& s) { get<AttentionStep>(s).half_alpha = std::nanf(""); });
  const auto estimators = [](Step& s, std::size_t rows, std::size_t width, std::size_t shifts) {
    get<AttentionStep>(s).estimators.emplace(AttentionStep::Estimators{
        Tensor(Shape{rows, width}), Tensor(Shape{5}), 1.0F, 1.0F, 1.0F, Tensor(Shape{shifts})});
  };
  refused(5, [&](Step& s) { estimators(s, 6, 64, 64); });
  refused(5, [&](Step& s) { estimators(s, 1, 64, 64); });
  refused(5, [&](Step& s) { estimators(s, 9, 64, 64); });
  refused(5, [&](Step& s) { estimators(s, 5, 63, 64); });
  refused(5, [&](Step& s) { estimators(s, 5, 64, 1); });
  refused(5, [&](Step& s) {
    estimators(s, 5, 64, 64);
    get<AttentionStep>(s).exponential.clear();
  });
  refused(6, [](Step& s) { get<LinearStep>(s).to = Floats::pooled; });
  refused(6, [](Step& s) { get<LinearStep>(s).to = Floats::branch; });
  refused(6, [](Step& s) { get<LinearStep>(s).bias = Tensor(Shape{1}); });
  refused(6, [](Step& s) { get<LinearStep>(s).base.pop_back(); });
  refused(6, [](Step& s) { get<LinearStep>(s).scale = Tensor(Shape{1}); });
  refused(6, [](Step& s) { get<LinearStep>(s).step = 3; });
  refused(11, [](Step& s) { get<PackStep>(s).from = Floats::branch; });
  refused(11, [](Step& s) { get<PackStep>(s).first_only = false; });
  refused(13, [](Step& s) { get<ClassifyStep>(s).weight = Tensor(Shape{3, 63}); });
  refused(12, [](Step& s) { s = PoolStep{Tensor(Shape{64}), Tensor(Shape{64}), 1e-12F}; });
  refused(2, [](Step& s) { s = PoolStep{Tensor(Shape{64}), Tensor(Shape{64}), 1e-12F}; });

  struct Foreign : WeightLayout {};
  Plan plan = good;
  get<LinearStep>(step_at(plan, 6)).product.weight = std::make_shared<Foreign>();
  CHECK(message_of(plan, batch) == "run: the plan's weights are laid out for another device");
  get<LinearStep>(step_at(plan, 6)).product.weight = lay_out_on_cpu(BitMatrix(64, 63));
  CHECK(message_of(plan, batch) == "run: weights of 64 x 63 in a product of 64 x 64");
}

TEST_CASE("run: an exit that is not sound is refused, but only where texts may stop") {
  const Batch batch = random_batch({5}, 20);
  Plan good = test::random_plan(1, 64, 128, 32);
  PlanExit exit{.after = 2};
  for (std::size_t i = 11; i < 14; ++i) exit.steps.push_back(step_at(good, i));
  good.exits.push_back(exit);
  const auto refused = [&](auto change) {
    Plan plan = good;
    change(plan);
    CHECK(message_of(plan, batch).empty());
    CHECK_THROWS_AS((void)check_plan_with_exits(plan), Error);
  };
  CHECK(check_plan_with_exits(good).has(Floats::pooled));
  refused([](Plan& p) { p.exits[0].after = 0; });
  refused([](Plan& p) { p.exits[0].after = p.steps.size(); });
  refused([](Plan& p) { p.exits.push_back(p.exits[0]); });
  refused([](Plan& p) { p.exits[0].steps.pop_back(); });
  refused([](Plan& p) { p.exits[0].steps.clear(); });
  refused([](Plan& p) { p.exits[0].steps.erase(p.exits[0].steps.begin()); });
  refused([](Plan& p) { get<PackStep>(p.exits[0].steps.front()).from = Floats::first; });
  refused([](Plan& p) { get<ClassifyStep>(p.exits[0].steps.back()).bias = Tensor(Shape{9}); });
}

TEST_CASE("run: a plan in floats that is not sound is refused at its step") {
  constexpr std::size_t width = 24;
  test::Dice dice(21);
  const auto matrix = [&](Floats from, Floats to, std::size_t outputs, std::size_t inputs) {
    MatrixStep s;
    s.from = from;
    s.to = to;
    s.weight = test::random_matrix(dice, outputs, inputs);
    s.bias = test::random_vector(dice, outputs);
    return s;
  };
  Plan good;
  good.width = width;
  good.inner = 40;
  good.positions = 30;
  good.labels = 3;
  EmbedStep embed;
  embed.table = test::random_matrix(dice, test::random_plan_vocabulary, width);
  embed.position = test::random_matrix(dice, good.positions, width);
  embed.type = test::random_matrix(dice, 2, width);
  ClassifyStep classify;
  classify.weight = test::random_matrix(dice, 3, width);
  classify.bias = test::random_vector(dice, 3);
  good.steps = {embed,
                matrix(Floats::hidden, Floats::q, width, width),
                matrix(Floats::hidden, Floats::k, width, width),
                matrix(Floats::hidden, Floats::v, width, width),
                FloatAttentionStep{3, 0.4F},
                matrix(Floats::context, Floats::branch, width, width),
                matrix(Floats::hidden, Floats::inner, 40, width),
                FirstStep{},
                matrix(Floats::first, Floats::pooled, width, width),
                classify};
  const Batch batch = random_batch({5, 30, 1}, 22);
  REQUIRE(message_of(good, batch).empty());
  const auto refused = [&](std::size_t step, auto change) {
    Plan plan = good;
    change(step_at(plan, step));
    const std::string message = message_of(plan, batch);
    CAPTURE(message);
    CHECK(message.starts_with(concat("plan: step ", step, ": ")));
  };
  refused(1, [](Step& s) { get<MatrixStep>(s).bias = Tensor(Shape{1}); });
  refused(1, [](Step& s) { get<MatrixStep>(s).weight = Tensor(Shape{width, width + 1}); });
  refused(1, [](Step& s) { get<MatrixStep>(s).from = Floats::q; });
  refused(1, [](Step& s) { get<MatrixStep>(s).to = Floats::pooled; });
  refused(4, [](Step& s) { get<FloatAttentionStep>(s).heads = 5; });
  refused(4, [](Step& s) { get<FloatAttentionStep>(s).heads = 0; });
  refused(5, [](Step& s) { get<MatrixStep>(s).to = Floats::context; });
  refused(6, [](Step& s) { get<MatrixStep>(s).to = Floats::branch; });
  refused(8, [](Step& s) { get<MatrixStep>(s).from = Floats::hidden; });
}

TEST_CASE("run: a plan of signs and floats that is not sound is refused at its step") {
  constexpr std::size_t width = 24;
  test::Dice dice(21);
  const auto signs = [&](Floats from, Floats to, std::size_t outputs, std::size_t inputs) {
    SignStep s;
    s.from = from;
    s.to = to;
    s.signs = test::random_bits(dice, inputs, outputs);
    s.scale = test::random_vector(dice, outputs);
    s.bias = test::random_vector(dice, outputs);
    return s;
  };
  Plan good;
  good.width = width;
  good.inner = 40;
  good.positions = 30;
  good.labels = 3;
  EmbedStep embed;
  embed.table = test::random_matrix(dice, test::random_plan_vocabulary, width);
  embed.position = test::random_matrix(dice, good.positions, width);
  embed.type = test::random_matrix(dice, 2, width);
  ClassifyStep classify;
  classify.weight = test::random_matrix(dice, 3, width);
  classify.bias = test::random_vector(dice, 3);
  good.steps = {embed,
                signs(Floats::hidden, Floats::inner, 40, width),
                SigmoidStep{Floats::inner},
                signs(Floats::inner, Floats::gate, width, 40),
                signs(Floats::hidden, Floats::branch, width, width),
                MultiplyStep{},
                FirstStep{},
                signs(Floats::first, Floats::pooled, width, width),
                classify};
  const Batch batch = random_batch({5, 30, 1}, 22);
  REQUIRE(message_of(good, batch).empty());
  const auto refused = [&](std::size_t step, auto change) {
    Plan plan = good;
    change(step_at(plan, step));
    const std::string message = message_of(plan, batch);
    CAPTURE(message);
    CHECK(message.starts_with(concat("plan: step ", step, ": ")));
  };
  refused(1, [](Step& s) { get<SignStep>(s).bias = Tensor(Shape{1}); });
  refused(1, [](Step& s) { get<SignStep>(s).scale = Tensor(Shape{1}); });
  refused(1, [](Step& s) { get<SignStep>(s).signs = BitMatrix(width, 41); });
  refused(1, [](Step& s) { get<SignStep>(s).signs = BitMatrix(width + 1, 40); });
  refused(1, [](Step& s) { get<SignStep>(s).from = Floats::q; });
  refused(1, [](Step& s) { get<SignStep>(s).to = Floats::pooled; });
  refused(2, [](Step& s) { get<SigmoidStep>(s).at = Floats::gate; });
  refused(3, [](Step& s) { get<SignStep>(s).to = Floats::inner; });
  refused(5, [](Step& s) { get<MultiplyStep>(s).by = Floats::inner; });
  refused(5, [](Step& s) { get<MultiplyStep>(s).by = Floats::context; });
  refused(5, [](Step& s) { get<MultiplyStep>(s).at = Floats::pooled; });
  refused(7, [](Step& s) { get<SignStep>(s).from = Floats::hidden; });
}

TEST_CASE("run: a batch of lengths that were seen before allocates nothing") {
  if (!test::counts_allocations()) return;
  const Restore restore;
  set_threads(1);
  for (const std::size_t head_size : {32U, 64U}) {
    const Plan plan = test::random_plan(2, 128, 256, head_size);
    const Batch batch = random_batch({3, 250, 1, 17, 300, 64}, 23);
    const PlanResult first = run(plan, batch);
    (void)run(plan, batch);  // the first result is still held, and needs its own room
    const std::size_t before = test::allocation_count();
    const PlanResult again = run(plan, batch);
    CHECK(test::allocation_count() == before);
    CHECK(same_bytes(again, first));
  }
}
