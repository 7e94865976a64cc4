#pragma once
/// CpuRows: the operations of CpuDevice on rows: softmax, layer norm, tables, sums, the loss.

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <utility>
#include <vector>

#include "bipft/core/error.hpp"
#include "bipft/core/parallel.hpp"
#include "bipft/core/ragged.hpp"
#include "bipft/core/random.hpp"
#include "bipft/core/tensor.hpp"
#include "bipft/device/cpu_dropout.hpp"
#include "bipft/device/cpu_multiply.hpp"
#include "bipft/device/cpu_pieces.hpp"
#include "bipft/device/cpu_products.hpp"
#include "bipft/device/device.hpp"
#include "bipft/kernels/dispatch.hpp"
#include "bipft/kernels/table.hpp"
#include "bipft/kernels/training_table.hpp"
#include "bipft/kernels/training_targets.hpp"

namespace bipft {

class CpuRows : public CpuProducts {
 public:
  [[nodiscard]] Tensor softmax(const Tensor& s, const Ragged& texts, std::size_t heads) override {
    detail::require_squares("softmax", s, texts, heads);
    Tensor p = Tensor::uninitialized(s.shape());
    const kernels::KernelTable& kernels = kernels::active();
    const float* from = s.data().data();
    float* to = p.mutable_data().data();
    detail::for_each_head(texts, heads, heads, [&](const detail::TextHead& at) {
      kernels.softmax(from + at.square, at.tokens, at.tokens, to + at.square);
    });
    return p;
  }

  [[nodiscard]] Tensor softmax_backward(const Tensor& p, const Tensor& dp, const Ragged& texts,
                                        std::size_t heads) override {
    detail::require_same("softmax_backward", p, dp);
    detail::require_squares("softmax_backward", p, texts, heads);
    Tensor ds = Tensor::uninitialized(p.shape());
    const kernels::TrainingKernels& kernels = kernels::active_training();
    const float* from_p = p.data().data();
    const float* from_dp = dp.data().data();
    float* to = ds.mutable_data().data();
    detail::for_each_head(texts, heads, heads, [&](const detail::TextHead& at) {
      kernels.softmax_backward(from_p + at.square, from_dp + at.square, at.tokens, at.tokens,
                               to + at.square);
    });
    return ds;
  }

  [[nodiscard]] LayerNormResult layer_norm(const Tensor& x, const Tensor& gamma, const Tensor& beta,
                                           float epsilon) override {
    return norm(x, gamma, beta, epsilon, [](std::size_t, std::size_t) {});
  }

  [[nodiscard]] LayerNormGrad layer_norm_backward(const Tensor& x, const LayerNormResult& forward,
                                                  const Tensor& gamma, Tensor dy) override {
    return norm_backward(x, forward, gamma, std::move(dy),
                         [](std::size_t, std::size_t, const float*) {});
  }

  [[nodiscard]] ResidualNorm residual_norm(const Tensor& a, const Tensor& b, const Random& random,
                                           float p, const Tensor& gamma, const Tensor& beta,
                                           float epsilon) override {
    detail::require_same("residual_norm", a, b);
    const detail::Dropout drop(random, p);
    const float* from_a = a.data().data();
    const float* from_b = b.data().data();
    ResidualNorm result{Tensor::uninitialized(a.shape()), {}};
    float* x = result.x.mutable_data().data();
    const kernels::KernelTable& kernels = kernels::active();
    result.norm = norm(result.x, gamma, beta, epsilon, [&](std::size_t first, std::size_t count) {
      const float* added = from_b + first;
      if (drop.drops()) {
        drop(added, first, count, x + first);
        added = x + first;
      }
      kernels.add(from_a + first, added, count, x + first);
    });
    return result;
  }

  [[nodiscard]] ResidualNormGrad residual_norm_backward(const ResidualNorm& forward,
                                                        const Random& random, float p,
                                                        const Tensor& gamma, Tensor dy) override {
    const detail::Dropout drop(random, p);
    if (!drop.drops()) {
      LayerNormGrad grad = layer_norm_backward(forward.x, forward.norm, gamma, std::move(dy));
      const Tensor db = grad.dx;
      return {std::move(grad), db};
    }
    Tensor db = Tensor::uninitialized(forward.x.shape());
    float* to = db.mutable_data().data();
    LayerNormGrad grad = norm_backward(forward.x, forward.norm, gamma, std::move(dy),
                                       [&](std::size_t first, std::size_t count, const float* dx) {
                                         drop(dx, first, count, to + first);
                                       });
    return {std::move(grad), std::move(db)};
  }

  [[nodiscard]] Tensor gather(const Tensor& table, const IdTensor& ids) override {
    require_ids("gather", table, ids);
    const std::size_t cols = table.cols();
    Tensor y = Tensor::uninitialized(Shape{ids.numel(), cols});
    const float* from = table.data().data();
    const std::int32_t* id = ids.data().data();
    float* to = y.mutable_data().data();
    detail::by_rows(ids.numel(), cols, [&](std::size_t n) {
      const float* row = from + static_cast<std::size_t>(id[n]) * cols;
      std::memcpy(to + n * cols, row, cols * sizeof(float));
    });
    return y;
  }

  void scatter(Tensor& table, const IdTensor& ids, const Tensor& rows) override {
    require_rows("scatter", table, ids, rows);
    const std::size_t cols = table.cols();
    const float* from = rows.data().data();
    const std::int32_t* id = ids.data().data();
    float* to = table.mutable_data().data();
    detail::by_rows(ids.numel(), cols, [&](std::size_t n) {
      std::memcpy(to + static_cast<std::size_t>(id[n]) * cols, from + n * cols,
                  cols * sizeof(float));
    });
  }

  void scatter_add(Tensor& table, const IdTensor& ids, const Tensor& rows) override {
    require_rows("scatter_add", table, ids, rows);
    const std::size_t cols = table.cols();
    const kernels::KernelTable& kernels = kernels::active();
    const std::int32_t* id = ids.data().data();
    const float* from = rows.data().data();
    float* to = table.mutable_data().data();
    constexpr std::size_t grain = 96;  // channels: each thread takes every id, in order
    parallel_for(cols, grain, [&](std::size_t begin, std::size_t end) {
      for (std::size_t n = 0; n < ids.numel(); ++n) {
        float* row = to + static_cast<std::size_t>(id[n]) * cols + begin;
        kernels.add(row, from + n * cols + begin, end - begin, row);
      }
    });
  }

  [[nodiscard]] Tensor sum_rows(const Tensor& x) override {
    const std::size_t cols = x.cols();
    const detail::RowBlocks blocks(x.rows());
    Tensor total(Shape{cols});
    Tensor partial(Shape{blocks.count, cols});
    const float* from = x.data().data();
    float* sums = partial.mutable_data().data();
    parallel_for(x.rows(), blocks.size, [&](std::size_t begin, std::size_t end) {
      detail::add_rows(from + begin * cols, end - begin, cols, sums + begin / blocks.size * cols);
    });
    detail::add_rows(sums, blocks.count, cols, total.mutable_data().data());
    return total;
  }

  [[nodiscard]] Tensor mean_rows(const Tensor& x, const Ragged& texts) override {
    detail::require_texts("mean_rows", x, texts);
    const std::size_t cols = x.cols();
    Tensor y(Shape{texts.texts(), cols});
    const kernels::TrainingKernels& kernels = kernels::active_training();
    const float* from = x.data().data();
    float* to = y.mutable_data().data();
    parallel_for(texts.texts(), 1, [&](std::size_t text, std::size_t) {
      float* mean = to + text * cols;
      detail::add_rows(from + texts.begin(text) * cols, texts.length(text), cols, mean);
      kernels.scale(mean, 1.0F / static_cast<float>(texts.length(text)), cols, mean);
    });
    return y;
  }

  [[nodiscard]] CrossEntropyResult cross_entropy(const Tensor& logits, const IdTensor& labels,
                                                 const Tensor& weights, float smoothing) override {
    const std::size_t rows = logits.rows();
    const std::size_t cols = logits.cols();
    detail::require_extent("cross_entropy", "weights", weights, rows);
    if (labels.numel() != rows) {
      fail("cross_entropy: ", labels.numel(), " labels for logits of shape ", logits.shape());
    }
    double total = 0;
    for (std::size_t b = 0; b < rows; ++b) {
      const std::int32_t label = labels.data()[b];
      if (label < 0 || static_cast<std::size_t>(label) >= cols) {
        fail("cross_entropy: label ", label, " of row ", b, " is not one of ", cols);
      }
      total += static_cast<double>(weights.data()[b]);
    }
    if (!(total > 0)) fail("cross_entropy: the weights of ", rows, " rows sum up to ", total);

    CrossEntropyResult result{0, Tensor::uninitialized(logits.shape())};
    std::vector<double> losses(rows);
    const kernels::TrainingKernels& kernels = kernels::active_training();
    const float* from = logits.data().data();
    const std::int32_t* label = labels.data().data();
    const float* weight = weights.data().data();
    float* to = result.dlogits.mutable_data().data();
    detail::by_rows(rows, cols, [&](std::size_t b) {
      losses[b] =
          kernels.cross_entropy(from + b * cols, cols, static_cast<std::size_t>(label[b]),
                                static_cast<double>(weight[b]) / total, smoothing, to + b * cols);
    });
    for (const double loss : losses) result.loss += loss;
    return result;
  }

  [[nodiscard]] CrossEntropyResult soft_cross_entropy(const Tensor& logits, const Tensor& teacher,
                                                      float temperature) override {
    detail::require_same("soft_cross_entropy", logits, teacher);
    const std::size_t rows = logits.rows();
    const std::size_t cols = logits.cols();
    const kernels::KernelTable& table = kernels::active();
    const kernels::TrainingKernels& kernels = kernels::active_training();
    const Tensor z = scale(logits, 1.0F / temperature);
    Tensor target = scale(teacher, 1.0F / temperature);
    float* const t = target.mutable_data().data();
    table.softmax(t, rows, cols, t);
    CrossEntropyResult result{0, Tensor::uninitialized(logits.shape())};
    float* const d = result.dlogits.mutable_data().data();
    const double share = 1.0 / static_cast<double>(logits.numel());
    for (std::size_t b = 0; b < rows; ++b) {
      const float* const row = z.data().data() + b * cols;
      // Towards the first label: log Σ exp z - z_0. What is missing is Σ t (z_0 - z).
      result.loss += share * kernels.cross_entropy(row, cols, 0, 1.0, 0.0F, d + b * cols);
      for (std::size_t k = 0; k < cols; ++k) {
        const double ahead = static_cast<double>(row[k]) - static_cast<double>(row[0]);
        result.loss -= share * static_cast<double>(t[b * cols + k]) * ahead;
      }
    }
    table.softmax(z.data().data(), rows, cols, d);
    const auto factor = static_cast<float>(share / static_cast<double>(temperature));
    for (std::size_t i = 0; i < logits.numel(); ++i) d[i] = factor * (d[i] - t[i]);
    return result;
  }

 private:
  /// The norm of x, after first(begin, count) for the elements that are read next.
  template <class First>
  [[nodiscard]] static LayerNormResult norm(const Tensor& x, const Tensor& gamma,
                                            const Tensor& beta, float epsilon, const First& first) {
    const std::size_t cols = x.cols();
    detail::require_extent("layer_norm", "gamma", gamma, cols);
    detail::require_extent("layer_norm", "beta", beta, cols);
    LayerNormResult result{Tensor::uninitialized(x.shape()), Tensor::uninitialized(Shape{x.rows()}),
                           Tensor::uninitialized(Shape{x.rows()})};
    const kernels::KernelTable& kernels = kernels::active();
    const float* from = x.data().data();
    const float* factor = gamma.data().data();
    const float* added = beta.data().data();
    float* y = result.y.mutable_data().data();
    float* mean = result.mean.mutable_data().data();
    float* inverse = result.inverse.mutable_data().data();
    parallel_for(x.rows(), detail::piece_rows(cols), [&](std::size_t begin, std::size_t end) {
      first(begin * cols, (end - begin) * cols);
      kernels.layer_norm(from + begin * cols, end - begin, cols, factor, added, epsilon,
                         y + begin * cols, mean + begin, inverse + begin);
    });
    return result;
  }

  /// The gradient, and then(first, count, dx) for elements of it that have just been written.
  template <class Then>
  [[nodiscard]] static LayerNormGrad norm_backward(const Tensor& x, const LayerNormResult& forward,
                                                   const Tensor& gamma, Tensor dy,
                                                   const Then& then) {
    const std::size_t cols = x.cols();
    detail::require_same("layer_norm_backward", x, dy);
    detail::require_extent("layer_norm_backward", "gamma", gamma, cols);
    detail::require_extent("layer_norm_backward", "means", forward.mean, x.rows());
    detail::require_extent("layer_norm_backward", "inverses", forward.inverse, x.rows());
    const detail::RowBlocks blocks(x.rows());
    Tensor partial(Shape{2, blocks.count, cols});

    const kernels::TrainingKernels& kernels = kernels::active_training();
    const float* from = x.data().data();
    const float* mean = forward.mean.data().data();
    const float* inverse = forward.inverse.data().data();
    const float* factor = gamma.data().data();
    const float* from_dy = dy.data().data();
    LayerNormGrad grad{detail::reuse(dy), Tensor(Shape{cols}), Tensor(Shape{cols})};
    float* dx = grad.dx.mutable_data().data();
    float* dgammas = partial.mutable_data().data();
    float* dbetas = dgammas + blocks.count * cols;
    parallel_for(x.rows(), blocks.size, [&](std::size_t begin, std::size_t end) {
      const std::size_t block = begin / blocks.size;
      kernels.layer_norm_backward(from + begin * cols, mean + begin, inverse + begin, factor,
                                  from_dy + begin * cols, end - begin, cols, dx + begin * cols,
                                  dgammas + block * cols, dbetas + block * cols);
      then(begin * cols, (end - begin) * cols, dx + begin * cols);
    });
    detail::add_rows(dgammas, blocks.count, cols, grad.dgamma.mutable_data().data());
    detail::add_rows(dbetas, blocks.count, cols, grad.dbeta.mutable_data().data());
    return grad;
  }

  static void require_rows(const char* operation, const Tensor& table, const IdTensor& ids,
                           const Tensor& rows) {
    require_ids(operation, table, ids);
    if (rows.numel() != ids.numel() * table.cols()) {
      fail(operation, ": rows of shape ", rows.shape(), " for ", ids.numel(),
           " ids and a table of shape ", table.shape());
    }
  }
  static void require_ids(const char* operation, const Tensor& table, const IdTensor& ids) {
    const std::span<const std::int32_t> all = ids.data();
    for (std::size_t n = 0; n < all.size(); ++n) {
      if (all[n] < 0 || static_cast<std::size_t>(all[n]) >= table.rows()) {
        fail(operation, ": id ", all[n], " at ", n, " in a table of ", table.rows(), " rows");
      }
    }
  }
};

}  // namespace bipft
