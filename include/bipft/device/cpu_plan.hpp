#pragma once
/// run_plan_on_cpu: a model on the processor, step by step over groups of texts.
///
/// Texts are taken in order in groups of some 256 tokens: few enough that a group's numbers stay in
/// the second-level cache, enough that weights are fetched once for many rows. Groups depend on the
/// texts' lengths alone and share nothing, so they run on any number of threads to the same bytes;
/// and no step mixes texts, so neither does a text's result depend on its neighbours.
///
/// Where texts may stop early, a group closes its ranks behind every exit: nothing is computed any
/// more for texts that have left, and the rows of the others lie as densely as ever.

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "bipft/core/bit_matrix.hpp"
#include "bipft/core/error.hpp"
#include "bipft/core/parallel.hpp"
#include "bipft/core/pool.hpp"
#include "bipft/core/ragged.hpp"
#include "bipft/core/tensor.hpp"
#include "bipft/device/cpu_layout.hpp"
#include "bipft/device/estimates.hpp"
#include "bipft/device/exit_request.hpp"
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
  const auto look_at = [&](const Step& step) {
    const auto* floats = get_if<LinearStep>(&step);
    const auto* bits = get_if<LinearBitsStep>(&step);
    if (floats == nullptr && bits == nullptr) return;
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
  };
  for (const Step& step : plan.steps) look_at(step);
  for (const PlanExit& exit : plan.exits) {
    for (const Step& step : exit.steps) look_at(step);
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
  float* logits;  ///< [B, K], or of all exits [B, E, K]
  float* hidden;  ///< [N, C], or none
  const ExitRequest* exits = nullptr;
  std::uint32_t* stops = nullptr;  ///< [B], with exits
  float* doubts = nullptr;         ///< [B, E - 1], with all exits, or none
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
    begins_ = workspace_.take<std::uint32_t>(texts_ + 1);
    names_ = workspace_.take<std::uint32_t>(texts_);
    for (std::size_t b = 0; b <= texts_; ++b) {
      begins_[b] = static_cast<std::uint32_t>(run.texts.begin(first_ + b) - begin_);
      if (b < texts_) names_[b] = static_cast<std::uint32_t>(first_ + b);
    }
    if (!stops()) return;
    before_ = workspace_.take<float>(texts_ * run.plan.labels);
    softened_ = workspace_.take<float>(2 * run.plan.labels);
    memories_ = workspace_.take<ExitMemory>(texts_);
    doubts_ = workspace_.take<float>(texts_);
    std::fill_n(memories_, texts_, ExitMemory{});
  }

  void walk() {
    const std::size_t exits = run_.exits != nullptr ? run_.plan.exits.size() : 0;
    std::size_t done = 0;
    for (const Step& step : run_.plan.steps) {
      visit(*this, step);
      ++done;
      if (exit_ == exits || run_.plan.exits[exit_].after != done) continue;
      for (const Step& head : run_.plan.exits[exit_].steps) visit(*this, head);
      if (stops()) let_leave();
      if (texts_ == 0) return;
      ++exit_;
    }
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
    if (!s.first_only) return pack(s, 0, rows_of(s.from));
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

  void operator()(const FirstStep& s) {
    for (std::size_t b = 0; b < texts_; ++b) {
      const float* const from = hidden() + row(b) * width_;
      float* const to = floats(Floats::first) + b * width_;
      if (!s.mean) {
        std::copy_n(from, width_, to);
        continue;
      }
      std::fill_n(to, width_, 0.0F);
      for (std::size_t t = 0; t < length(b); ++t) kernels_.add(to, from + t * width_, width_, to);
      const float share = 1.0F / static_cast<float>(length(b));
      for (std::size_t c = 0; c < width_; ++c) to[c] *= share;
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
      const float* const read = s.read == Floats::hidden ? hidden() + row(b) * width_
                                                         : floats(Floats::first) + b * width_;
      kernels_.add(y + b * width_, read, width_, y + b * width_);
    }
  }

  void operator()(const ClassifyStep& s) {
    float* const pooled = floats(Floats::pooled);
    kernels_.tanh(pooled, texts_ * width_, pooled);
    const std::size_t labels = run_.plan.labels;
    for (std::size_t b = 0; b < texts_; ++b) {
      float* const row = logits(b);
      if (stops() && exit_ > 0) std::copy_n(row, labels, before_ + b * labels);
      for (std::size_t k = 0; k < labels; ++k) {
        row[k] = kernels_.row_dot(pooled + b * width_, s.weight.row(k).data(), width_) +
                 s.bias.data()[k];
      }
    }
    if (s.doubt_weight.empty()) return;
    for (std::size_t b = 0; b < texts_; ++b) {
      float* const doubt =
          stops() ? doubts_ + b : run_.doubts + names_[b] * run_.plan.exits.size() + exit_;
      *doubt = kernels_.row_dot(pooled + b * width_, s.doubt_weight.data().data(), width_) +
               s.doubt_bias.data()[0];
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
    for (std::size_t b = 0; b < texts_; ++b) most = std::max(most, run_.texts.length(first_ + b));
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
        Workspace::size_of<float>(estimate_floats()) +
        Workspace::size_of<std::uint32_t>(scratch()) +
        Workspace::size_of<std::uint32_t>(texts_ + 1) + Workspace::size_of<std::uint32_t>(texts_);
    if (stops()) {
      total += Workspace::size_of<float>(texts_ * run_.plan.labels) +
               Workspace::size_of<float>(2 * run_.plan.labels) +
               Workspace::size_of<ExitMemory>(texts_) + Workspace::size_of<float>(texts_);
    }
    for (std::size_t i = 0; i < float_buffers; ++i) {
      total += Workspace::size_of<float>(floats_of(static_cast<Floats>(i)));
    }
    for (std::size_t i = 0; i < bit_buffers; ++i) {
      total += Workspace::size_of<std::uint64_t>(words_of(static_cast<Bits>(i)));
    }
    return total;
  }

  [[nodiscard]] std::size_t row(std::size_t b) const { return begins_[b]; }
  [[nodiscard]] std::size_t length(std::size_t b) const { return begins_[b + 1] - begins_[b]; }

  /// Whether texts may leave, for what they are answered here.
  [[nodiscard]] bool stops() const { return run_.exits != nullptr && !run_.exits->all; }
  /// Where the logits of text b go: over those of the exit before, unless all are asked for.
  [[nodiscard]] float* logits(std::size_t b) const {
    std::size_t at = names_[b];
    if (run_.exits != nullptr && run_.exits->all) at = at * (run_.plan.exits.size() + 1) + exit_;
    return run_.logits + at * run_.plan.labels;
  }

  /// Whoever is answered leaves, and the others move up.
  void let_leave() {
    const std::size_t labels = run_.plan.labels;
    const bool tells = run_.plan.tells_doubts();
    std::size_t kept = 0;
    std::size_t tokens = 0;
    for (std::size_t b = 0; b < texts_; ++b) {
      const std::size_t begin = row(b);
      const std::size_t count = length(b);
      const std::span<const float> before(before_ + b * labels, exit_ > 0 ? labels : 0);
      const double doubt = tells ? doubt_of(doubts_[b]) : ExitPoint::none;
      if (leaves(*run_.exits, exit_, run_.plan.exits.size() + 1, count, {logits(b), labels}, before,
                 doubt, softened_, memories_[b])) {
        run_.stops[names_[b]] = static_cast<std::uint32_t>(exit_);
        continue;
      }
      if (kept < b) {
        move_rows(begin, count, tokens);
        names_[kept] = names_[b];
        memories_[kept] = memories_[b];
      }
      begins_[kept++] = static_cast<std::uint32_t>(tokens);
      tokens += count;
      begins_[kept] = static_cast<std::uint32_t>(tokens);
    }
    texts_ = kept;
    tokens_ = tokens;
  }
  /// What the next layer reads of a text.
  void move_rows(std::size_t from, std::size_t rows, std::size_t to) {
    std::copy_n(hidden() + from * width_, rows * width_, hidden() + to * width_);
    const std::size_t words = words_for(width_);
    for (const Bits name : {Bits::q_in, Bits::k_in, Bits::v_in}) {
      if (!run_.buffers.has(name)) continue;
      std::copy_n(bits(name) + from * words, rows * words, bits(name) + to * words);
    }
  }

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
  std::uint32_t* begins_ = nullptr;  // [texts + 1]: the first row of each, and the number of rows
  std::uint32_t* names_ = nullptr;   // [texts]: which of the batch they are
  std::size_t exit_ = 0;             // how many have been passed
  // Where texts may leave:
  float* before_ = nullptr;    // [texts, K]: their logits at the exit before
  float* softened_ = nullptr;  // [2, K]
  ExitMemory* memories_ = nullptr;
  float* doubts_ = nullptr;  // [texts]
};

}  // namespace detail

/// Runner::run and, with `exits`, Runner::run_exits, on the target that the plan's weights are laid
/// out for. Throws Error if the plan is not sound, or if an id or a length does not fit it.
[[nodiscard]] inline PlanResult run_plan_on_cpu(const Plan& plan, const IdTensor& ids,
                                                const IdTensor& type_ids, const Ragged& texts,
                                                bool want_hidden,
                                                const ExitRequest* exits = nullptr) {
  const PlanBuffers buffers = exits != nullptr ? check_plan_with_exits(plan) : check_plan(plan);
  check_batch(plan, ids, type_ids, texts);
  const std::size_t places = plan.exits.size() + 1;
  if (exits != nullptr) check_exits(*exits, places);
  PlanResult result;
  if (texts.texts() == 0) return result;
  const bool all = exits != nullptr && exits->all;
  result.logits = Tensor::uninitialized(Shape{texts.texts(), (all ? places : 1) * plan.labels});
  if (all && plan.tells_doubts()) {
    result.doubts = Tensor::uninitialized(Shape{texts.texts(), places - 1});
  }
  if (exits != nullptr && !all) {
    result.stops = BasicTensor<std::uint32_t>(Shape{texts.texts()}, std::uint32_t(places - 1));
  }
  if (want_hidden) result.hidden = Tensor::uninitialized(Shape{texts.tokens(), plan.width});

  const detail::PlanRun run{plan,
                            buffers,
                            detail::kernels_of(plan),
                            ids.data().data(),
                            type_ids.data().data(),
                            texts,
                            result.logits.mutable_data().data(),
                            want_hidden ? result.hidden.mutable_data().data() : nullptr,
                            exits,
                            result.stops.empty() ? nullptr : result.stops.mutable_data().data(),
                            result.doubts.empty() ? nullptr : result.doubts.mutable_data().data()};
  const BasicTensor<std::uint32_t> groups = detail::group_texts(texts);
  const auto first_text = groups.data();
  parallel_for(first_text.size() - 1, 1, [&](std::size_t g, std::size_t /*end*/) {
    detail::PlanGroup(run, first_text[g], first_text[g + 1]).walk();
  });
  return result;
}

}  // namespace bipft
