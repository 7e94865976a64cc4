#pragma once
/// CpuProducts: the products of CpuDevice, of floats and of bits.

#include <bit>
#include <cstddef>
#include <cstdint>

#include "bipft/core/bit_matrix.hpp"
#include "bipft/core/error.hpp"
#include "bipft/core/parallel.hpp"
#include "bipft/core/ragged.hpp"
#include "bipft/core/tensor.hpp"
#include "bipft/device/cpu_layout.hpp"
#include "bipft/device/cpu_multiply.hpp"
#include "bipft/device/cpu_pieces.hpp"
#include "bipft/device/cpu_plan.hpp"
#include "bipft/device/device.hpp"
#include "bipft/kernels/dispatch.hpp"
#include "bipft/kernels/table.hpp"
#include "bipft/kernels/training_table.hpp"
#include "bipft/kernels/training_targets.hpp"

namespace bipft {

class CpuProducts : public Device {
 public:
  // --- Float products ----------------------------------------------------------------------------

  [[nodiscard]] Tensor linear(const Tensor& x, const Tensor& w, const Tensor& bias) override {
    if (x.cols() != w.cols()) fail("linear: shapes ", x.shape(), " and ", w.shape());
    if (!bias.empty()) detail::require_extent("linear", "a bias", bias, w.rows());
    Tensor y = Tensor::uninitialized(x.shape().with_cols(w.rows()));
    kernels::MatrixProduct product = product_of(x, w, y);
    product.b_transposed = true;
    product.k = x.cols();
    product.bias = bias.empty() ? nullptr : bias.data().data();
    detail::multiply_on_cpu(product);
    return y;
  }

  [[nodiscard]] Tensor matmul(const Tensor& a, const Tensor& b) override {
    if (a.cols() != b.rows()) fail("matmul: shapes ", a.shape(), " and ", b.shape());
    Tensor y = Tensor::uninitialized(a.shape().with_cols(b.cols()));
    kernels::MatrixProduct product = product_of(a, b, y);
    product.k = a.cols();
    detail::multiply_on_cpu(product);
    return y;
  }

  [[nodiscard]] Tensor matmul_tn(const Tensor& a, const Tensor& b) override {
    if (a.rows() != b.rows()) fail("matmul_tn: shapes ", a.shape(), " and ", b.shape());
    Tensor y = Tensor::uninitialized(Shape{a.cols(), b.cols()});
    kernels::MatrixProduct product = product_of(a, b, y);
    product.a_transposed = true;
    product.k = a.rows();
    detail::multiply_on_cpu(product);
    return y;
  }

  [[nodiscard]] Tensor scores(const Tensor& q, const Tensor& k, const Ragged& texts,
                              std::size_t heads, float scale) override {
    return scores_by(kernels::active().product, q, k, texts, heads, scale);
  }
  [[nodiscard]] Tensor plain_scores(const Tensor& q, const Tensor& k, const Ragged& texts,
                                    std::size_t heads, float scale) override {
    return scores_by(kernels::active().plain_product, q, k, texts, heads, scale);
  }

  [[nodiscard]] GradPair scores_backward(const Tensor& q, const Tensor& k, const Tensor& ds,
                                         const Ragged& texts, std::size_t heads,
                                         float scale) override {
    detail::require_same("scores_backward", q, k);
    detail::require_heads("scores_backward", q, texts, heads);
    detail::require_squares("scores_backward", ds, texts, heads);
    GradPair grad{Tensor::uninitialized(q.shape()), Tensor::uninitialized(k.shape())};
    const Channels each{q.cols(), q.cols() / heads};
    const float* from_q = q.data().data();
    const float* from_k = k.data().data();
    const float* from_ds = ds.data().data();
    float* dq = grad.first.mutable_data().data();
    float* dk = grad.second.mutable_data().data();
    detail::for_each_head(texts, heads, q.cols(), [&](const detail::TextHead& at) {
      square_times(kernels::active().product, each, at, from_ds, false, from_k, scale, dq);
      square_times(kernels::active().product, each, at, from_ds, true, from_q, scale, dk);
    });
    return grad;
  }

  [[nodiscard]] Tensor mix(const Tensor& p, const Tensor& v, const Ragged& texts,
                           std::size_t heads) override {
    return mix_by(kernels::active().product, p, v, texts, heads);
  }
  [[nodiscard]] Tensor plain_mix(const Tensor& p, const Tensor& v, const Ragged& texts,
                                 std::size_t heads) override {
    return mix_by(kernels::active().plain_product, p, v, texts, heads);
  }

  [[nodiscard]] GradPair mix_backward(const Tensor& p, const Tensor& v, const Tensor& dy,
                                      const Ragged& texts, std::size_t heads) override {
    detail::require_same("mix_backward", v, dy);
    detail::require_heads("mix_backward", v, texts, heads);
    detail::require_squares("mix_backward", p, texts, heads);
    GradPair grad{Tensor::uninitialized(p.shape()), Tensor::uninitialized(v.shape())};
    const Channels each{v.cols(), v.cols() / heads};
    const float* from_p = p.data().data();
    const float* from_v = v.data().data();
    const float* from_dy = dy.data().data();
    float* dp = grad.first.mutable_data().data();
    float* dv = grad.second.mutable_data().data();
    detail::for_each_head(texts, heads, v.cols(), [&](const detail::TextHead& at) {
      times_transposed(kernels::active().product, each, at, from_dy, from_v, 1, dp);
      square_times(kernels::active().product, each, at, from_p, true, from_dy, 1, dv);
    });
    return grad;
  }

  // --- Binary products ---------------------------------------------------------------------------

  [[nodiscard]] BitMatrix pack(const Tensor& x, const Tensor& shift, float threshold,
                               bool strict) override {
    if (!shift.empty()) detail::require_extent("pack", "a shift", shift, x.cols());
    BitMatrix bits(x.rows(), x.cols());
    if (bits.empty()) return bits;
    const kernels::KernelTable& kernels = kernels::active();
    const std::size_t cols = x.cols();
    const float* from = x.data().data();
    const float* added = shift.empty() ? nullptr : shift.data().data();
    std::uint64_t* to = bits.mutable_row(0);
    detail::by_rows(x.rows(), cols, [&](std::size_t row) {
      kernels.pack_row(from + row * cols, added, cols, threshold, strict,
                       to + row * words_for(cols));
    });
    return bits;
  }

  [[nodiscard]] Tensor binary_linear(const BitMatrix& a, const BitMatrix& w, bool zero_one,
                                     const Tensor& scale, const Tensor& bias) override {
    Tensor y = Tensor::uninitialized(Shape{a.rows(), w.rows()});
    multiply_bits(a, w, zero_one, scale, bias, y, [](std::size_t, std::size_t) {});
    return y;
  }
  [[nodiscard]] Activated binary_linear(const BitMatrix& a, const BitMatrix& w, bool zero_one,
                                        const Tensor& scale, const Tensor& bias,
                                        Activation f) override {
    Tensor x = Tensor::uninitialized(Shape{a.rows(), w.rows()});
    Tensor y = f == Activation::gelu ? Tensor::uninitialized(x.shape()) : Tensor();
    const detail::ActivationKernel kernel = detail::kernel_of(f);
    const float* const from = x.data().data();
    float* const to = y.empty() ? x.mutable_data().data() : y.mutable_data().data();
    multiply_bits(a, w, zero_one, scale, bias, x, [&](std::size_t first, std::size_t count) {
      kernel(from + first, count, to + first);
    });
    if (y.empty()) return {x, x};
    return {y, x};
  }

  [[nodiscard]] Tensor binary_matmul(const Tensor& a, const BitMatrix& s, bool zero_one,
                                     float scale) override {
    if (a.cols() != s.rows()) {
      fail("binary_matmul: shape ", a.shape(), " and ", s.rows(), " rows of bits");
    }
    return sign_product(a, false, a.rows(), s, zero_one, scale);
  }

  [[nodiscard]] Tensor binary_matmul_tn(const Tensor& a, const BitMatrix& s, bool zero_one,
                                        float scale) override {
    if (a.rows() != s.rows()) {
      fail("binary_matmul_tn: shape ", a.shape(), " and ", s.rows(), " rows of bits");
    }
    return sign_product(a, true, a.cols(), s, zero_one, scale);
  }

  [[nodiscard]] Tensor unpack(const BitMatrix& bits, float low, float high) override {
    Tensor y = Tensor::uninitialized(Shape{bits.rows(), bits.cols()});
    const kernels::KernelTable& kernels = kernels::active();
    const BitView from = bits.view();
    float* to = y.mutable_data().data();
    detail::by_rows(from.rows, from.cols, [&](std::size_t row) {
      kernels.unpack_row(from.row(row), from.cols, low, high, to + row * from.cols);
    });
    return y;
  }

  [[nodiscard]] Tensor scale_add_row(const Tensor& x, const Tensor& scale,
                                     const Tensor& row) override {
    detail::require_extent("scale_add_row", "a row", row, x.cols());
    const bool one = scale.numel() == 1;
    if (!one) detail::require_extent("scale_add_row", "a scale", scale, x.cols());
    const float* factors = scale.data().data();
    const float* added = row.data().data();
    const kernels::TrainingKernels& kernels = kernels::active_training();
    return detail::map_rows(x, [&](const float* from, std::size_t, float* to) {
      if (one) return kernels.scale_add(from, *factors, added, x.cols(), to);
      kernels.of->multiply(from, factors, x.cols(), to);
      kernels.of->add(to, added, x.cols(), to);
    });
  }

 private:
  /// C, and the channels of one head, D.
  struct Channels {
    std::size_t all, head;
  };

  [[nodiscard]] static kernels::MatrixProduct product_of(const Tensor& a, const Tensor& b,
                                                         Tensor& c) {
    kernels::MatrixProduct product;
    product.a = a.data().data();
    product.a_stride = a.cols();
    product.b = b.data().data();
    product.b_stride = b.cols();
    product.c = c.mutable_data().data();
    product.c_stride = product.n = c.cols();
    product.m = c.rows();
    return product;
  }

  using ProductKernel = void (*)(const kernels::MatrixProduct& product, float* workspace);

  [[nodiscard]] static Tensor scores_by(ProductKernel kernel, const Tensor& q, const Tensor& k,
                                        const Ragged& texts, std::size_t heads, float scale) {
    detail::require_same("scores", q, k);
    detail::require_heads("scores", q, texts, heads);
    Tensor s = Tensor::uninitialized(Shape{heads * texts.pairs()});
    const Channels each{q.cols(), q.cols() / heads};
    const float* from_q = q.data().data();
    const float* from_k = k.data().data();
    float* to = s.mutable_data().data();
    detail::for_each_head(texts, heads, q.cols(), [&](const detail::TextHead& at) {
      times_transposed(kernel, each, at, from_q, from_k, scale, to);
    });
    return s;
  }
  [[nodiscard]] static Tensor mix_by(ProductKernel kernel, const Tensor& p, const Tensor& v,
                                     const Ragged& texts, std::size_t heads) {
    detail::require_heads("mix", v, texts, heads);
    detail::require_squares("mix", p, texts, heads);
    Tensor y = Tensor::uninitialized(v.shape());
    const Channels each{v.cols(), v.cols() / heads};
    const float* from_p = p.data().data();
    const float* from_v = v.data().data();
    float* to = y.mutable_data().data();
    detail::for_each_head(texts, heads, v.cols(), [&](const detail::TextHead& at) {
      square_times(kernel, each, at, from_p, false, from_v, 1, to);
    });
    return y;
  }

  static void run_product(ProductKernel kernel, const kernels::MatrixProduct& product) {
    const PoolArray<float> workspace(kernels::active().product_workspace);
    kernel(product, workspace.begin());
  }

  /// s [T, T] = scale · a bᵀ of one text and head.   a, b: [N, C]
  static void times_transposed(ProductKernel kernel, const Channels& each,
                               const detail::TextHead& at, const float* a, const float* b,
                               float scale, float* s) {
    kernels::MatrixProduct product;
    product.a = a + at.row;
    product.b = b + at.row;
    product.a_stride = product.b_stride = each.all;
    product.b_transposed = true;
    product.c = s + at.square;
    product.c_stride = product.m = product.n = at.tokens;
    product.k = each.head;
    product.scale = scale;
    run_product(kernel, product);
  }

  /// y [T, D] = scale · s b, or scale · sᵀ b, of one text and head.   s: [T, T]   b, y: [N, C]
  static void square_times(ProductKernel kernel, const Channels& each, const detail::TextHead& at,
                           const float* s, bool transposed, const float* b, float scale, float* y) {
    kernels::MatrixProduct product;
    product.a = s + at.square;
    product.a_stride = product.m = product.k = at.tokens;
    product.a_transposed = transposed;
    product.b = b + at.row;
    product.c = y + at.row;
    product.b_stride = product.c_stride = each.all;
    product.n = each.head;
    product.scale = scale;
    run_product(kernel, product);
  }

  [[nodiscard]] static Tensor sign_product(const Tensor& a, bool transposed, std::size_t rows,
                                           const BitMatrix& s, bool zero_one, float scale) {
    if (s.rows() == 0) return Tensor(Shape{rows, s.cols()});
    Tensor y = Tensor::uninitialized(Shape{rows, s.cols()});
    kernels::SignProduct product;
    product.a = a.data().data();
    product.a_stride = a.cols();
    product.a_transposed = transposed;
    product.signs = s.view();
    product.zero_one = zero_one;
    product.c = y.mutable_data().data();
    product.c_stride = product.n = s.cols();
    product.m = rows;
    product.scale = scale;
    detail::multiply_signs_on_cpu(product);
    return y;
  }

  /// y, and then(first, count) for elements of it that have just been written.
  template <class Then>
  static void multiply_bits(const BitMatrix& a, const BitMatrix& w, bool zero_one,
                            const Tensor& scale, const Tensor& bias, Tensor& y, const Then& then) {
    if (a.cols() != w.cols()) {
      fail("binary_linear: rows of ", a.cols(), " bits and weights of ", w.cols());
    }
    detail::require_extent("binary_linear", "a bias", bias, w.rows());
    const Tensor scales = detail::scales_of("binary_linear", scale, w.rows());
    if (y.empty() || a.empty()) return;
    const CpuLayout layout(kernels::active(), w.view());
    BasicTensor<std::int32_t> base(Shape{w.rows()}, static_cast<std::int32_t>(w.cols()));
    if (zero_one) count_ones(w.view(), base.mutable_data().data());

    kernels::BinaryProduct whole;
    whole.a = a.view();
    whole.weight = layout.panels();
    whole.outputs = w.rows();
    whole.step = zero_one ? 1 : 2;
    whole.base = base.data().data();
    const float* factors = scales.data().data();
    const float* added = bias.data().data();
    float* to = y.mutable_data().data();
    constexpr std::size_t grain = 64;
    parallel_for(a.rows(), grain, [&](std::size_t begin, std::size_t end) {
      const std::size_t words = kernels::product_scratch(a.cols());
      detail::Workspace scratch(words * sizeof(std::uint32_t));
      kernels::BinaryProduct part = whole;
      part.a.words += begin * part.a.words_per_row;
      part.a.rows = end - begin;
      part.scratch = scratch.take<std::uint32_t>(words);
      layout.kernels().bgemm_floats(part, factors, added, nullptr, to + begin * w.rows());
      then(begin * w.rows(), (end - begin) * w.rows());
    });
  }

  /// What a 0/1 row gives with each row of weights if no bit differs: the number of its ones.
  static void count_ones(const BitView& w, std::int32_t* ones) {
    for (std::size_t o = 0; o < w.rows; ++o) {
      ones[o] = 0;
      for (std::size_t i = 0; i < w.words_per_row; ++i) ones[o] += std::popcount(w.row(o)[i]);
    }
  }
};

}  // namespace bipft
