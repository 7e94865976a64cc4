#pragma once
/// TrainingKernels: the rest of a target's contract, for those who train. The rules at the top of
/// table.hpp hold here as well.

#include <cstddef>
#include <cstdint>

#include "bipft/core/random.hpp"
#include "bipft/kernels/binary.hpp"
#include "bipft/kernels/table.hpp"

namespace bipft::kernels {

/// Σ x and Σ |x|.
struct RowSums {
  double sum = 0;
  double absolute = 0;
};

/// The numbers of one AdamW step.
struct AdamWNumbers {
  float lr, beta1, beta2, epsilon, weight_decay, correction1, correction2, gradient_scale;
};

/// What Device::window_backward is given, for some rows.   x, dy, dx: [rows, cols]
struct WindowBackward {
  const float* x = nullptr;
  const float* shift = nullptr;  ///< [cols], or none
  float low = 0, high = 0;
  float threshold = 0;
  bool strict = false;
  float low_unit = -1;
  const float* dy = nullptr;
  float* dx = nullptr;
  float* dshift = nullptr;  ///< [cols], added to; or none
  std::size_t rows = 0, cols = 0;
};
/// Σ units(x + shift) dy, and Σ (x + shift) dx.
struct WindowSums {
  double units = 0;
  double inside = 0;
};

/// What Device::window_backward is given of bits, for some rows.   dy, dx: [rows, cols]
struct WindowBitsBackward {
  const std::uint64_t* units = nullptr;   ///< of each row `words` words
  const std::uint64_t* inside = nullptr;  ///< likewise
  std::size_t words = 0;
  float low_unit = -1;
  const float* dy = nullptr;
  float* dx = nullptr;
  float* dshift = nullptr;  ///< [cols], added to; or none
  std::size_t rows = 0, cols = 0;
};

struct TrainingKernels {
  /// The table of the same target.
  const KernelTable* of;

  // --- Elements: y[i] for i < n ------------------------------------------------------------------

  /// x · factor
  void (*scale)(const float* x, float factor, std::size_t n, float* y);
  /// factor · x + b, rounded twice
  void (*scale_add)(const float* x, float factor, const float* b, std::size_t n, float* y);

  /// dy where x > 0, else 0
  void (*relu_backward)(const float* x, const float* dy, std::size_t n, float* dx);
  /// dy (Φ(x) + x φ(x)), with φ(x) = exp(-x²/2) / √(2π)
  void (*gelu_backward)(const float* x, const float* dy, std::size_t n, float* dx);
  /// dy (1 - y²), from y = tanh(x)
  void (*tanh_backward)(const float* y, const float* dy, std::size_t n, float* dx);

  /// x >= threshold ? high : low (or x > threshold, if `strict`); a NaN is low.
  void (*threshold_select)(const float* x, float threshold, bool strict, float low, float high,
                           std::size_t n, float* y);
  /// low <= x <= high ? dy : 0
  void (*window_mask)(const float* x, float low, float high, const float* dy, std::size_t n,
                      float* dx);
  /// A quarter of a random number an element: to[4i + k] is bits 16k and up of number first + i.
  ///   i < n   to: 4n
  void (*draw)(const Random& random, std::uint64_t first, std::size_t n, std::uint16_t* to);
  /// Where `draw[i]` >= limit: x · factor, else 0.
  void (*dropout)(const float* x, const std::uint16_t* draw, std::uint16_t limit, float factor,
                  std::size_t n, float* y);
  /// One AdamW step; see train/adamw.hpp for the equations.
  void (*adamw)(float* parameter, float* m, float* v, const float* gradient, std::size_t n,
                const AdamWNumbers& numbers);

  // --- Rows: matrices [rows, cols] ---------------------------------------------------------------

  /// y[j] = exp(e_j - max e) for j < n, with e_j = Σ_c a[c] b[c][j] in the order of c.
  ///   b: [rank, n], `stride` from one row to the next
  void (*estimate_weights)(const float* a, const float* b, std::size_t stride, std::size_t rank,
                           std::size_t n, float* y);
  /// w exp(x - max) · (1 / max(Σ w exp(x - max), 2⁻¹²⁶)).   w: [rows, cols]
  void (*weighted_softmax)(const float* x, const float* w, std::size_t rows, std::size_t cols,
                           float* y);
  /// p (dp - Σ p dp)
  void (*softmax_backward)(const float* p, const float* dp, std::size_t rows, std::size_t cols,
                           float* dx);
  /// With x̂ = (x - mean) · inverse and g = dy γ:  dx = inverse (g - Σg/C - x̂ Σ(g x̂)/C), and
  /// dγ += dy x̂, dβ += dy, row by row.
  void (*layer_norm_backward)(const float* x, const float* mean, const float* inverse,
                              const float* gamma, const float* dy, std::size_t rows,
                              std::size_t cols, float* dx, float* dgamma, float* dbeta);

  // --- Sums in double, 16 lanes as well ----------------------------------------------------------

  double (*dot)(const float* a, const float* b, std::size_t n);
  RowSums (*sums)(const float* x, std::size_t n);
  /// -weight Σ_k target[k] log softmax(logits)[k], and dlogits = weight (softmax(logits) - target),
  /// with target = (1 - smoothing) onehot(label) + smoothing / K. dlogits must not overlap logits.
  double (*cross_entropy)(const float* logits, std::size_t labels, std::size_t label, double weight,
                          float smoothing, float* dlogits);

  // --- Bits --------------------------------------------------------------------------------------

  /// The integers of a binary product as they are.   v: [N, O]
  void (*bgemm_ints)(const BinaryProduct& product, std::int32_t* v);
  /// Each element of c is one chain over k, as `KernelTable::product` has it (fused). Targets that
  /// compute with bfloat16 round a to it; sums are floats everywhere.
  ///   workspace: `sign_workspace` floats
  void (*sign_product)(const SignProduct& product, float* workspace);
  std::size_t sign_workspace;
  /// Device::window_backward for some rows; sums of a row are floats in 16 lanes, of rows doubles.
  WindowSums (*window_backward)(const WindowBackward& of);
  /// Bit c is low <= x[c] + shift[c] <= high; as KernelTable::pack_row otherwise.
  void (*window_row)(const float* x, const float* shift, std::size_t n, float low, float high,
                     std::uint64_t* bits);
  /// The same as window_backward, from bits. Returns Σ units dy.
  double (*window_bits_backward)(const WindowBitsBackward& of);
};

}  // namespace bipft::kernels
