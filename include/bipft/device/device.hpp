#pragma once
/// Device: what a tensor can be asked for, wherever its numbers live. What answers and no more is a
/// Runner (device/runner.hpp), which every device is as well.
///
/// All that stands above this floor is written in these words once and runs on every device:
/// `CpuDevice` is the reference, others may keep their results to themselves (Tensor's Residence).
/// Operations take tensors and return new ones; only those that say so write in place, into a
/// tensor that the caller alone holds. Matrices are [rows, cols] with all leading extents folded
/// into the rows.
///
/// Every operation gives the same bytes on any number of threads. Products marked *fused* may use
/// fused multiply-add and are equal per kernel target only; all else is equal on every target.

#include <cstddef>
#include <cstdint>

#include "bipft/core/bit_matrix.hpp"
#include "bipft/core/ragged.hpp"
#include "bipft/core/random.hpp"
#include "bipft/core/tensor.hpp"
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
  double inside;  ///< Σ (x + shift) dx
};

/// One AdamW update; see train/adamw.hpp for the equations.
struct AdamWStep {
  float lr, beta1, beta2, epsilon, weight_decay;
  float correction1, correction2;  ///< 1 - β₁ᵗ, 1 - β₂ᵗ
  float gradient_scale;            ///< from clipping; 1 leaves the gradient alone
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
  /// dq and dk, given ds shaped as `scores` returns.
  [[nodiscard]] virtual GradPair scores_backward(const Tensor& q, const Tensor& k, const Tensor& ds,
                                                 const Ragged& texts, std::size_t heads,
                                                 float scale) = 0;
  /// The mix of values, p v for every text and head.   p: [H Σ T²]   v: [N, C]   result: [N, C]
  [[nodiscard]] virtual Tensor mix(const Tensor& p, const Tensor& v, const Ragged& texts,
                                   std::size_t heads) = 0;
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
  /// y = γ (x - mean) / √(variance + ε) + β, row by row.   γ, β: [C]
  [[nodiscard]] virtual LayerNormResult layer_norm(const Tensor& x, const Tensor& gamma,
                                                   const Tensor& beta, float epsilon) = 0;
  [[nodiscard]] virtual LayerNormGrad layer_norm_backward(const Tensor& x,
                                                          const LayerNormResult& forward,
                                                          const Tensor& gamma,
                                                          const Tensor& dy) = 0;
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
  /// dx, from x and, for tanh, from y = tanh(x) given in its place.
  [[nodiscard]] virtual Tensor activate_backward(Activation f, const Tensor& x,
                                                 const Tensor& dy) = 0;
  /// Zero with probability p, else x / (1 - p), by one random number an element. The backward pass
  /// is the same call on dy.
  [[nodiscard]] virtual Tensor dropout(const Tensor& x, const Random& random, float p) = 0;

  // --- A binarizer's words -----------------------------------------------------------------------

  /// x >= threshold ? high : low (or x > threshold, if `strict`).
  [[nodiscard]] virtual Tensor threshold_select(const Tensor& x, float threshold, bool strict,
                                                float low, float high) = 0;
  /// The same with levels ±scale[n] for row n.   x: [N, C]   scale: [N]
  [[nodiscard]] virtual Tensor threshold_select_rows(const Tensor& x, float threshold,
                                                     const Tensor& scale) = 0;
  /// x less the mean of its row.   x: [N, C]
  [[nodiscard]] virtual Tensor center_rows(const Tensor& x) = 0;
  /// low <= x <= high ? dy : 0.
  [[nodiscard]] virtual Tensor window_mask(const Tensor& x, float low, float high,
                                           const Tensor& dy) = 0;
  /// With xs = x + shift:  dx = low <= xs <= high ? dy : 0, dshift = Σ_rows dx, and two sums.
  [[nodiscard]] virtual WindowGrad window_backward(const Tensor& x, const Window& window,
                                                   const Tensor& dy) = 0;
  /// Σ a b, in double, in fixed blocks.
  [[nodiscard]] virtual double dot(const Tensor& a, const Tensor& b) = 0;
  /// Σ x and Σ |x|, likewise.
  [[nodiscard]] virtual Sums sums(const Tensor& x) = 0;
  /// The mean of |x| over each row.   x: [N, C]   result: [N]
  [[nodiscard]] virtual Tensor mean_absolute_rows(const Tensor& x) = 0;

  // --- Losses and the optimizer ------------------------------------------------------------------

  /// -Σ_b weight[b] Σ_k target[b][k] log softmax(logits[b])[k] / Σ weight, and its gradient, with
  /// target = (1 - smoothing) onehot(label) + smoothing / K.
  ///   logits: [B, K]   labels: [B]   weights: [B]
  [[nodiscard]] virtual CrossEntropyResult cross_entropy(const Tensor& logits,
                                                         const IdTensor& labels,
                                                         const Tensor& weights,
                                                         float smoothing) = 0;
  /// In place on parameter, m and v; all of one shape.
  virtual void adamw(Tensor& parameter, Tensor& m, Tensor& v, const Tensor& gradient,
                     const AdamWStep& step) = 0;
};

/// The device that the process computes on. Defined in device/devices.hpp, the menu of devices.
[[nodiscard]] Device& active_device();

}  // namespace bipft
