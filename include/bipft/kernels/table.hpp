#pragma once
/// KernelTable: the contract between the mathematics above and the machine below.
///
/// Everything that is worth an instruction set is a function pointer in this table. A target is one
/// file (target/*.hpp) that defines some words in its own instructions; the bodies (body/*.inl) are
/// written once in these words. `scalar` is the executable specification.
///
/// All functions but the fused `product` answer with the same bytes on every target: a sum over a
/// row is kept in 16 lanes, lane l adding the elements l, l+16, l+32, ... in order, and the lanes
/// are folded in halves (l with l+8, then l+4, l+2, l+1). Nothing is contracted to a fused
/// multiply-add. Pointers need no alignment; results may lie on top of an operand of the same
/// shape.

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "bipft/core/bit_matrix.hpp"
#include "bipft/kernels/binary.hpp"

namespace bipft::kernels {

/// c = scale · a b + bias.   a: [M, K]   b: [K, N]   c: [M, N]
///
/// `a_stride` elements lie between two rows of a as it is stored: rows of a, or rows of aᵀ if it is
/// stored transposed; b likewise. c must not overlap a or b.
struct MatrixProduct {
  const float* a = nullptr;
  std::size_t a_stride = 0;
  bool a_transposed = false;  ///< a is stored as [K, M]
  const float* b = nullptr;
  std::size_t b_stride = 0;
  bool b_transposed = false;  ///< b is stored as [N, K]
  float* c = nullptr;
  std::size_t c_stride = 0;
  std::size_t m = 0, n = 0, k = 0;
  float scale = 1;
  const float* bias = nullptr;  ///< [N], or none
};

/// Σ x and Σ |x|.
struct RowSums {
  double sum = 0;
  double absolute = 0;
};

/// The numbers of one AdamW step.
struct AdamWNumbers {
  float lr, beta1, beta2, epsilon, weight_decay, correction1, correction2, gradient_scale;
};

struct KernelTable {
  /// As accepted by `select_target` and by the environment variable BIPFT_TARGET.
  std::string_view name;

  /// Can this machine run the table's functions?
  bool (*supported)();

  // --- Products (fused) --------------------------------------------------------------------------

  /// Each element of c is one chain of multiply-adds over k = 0, 1, ..., K-1, whatever M and N are
  /// and wherever the element lies: a row's result does not depend on the rows around it.
  ///   workspace: `product_workspace` floats
  void (*product)(const MatrixProduct& product, float* workspace);
  std::size_t product_workspace;

  // --- Elements: y[i] for i < n ------------------------------------------------------------------

  void (*add)(const float* a, const float* b, std::size_t n, float* y);
  void (*multiply)(const float* a, const float* b, std::size_t n, float* y);
  /// x · factor
  void (*scale)(const float* x, float factor, std::size_t n, float* y);
  /// factor · x + b, rounded twice
  void (*scale_add)(const float* x, float factor, const float* b, std::size_t n, float* y);

  void (*relu)(const float* x, std::size_t n, float* y);
  /// dy where x > 0, else 0
  void (*relu_backward)(const float* x, const float* dy, std::size_t n, float* dx);
  /// x Φ(x), with Φ(x) = (1 + erf(x/√2)) / 2
  void (*gelu)(const float* x, std::size_t n, float* y);
  /// dy (Φ(x) + x φ(x)), with φ(x) = exp(-x²/2) / √(2π)
  void (*gelu_backward)(const float* x, const float* dy, std::size_t n, float* dx);
  void (*tanh)(const float* x, std::size_t n, float* y);
  /// dy (1 - y²), from y = tanh(x)
  void (*tanh_backward)(const float* y, const float* dy, std::size_t n, float* dx);
  void (*exp)(const float* x, std::size_t n, float* y);

  /// x >= threshold ? high : low (or x > threshold, if `strict`); a NaN is low.
  void (*threshold_select)(const float* x, float threshold, bool strict, float low, float high,
                           std::size_t n, float* y);
  /// low <= x <= high ? dy : 0
  void (*window_mask)(const float* x, float low, float high, const float* dy, std::size_t n,
                      float* dx);
  /// Where `draw[i]` >= limit: x · factor, else 0.
  void (*dropout)(const float* x, const std::uint16_t* draw, std::uint16_t limit, float factor,
                  std::size_t n, float* y);
  /// One AdamW step; see train/adamw.hpp for the equations.
  void (*adamw)(float* parameter, float* m, float* v, const float* gradient, std::size_t n,
                const AdamWNumbers& numbers);

  // --- Rows: matrices [rows, cols] ---------------------------------------------------------------

  /// exp(x - max) · (1 / Σ exp(x - max))
  void (*softmax)(const float* x, std::size_t rows, std::size_t cols, float* y);
  /// p (dp - Σ p dp)
  void (*softmax_backward)(const float* p, const float* dp, std::size_t rows, std::size_t cols,
                           float* dx);
  /// ((x - mean) · inverse) · γ + β, where inverse = 1 / √(variance + ε).
  ///   mean, inverse: [rows], or none if nobody asks for them
  void (*layer_norm)(const float* x, std::size_t rows, std::size_t cols, const float* gamma,
                     const float* beta, float epsilon, float* y, float* mean, float* inverse);
  /// With x̂ = (x - mean) · inverse and g = dy γ:  dx = inverse (g - Σg/C - x̂ Σ(g x̂)/C), and
  /// dγ += dy x̂, dβ += dy, row by row.
  void (*layer_norm_backward)(const float* x, const float* mean, const float* inverse,
                              const float* gamma, const float* dy, std::size_t rows,
                              std::size_t cols, float* dx, float* dgamma, float* dbeta);
  /// Σ a b in float, as every row's sum above.
  float (*row_dot)(const float* a, const float* b, std::size_t n);

  // --- Sums in double, 16 lanes as well ----------------------------------------------------------

  double (*dot)(const float* a, const float* b, std::size_t n);
  RowSums (*sums)(const float* x, std::size_t n);
  /// -weight Σ_k target[k] log softmax(logits)[k], and dlogits = weight (softmax(logits) - target),
  /// with target = (1 - smoothing) onehot(label) + smoothing / K. dlogits must not overlap logits.
  double (*cross_entropy)(const float* logits, std::size_t labels, std::size_t label,
                          double weight, float smoothing, float* dlogits);

  // --- Bits --------------------------------------------------------------------------------------

  /// Bit c is x[c] + shift[c] >= threshold (or >, if strict), the sum rounded once; a NaN is 0.
  ///   shift: [n], or none   bits: whole words, padding bits zero
  void (*pack_row)(const float* x, const float* shift, std::size_t n, float threshold, bool strict,
                   std::uint64_t* bits);
  /// bit ? high : low
  void (*unpack_row)(const std::uint64_t* bits, std::size_t n, float low, float high, float* y);

  /// ±1 weights [O, C] in this target's own panels of `layout_words(O, C)` words, aligned to 64
  /// bytes. Only this target's products can read them.
  std::size_t (*layout_words)(std::size_t outputs, std::size_t inputs);
  void (*lay_out)(BitView weight, std::uint32_t* panels);
  /// The integers of a binary product, v: [N, O], as they are;
  void (*bgemm_ints)(const BinaryProduct& product, std::int32_t* v);
  /// as floats scale · v + bias, rounded twice;   bias: [O]   y: [N, O]
  void (*bgemm_floats)(const BinaryProduct& product, float scale, const float* bias, float* y);
  /// or as bits v >= threshold.   threshold: [O]   bits: [N, O] in rows of `words_per_row` words
  void (*bgemm_bits)(const BinaryProduct& product, const std::int32_t* threshold,
                     std::uint64_t* bits, std::size_t words_per_row);
  void (*bit_attention)(const BitAttention& attention);
};

}  // namespace bipft::kernels
