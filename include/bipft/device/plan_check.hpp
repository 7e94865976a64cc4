#pragma once
/// check_plan, check_batch: what every device asks of a plan and of the texts it is to run on.
///
/// A plan that passes reads no buffer before it is written and no element outside its tensors; a
/// batch that passes asks for no row that the plan's tables lack. So a device need not look again.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "bipft/core/error.hpp"
#include "bipft/core/ragged.hpp"
#include "bipft/core/tensor.hpp"
#include "bipft/device/estimates.hpp"
#include "bipft/device/plan.hpp"

namespace bipft {

/// Columns of a plan's bit buffer.
[[nodiscard]] inline std::size_t cols_of(const Plan& plan, Bits bits) {
  return bits == Bits::inner ? plan.inner : plan.width;
}
/// Has the buffer one row a text instead of one a token?
[[nodiscard]] inline bool row_a_text(Bits bits) { return bits == Bits::pooler_in; }
[[nodiscard]] inline std::size_t cols_of(const Plan& plan, Floats floats) {
  return floats == Floats::inner ? plan.inner : plan.width;
}
[[nodiscard]] inline bool row_a_text(Floats floats) {
  return floats == Floats::first || floats == Floats::pooled;
}

/// What a plan needs room for: the buffers that it writes, and its products.
class PlanBuffers {
 public:
  bool float_products = false;
  bool sign_products = false;
  std::size_t estimate_rank = 0;  ///< the highest

  [[nodiscard]] bool any_bits() const { return written_ >= mark(Bits{}); }
  [[nodiscard]] bool has(Floats floats) const { return (written_ & mark(floats)) != 0; }
  [[nodiscard]] bool has(Bits bits) const { return (written_ & mark(bits)) != 0; }
  void add(Floats floats) { written_ |= mark(floats); }
  void add(Bits bits) { written_ |= mark(bits); }
  void add(const PlanBuffers& others) {
    float_products |= others.float_products;
    sign_products |= others.sign_products;
    estimate_rank = std::max(estimate_rank, others.estimate_rank);
    written_ |= others.written_;
  }

 private:
  static unsigned mark(Floats floats) { return 1U << static_cast<unsigned>(floats); }
  static unsigned mark(Bits bits) { return 0x10000U << static_cast<unsigned>(bits); }

  unsigned written_ = 0;
};

namespace detail {

/// Checks one step after the other; remembers which buffers have been written.
class PlanCheck {
 public:
  explicit PlanCheck(const Plan& plan) : plan_(plan) {}

  /// `with_exits`: and what stands at exits, of which nothing that follows may be in need, for a
  /// run may pass over them.
  PlanBuffers run(bool with_exits) {
    if (plan_.width == 0 || plan_.positions == 0) {
      fail("plan: width ", plan_.width, " and positions ", plan_.positions,
           " must both be at least 1");
    }
    if (plan_.steps.empty() || get_if<EmbedStep>(&plan_.steps.front()) == nullptr ||
        get_if<ClassifyStep>(&plan_.steps.back()) == nullptr) {
      fail("plan: must begin with an EmbedStep and end with a ClassifyStep");
    }
    PlanBuffers of_heads;
    const std::size_t exits = with_exits ? plan_.exits.size() : 0;
    std::size_t passed = 0;
    for (const Step& step : plan_.steps) {
      visit(*this, step);
      ++step_;
      if (passed == exits || plan_.exits[passed].after != step_) continue;
      of_heads.add(head(plan_.exits[passed++].steps));
    }
    if (passed < exits || (exits > 0 && plan_.exits.back().after == plan_.steps.size())) {
      fail("plan: exit ", passed, " of ", exits, " stands in none of ", plan_.steps.size(),
           " steps; exits ascend, and the last step is behind them");
    }
    written_.add(of_heads);
    return written_;
  }

  void operator()(const EmbedStep& s) {
    const bool in_bits = !s.bits.empty();
    const std::size_t rows = in_bits ? s.bits.rows() : s.table.rows();
    equal("embedding width", in_bits ? s.bits.cols() : s.table.cols(), plan_.width);
    if (in_bits) equal("embedding scales", s.scale.numel(), rows);
    equal("position width", s.position.cols(), plan_.width);
    if (s.position.rows() < plan_.positions) {
      refuse(s.position.rows(), " position rows for ", plan_.positions, " positions");
    }
    equal("type width", s.type.cols(), plan_.width);
    wrote(Floats::hidden);
  }

  void operator()(const PackStep& s) {
    read(s.from);
    if (!s.shift.empty()) equal("shift", s.shift.numel(), plan_.width);
    equal("bits to pack", cols_of(plan_, s.to), plan_.width);
    if ((row_a_text(s.from) && s.first_only) ||
        (row_a_text(s.from) || s.first_only) != row_a_text(s.to)) {
      refuse("a row a token cannot be packed as a row a text, nor the other way round");
    }
    wrote(s.to);
  }

  void operator()(const LinearStep& s) {
    read(s.from);
    product(s.product, s.from, plan_.width);
    equal("base", s.base.size(), s.product.outputs);
    equal("scale", s.scale.numel(), s.product.outputs);
    equal("bias", s.bias.numel(), s.product.outputs);
    if (s.step != 1 && s.step != 2) refuse("step ", s.step, " of a product, not 1 or 2");
    same_rows(row_a_text(s.from), row_a_text(s.to));
    if (s.add) read(s.to);
    wrote(s.to);
  }

  void operator()(const LinearBitsStep& s) {
    read(s.from);
    product(s.product, s.from, cols_of(plan_, s.to));
    equal("limits", s.most.size(), s.product.outputs);
    if (!s.least.empty()) equal("least popcounts", s.least.size(), s.product.outputs);
    same_rows(row_a_text(s.from), row_a_text(s.to));
    if (s.from == s.to) refuse("reads and writes the same bits");
    wrote(s.to);
  }

  void operator()(const AttentionStep& s) {
    read(Bits::q);
    read(Bits::k);
    read(Bits::v);
    if (s.head_size != 32 && s.head_size != 64) refuse("head size ", s.head_size, ", not 32 or 64");
    equal("heads times head size", s.heads * s.head_size, plan_.width);
    if (!s.exponential.empty()) {
      equal("exponentials", s.exponential.size(), (s.head_size + 1) * (s.head_size + 1));
    }
    if (s.estimators) {
      estimators(*s.estimators);
      if (s.exponential.empty()) refuse("estimators without exponentials");
    } else {
      equal("thresholds", s.threshold.size(), plan_.width);
    }
    if (!(s.half_alpha >= 0)) refuse("half_alpha ", s.half_alpha, " is negative");
    wrote(Bits::context);
  }

  void operator()(const MatrixStep& s) {
    read(s.from);
    if (s.from == s.to) refuse("reads and writes the same floats");
    same_rows(row_a_text(s.from), row_a_text(s.to));
    equal("weight columns", s.weight.cols(), cols_of(plan_, s.from));
    equal("weight rows", s.weight.rows(), cols_of(plan_, s.to));
    equal("bias", s.bias.numel(), s.weight.rows());
    written_.float_products = true;
    wrote(s.to);
  }

  void operator()(const SignStep& s) {
    read(s.from);
    if (s.from == s.to) refuse("reads and writes the same floats");
    same_rows(row_a_text(s.from), row_a_text(s.to));
    equal("inputs", s.signs.rows(), cols_of(plan_, s.from));
    equal("outputs", s.signs.cols(), cols_of(plan_, s.to));
    equal("scale", s.scale.numel(), s.signs.cols());
    equal("bias", s.bias.numel(), s.signs.cols());
    written_.sign_products = true;
    wrote(s.to);
  }

  void operator()(const SigmoidStep& s) { read(s.at); }

  void operator()(const MultiplyStep& s) {
    read(s.at);
    read(s.by);
    same_rows(row_a_text(s.by), row_a_text(s.at));
    equal("factors", cols_of(plan_, s.by), cols_of(plan_, s.at));
  }

  void operator()(const FloatAttentionStep& s) {
    read(Floats::q);
    read(Floats::k);
    read(Floats::v);
    if (s.heads == 0 || plan_.width % s.heads != 0) {
      refuse(s.heads, " heads do not divide width ", plan_.width);
    }
    written_.float_products = true;
    wrote(Floats::context);
  }

  void operator()(const FirstStep& /*s*/) {
    read(Floats::hidden);
    wrote(Floats::first);
  }

  void operator()(const NormStep& s) {
    read(Floats::hidden);
    if (s.add_branch) read(Floats::branch);
    equal("gamma", s.gamma.numel(), plan_.width);
    equal("beta", s.beta.numel(), plan_.width);
    for (const PackStep& pack : s.packs) {
      if (pack.from != Floats::hidden || pack.first_only) {
        refuse("packs something else than the hidden states of every token");
      }
      (*this)(pack);
    }
  }

  void operator()(const PoolStep& s) {
    if (s.read != Floats::hidden && s.read != Floats::first) refuse("adds neither of two buffers");
    read(s.read);
    read(Floats::pooled);
    equal("gamma", s.gamma.numel(), plan_.width);
    equal("beta", s.beta.numel(), plan_.width);
  }

  void operator()(const ClassifyStep& s) {
    read(Floats::pooled);
    equal("classifier width", s.weight.cols(), plan_.width);
    equal("classifier rows", s.weight.rows(), plan_.labels);
    equal("classifier bias", s.bias.numel(), plan_.labels);
    if (s.doubt_weight.empty()) return;
    equal("width of the doubt", s.doubt_weight.numel(), plan_.width);
    equal("bias of the doubt", s.doubt_bias.numel(), 1);
  }

 private:
  /// A head behind the steps so far, and what it writes.
  [[nodiscard]] PlanBuffers head(const std::vector<Step>& steps) const {
    const auto* const last = steps.empty() ? nullptr : get_if<ClassifyStep>(&steps.back());
    if (last == nullptr) refuse("the exit before it must end with a ClassifyStep");
    const bool doubts = !last->doubt_weight.empty();
    if (doubts != plan_.tells_doubts()) refuse("of some exits the doubt is told, of others not");
    PlanCheck here = *this;
    for (const Step& step : steps) visit(here, step);
    return here.written_;
  }
  template <class... Parts>
  [[noreturn]] void refuse(const Parts&... parts) const {
    fail("plan: step ", step_, ": ", parts...);
  }
  void equal(const char* what, std::size_t found, std::size_t expected) const {
    if (found != expected) refuse(what, ": ", found, " where ", expected, " belong");
  }
  void estimators(const AttentionStep::Estimators& e) {
    read(Floats::hidden);
    const std::size_t rank = estimate_rank(e.weight.rows());
    if (rank == 0) refuse("estimators of ", e.weight.rows(), " rows");
    equal("rows of estimators", e.weight.rows(), estimate_columns(rank));
    equal("width of estimators", e.weight.cols(), plan_.width);
    equal("estimators' bias", e.bias.numel(), e.weight.rows());
    equal("shift", e.shift.numel(), plan_.width);
    written_.estimate_rank = std::max(written_.estimate_rank, rank);
  }
  void product(const Product& p, Bits from, std::size_t outputs) const {
    equal("inputs", p.inputs, cols_of(plan_, from));
    equal("outputs", p.outputs, outputs);
    if (p.weight == nullptr) refuse("a product without weights");
  }
  void same_rows(bool from, bool to) const {
    if (from != to) refuse("a product of one row a text gives one row a text");
  }

  template <class Buffer>
  void read(Buffer buffer) const {
    if (!written_.has(buffer)) refuse("reads a buffer that no step before it writes");
  }
  template <class Buffer>
  void wrote(Buffer buffer) {
    written_.add(buffer);
  }

  const Plan& plan_;
  std::size_t step_ = 0;
  PlanBuffers written_;
};

inline void check_ids(const char* what, const IdTensor& ids, const Ragged& texts,
                      std::size_t limit) {
  if (ids.numel() != texts.tokens()) {
    fail("run: ", ids.numel(), " ", what, "s for ", texts.tokens(), " tokens");
  }
  for (std::size_t b = 0; b < texts.texts(); ++b) {
    for (std::size_t t = 0; t < texts.length(b); ++t) {
      const std::int32_t id = ids.data()[texts.begin(b) + t];
      if (id < 0 || static_cast<std::size_t>(id) >= limit) {
        fail("run: text ", b, ", token ", t, ": ", what, " ", id, " is not one of 0 to ",
             limit - 1);
      }
    }
  }
}

}  // namespace detail

/// Throws Error, naming the step and the numbers that clash, if the plan is not sound; else tells
/// which buffers it needs.
inline PlanBuffers check_plan(const Plan& plan) { return detail::PlanCheck(plan).run(false); }
/// The same of its exits too.
inline PlanBuffers check_plan_with_exits(const Plan& plan) {
  return detail::PlanCheck(plan).run(true);
}

/// Throws Error if an id, a type id or a length does not fit a plan that check_plan has passed.
inline void check_batch(const Plan& plan, const IdTensor& ids, const IdTensor& type_ids,
                        const Ragged& texts) {
  const auto& embed = get<EmbedStep>(plan.steps.front());
  for (std::size_t b = 0; b < texts.texts(); ++b) {
    if (texts.length(b) > plan.positions) {
      fail("run: text ", b, " has ", texts.length(b), " tokens, but the model was made for ",
           plan.positions, " at most; cut the text");
    }
  }
  detail::check_ids("token id", ids, texts,
                    embed.bits.empty() ? embed.table.rows() : embed.bits.rows());
  detail::check_ids("type id", type_ids, texts, embed.type.rows());
}

}  // namespace bipft
