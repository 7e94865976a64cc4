#pragma once
/// KernelTable: the contract between the mathematics above and the machine below.
///
/// Everything that is worth an instruction set is a function pointer in this table. A target is one
/// file (target/*.hpp) that defines some words in its own instructions; the bodies (body/*.inl) are
/// written once in these words. `scalar` is the executable specification.
///
/// All functions but the fused `product`, here and in training_table.hpp, answer with the same
/// bytes on every target: a sum over a row is kept in 16 lanes, lane l adding the elements l, l+16,
/// l+32, ... in order, and the lanes are folded in halves (l with l+8, then l+4, l+2, l+1). Nothing
/// is contracted to a fused multiply-add. Pointers need no alignment; results may lie on top of an
/// operand of the same shape.

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

/// c = scale · a s, where s are the units of bits: ±1, or 0/1.   a: [M, K]   s: [K, N]   c: [M, N]
struct SignProduct {
  const float* a = nullptr;
  std::size_t a_stride = 0;
  bool a_transposed = false;  ///< a is stored as [K, M]
  BitView signs;              ///< [K, ...]: all its rows, and N columns from `column` on
  std::size_t column = 0;     ///< a multiple of 16
  bool zero_one = false;
  float* c = nullptr;
  std::size_t c_stride = 0;
  std::size_t m = 0, n = 0;
  float scale = 1;
};

/// What a packed model needs to answer; what only training needs is in training_table.hpp, so that
/// a program that merely predicts compiles none of it.
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
  /// The same of multiplications and additions that are rounded by themselves, so that it gives the
  /// same bytes on every target.
  void (*plain_product)(const MatrixProduct& product, float* workspace);
  std::size_t product_workspace;  ///< of both

  // --- Elements: y[i] for i < n ------------------------------------------------------------------

  void (*add)(const float* a, const float* b, std::size_t n, float* y);
  void (*multiply)(const float* a, const float* b, std::size_t n, float* y);
  void (*relu)(const float* x, std::size_t n, float* y);
  /// x Φ(x), with Φ(x) = (1 + erf(x/√2)) / 2; below 0 exactly where x is
  void (*gelu)(const float* x, std::size_t n, float* y);
  void (*tanh)(const float* x, std::size_t n, float* y);
  /// tanh(x/2) / 2 + 1/2, by the tanh above
  void (*sigmoid)(const float* x, std::size_t n, float* y);
  void (*exp)(const float* x, std::size_t n, float* y);

  // --- Rows: matrices [rows, cols] ---------------------------------------------------------------

  /// exp(x - max) · (1 / Σ exp(x - max))
  void (*softmax)(const float* x, std::size_t rows, std::size_t cols, float* y);
  /// ((x - mean) · inverse) · γ + β, where inverse = 1 / √(variance + ε).
  ///   mean, inverse: [rows], or none if nobody asks for them
  void (*layer_norm)(const float* x, std::size_t rows, std::size_t cols, const float* gamma,
                     const float* beta, float epsilon, float* y, float* mean, float* inverse);
  /// Σ a b in float, as every row's sum above.
  float (*row_dot)(const float* a, const float* b, std::size_t n);
  /// y[row][o] = row_dot(x[row], w[o]) + bias[o], for few outputs.
  ///   x: [rows, n]   w: [outputs, n]   bias: [outputs]   y: [rows, outputs]
  void (*row_linear)(const float* x, std::size_t rows, const float* w, const float* bias,
                     std::size_t outputs, std::size_t n, float* y);

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
  /// A binary product's integers v as floats scale · v + bias, rounded twice, and then + residual,
  ///   scale, bias: [O]   residual, y: [N, O]; no residual, or y itself, will do
  void (*bgemm_floats)(const BinaryProduct& product, const float* scale, const float* bias,
                       const float* residual, float* y);
  /// or as bits popcount(a[n] xor w[o]) <= most[o], or also >= least[o], if there is one. It does
  /// not read step and base.
  ///   most, least: [O]   bits: [N, O] in rows of `words_per_row` words
  void (*bgemm_bits)(const BinaryProduct& product, const std::int32_t* most,
                     const std::int32_t* least, std::uint64_t* bits, std::size_t words_per_row);
  void (*bit_attention)(const BitAttention& attention);

  /// c = (a s) scale + bias, rounded once for · and once for +, with each product's own scale left
  /// at 1. Each element of a s is one chain of sums over k = 0, 1, ..., K-1. What is added up is a
  /// number of a, or its negative, or 0: so nothing is rounded but sums, whatever a target fuses,
  /// and unlike `product` this gives the same bytes on every one.
  ///   scale, bias: [N]   workspace: `sign_linear_workspace` floats
  void (*sign_linear)(const SignProduct& product, const float* scale, const float* bias,
                      float* workspace);
  std::size_t sign_linear_workspace;
};

}  // namespace bipft::kernels
