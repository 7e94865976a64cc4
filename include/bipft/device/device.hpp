#pragma once
/// Device: what a tensor can be asked for, wherever its numbers live. What answers and no more is a
/// Runner (device/runner.hpp), which every device is as well.
///
/// All that stands above this floor is written in these words once and runs on every device:
/// `CpuDevice` is the reference, others may keep their results to themselves (Tensor's Residence).
/// Operations take tensors and return new ones; only those that say so write in place, into a
/// tensor that the caller alone holds. A gradient that is taken by value may be handed over: where
/// no other handle shares it, its memory may become the result's. Matrices are [rows, cols] with
/// all leading extents folded into the rows.
///
/// Every operation gives the same bytes on any number of threads. Products marked *fused* may use
/// fused multiply-add and are equal per kernel target only; all else is equal on every target.

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "bipft/core/bit_matrix.hpp"
#include "bipft/core/ragged.hpp"
#include "bipft/core/random.hpp"
#include "bipft/core/tensor.hpp"
#include "bipft/device/estimates.hpp"
#include "bipft/device/runner.hpp"

namespace bipft {

/// What layer_norm remembers for its backward pass.
struct LayerNormResult {
  Tensor y;        ///< [N, C]
  Tensor mean;     ///< [N]
  Tensor inverse;  ///< [N]  1/√(variance + ε)
};

struct LayerNormGrad {
  Tensor dx;      ///< [N, C]
  Tensor dgamma;  ///< [C]
  Tensor dbeta;   ///< [C]
};

/// x = a + dropped(b), its norm, and the gradients of both.
struct ResidualNorm {
  Tensor x;
  LayerNormResult norm;
};
struct ResidualNormGrad {
  LayerNormGrad norm;  ///< dx is a's gradient as well
  Tensor db;
};

/// y = f(x), and what activate_backward wants of the two.
struct Activated {
  Tensor y;
  Tensor kept;
};

/// Two gradients of one product.
struct GradPair {
  Tensor first;
  Tensor second;
};

struct CrossEntropyResult {
  double loss;     ///< the weighted mean over the batch
  Tensor dlogits;  ///< [B, K]
};

/// A sum over a whole tensor of Σ x and Σ |x|, in double and in a fixed order.
struct Sums {
  double sum;
  double absolute;
};

/// What a binarizer's backward pass is made of: see Device::window_backward.
struct Window {
  Tensor shift;             ///< [C] or empty, added to every row of x first
  float low = 0, high = 0;  ///< gradients pass where x lies within, both ends included
  float threshold = 0;      ///< units are 1 from here on ...
  bool strict = false;      ///< ... or only above, if strict,
  float low_unit = -1;      ///< and this elsewhere
};
struct WindowGrad {
  Tensor dx;      ///< as x
  Tensor dshift;  ///< [C], if there is a shift
  double units;   ///< Σ unit dy
  double inside;  ///< Σ (x + shift) dx; 0 if there is no x, but bits
};

/// Two bits of every element that are all some binarizers need of it on the way back.
struct WindowBits {
  BitMatrix units;   ///< is its unit 1?
  BitMatrix inside;  ///< does its gradient pass?
};

/// Evenly spaced levels, origin + step · n for whole numbers n within least and most.
struct Grid {
  Tensor shift;                     ///< [C] or empty, added to every row of x first
  float step = 1;                   ///< α
  float least = 0, most = 1;        ///< whole numbers
  bool from_minimum = false;        ///< the origin is the least number of a part; else 0
  std::vector<std::size_t> bounds;  ///< where parts begin and the last ends; empty: one part
};
struct GridResult {
  Tensor y;
  float origin = 0;  ///< of the last part
};

/// One AdamW update; see train/adamw.hpp for the equations.
struct AdamWStep {
  float lr, beta1, beta2, epsilon, weight_decay;
  float correction1, correction2;  ///< 1 - β₁ᵗ, 1 - β₂ᵗ
  float gradient_scale;            ///< from clipping; 1 leaves the gradient alone
};

/// Attention over bits with all that lies between its two products, as training wants it:
///   s_ij = score_scale · (q_i · k_j)      q, k, v: [N, C] bits of units ±1, in texts and heads
///   p = dropped(softmax(s)), or dropped(s), as softmax and dropout have it, on squares [H Σ T²]
///   y_i = p_scale · v_scale · Σ_j 1{window's threshold <(=) p_ij} v_j
/// and with estimates (device/estimates.hpp), which go with a softmax:
///   p = dropped(softmax(s + gradient_scale · E)), by weights exp(gradient_scale · E) of its terms
///   y_i += p_scale · Σ_j 1{...} r_v,j in every channel
struct BinaryAttention {
  BitMatrix q, k, v;
  float q_scale = 1, k_scale = 1, v_scale = 1;  ///< a level is scale · unit
  Ragged texts;
  std::size_t heads = 1;
  float score_scale = 1;
  bool softmax = true;
  float gradient_scale = 1;  ///< of ds · levels: 1/√D
  Random random;             ///< for dropout of p
  float dropout = 0;
  Window window;  ///< on p, without a shift, and with units 0 and 1
  float p_scale = 1;
  Tensor estimates;  ///< [N, 4 rank + 1], or none
};
struct BinaryAttentionGrad {
  Tensor dq, dk, dv;  ///< [N, C], of the levels
  double units = 0;   ///< of the window on p, as WindowGrad has them
  double inside = 0;
  Tensor destimates;  ///< if there are any
};

class Device : public Runner {
 public:
  // --- Float products (fused) --------------------------------------------------------------------

  /// y = x wᵀ + bias.   x: [N, C]   w: [O, C]   bias: [O] or empty   y: [N, O]
  [[nodiscard]] virtual Tensor linear(const Tensor& x, const Tensor& w, const Tensor& bias) = 0;
  /// a b.               a: [N, O]   b: [O, C]   result: [N, C]       (dx = dy w)
  [[nodiscard]] virtual Tensor matmul(const Tensor& a, const Tensor& b) = 0;
  /// aᵀ b.              a: [N, O]   b: [N, C]   result: [O, C]       (dw = dyᵀ x)
  [[nodiscard]] virtual Tensor matmul_tn(const Tensor& a, const Tensor& b) = 0;

  /// Attention scores, scale · q kᵀ for every text and head.
  ///   q, k: [N, C]   result: [H Σ T²], for each text its [H, T, T]
  [[nodiscard]] virtual Tensor scores(const Tensor& q, const Tensor& k, const Ragged& texts,
                                      std::size_t heads, float scale) = 0;
  /// The same, fused nowhere: for what must be equal on every target.
  [[nodiscard]] virtual Tensor plain_scores(const Tensor& q, const Tensor& k, const Ragged& texts,
                                            std::size_t heads, float scale) {
    return scores(q, k, texts, heads, scale);
  }
  /// dq and dk, given ds shaped as `scores` returns.
  [[nodiscard]] virtual GradPair scores_backward(const Tensor& q, const Tensor& k, const Tensor& ds,
                                                 const Ragged& texts, std::size_t heads,
                                                 float scale) = 0;
  /// The mix of values, p v for every text and head.   p: [H Σ T²]   v: [N, C]   result: [N, C]
  [[nodiscard]] virtual Tensor mix(const Tensor& p, const Tensor& v, const Ragged& texts,
                                   std::size_t heads) = 0;
  [[nodiscard]] virtual Tensor plain_mix(const Tensor& p, const Tensor& v, const Ragged& texts,
                                         std::size_t heads) {
    return mix(p, v, texts, heads);
  }
  /// dp and dv, given the gradient of mix's result.
  [[nodiscard]] virtual GradPair mix_backward(const Tensor& p, const Tensor& v, const Tensor& dy,
                                              const Ragged& texts, std::size_t heads) = 0;

  // --- Binary products ---------------------------------------------------------------------------

  /// Bit c of row n is x[n][c] + shift[c] >= threshold (or > threshold, if `strict`).
  ///   x: [N, C]   shift: [C] or empty   result: [N, C] bits
  [[nodiscard]] virtual BitMatrix pack(const Tensor& x, const Tensor& shift, float threshold,
                                       bool strict) = 0;
  /// Integer products of bits, as exact floats, each then scaled and shifted:
  ///   y[n][o] = scale[o] · dot(a[n], w[o]) + bias[o]   one rounding each for · and +
  /// where w's bits are ±1 and a's are ±1, or 0/1 if `zero_one`.
  ///   a: [N, C] bits   w: [O, C] bits   scale: [O], or [1] for all   bias: [O]   y: [N, O]
  [[nodiscard]] virtual Tensor binary_linear(const BitMatrix& a, const BitMatrix& w, bool zero_one,
                                             const Tensor& scale, const Tensor& bias) = 0;
  /// The same and an activation behind it.
  [[nodiscard]] virtual Activated binary_linear(const BitMatrix& a, const BitMatrix& w,
                                                bool zero_one, const Tensor& scale,
                                                const Tensor& bias, Activation f) {
    return activated(f, binary_linear(a, w, zero_one, scale, bias));
  }
  /// scale · a s and scale · aᵀ s, where s are the units of bits: ±1, or 0/1 if `zero_one`. The
  /// gradients of binary_linear: a device may round a to bfloat16, sums are floats.
  ///   a: [N, O]   s: [O, C], or [N, C] bits   result: [N, C], or [O, C]
  [[nodiscard]] virtual Tensor binary_matmul(const Tensor& a, const BitMatrix& s, bool zero_one,
                                             float scale) = 0;
  [[nodiscard]] virtual Tensor binary_matmul_tn(const Tensor& a, const BitMatrix& s, bool zero_one,
                                                float scale) = 0;
  /// The floats that bits stand for: bit ? high : low.   result: [N, C]
  [[nodiscard]] virtual Tensor unpack(const BitMatrix& bits, float low, float high) = 0;
  /// y[n][o] = scale[o] · x[n][o] + row[o], with one rounding each: binary_linear's last step, for
  /// the same product computed in floats.   x: [N, O]   scale: [O], or [1] for all   row: [O]
  [[nodiscard]] virtual Tensor scale_add_row(const Tensor& x, const Tensor& scale,
                                             const Tensor& row) = 0;

  // --- Rows --------------------------------------------------------------------------------------

  /// Over each row of `scores`' result: exp(s - max) / Σ exp(s - max).
  [[nodiscard]] virtual Tensor softmax(const Tensor& s, const Ragged& texts, std::size_t heads) = 0;
  /// ds = p (dp - Σ p dp), row by row.
  [[nodiscard]] virtual Tensor softmax_backward(const Tensor& p, const Tensor& dp,
                                                const Ragged& texts, std::size_t heads) = 0;
  /// x wᵀ + bias in the order that sums of rows have: like `linear`, but the same on every target.
  ///   x: [N, C]   w: [O, C]   bias: [O]   result: [N, O]
  [[nodiscard]] virtual Tensor ordered_linear(const Tensor& x, const Tensor& w,
                                              const Tensor& bias) = 0;
  /// exp(factor · (E_ij - max_j E_ij)) for every text, with E of device/estimates.hpp.
  ///   estimates: [N, 4 rank + 1]   result: [Σ T²]
  [[nodiscard]] virtual Tensor estimate_weights(const Tensor& estimates, float factor,
                                                const Ragged& texts) = 0;
  /// Over each row of `scores`' result: w exp(s - max) / Σ w exp(s - max), with weights [Σ T²] that
  /// all heads of a text have in common.
  [[nodiscard]] virtual Tensor weighted_softmax(const Tensor& s, const Tensor& weights,
                                                const Ragged& texts, std::size_t heads) = 0;
  /// Σ_j p_ij r_j for every text and head, summed up as rows are.
  ///   p: [H Σ T²]   r: [N]   result: [N, H]
  [[nodiscard]] virtual Tensor ordered_mix(const Tensor& p, const Tensor& r, const Ragged& texts,
                                           std::size_t heads) = 0;
  /// y = γ (x - mean) / √(variance + ε) + β, row by row.   γ, β: [C]
  [[nodiscard]] virtual LayerNormResult layer_norm(const Tensor& x, const Tensor& gamma,
                                                   const Tensor& beta, float epsilon) = 0;
  [[nodiscard]] virtual LayerNormGrad layer_norm_backward(const Tensor& x,
                                                          const LayerNormResult& forward,
                                                          const Tensor& gamma, Tensor dy) = 0;
  /// The norm of x = a + dropped(b), where dropped(b) is dropout(b, random, p), or b for p = 0.
  [[nodiscard]] virtual ResidualNorm residual_norm(const Tensor& a, const Tensor& b,
                                                   const Random& random, float p,
                                                   const Tensor& gamma, const Tensor& beta,
                                                   float epsilon) {
    const Tensor x = add(a, p == 0.0F ? b : dropout(b, random, p));
    return {x, layer_norm(x, gamma, beta, epsilon)};
  }
  [[nodiscard]] virtual ResidualNormGrad residual_norm_backward(const ResidualNorm& forward,
                                                                const Random& random, float p,
                                                                const Tensor& gamma, Tensor dy) {
    LayerNormGrad grad = layer_norm_backward(forward.x, forward.norm, gamma, std::move(dy));
    Tensor db = p == 0.0F ? grad.dx : dropout(grad.dx, random, p);
    return {std::move(grad), std::move(db)};
  }
  /// table[ids[n]] for every n.   table: [V, C]   ids: [N]   result: [N, C]
  /// Throws Error if an id is outside the table.
  [[nodiscard]] virtual Tensor gather(const Tensor& table, const IdTensor& ids) = 0;
  /// In place: table[ids[n]] = rows[n]; no id may occur twice.
  virtual void scatter(Tensor& table, const IdTensor& ids, const Tensor& rows) = 0;
  /// In place: table[ids[n]] += rows[n], in the order of n.
  virtual void scatter_add(Tensor& table, const IdTensor& ids, const Tensor& rows) = 0;
  /// The sum of all rows, in fixed blocks.   x: [N, C]   result: [C]
  [[nodiscard]] virtual Tensor sum_rows(const Tensor& x) = 0;
  /// The mean of each text's rows.   x: [N, C]   result: [B, C]
  [[nodiscard]] virtual Tensor mean_rows(const Tensor& x, const Ragged& texts) = 0;

  // --- Elements ----------------------------------------------------------------------------------

  [[nodiscard]] virtual Tensor add(const Tensor& a, const Tensor& b) = 0;
  [[nodiscard]] virtual Tensor multiply(const Tensor& a, const Tensor& b) = 0;
  [[nodiscard]] virtual Tensor add_row(const Tensor& x, const Tensor& row) = 0;  ///< row: [C]
  [[nodiscard]] virtual Tensor scale(const Tensor& x, float factor) = 0;
  /// In place: total += x.
  virtual void accumulate(Tensor& total, const Tensor& x) = 0;
  [[nodiscard]] virtual Tensor activate(Activation f, const Tensor& x) = 0;
  [[nodiscard]] Activated activated(Activation f, const Tensor& x) {
    const Tensor y = activate(f, x);
    return {y, f == Activation::gelu ? x : y};
  }
  /// dx, from x; for tanh from y = tanh(x) given in its place, and for relu from either.
  [[nodiscard]] virtual Tensor activate_backward(Activation f, const Tensor& x, Tensor dy) = 0;
  /// Zero with probability p, else x / (1 - p), by one random number an element. The backward pass
  /// is the same call on dy.
  [[nodiscard]] virtual Tensor dropout(Tensor x, const Random& random, float p) = 0;

  // --- A binarizer's words -----------------------------------------------------------------------

  /// x >= threshold ? high : low (or x > threshold, if `strict`).
  [[nodiscard]] virtual Tensor threshold_select(const Tensor& x, float threshold, bool strict,
                                                float low, float high) = 0;
  /// The same with levels ±scale[n] for row n.   x: [N, C]   scale: [N]
  [[nodiscard]] virtual Tensor threshold_select_rows(const Tensor& x, float threshold,
                                                     const Tensor& scale) = 0;
  /// x less the mean of its row.   x: [N, C]
  [[nodiscard]] virtual Tensor center_rows(const Tensor& x) = 0;
  /// y = origin + step · round((x + shift - origin) / step), the rounded number held within least
  /// and most and halves rounded to even. Parts are runs of elements in their order.
  [[nodiscard]] virtual GridResult round_to_grid(const Tensor& x, const Grid& grid) = 0;
  /// low <= x <= high ? dy : 0.
  [[nodiscard]] virtual Tensor window_mask(const Tensor& x, float low, float high,
                                           const Tensor& dy) = 0;
  /// With xs = x + shift:  dx = low <= xs <= high ? dy : 0, dshift = Σ_rows dx, and two sums.
  [[nodiscard]] virtual WindowGrad window_backward(const Tensor& x, const Window& window,
                                                   Tensor dy) = 0;
  /// The window's two bits of every element of x, [N, C]; and the backward pass from these alone.
  [[nodiscard]] virtual WindowBits pack_window(const Tensor& x, const Window& window) = 0;
  [[nodiscard]] virtual WindowGrad window_backward(const WindowBits& bits, const Window& window,
                                                   Tensor dy) = 0;
  /// Σ a b, in double, in fixed blocks.
  [[nodiscard]] virtual double dot(const Tensor& a, const Tensor& b) = 0;
  /// Σ x and Σ |x|, likewise.
  [[nodiscard]] virtual Sums sums(const Tensor& x) = 0;
  /// The mean of |x| over each row.   x: [N, C]   result: [N]
  [[nodiscard]] virtual Tensor mean_absolute_rows(const Tensor& x) = 0;

  // --- Attention over bits -----------------------------------------------------------------------
  // Written here in the words above. A device that goes head by head need not keep the squares.

  /// The mean of |p|.
  [[nodiscard]] virtual double binary_attention_mean(const BinaryAttention& of) {
    const Tensor p = dropped(of, squares_of(of));
    return sums(p).absolute / static_cast<double>(p.numel());
  }
  /// y.   result: [N, C]
  [[nodiscard]] virtual Tensor binary_attention(const BinaryAttention& of) {
    const Tensor p = dropped(of, squares_of(of));
    const Tensor units = threshold_select(p, of.window.threshold, of.window.strict, 0.0F, 1.0F);
    Tensor y =
        scale(mix(units, unpack(of.v, -1.0F, 1.0F), of.texts, of.heads), of.p_scale * of.v_scale);
    if (of.estimates.empty()) return y;
    const Tensor sums =
        scale(ordered_mix(units, sides_of(of).value, of.texts, of.heads), of.p_scale);
    return add(y, matmul(sums, heads_of_channels(of)));  // times 1, and 0 of all others: exact
  }
  [[nodiscard]] virtual BinaryAttentionGrad binary_attention_backward(const BinaryAttention& of,
                                                                      const Tensor& dy) {
    const Tensor all = squares_of(of);
    const Tensor p = dropped(of, all);
    const Tensor levels =
        threshold_select(p, of.window.threshold, of.window.strict, 0.0F, of.p_scale);
    GradPair of_mix =
        mix_backward(levels, unpack(of.v, -of.v_scale, of.v_scale), dy, of.texts, of.heads);
    const bool estimated = !of.estimates.empty();
    const Sides sides = estimated ? sides_of(of) : Sides{};
    Tensor dvalue;  // [N, H]
    if (estimated) {
      const Tensor values =
          matmul(sides.value.reshaped(Shape{of.q.rows(), 1}), Tensor(Shape{1, of.heads}, 1.0F));
      // [N, H]: a head's channels have their part of r_v in common.
      const Tensor dsums = linear(dy, heads_of_channels(of), {});
      GradPair more = mix_backward(levels, values, dsums, of.texts, of.heads);
      of_mix.first = add(of_mix.first, more.first);
      dvalue = matmul(more.second, Tensor(Shape{of.heads, 1}, 1.0F));
    }
    const WindowGrad window = window_backward(p, of.window, of_mix.first);
    Tensor ds = dropped(of, window.dx);
    if (of.softmax) ds = softmax_backward(all, ds, of.texts, of.heads);
    const auto [dq, dk] = scores_backward(unpack(of.q, -of.q_scale, of.q_scale),
                                          unpack(of.k, -of.k_scale, of.k_scale), ds, of.texts,
                                          of.heads, of.gradient_scale);
    BinaryAttentionGrad grad{dq, dk, of_mix.second, window.units, window.inside, {}};
    if (estimated) grad.destimates = estimates_backward(of, sides, ds, dvalue);
    return grad;
  }

  // --- Losses and the optimizer ------------------------------------------------------------------

  /// -Σ_b weight[b] Σ_k target[b][k] log softmax(logits[b])[k] / Σ weight, and its gradient, with
  /// target = (1 - smoothing) onehot(label) + smoothing / K.
  ///   logits: [B, K]   labels: [B]   weights: [B]
  [[nodiscard]] virtual CrossEntropyResult cross_entropy(const Tensor& logits,
                                                         const IdTensor& labels,
                                                         const Tensor& weights,
                                                         float smoothing) = 0;
  /// The mean over all B K elements of -target log softmax(logits / T), with target =
  /// softmax(teacher / T), and its gradient.   logits, teacher: [B, K]
  [[nodiscard]] virtual CrossEntropyResult soft_cross_entropy(const Tensor& logits,
                                                              const Tensor& teacher,
                                                              float temperature) = 0;
  /// In place on parameter, m and v; all of one shape.
  virtual void adamw(Tensor& parameter, Tensor& m, Tensor& v, const Tensor& gradient,
                     const AdamWStep& step) = 0;

 private:
  /// p before dropout.
  [[nodiscard]] Tensor squares_of(const BinaryAttention& of) {
    const Tensor products =
        scores(unpack(of.q, -1.0F, 1.0F), unpack(of.k, -1.0F, 1.0F), of.texts, of.heads, 1.0F);
    const Tensor s = scale(products, of.score_scale);
    if (!of.estimates.empty()) {
      const Tensor weights = estimate_weights(of.estimates, of.gradient_scale, of.texts);
      return weighted_softmax(s, weights, of.texts, of.heads);
    }
    return of.softmax ? softmax(s, of.texts, of.heads) : s;
  }

  /// EstimateSides of all texts, with keys as columns: query, key [N, 2 rank], value [N].
  struct Sides {
    Tensor query, key, value;
  };
  [[nodiscard]] static Sides sides_of(const BinaryAttention& of) {
    const std::size_t tokens = of.estimates.rows();
    const std::size_t rank = estimate_rank(of.estimates.cols());
    Sides sides{Tensor(Shape{tokens, 2 * rank}), Tensor(Shape{tokens, 2 * rank}),
                Tensor(Shape{tokens})};
    Tensor keys(Shape{2 * rank, tokens});
    spread_estimates(of.estimates.data().data(), tokens, rank, of.gradient_scale,
                     {sides.query.mutable_data().data(), keys.mutable_data().data(),
                      sides.value.mutable_data().data(), tokens});
    for (std::size_t i = 0; i < keys.numel(); ++i) {
      sides.key.mutable_data()[i % tokens * 2 * rank + i / tokens] = keys.data()[i];
    }
    return sides;
  }
  /// 1 where channel c is one of head h.   result: [H, C]
  [[nodiscard]] static Tensor heads_of_channels(const BinaryAttention& of) {
    const std::size_t channels = of.q.cols();
    Tensor ones(Shape{of.heads, channels});
    for (std::size_t c = 0; c < channels; ++c) {
      ones.mutable_data()[c / (channels / of.heads) * channels + c] = 1.0F;
    }
    return ones;
  }
  /// As if every head had sides of its own; then summed up.
  [[nodiscard]] Tensor estimates_backward(const BinaryAttention& of, const Sides& sides,
                                          const Tensor& ds, const Tensor& dvalue) {
    const std::size_t columns = sides.query.cols();
    Tensor copies(Shape{columns, of.heads * columns});
    for (std::size_t c = 0; c < copies.cols(); ++c) {
      copies.mutable_data()[c % columns * copies.cols() + c] = 1.0F;
    }
    const auto [dquery, dkey] = scores_backward(
        matmul(sides.query, copies), matmul(sides.key, copies), ds, of.texts, of.heads, 1.0F);
    const Tensor to_query = linear(dquery, copies, {});
    const Tensor to_key = linear(dkey, copies, {});
    Tensor destimates(of.estimates.shape());
    gather_estimates(to_query.data().data(), to_key.data().data(), dvalue.data().data(),
                     of.estimates.rows(), columns / 2, of.gradient_scale,
                     destimates.mutable_data().data());
    return destimates;
  }
  [[nodiscard]] Tensor dropped(const BinaryAttention& of, const Tensor& p) {
    return of.dropout == 0.0F ? p : dropout(p, of.random, of.dropout);
  }
};

/// The device that the process computes on. Defined in device/devices.hpp, the menu of devices.
[[nodiscard]] Device& active_device();

}  // namespace bipft
