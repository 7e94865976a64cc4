#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <concepts>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "bipft/core/parallel.hpp"
#include "bipft/device/cpu_plan.hpp"
#include "bipft/kernels/dispatch.hpp"
#include "support/bits.hpp"
#include "support/counting_allocator.hpp"
#include "support/random_plan.hpp"

using namespace bipft;
using test::complaint;

namespace {

/// Text b of a batch, alone.
test::PlanBatch one_text(const test::PlanBatch& all, std::size_t b) {
  const std::size_t begin = all.texts.begin(b);
  const std::size_t length = all.texts.length(b);
  return {IdTensor(Shape{length}, all.ids.data().subspan(begin, length)),
          IdTensor(Shape{length}, all.types.data().subspan(begin, length)),
          Ragged(std::vector<std::size_t>{length})};
}

bool same_bytes(std::span<const float> a, std::span<const float> b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size_bytes()) == 0;
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
  PlainWalk(const Plan& plan, const std::vector<BitMatrix>& weights, const test::PlanBatch& text)
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
  const test::PlanBatch& text_;
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
        auto& inner = get<LinearBitsStep>(test::step_at(plan, 8));
        REQUIRE(inner.to == Bits::inner);
        inner.least = test::random_limits(dice, 200, width / 2 + 6);
      }
      const test::PlanBatch batch = test::random_batch(12, {7, 1, 40});
      const PlanResult result = batch.on_cpu(plan);
      REQUIRE(result.logits.shape() == Shape{3, 3});
      REQUIRE(result.hidden.shape() == Shape{48, width});
      for (std::size_t b = 0; b < 3; ++b) {
        const test::PlanBatch text = one_text(batch, b);
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
      const test::PlanBatch batch = test::random_batch(12, {7, 1, 40});
      const PlanResult result = batch.on_cpu(plan);
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
    const test::PlanBatch batch =
        test::random_batch(13, {3, 250, 1, 17, 300, 64, 65, 128, 2, 520, 30});
    const PlanResult together = batch.on_cpu(plan);
    for (std::size_t b = 0; b < batch.texts.texts(); ++b) {
      CAPTURE(b);
      const PlanResult alone = one_text(batch, b).on_cpu(plan);
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
  const test::PlanBatch batch = test::random_batch(15, lengths);
  kernels::select_target("scalar");
  set_threads(1);
  const PlanResult expected = batch.on_cpu(test::random_plan(2, 128, 256, 64));
  for (const kernels::KernelTable* target : kernels::supported_targets()) {
    CAPTURE(target->name);
    kernels::select_target(target->name);
    const Plan plan = test::random_plan(2, 128, 256, 64);
    for (const std::size_t count : {1U, 2U, 3U, 7U}) {
      CAPTURE(count);
      set_threads(count);
      CHECK(test::equal_bytes(batch.on_cpu(plan), expected));
    }
  }
}

TEST_CASE("run: a plan stays on the target that its weights were laid out for") {
  const Restore restore;
  const test::PlanBatch batch = test::random_batch(16, {5, 9});
  kernels::select_target("scalar");
  const Plan plan = test::random_plan(1, 64, 128, 32);
  const PlanResult expected = batch.on_cpu(plan);
  for (const kernels::KernelTable* target : kernels::supported_targets()) {
    kernels::select_target(target->name);
    CHECK(test::equal_bytes(batch.on_cpu(plan), expected));
  }
}

TEST_CASE("run: hidden states only for whoever asks, and nothing for no texts") {
  const Plan plan = test::random_plan(1, 64, 128, 32);
  const test::PlanBatch batch = test::random_batch(17, {5, 9});
  const PlanResult with = batch.on_cpu(plan);
  const PlanResult without = run_plan_on_cpu(plan, batch.ids, batch.types, batch.texts, false);
  CHECK(without.hidden.empty());
  CHECK(same_bytes(with.logits.data(), without.logits.data()));
  CHECK(test::PlanBatch{}.on_cpu(plan).logits.empty());
}

TEST_CASE("run: ids, type ids and lengths that do not fit are named") {
  const Plan plan = test::random_plan(1, 64, 128, 32);
  test::PlanBatch batch = test::random_batch(18, {5, 9});
  batch.ids.mutable_data()[7] = 300;
  CHECK(complaint(plan, batch) == "run: text 1, token 2: token id 300 is not one of 0 to 299");
  batch.ids.mutable_data()[7] = -1;
  CHECK(complaint(plan, batch) == "run: text 1, token 2: token id -1 is not one of 0 to 299");
  batch.ids.mutable_data()[7] = 0;
  batch.types.mutable_data()[0] = 2;
  CHECK(complaint(plan, batch) == "run: text 0, token 0: type id 2 is not one of 0 to 1");
  batch.types = IdTensor(Shape{13});
  CHECK(complaint(plan, batch) == "run: 13 type ids for 14 tokens");
  CHECK(complaint(plan, test::random_batch(19, {1, 521})) ==
        "run: text 1 has 521 tokens, but the model was made for 520 at most; cut the text");
}

TEST_CASE("run: a batch of lengths that were seen before allocates nothing") {
  if (!test::counts_allocations()) return;
  const Restore restore;
  set_threads(1);
  for (const std::size_t head_size : {32U, 64U}) {
    const Plan plan = test::random_plan(2, 128, 256, head_size);
    const test::PlanBatch batch = test::random_batch(23, {3, 250, 1, 17, 300, 64});
    const PlanResult first = batch.on_cpu(plan);
    (void)batch.on_cpu(plan);  // the first result is still held, and needs its own room
    const std::size_t before = test::allocation_count();
    const PlanResult again = batch.on_cpu(plan);
    CHECK(test::allocation_count() == before);
    CHECK(test::equal_bytes(again, first));
  }
}
