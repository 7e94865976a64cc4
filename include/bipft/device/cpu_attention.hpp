#pragma once
/// CpuAttention: attention over bits, forwards and backwards, one text and head after the other.
///
/// Of a head there are T x T scores, probabilities and gradients of both; here they live as long as
/// the head is at hand and never leave the cache. What the backward pass wants of them is computed
/// once more from bits: that costs less than to write it down and read it again.

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "bipft/core/bit_matrix.hpp"
#include "bipft/core/error.hpp"
#include "bipft/core/tensor.hpp"
#include "bipft/device/cpu_dropout.hpp"
#include "bipft/device/cpu_estimates.hpp"
#include "bipft/device/cpu_multiply.hpp"
#include "bipft/device/cpu_plan.hpp"
#include "bipft/device/device.hpp"
#include "bipft/device/estimates.hpp"
#include "bipft/kernels/binary.hpp"
#include "bipft/kernels/dispatch.hpp"
#include "bipft/kernels/table.hpp"
#include "bipft/kernels/training_table.hpp"
#include "bipft/kernels/training_targets.hpp"

namespace bipft {

namespace detail {

/// Rows become columns: bit c of word r is bit r of word c afterwards.
inline void turn_bits(std::uint64_t (&block)[64]) {
  std::uint64_t low = 0x0000'0000'FFFF'FFFFU;
  for (std::size_t size = 32; size != 0; size /= 2, low ^= low << size) {
    for (std::size_t first = 0; first < 64; first += 2 * size) {
      for (std::size_t i = first; i < first + size; ++i) {
        const std::uint64_t swapped = (block[i] >> size ^ block[i + size]) & low;
        block[i] ^= swapped << size;
        block[i + size] ^= swapped;
      }
    }
  }
}

/// One text and head of an attention over bits. T tokens, D channels.
class AttentionHead {
 public:
  AttentionHead(const BinaryAttention& of, const TextHead& at)
      : of_(of),
        at_(at),
        dropout_(of.random, of.dropout),
        channels_(of.q.cols()),
        size_(channels_ / of.heads),
        words_(words_for(size_)),
        estimated_(of.estimates.empty() ? 0 : at.tokens),
        rank_(of.estimates.empty() ? 0 : estimate_rank(of.estimates.cols())),
        memory_(bytes()) {
    each_array([this](auto*& array, std::size_t count) {
      array = memory_.take<std::remove_reference_t<decltype(*array)>>(count);
    });
    std::fill_n(zeros_, longer(), 0.0F);
    if (estimated_ == 0) return;
    const std::size_t first = at.row / channels_;
    spread_estimates(of.estimates.row(first).data(), at.tokens, rank_, of.gradient_scale,
                     {query_side_, key_side_, value_side_, at.tokens});
    for (std::size_t i = 0; i < at.tokens; ++i) {
      training_.estimate_weights(query_side_ + 2 * rank_ * i, key_side_, at.tokens, 2 * rank_,
                                 at.tokens, weights_ + i * at.tokens);
    }
  }

  /// Of probabilities behind dropout.
  [[nodiscard]] double sum() {
    make_probabilities();
    return training_.sums(dropped_, squares()).absolute;
  }

  /// Its columns of y.   y: [N, C]
  void mix(float* y) {
    make_probabilities();
    const std::size_t tokens = at_.tokens;
    const std::size_t key_words = words_for(tokens);
    for (std::size_t i = 0; i < tokens; ++i) {
      kernels_.pack_row(dropped_ + i * tokens, nullptr, tokens, of_.window.threshold,
                        of_.window.strict, alive_ + i * key_words);
    }
    turn_values();
    for (std::size_t c = 0; c < size_; ++c) {
      base_[c] = 0;
      for (std::size_t w = 0; w < key_words; ++w) {
        base_[c] += std::popcount(values_[c * key_words + w]);
      }
    }
    multiply_bits({alive_, tokens, tokens, key_words}, {values_, size_, tokens, key_words}, 1,
                  of_.p_scale * of_.v_scale, mixed_);
    if (estimated_ != 0) add_values();
    for (std::size_t i = 0; i < tokens; ++i) {
      std::copy_n(mixed_ + i * size_, size_, y + at_.row + i * channels_);
    }
  }

  /// Its columns of the gradients, and the sums of the window on its probabilities.
  ///   dy, dq, dk, dv: [N, C]   destimates: [T, 4 rank + 1], added to, if there are estimates
  [[nodiscard]] kernels::WindowSums backward(const float* dy, float* dq, float* dk, float* dv,
                                             float* destimates) {
    make_probabilities();
    const std::size_t tokens = at_.tokens;
    levels_of(of_.v, of_.v_scale);
    multiply({.a = dy + at_.row,
              .a_stride = channels_,
              .b = levels_,
              .b_stride = size_,
              .b_transposed = true,
              .c = gradient_,
              .c_stride = tokens,
              .m = tokens,
              .n = tokens,
              .k = size_});
    if (estimated_ != 0) {
      std::fill_n(levels_, size_, 1.0F);
      for (std::size_t i = 0; i < tokens; ++i) {
        row_sums_[i] = kernels_.row_dot(dy + at_.row + i * channels_, levels_, size_);
        float* const row = gradient_ + i * tokens;
        training_.scale_add(value_side_, row_sums_[i], row, tokens, row);
      }
    }

    kernels::WindowBackward window;
    window.x = dropped_;
    window.low = of_.window.low;
    window.high = of_.window.high;
    window.threshold = of_.window.threshold;
    window.strict = of_.window.strict;
    window.low_unit = of_.window.low_unit;
    window.dy = window.dx = gradient_;
    window.rows = window.cols = tokens;
    const kernels::WindowSums sums = training_.window_backward(window);

    training_.threshold_select(dropped_, of_.window.threshold, of_.window.strict,
                               of_.p_scale * of_.window.low_unit, of_.p_scale, squares(), second_);
    multiply({.a = second_,
              .a_stride = tokens,
              .a_transposed = true,
              .b = dy + at_.row,
              .b_stride = channels_,
              .c = dv + at_.row,
              .c_stride = channels_,
              .m = tokens,
              .n = size_,
              .k = tokens});

    if (estimated_ != 0) {
      std::fill_n(value_gradient_, tokens, 0.0F);
      for (std::size_t i = 0; i < tokens; ++i) {
        training_.scale_add(second_ + i * tokens, row_sums_[i], value_gradient_, tokens,
                            value_gradient_);
      }
    }

    if (dropout_.drops()) dropout_.apply(drawn_, gradient_, squares(), gradient_);
    if (of_.softmax) training_.softmax_backward(p_, gradient_, tokens, tokens, gradient_);
    if (estimated_ != 0) sides_backward(destimates);
    levels_of(of_.k, of_.k_scale);
    multiply({.a = gradient_,
              .a_stride = tokens,
              .b = levels_,
              .b_stride = size_,
              .c = dq + at_.row,
              .c_stride = channels_,
              .m = tokens,
              .n = size_,
              .k = tokens,
              .scale = of_.gradient_scale});
    levels_of(of_.q, of_.q_scale);
    multiply({.a = gradient_,
              .a_stride = tokens,
              .a_transposed = true,
              .b = levels_,
              .b_stride = size_,
              .c = dk + at_.row,
              .c_stride = channels_,
              .m = tokens,
              .n = size_,
              .k = tokens,
              .scale = of_.gradient_scale});
    return sums;
  }

 private:
  template <class Visit>
  void each_array(const Visit& visit) {
    const std::size_t tokens = at_.tokens;
    visit(p_, squares());
    visit(second_, squares());
    visit(gradient_, squares());
    visit(drawn_, squares());
    visit(levels_, tokens * size_);
    visit(mixed_, tokens * size_);
    visit(zeros_, longer());
    visit(scales_, longer());
    visit(base_, longer());
    visit(queries_, tokens * words_);
    visit(keys_, tokens * words_);
    visit(alive_, tokens * words_for(tokens));
    visit(values_, 64 * words_ * words_for(tokens));
    visit(panels_,
          std::max(kernels_.layout_words(tokens, size_), kernels_.layout_words(size_, tokens)));
    visit(scratch_, kernels::product_scratch(longer()));
    visit(workspace_, kernels_.product_workspace);
    visit(weights_, estimated_ * estimated_);
    visit(query_side_, estimated_ * 2 * rank_);
    visit(key_side_, estimated_ * 2 * rank_);
    visit(side_gradients_, estimated_ * 4 * rank_);
    visit(value_side_, estimated_);
    visit(value_gradient_, estimated_);
    visit(row_sums_, estimated_);
  }
  [[nodiscard]] std::size_t bytes() {
    std::size_t total = 0;
    each_array([&total](auto*& array, std::size_t count) {
      total += Workspace::size_of<std::remove_reference_t<decltype(*array)>>(count);
    });
    return total;
  }

  [[nodiscard]] std::size_t longer() const { return std::max(at_.tokens, size_); }
  [[nodiscard]] std::size_t squares() const { return at_.tokens * at_.tokens; }

  /// p, and what dropout leaves of it.
  void make_probabilities() {
    const std::size_t tokens = at_.tokens;
    bits_of(of_.q, queries_);
    bits_of(of_.k, keys_);
    std::fill_n(base_, tokens, static_cast<std::int32_t>(size_));
    multiply_bits({queries_, tokens, size_, words_}, {keys_, tokens, size_, words_}, 2,
                  of_.score_scale, p_);
    if (estimated_ != 0) {
      training_.weighted_softmax(p_, weights_, tokens, tokens, p_);
    } else if (of_.softmax) {
      kernels_.softmax(p_, tokens, tokens, p_);
    }
    dropped_ = p_;
    if (!dropout_.drops()) return;
    dropout_.draw(at_.square, squares(), drawn_);
    dropout_.apply(drawn_, p_, squares(), second_);
    dropped_ = second_;
  }

  /// To every channel of a query, what its keys' r_v sum up to.
  void add_values() {
    const std::size_t tokens = at_.tokens;
    float* const units = gradient_;  // which nobody needs forwards
    for (std::size_t i = 0; i < tokens; ++i) {
      training_.threshold_select(dropped_ + i * tokens, of_.window.threshold, of_.window.strict,
                                 0.0F, 1.0F, tokens, units);
      row_sums_[i] = kernels_.row_dot(units, value_side_, tokens);
    }
    training_.scale(row_sums_, of_.p_scale, tokens, row_sums_);
    for (std::size_t i = 0; i < tokens; ++i) {
      for (std::size_t c = 0; c < size_; ++c) mixed_[i * size_ + c] += row_sums_[i];
    }
  }

  /// From the scores' gradient.
  void sides_backward(float* destimates) {
    const std::size_t tokens = at_.tokens;
    const std::size_t columns = 2 * rank_;
    float* const dkey = side_gradients_ + tokens * columns;
    multiply({.a = gradient_,
              .a_stride = tokens,
              .b = key_side_,
              .b_stride = tokens,
              .b_transposed = true,
              .c = side_gradients_,
              .c_stride = columns,
              .m = tokens,
              .n = columns,
              .k = tokens});
    multiply({.a = gradient_,
              .a_stride = tokens,
              .a_transposed = true,
              .b = query_side_,
              .b_stride = columns,
              .c = dkey,
              .c_stride = columns,
              .m = tokens,
              .n = columns,
              .k = tokens});
    gather_estimates(side_gradients_, dkey, value_gradient_, tokens, rank_, of_.gradient_scale,
                     destimates);
  }

  /// The head's own bits of a token.
  void bits_of_row(const BitView& all, std::size_t token, std::uint64_t* to) const {
    const std::size_t first = at_.row % channels_;
    const std::uint64_t* const row = all.row(at_.row / channels_ + token);
    for (std::size_t w = 0; w < words_; ++w) {
      const std::size_t word = first / 64 + w;
      std::uint64_t bits = row[word] >> first % 64;
      if (first % 64 != 0 && word + 1 < all.words_per_row)
        bits |= row[word + 1] << (64 - first % 64);
      const std::size_t left = size_ - 64 * w;
      to[w] = left < 64 ? bits & ((std::uint64_t{1} << left) - 1) : bits;
    }
  }
  void bits_of(const BitMatrix& all, std::uint64_t* to) const {
    const BitView view = all.view();
    for (std::size_t t = 0; t < at_.tokens; ++t) bits_of_row(view, t, to + t * words_);
  }
  /// [T, D] floats
  void levels_of(const BitMatrix& all, float scale) {
    const BitView view = all.view();
    for (std::size_t t = 0; t < at_.tokens; ++t) {
      bits_of_row(view, t, queries_);
      kernels_.unpack_row(queries_, size_, -scale, scale, levels_ + t * size_);
    }
  }
  /// The values' bits the other way round, [D, T].
  void turn_values() {
    const BitView view = of_.v.view();
    const std::size_t key_words = words_for(at_.tokens);
    for (std::size_t k = 0; k < key_words; ++k) {
      const std::size_t there = std::min<std::size_t>(64, at_.tokens - 64 * k);
      for (std::size_t t = 0; t < there; ++t) {
        bits_of_row(view, 64 * k + t, keys_ + t * words_);
      }
      for (std::size_t w = 0; w < words_; ++w) {
        std::uint64_t block[64] = {};
        for (std::size_t t = 0; t < there; ++t) block[t] = keys_[t * words_ + w];
        turn_bits(block);
        for (std::size_t c = 0; c < 64; ++c) values_[(64 * w + c) * key_words + k] = block[c];
      }
    }
  }

  /// y = scale · (base - step · popcount(a xor b)).   a: [M, K] bits   b: [N, K] bits   y: [M, N]
  void multiply_bits(const BitView& a, const BitView& b, std::int32_t step, float scale, float* y) {
    kernels_.lay_out(b, panels_);
    kernels::BinaryProduct product;
    product.a = a;
    product.weight = panels_;
    product.outputs = b.rows;
    product.step = step;
    product.base = base_;
    product.scratch = scratch_;
    std::fill_n(scales_, b.rows, scale);
    kernels_.bgemm_floats(product, scales_, zeros_, nullptr, y);
  }
  void multiply(const kernels::MatrixProduct& product) { kernels_.product(product, workspace_); }

  const BinaryAttention& of_;
  const TextHead& at_;
  const kernels::KernelTable& kernels_ = kernels::active();
  const kernels::TrainingKernels& training_ = kernels::active_training();
  Dropout dropout_;
  std::size_t channels_, size_, words_;
  std::size_t estimated_, rank_;  // tokens, or 0 where there are no estimates
  Workspace memory_;
  float *p_, *second_, *gradient_;  // [T, T]
  std::uint16_t* drawn_;            // [T, T]
  float *levels_, *mixed_;          // [T, D]
  float *zeros_, *scales_;
  std::int32_t* base_;
  std::uint64_t *queries_, *keys_;  // [T, D] bits
  std::uint64_t* alive_;            // [T, T] bits
  std::uint64_t* values_;           // [D, T] bits
  std::uint32_t *panels_, *scratch_;
  float* workspace_;
  float* weights_;                                   // [T, T]
  float *query_side_, *key_side_, *side_gradients_;  // estimates.hpp; and of both
  float *value_side_, *value_gradient_, *row_sums_;  // [T]
  const float* dropped_ = nullptr;                   // p_ or second_
};

}  // namespace detail

class CpuAttention : public CpuEstimates {
 public:
  [[nodiscard]] double binary_attention_mean(const BinaryAttention& of) override {
    std::vector<double> sums(heads_in(of));
    each_head(of, [&](detail::AttentionHead& head, std::size_t i) { sums[i] = head.sum(); });
    double total = 0;
    for (const double sum : sums) total += sum;
    return total / static_cast<double>(of.heads * of.texts.pairs());
  }

  [[nodiscard]] Tensor binary_attention(const BinaryAttention& of) override {
    (void)heads_in(of);
    Tensor y = Tensor::uninitialized(Shape{of.q.rows(), of.q.cols()});
    float* const to = y.mutable_data().data();
    each_head(of, [&](detail::AttentionHead& head, std::size_t) { head.mix(to); });
    return y;
  }

  [[nodiscard]] BinaryAttentionGrad binary_attention_backward(const BinaryAttention& of,
                                                              const Tensor& dy) override {
    std::vector<kernels::WindowSums> sums(heads_in(of));
    const Shape shape{of.q.rows(), of.q.cols()};
    if (dy.shape() != shape) fail("binary_attention_backward: shape ", dy.shape());
    BinaryAttentionGrad grad{Tensor::uninitialized(shape),
                             Tensor::uninitialized(shape),
                             Tensor::uninitialized(shape),
                             0,
                             0,
                             {}};
    const std::size_t columns = of.estimates.empty() ? 0 : of.estimates.cols();
    const std::size_t tokens = of.q.rows();
    Tensor partial(Shape{of.heads, tokens * columns});  // of each head
    float* const destimates = partial.mutable_data().data();
    const float* const from = dy.data().data();
    float* const dq = grad.dq.mutable_data().data();
    float* const dk = grad.dk.mutable_data().data();
    float* const dv = grad.dv.mutable_data().data();
    each_head(of, [&](detail::AttentionHead& head, std::size_t i) {
      const std::size_t row = i % of.heads * tokens + of.texts.begin(i / of.heads);
      sums[i] = head.backward(from, dq, dk, dv, destimates + row * columns);
    });
    if (columns != 0) grad.destimates = sum_rows(partial).reshaped(of.estimates.shape());
    for (const kernels::WindowSums& sum : sums) {
      grad.units += sum.units;
      grad.inside += sum.inside;
    }
    return grad;
  }

 private:
  /// Of all texts.
  [[nodiscard]] static std::size_t heads_in(const BinaryAttention& of) {
    for (const BitMatrix* bits : {&of.q, &of.k, &of.v}) {
      if (bits->rows() != of.texts.tokens() || bits->cols() != of.q.cols() || of.heads == 0 ||
          bits->cols() % of.heads != 0) {
        fail("binary_attention: bits of ", bits->rows(), " x ", bits->cols(), " for ",
             of.texts.tokens(), " tokens and ", of.heads, " heads of ", of.q.cols(), " channels");
      }
    }
    const Tensor& estimates = of.estimates;
    if (!estimates.empty() && (estimates.rows() != of.texts.tokens() || estimates.cols() < 5 ||
                               estimates.cols() % 4 != 1 || !of.softmax)) {
      fail("binary_attention: estimates of shape ", estimates.shape(), " for ", of.texts.tokens(),
           " tokens", of.softmax ? "" : " without a softmax");
    }
    return of.texts.texts() * of.heads;
  }

  template <class Body>
  static void each_head(const BinaryAttention& of, const Body& body) {
    detail::for_each_head(of.texts, of.heads, of.q.cols(), [&](const detail::TextHead& at) {
      detail::AttentionHead head(of, at);
      body(head, at.index);
    });
  }
};

}  // namespace bipft
