#pragma once
/// run_plan_on_cpu: a model on the processor, step by step over groups of texts.
///
/// Texts are taken in order in groups of some 256 tokens: few enough that a group's numbers stay in
/// the second-level cache, enough that weights are fetched once for many rows. Groups depend on the
/// texts' lengths alone and share nothing, so they run on any number of threads to the same bytes;
/// and no step mixes texts, so neither does a text's result depend on its neighbours.

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "bipft/core/bit_matrix.hpp"
#include "bipft/core/error.hpp"
#include "bipft/core/parallel.hpp"
#include "bipft/core/pool.hpp"
#include "bipft/core/ragged.hpp"
#include "bipft/core/tensor.hpp"
#include "bipft/device/cpu_layout.hpp"
#include "bipft/device/estimates.hpp"
#include "bipft/device/plan.hpp"
#include "bipft/device/plan_check.hpp"
#include "bipft/device/runner.hpp"
#include "bipft/kernels/table.hpp"

namespace bipft {

namespace detail {

inline constexpr std::size_t group_tokens = 256;

/// The target that all weights of a plan are laid out for.
[[nodiscard]] inline const kernels::KernelTable& kernels_of(const Plan& plan) {
  const kernels::KernelTable* kernels = nullptr;
  for (const Step& step : plan.steps) {
    const auto* floats = get_if<LinearStep>(&step);
    const auto* bits = get_if<LinearBitsStep>(&step);
    if (floats == nullptr && bits == nullptr) continue;
    const Product& product = floats != nullptr ? floats->product : bits->product;
    const auto* layout = dynamic_cast<const CpuLayout*>(product.weight.get());
    if (layout == nullptr) fail("run: the plan's weights are laid out for another device");
    if (layout->outputs() != product.outputs || layout->inputs() != product.inputs) {
      fail("run: weights of ", layout->outputs(), " x ", layout->inputs(), " in a product of ",
           product.outputs, " x ", product.inputs);
    }
    if (kernels == nullptr) kernels = &layout->kernels();
    if (kernels != &layout->kernels()) {
      fail("run: weights laid out for ", kernels->name, " and for ", layout->kernels().name,
           " in one plan");
    }
  }
  return kernels != nullptr ? *kernels : kernels::active();
}

/// The first text of each group, and the number of texts. From the pool, as all that a run takes.
[[nodiscard]] inline BasicTensor<std::uint32_t> group_texts(const Ragged& texts) {
  BasicTensor<std::uint32_t> groups;
  for (const bool counted : {false, true}) {  // how many there are, and then which
    std::size_t count = 0;
    const auto add = [&](std::size_t text) {
      if (counted) groups.mutable_data()[count] = static_cast<std::uint32_t>(text);
      ++count;
    };
    std::size_t first = 0;
    add(first);
    for (std::size_t b = 1; b < texts.texts(); ++b) {
      if (texts.begin(b + 1) - texts.begin(first) > group_tokens) add(first = b);
    }
    add(texts.texts());
    if (!counted) groups = BasicTensor<std::uint32_t>::uninitialized(Shape{count});
  }
  return groups;
}

/// One block of the pool, cut into aligned arrays.
class Workspace {
 public:
  explicit Workspace(std::size_t bytes) : memory_(bytes) {}

  template <class T>
  [[nodiscard]] static std::size_t size_of(std::size_t count) {
    return (count * sizeof(T) + BufferPool::alignment - 1) / BufferPool::alignment *
           BufferPool::alignment;
  }
  template <class T>
  [[nodiscard]] T* take(std::size_t count) {
    void* const begin = memory_.begin() + used_;
    used_ += size_of<T>(count);
    return static_cast<T*>(begin);
  }

 private:
  PoolArray<std::byte> memory_;
  std::size_t used_ = 0;
};

/// What a run was asked for, and where its answer goes.
struct PlanRun {
  const Plan& plan;
  PlanBuffers buffers;
  const kernels::KernelTable& kernels;
  const std::int32_t* ids;
  const std::int32_t* type_ids;
  const Ragged& texts;
  float* logits;  ///< [B, K]
  float* hidden;  ///< [N, C], or none
};

/// One group of texts on its way through the plan. Rows here are counted from its first token.
class PlanGroup {
 public:
  PlanGroup(const PlanRun& run, std::size_t first_text, std::size_t end_text)
      : run_(run),
        kernels_(run.kernels),
        width_(run.plan.width),
        first_(first_text),
        texts_(end_text - first_text),
        begin_(run.texts.begin(first_text)),
        tokens_(run.texts.begin(end_text) - begin_),
        workspace_(bytes()) {
    for (std::size_t i = 0; i < float_buffers; ++i) {
      floats_[i] = workspace_.take<float>(floats_of(static_cast<Floats>(i)));
    }
    for (std::size_t i = 0; i < bit_buffers; ++i) {
      bits_[i] = workspace_.take<std::uint64_t>(words_of(static_cast<Bits>(i)));
    }
    if (run.hidden != nullptr) hidden() = run.hidden + begin_ * width_;
    scores_ = workspace_.take<float>(scores());
    product_ = workspace_.take<float>(product_floats());
    estimates_ = workspace_.take<float>(estimate_floats());
    scratch_ = workspace_.take<std::uint32_t>(scratch());
  }

  void walk() {
    for (const Step& step : run_.plan.steps) visit(*this, step);
  }

  void operator()(const EmbedStep& s) {
    const BitView table = s.bits.empty() ? BitView{} : s.bits.view();
    for (std::size_t b = 0; b < texts_; ++b) {
      for (std::size_t t = 0; t < length(b); ++t) {
        const std::size_t n = row(b) + t;
        const auto id = static_cast<std::size_t>(run_.ids[begin_ + n]);
        const auto type = static_cast<std::size_t>(run_.type_ids[begin_ + n]);
        float* const y = hidden() + n * width_;
        const float* word = y;
        if (s.bits.empty()) {
          word = s.table.row(id).data();
        } else {
          const float scale = s.scale.data()[id];
          kernels_.unpack_row(table.row(id), width_, -scale, scale, y);
        }
        kernels_.add(word, s.position.row(t).data(), width_, y);
        kernels_.add(y, s.type.row(type).data(), width_, y);
      }
    }
  }

  void operator()(const PackStep& s) {
    if (!s.first_only) return pack(s, 0, tokens_);
    for (std::size_t b = 0; b < texts_; ++b) pack_row(s, row(b), b);
  }

  void operator()(const LinearStep& s) {
    kernels::BinaryProduct p = product(s.product, s.from);
    p.step = s.step;
    p.base = s.base.data();
    float* const y = floats(s.to);
    kernels_.bgemm_floats(p, s.scale.data().data(), s.bias.data().data(), s.add ? y : nullptr, y);
  }

  void operator()(const LinearBitsStep& s) {
    const std::int32_t* const least = s.least.empty() ? nullptr : s.least.data();
    kernels_.bgemm_bits(product(s.product, s.from), s.most.data(), least, bits(s.to),
                        words_for(s.product.outputs));
  }

  void operator()(const AttentionStep& s) {
    const std::size_t words = words_for(width_);
    for (std::size_t b = 0; b < texts_; ++b) {
      kernels::BitAttention a;
      a.q = {bits(Bits::q) + row(b) * words, length(b), width_, words};
      a.k = {bits(Bits::k) + row(b) * words, length(b), width_, words};
      a.v = {bits(Bits::v) + row(b) * words, length(b), width_, words};
      a.heads = s.heads;
      a.head_size = s.head_size;
      a.exponential = s.exponential.empty() ? nullptr : s.exponential.data();
      a.half_alpha = s.half_alpha;
      a.most = s.most;
      a.threshold = s.threshold.data();
      if (s.estimators) a.estimates = estimate(*s.estimators, b);
      a.context = bits(Bits::context) + row(b) * words;
      a.scratch = scratch_;
      kernels_.bit_attention(a);
    }
  }

  void operator()(const MatrixStep& s) {
    kernels::MatrixProduct product;
    product.a = floats(s.from);
    product.a_stride = product.k = s.weight.cols();
    product.b = s.weight.data().data();
    product.b_stride = s.weight.cols();
    product.b_transposed = true;
    product.c = floats(s.to);
    product.c_stride = product.n = s.weight.rows();
    product.m = rows_of(s.to);
    product.bias = s.bias.data().data();
    kernels_.product(product, product_);
    activate(s.activation, product.c, product.m * product.n);
  }

  void operator()(const SignStep& s) {
    kernels::SignProduct product;
    product.a = floats(s.from);
    product.a_stride = s.signs.rows();
    product.signs = s.signs.view();
    product.c = floats(s.to);
    product.c_stride = product.n = s.signs.cols();
    product.m = rows_of(s.to);
    kernels_.sign_linear(product, s.scale.data().data(), s.bias.data().data(), product_);
    activate(s.activation, product.c, product.m * product.n);
  }

  void operator()(const SigmoidStep& s) {
    kernels_.sigmoid(floats(s.at), rows_of(s.at) * cols_of(run_.plan, s.at), floats(s.at));
  }

  void operator()(const MultiplyStep& s) {
    float* const at = floats(s.at);
    kernels_.multiply(at, floats(s.by), rows_of(s.at) * cols_of(run_.plan, s.at), at);
  }

  void operator()(const FloatAttentionStep& s) {
    const std::size_t head_size = width_ / s.heads;
    const auto multiply = s.plain ? kernels_.plain_product : kernels_.product;
    for (std::size_t b = 0; b < texts_; ++b) {
      const std::size_t tokens = length(b);
      for (std::size_t head = 0; head < s.heads; ++head) {
        const std::size_t begin = row(b) * width_ + head * head_size;
        kernels::MatrixProduct scores;
        scores.a = floats(Floats::q) + begin;
        scores.b = floats(Floats::k) + begin;
        scores.a_stride = scores.b_stride = width_;
        scores.b_transposed = true;
        scores.c = scores_;
        scores.c_stride = scores.m = scores.n = tokens;
        scores.k = head_size;
        scores.scale = s.scale;
        multiply(scores, product_);
        kernels_.softmax(scores_, tokens, tokens, scores_);

        kernels::MatrixProduct mix;
        mix.a = scores_;
        mix.a_stride = mix.m = mix.k = tokens;
        mix.b = floats(Floats::v) + begin;
        mix.c = floats(Floats::context) + begin;
        mix.b_stride = mix.c_stride = width_;
        mix.n = head_size;
        multiply(mix, product_);
      }
    }
  }

  void operator()(const FirstStep& /*s*/) {
    for (std::size_t b = 0; b < texts_; ++b) {
      std::copy_n(hidden() + row(b) * width_, width_, floats(Floats::first) + b * width_);
    }
  }

  void operator()(const NormStep& s) {
    constexpr std::size_t block = 8;  // rows that stay in the first-level cache
    for (std::size_t n = 0; n < tokens_; n += block) {
      const std::size_t rows = std::min(block, tokens_ - n);
      float* const y = hidden() + n * width_;
      if (s.add_branch) kernels_.add(y, floats(Floats::branch) + n * width_, rows * width_, y);
      kernels_.layer_norm(y, rows, width_, s.gamma.data().data(), s.beta.data().data(), s.epsilon,
                          y, nullptr, nullptr);
      for (const PackStep& step : s.packs) pack(step, n, rows);
    }
  }

  void operator()(const PoolStep& s) {
    float* const y = floats(Floats::pooled);
    kernels_.layer_norm(y, texts_, width_, s.gamma.data().data(), s.beta.data().data(), s.epsilon,
                        y, nullptr, nullptr);
    for (std::size_t b = 0; b < texts_; ++b) {
      kernels_.add(y + b * width_, hidden() + row(b) * width_, width_, y + b * width_);
    }
  }

  void operator()(const ClassifyStep& s) {
    float* const pooled = floats(Floats::pooled);
    kernels_.tanh(pooled, texts_ * width_, pooled);
    const std::size_t labels = run_.plan.labels;
    for (std::size_t b = 0; b < texts_; ++b) {
      for (std::size_t k = 0; k < labels; ++k) {
        run_.logits[(first_ + b) * labels + k] =
            kernels_.row_dot(pooled + b * width_, s.weight.row(k).data(), width_) +
            s.bias.data()[k];
      }
    }
  }

 private:
  static constexpr std::size_t float_buffers = static_cast<std::size_t>(Floats::pooled) + 1;
  static constexpr std::size_t bit_buffers = static_cast<std::size_t>(Bits::pooler_in) + 1;

  template <class Buffer>
  [[nodiscard]] std::size_t rows_of(Buffer buffer) const {
    return row_a_text(buffer) ? texts_ : tokens_;
  }
  /// Elements to set aside: none for what the plan never writes, or the caller provides.
  [[nodiscard]] std::size_t floats_of(Floats name) const {
    if (!run_.buffers.has(name) || (name == Floats::hidden && run_.hidden != nullptr)) return 0;
    return rows_of(name) * cols_of(run_.plan, name);
  }
  [[nodiscard]] std::size_t words_of(Bits name) const {
    return run_.buffers.has(name) ? rows_of(name) * words_for(cols_of(run_.plan, name)) : 0;
  }
  [[nodiscard]] std::size_t longest() const {
    std::size_t most = 0;
    for (std::size_t b = 0; b < texts_; ++b) most = std::max(most, length(b));
    return most;
  }
  /// One head's scores, and the panels of a product, of a plan in floats.
  [[nodiscard]] std::size_t scores() const {
    return run_.buffers.has(Floats::context) ? longest() * longest() : 0;
  }
  [[nodiscard]] std::size_t product_floats() const {
    return std::max(run_.buffers.float_products ? kernels_.product_workspace : 0,
                    run_.buffers.sign_products ? kernels_.sign_linear_workspace : 0);
  }
  /// The longest text's estimates and their sides, keys padded as attention wants them.
  [[nodiscard]] std::size_t estimate_floats() const {
    const std::size_t rank = run_.buffers.estimate_rank;
    if (rank == 0) return 0;
    const std::size_t keys = kernels::attention_keys(longest());
    return keys * (estimate_columns(rank) + 4 * rank + 1);
  }
  /// Of the largest product and of the longest text's attention, of a plan in bits.
  [[nodiscard]] std::size_t scratch() const {
    if (!run_.buffers.any_bits()) return 0;
    return std::max(kernels::product_scratch(std::max(width_, run_.plan.inner)),
                    kernels::attention_scratch(longest(), width_));
  }
  [[nodiscard]] std::size_t bytes() const {
    std::size_t total =
        Workspace::size_of<float>(scores()) + Workspace::size_of<float>(product_floats()) +
        Workspace::size_of<float>(estimate_floats()) + Workspace::size_of<std::uint32_t>(scratch());
    for (std::size_t i = 0; i < float_buffers; ++i) {
      total += Workspace::size_of<float>(floats_of(static_cast<Floats>(i)));
    }
    for (std::size_t i = 0; i < bit_buffers; ++i) {
      total += Workspace::size_of<std::uint64_t>(words_of(static_cast<Bits>(i)));
    }
    return total;
  }

  [[nodiscard]] std::size_t row(std::size_t b) const {
    return run_.texts.begin(first_ + b) - begin_;
  }
  [[nodiscard]] std::size_t length(std::size_t b) const { return run_.texts.length(first_ + b); }

  [[nodiscard]] float*& hidden() { return floats_[static_cast<std::size_t>(Floats::hidden)]; }
  [[nodiscard]] float* floats(Floats name) const { return floats_[static_cast<std::size_t>(name)]; }
  [[nodiscard]] std::uint64_t* bits(Bits name) const {
    return bits_[static_cast<std::size_t>(name)];
  }

  void activate(std::optional<Activation> f, float* y, std::size_t count) const {
    if (!f) return;
    const auto function = *f == Activation::relu   ? kernels_.relu
                          : *f == Activation::gelu ? kernels_.gelu
                                                   : kernels_.tanh;
    function(y, count, y);
  }

  /// The estimates of text b, from its hidden states.
  [[nodiscard]] kernels::BitEstimates estimate(const AttentionStep::Estimators& s, std::size_t b) {
    const std::size_t tokens = length(b);
    const std::size_t columns = s.weight.rows();
    const std::size_t sides = 2 * estimate_rank(columns);
    const std::size_t keys = kernels::attention_keys(tokens);
    float* const rows = estimates_;
    float* const query = rows + tokens * columns;
    float* const key = query + tokens * sides;
    float* const value = key + keys * sides;
    kernels_.row_linear(hidden() + row(b) * width_, tokens, s.weight.data().data(),
                        s.bias.data().data(), columns, width_, rows);
    std::fill_n(key, keys * (sides + 1), 0.0F);
    spread_estimates(rows, tokens, sides / 2, s.factor, {query, key, value, keys});
    return {sides, query, key, value, s.mixed, s.alpha, s.shift.data().data()};
  }

  [[nodiscard]] kernels::BinaryProduct product(const Product& p, Bits from) const {
    const std::size_t cols = cols_of(run_.plan, from);
    kernels::BinaryProduct result;
    result.a = {bits(from), rows_of(from), cols, words_for(cols)};
    result.weight = static_cast<const CpuLayout&>(*p.weight).panels();
    result.outputs = p.outputs;
    result.scratch = scratch_;
    return result;
  }

  /// Rows `first` and following, as many as `rows`.
  void pack(const PackStep& s, std::size_t first, std::size_t rows) const {
    for (std::size_t n = first; n < first + rows; ++n) pack_row(s, n, n);
  }
  void pack_row(const PackStep& s, std::size_t from, std::size_t to) const {
    const float* const shift = s.shift.empty() ? nullptr : s.shift.data().data();
    kernels_.pack_row(floats(s.from) + from * width_, shift, width_, s.threshold, s.strict,
                      bits(s.to) + to * words_for(width_));
  }

  const PlanRun& run_;
  const kernels::KernelTable& kernels_;
  std::size_t width_;
  std::size_t first_;  // text
  std::size_t texts_;
  std::size_t begin_;  // token
  std::size_t tokens_;
  Workspace workspace_;
  std::array<float*, float_buffers> floats_{};
  std::array<std::uint64_t*, bit_buffers> bits_{};
  float* scores_ = nullptr;
  float* product_ = nullptr;
  float* estimates_ = nullptr;
  std::uint32_t* scratch_ = nullptr;
};

}  // namespace detail

/// Device::run, on the target that the plan's weights are laid out for.
/// Throws Error if the plan is not sound, or if an id or a length does not fit it.
[[nodiscard]] inline PlanResult run_plan_on_cpu(const Plan& plan, const IdTensor& ids,
                                                const IdTensor& type_ids, const Ragged& texts,
                                                bool want_hidden) {
  const PlanBuffers buffers = check_plan(plan);
  check_batch(plan, ids, type_ids, texts);
  PlanResult result;
  if (texts.texts() == 0) return result;
  result.logits = Tensor::uninitialized(Shape{texts.texts(), plan.labels});
  if (want_hidden) result.hidden = Tensor::uninitialized(Shape{texts.tokens(), plan.width});

  const detail::PlanRun run{plan,
                            buffers,
                            detail::kernels_of(plan),
                            ids.data().data(),
                            type_ids.data().data(),
                            texts,
                            result.logits.mutable_data().data(),
                            want_hidden ? result.hidden.mutable_data().data() : nullptr};
  const BasicTensor<std::uint32_t> groups = detail::group_texts(texts);
  const auto first_text = groups.data();
  parallel_for(first_text.size() - 1, 1, [&](std::size_t g, std::size_t /*end*/) {
    detail::PlanGroup(run, first_text[g], first_text[g + 1]).walk();
  });
  return result;
}

}  // namespace bipft
