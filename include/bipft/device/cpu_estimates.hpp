#pragma once
/// CpuEstimates: the operations of CpuDevice that go with estimates (device/estimates.hpp).

#include <cstddef>

#include "bipft/core/parallel.hpp"
#include "bipft/core/pool.hpp"
#include "bipft/core/ragged.hpp"
#include "bipft/core/tensor.hpp"
#include "bipft/device/cpu_multiply.hpp"
#include "bipft/device/cpu_pieces.hpp"
#include "bipft/device/cpu_rows.hpp"
#include "bipft/device/estimates.hpp"
#include "bipft/kernels/dispatch.hpp"
#include "bipft/kernels/table.hpp"
#include "bipft/kernels/training_table.hpp"
#include "bipft/kernels/training_targets.hpp"

namespace bipft {

class CpuEstimates : public CpuRows {
 public:
  [[nodiscard]] Tensor ordered_linear(const Tensor& x, const Tensor& w,
                                      const Tensor& bias) override {
    detail::require_extent("ordered_linear", "a row of weights", Tensor(Shape{w.cols()}), x.cols());
    detail::require_extent("ordered_linear", "a bias", bias, w.rows());
    const std::size_t outputs = w.rows();
    Tensor y = Tensor::uninitialized(Shape{x.rows(), outputs});
    const kernels::KernelTable& kernels = kernels::active();
    const std::size_t cols = x.cols();
    const float* const from = x.data().data();
    float* const to = y.mutable_data().data();
    const std::size_t piece = detail::piece_rows(outputs * cols);
    parallel_for(x.rows(), piece, [&](std::size_t begin, std::size_t end) {
      kernels.row_linear(from + begin * cols, end - begin, w.data().data(), bias.data().data(),
                         outputs, cols, to + begin * outputs);
    });
    return y;
  }

  [[nodiscard]] Tensor estimate_weights(const Tensor& estimates, float factor,
                                        const Ragged& texts) override {
    detail::require_texts("estimate_weights", estimates, texts);
    const std::size_t columns = estimates.cols();
    const std::size_t rank = estimate_rank(columns);
    Tensor weights = Tensor::uninitialized(Shape{texts.pairs()});
    const kernels::TrainingKernels& kernels = kernels::active_training();
    const float* const from = estimates.data().data();
    float* const to = weights.mutable_data().data();
    parallel_for(texts.texts(), 1, [&](std::size_t text, std::size_t) {
      const std::size_t tokens = texts.length(text);
      const PoolArray<float> sides(tokens * columns);
      float* const query = sides.begin();
      float* const key = query + 2 * rank * tokens;
      spread_estimates(from + texts.begin(text) * columns, tokens, rank, factor,
                       {query, key, key + 2 * rank * tokens, tokens});
      for (std::size_t i = 0; i < tokens; ++i) {
        kernels.estimate_weights(query + 2 * rank * i, key, tokens, 2 * rank, tokens,
                                 to + texts.pairs_begin(text) + i * tokens);
      }
    });
    return weights;
  }

  [[nodiscard]] Tensor weighted_softmax(const Tensor& s, const Tensor& weights, const Ragged& texts,
                                        std::size_t heads) override {
    detail::require_squares("weighted_softmax", s, texts, heads);
    detail::require_squares("weighted_softmax", weights, texts, 1);
    Tensor p = Tensor::uninitialized(s.shape());
    const kernels::TrainingKernels& kernels = kernels::active_training();
    const float* const from = s.data().data();
    const float* const weight = weights.data().data();
    float* const to = p.mutable_data().data();
    detail::for_each_head(texts, heads, heads, [&](const detail::TextHead& at) {
      kernels.weighted_softmax(from + at.square, weight + texts.pairs_begin(at.index / heads),
                               at.tokens, at.tokens, to + at.square);
    });
    return p;
  }

  [[nodiscard]] Tensor ordered_mix(const Tensor& p, const Tensor& r, const Ragged& texts,
                                   std::size_t heads) override {
    detail::require_squares("ordered_mix", p, texts, heads);
    detail::require_extent("ordered_mix", "r", r, texts.tokens());
    Tensor y = Tensor::uninitialized(Shape{texts.tokens(), heads});
    const kernels::KernelTable& kernels = kernels::active();
    const float* const from = p.data().data();
    const float* const value = r.data().data();
    float* const to = y.mutable_data().data();
    detail::for_each_head(texts, heads, heads, [&](const detail::TextHead& at) {
      for (std::size_t i = 0; i < at.tokens; ++i) {
        to[at.row + i * heads] = kernels.row_dot(from + at.square + i * at.tokens,
                                                 value + texts.begin(at.index / heads), at.tokens);
      }
    });
    return y;
  }
};

}  // namespace bipft
