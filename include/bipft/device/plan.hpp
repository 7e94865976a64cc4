#pragma once
/// Plan: a model as a flat list of fused steps, all that a device needs to run it.
///
/// Layers do not call each other at inference. `compile()` (model/compile.hpp for bits,
/// model/compile_floats.hpp) turns the parts of a model into steps over float matrices and bit
/// matrices, whose names are fixed here; a device walks the list once for each group of texts. In
/// every step N is the number of tokens of the group and nothing is computed for tokens that do not
/// exist.
///
/// Integers first: a product with ±1 weights counts where bits differ, and what follows it is
/// either one multiplication and one addition in float, or a comparison with an integer that gives
/// the next bits at once. A model in full precision uses MatrixStep, FloatAttentionStep and
/// FirstStep in their place; one whose weights alone are bits has SignStep for MatrixStep.

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "bipft/core/bit_matrix.hpp"
#include "bipft/core/one_of.hpp"
#include "bipft/core/tensor.hpp"

namespace bipft {

/// A device's own layout of a binary weight matrix (panels, padding, running parities).
class WeightLayout {
 public:
  virtual ~WeightLayout() = default;
};

/// popcount(a[n] xor w[o]), where w's bits are ±1 (1 is +1).
struct Product {
  std::size_t outputs = 0;                     ///< O
  std::size_t inputs = 0;                      ///< C
  std::shared_ptr<const WeightLayout> weight;  ///< of the device that the plan is bound to
};

/// Elementwise activation functions.
enum class Activation {
  relu,  ///< max(x, 0)
  gelu,  ///< x/2 (1 + erf(x/√2)), the exact form
  tanh,
};

/// Named buffers of a plan: [N, C], but inner [N, F]; first and pooled [B, C].
enum class Floats { hidden, branch, q, k, v, context, inner, gate, first, pooled };
enum class Bits { q_in, k_in, v_in, q, k, v, context, ffn_in, inner, pooler_in };

/// hidden = ±scale[id] by the id's bits + position[t] + type[type id]
struct EmbedStep {
  BitMatrix bits;   ///< [V, C], empty if the table is in floats
  Tensor table;     ///< [V, C], if `bits` is empty
  Tensor scale;     ///< [V]
  Tensor position;  ///< [P, C]
  Tensor type;      ///< [2, C]
};

/// to[n][c] = from[n][c] + shift[c] >= threshold (or >, if strict).
/// `first_only`: of each text only its first token, so that N becomes B. From `first`, which has a
/// row a text already, to bits that have one.
struct PackStep {
  Floats from = Floats::hidden;
  Bits to = Bits::q_in;
  Tensor shift;
  float threshold = 0;
  bool strict = false;
  bool first_only = false;
};

/// to = scale[o] · v + bias[o], with v = Σ a w = base[o] - step · popcount; `add`: to += all that.
///   a in ±1:  Σ a w = C - 2 popcount,                    so base = C and step = 2
///   a in 0/1: Σ a w = (C + Σ_c w[o][c]) / 2 - popcount,  so step = 1
struct LinearStep {
  Bits from = Bits::context;
  Floats to = Floats::hidden;
  Product product;
  std::int32_t step = 2;
  std::vector<std::int32_t> base;  ///< [O]
  Tensor scale;                    ///< [O]
  Tensor bias;                     ///< [O]
  bool add = false;
};

/// to[n][o] = popcount <= most[o]; -1 is never, C or more always. With `least`, which a function
/// that falls and rises asks for, also where popcount >= least[o].
struct LinearBitsStep {
  Bits from = Bits::q_in;
  Bits to = Bits::q;
  Product product;
  std::vector<std::int32_t> most;
  std::vector<std::int32_t> least;  ///< or none
};

/// Attention over bits, text by text and head by head, into context bits.
///
/// s = D - 2 popcount(q xor k) takes D+1 values; with index i = popcount, exponential[m * (D+1) +
/// i] is exp(scale · s_i - scale · s_m), the term of a key whose row's best key has index m. A key
/// lives where its term · (1 / Σ terms) > half_alpha. Without a table there is no softmax, as in
/// [BiBERT], and a key lives where popcount <= most: one comparison a score. Then channel c of a
/// query is Σ_j a_j v_j[c] = 2 popcount(a and v[c]) - popcount(a) >= threshold[c].
///
/// With `estimators` every hidden state has a row of estimates (device/estimates.hpp), whose E
/// weighs the terms, and channel c is (mixed · Σ_j a_j v_j[c] + alpha · Σ_j a_j r_v,j) + shift[c]
/// >= 0, by floats.
struct AttentionStep {
  std::size_t heads = 0;
  std::size_t head_size = 0;            ///< D: 32 or 64
  std::vector<float> exponential;       ///< [D+1, D+1], or none
  float half_alpha = 0;                 ///< α/2 of the attention probabilities
  std::int32_t most = 0;                ///< without exponentials
  std::vector<std::int32_t> threshold;  ///< [C], without estimators

  struct Estimators {
    Tensor weight;     ///< [4 rank + 1, C]
    Tensor bias;       ///< [4 rank + 1]
    float factor = 1;  ///< of E: 1/√D
    float mixed = 1;   ///< α of the probabilities times that of the values
    float alpha = 1;   ///< α of the probabilities
    Tensor shift;      ///< [C]
  };
  std::optional<Estimators> estimators;  ///< with exponentials
};

/// to = activation(from wᵀ + bias), in floats (fused).
struct MatrixStep {
  Floats from = Floats::hidden;
  Floats to = Floats::branch;
  Tensor weight;  ///< [O, C]
  Tensor bias;    ///< [O]
  std::optional<Activation> activation;
};

/// to = activation(scale ⊙ (from signs) + bias), where sums of ±from are never rounded but as sums:
/// the same on every target.
struct SignStep {
  Floats from = Floats::hidden;
  Floats to = Floats::branch;
  BitMatrix signs;  ///< [C, O]: the weight's, turned over
  Tensor scale;     ///< [O]
  Tensor bias;      ///< [O]
  std::optional<Activation> activation;
};

/// at = 1 / (1 + exp(-at))
struct SigmoidStep {
  Floats at = Floats::gate;
};

/// at = at ⊙ by
struct MultiplyStep {
  Floats at = Floats::branch;
  Floats by = Floats::gate;
};

/// context = softmax(scale · q kᵀ) v, text by text and head by head, in floats (fused).
struct FloatAttentionStep {
  std::size_t heads = 0;
  float scale = 0;
  bool plain = false;  ///< not fused, and so the same on every target
};

/// first = hidden of each text's first token, or the mean of all its tokens' hidden states
struct FirstStep {
  bool mean = false;
};

/// hidden = layer_norm(hidden), or layer_norm(hidden + branch); and at once, while a row is at
/// hand, the bits of it that the next products read.
struct NormStep {
  Tensor gamma, beta;
  float epsilon = 0;
  bool add_branch = false;
  std::vector<PackStep> packs;  ///< of every token's hidden states
};

/// pooled = layer_norm(pooled) + hidden of each text's first token, or + first
struct PoolStep {
  Tensor gamma, beta;
  float epsilon = 0;
  Floats read = Floats::hidden;
};

/// logits = tanh(pooled) wᵀ + bias, in a fixed order of additions; and at an exit, if its weight is
/// there, what the doubt is before its sigmoid, by one more row.
struct ClassifyStep {
  Tensor weight;             ///< [K, C]
  Tensor bias;               ///< [K]
  Tensor doubt_weight = {};  ///< [1, C], or none
  Tensor doubt_bias = {};    ///< [1]
};

using Step = OneOf<EmbedStep, PackStep, LinearStep, LinearBitsStep, AttentionStep, MatrixStep,
                   SignStep, SigmoidStep, MultiplyStep, FloatAttentionStep, FirstStep, NormStep,
                   PoolStep, ClassifyStep>;

/// A head behind an inner layer, where a text may stop: steps that end with a ClassifyStep.
struct PlanExit {
  std::size_t after = 0;  ///< so many steps of the plan: those of the layers before it
  std::vector<Step> steps = {};
};

struct Plan {
  std::size_t width = 0;      ///< C
  std::size_t inner = 0;      ///< F
  std::size_t positions = 0;  ///< P, the longest text
  std::size_t labels = 0;     ///< K, 0 for a model without a head
  std::vector<Step> steps;
  /// Ascending. They cost nothing where a run is not asked to stop early, for it passes them over.
  std::vector<PlanExit> exits = {};

  void add(Step step) { steps.push_back(std::move(step)); }
  /// Whether its exits tell how doubtful their answers are.
  [[nodiscard]] bool tells_doubts() const {
    if (exits.empty() || exits.front().steps.empty()) return false;
    const auto* const last = get_if<ClassifyStep>(&exits.front().steps.back());
    return last != nullptr && !last->doubt_weight.empty();
  }
  /// Makes what has been added behind the first `after` steps a head that stands there.
  [[gnu::cold]] void make_head(std::size_t after) {
    PlanExit& exit = exits.emplace_back(PlanExit{.after = after});
    const auto begin = std::next(steps.begin(), static_cast<std::ptrdiff_t>(after));
    exit.steps.assign(std::make_move_iterator(begin), std::make_move_iterator(steps.end()));
    steps.erase(begin, steps.end());
  }
};

}  // namespace bipft
