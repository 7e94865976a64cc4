#pragma once
/// CpuDevice: the reference. Every operation of Device on the host's cores, through the kernels of
/// the active target.
///
/// A result is cut into pieces by its shape alone and no sum ever crosses two of them, except those
/// over whole tensors, whose blocks are fixed and added up in their order.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "bipft/core/bit_matrix.hpp"
#include "bipft/core/error.hpp"
#include "bipft/core/parallel.hpp"
#include "bipft/core/ragged.hpp"
#include "bipft/core/random.hpp"
#include "bipft/core/tensor.hpp"
#include "bipft/device/cpu_attention.hpp"
#include "bipft/device/cpu_dropout.hpp"
#include "bipft/device/cpu_grid.hpp"
#include "bipft/device/cpu_layout.hpp"
#include "bipft/device/cpu_pieces.hpp"
#include "bipft/device/cpu_runner.hpp"
#include "bipft/device/device.hpp"
#include "bipft/device/plan.hpp"
#include "bipft/kernels/dispatch.hpp"
#include "bipft/kernels/table.hpp"
#include "bipft/kernels/training_table.hpp"
#include "bipft/kernels/training_targets.hpp"

namespace bipft {

/// Its products are in cpu_products.hpp, what goes row by row in cpu_rows.hpp, attention over bits
/// in cpu_attention.hpp, the rest here.
class CpuDevice final : public CpuAttention {
 public:
  // --- Elements ----------------------------------------------------------------------------------

  [[nodiscard]] Tensor add(const Tensor& a, const Tensor& b) override {
    detail::require_same("add", a, b);
    return map_two(a, b, kernels::active().add);
  }

  [[nodiscard]] Tensor multiply(const Tensor& a, const Tensor& b) override {
    detail::require_same("multiply", a, b);
    return map_two(a, b, kernels::active().multiply);
  }

  [[nodiscard]] Tensor add_row(const Tensor& x, const Tensor& row) override {
    detail::require_extent("add_row", "a row", row, x.cols());
    const float* added = row.data().data();
    const kernels::KernelTable& kernels = kernels::active();
    return detail::map_rows(x, [&](const float* from, std::size_t, float* to) {
      kernels.add(from, added, x.cols(), to);
    });
  }

  [[nodiscard]] Tensor scale(const Tensor& x, float factor) override {
    const kernels::TrainingKernels& kernels = kernels::active_training();
    return detail::map(x, [&](const float* from, std::size_t, std::size_t n, float* to) {
      kernels.scale(from, factor, n, to);
    });
  }

  void accumulate(Tensor& total, const Tensor& x) override {
    detail::require_same("accumulate", total, x);
    const kernels::KernelTable& kernels = kernels::active();
    const float* from = x.data().data();
    float* to = total.mutable_data().data();
    parallel_for(x.numel(), detail::piece_elements, [&](std::size_t begin, std::size_t end) {
      kernels.add(to + begin, from + begin, end - begin, to + begin);
    });
  }

  [[nodiscard]] Tensor activate(Activation f, const Tensor& x) override {
    const auto kernel = detail::kernel_of(f);
    return detail::map(
        x, [&](const float* from, std::size_t, std::size_t n, float* to) { kernel(from, n, to); });
  }

  [[nodiscard]] Tensor activate_backward(Activation f, const Tensor& x, Tensor dy) override {
    detail::require_same("activate_backward", x, dy);
    const kernels::TrainingKernels& kernels = kernels::active_training();
    const auto kernel = f == Activation::relu   ? kernels.relu_backward
                        : f == Activation::gelu ? kernels.gelu_backward
                                                : kernels.tanh_backward;
    const float* at = x.data().data();
    return detail::map_over(std::move(dy), [&](const float* from, std::size_t first, std::size_t n,
                                               float* to) { kernel(at + first, from, n, to); });
  }

  [[nodiscard]] Tensor exponential(const Tensor& x) override { return exponential_on_cpu(x); }
  [[nodiscard]] Tensor gelu(const Tensor& x) override { return gelu_on_cpu(x); }

  [[nodiscard]] Tensor dropout(Tensor x, const Random& random, float p) override {
    const detail::Dropout drop(random, p);
    if (!drop.drops()) return x;
    return detail::map_over(std::move(x), drop);
  }

  // --- A binarizer's words -----------------------------------------------------------------------

  [[nodiscard]] Tensor threshold_select(const Tensor& x, float threshold, bool strict, float low,
                                        float high) override {
    const kernels::TrainingKernels& kernels = kernels::active_training();
    return detail::map(x, [&](const float* from, std::size_t, std::size_t n, float* to) {
      kernels.threshold_select(from, threshold, strict, low, high, n, to);
    });
  }

  [[nodiscard]] Tensor threshold_select_rows(const Tensor& x, float threshold,
                                             const Tensor& scale) override {
    detail::require_extent("threshold_select_rows", "scales", scale, x.rows());
    const float* level = scale.data().data();
    const kernels::TrainingKernels& kernels = kernels::active_training();
    return detail::map_rows(x, [&](const float* from, std::size_t row, float* to) {
      kernels.threshold_select(from, threshold, false, -level[row], level[row], x.cols(), to);
    });
  }

  [[nodiscard]] GridResult round_to_grid(const Tensor& x, const Grid& grid) override {
    return detail::round_to_grid_on_cpu(*this, x, grid);
  }

  [[nodiscard]] Tensor window_mask(const Tensor& x, float low, float high,
                                   const Tensor& dy) override {
    detail::require_same("window_mask", x, dy);
    const float* gradient = dy.data().data();
    const kernels::TrainingKernels& kernels = kernels::active_training();
    return detail::map(x, [&](const float* from, std::size_t first, std::size_t n, float* to) {
      kernels.window_mask(from, low, high, gradient + first, n, to);
    });
  }

  [[nodiscard]] WindowGrad window_backward(const Tensor& x, const Window& window,
                                           Tensor dy) override {
    detail::require_same("window_backward", x, dy);
    const bool shifted = !window.shift.empty();
    if (shifted) detail::require_extent("window_backward", "a shift", window.shift, x.cols());
    // Without channels any cut into rows will do.
    const std::size_t cols =
        x.shape().rank() > 1 ? x.cols() : std::min<std::size_t>(x.numel(), 1024);
    const std::size_t rows = cols == 0 ? 0 : (x.numel() + cols - 1) / cols;
    const detail::RowBlocks blocks(rows);
    Tensor partial(Shape{shifted ? blocks.count : 0, cols});
    std::vector<kernels::WindowSums> sums(blocks.count);
    const kernels::TrainingKernels& kernels = kernels::active_training();
    kernels::WindowBackward all;
    all.x = x.data().data();
    all.shift = shifted ? window.shift.data().data() : nullptr;
    all.low = window.low;
    all.high = window.high;
    all.threshold = window.threshold;
    all.strict = window.strict;
    all.low_unit = window.low_unit;
    all.dy = dy.data().data();
    WindowGrad grad{detail::reuse(dy), {}, 0, 0};
    all.dx = grad.dx.mutable_data().data();
    all.dshift = shifted ? partial.mutable_data().data() : nullptr;
    parallel_for(rows, blocks.size, [&](std::size_t begin, std::size_t end) {
      kernels::WindowBackward part = all;
      part.x += begin * cols;
      part.dy += begin * cols;
      part.dx += begin * cols;
      if (shifted) part.dshift += begin / blocks.size * cols;
      const std::size_t left = x.numel() - begin * cols;
      part.rows = std::min(end - begin, left / cols);
      part.cols = cols;
      kernels::WindowSums& sum = sums[begin / blocks.size];
      sum = kernels.window_backward(part);
      if (part.rows == end - begin) return;
      part.x += part.rows * cols;  // the last, shorter row
      part.dy += part.rows * cols;
      part.dx += part.rows * cols;
      part.cols = left - part.rows * cols;
      part.rows = 1;
      const kernels::WindowSums last = kernels.window_backward(part);
      sum.units += last.units;
      sum.inside += last.inside;
    });
    for (const kernels::WindowSums& sum : sums) {
      grad.units += sum.units;
      grad.inside += sum.inside;
    }
    if (shifted) {
      grad.dshift = Tensor(Shape{cols});
      detail::add_rows(all.dshift, blocks.count, cols, grad.dshift.mutable_data().data());
    }
    return grad;
  }

  [[nodiscard]] WindowBits pack_window(const Tensor& x, const Window& window) override {
    WindowBits bits{pack(x, window.shift, window.threshold, window.strict), {x.rows(), x.cols()}};
    if (x.empty()) return bits;
    const kernels::TrainingKernels& kernels = kernels::active_training();
    const std::size_t cols = x.cols();
    const float* from = x.data().data();
    const float* added = window.shift.empty() ? nullptr : window.shift.data().data();
    std::uint64_t* to = bits.inside.mutable_row(0);
    detail::by_rows(x.rows(), cols, [&](std::size_t row) {
      kernels.window_row(from + row * cols, added, cols, window.low, window.high,
                         to + row * words_for(cols));
    });
    return bits;
  }

  [[nodiscard]] WindowGrad window_backward(const WindowBits& bits, const Window& window,
                                           Tensor dy) override {
    const std::size_t cols = dy.cols();
    if (bits.units.rows() != dy.rows() || bits.units.cols() != cols) {
      fail("window_backward: shape ", dy.shape(), " and bits of ", bits.units.rows(), " x ",
           bits.units.cols());
    }
    const detail::RowBlocks blocks(dy.rows());
    const bool shifted = !window.shift.empty();
    Tensor partial(Shape{shifted ? blocks.count : 0, cols});
    std::vector<double> sums(blocks.count);
    const kernels::TrainingKernels& kernels = kernels::active_training();
    const BitView units = bits.units.view();
    kernels::WindowBitsBackward all;
    all.units = units.words;
    all.inside = bits.inside.view().words;
    all.words = units.words_per_row;
    all.low_unit = window.low_unit;
    all.dy = dy.data().data();
    WindowGrad grad{detail::reuse(dy), {}, 0, 0};
    all.dx = grad.dx.mutable_data().data();
    all.dshift = shifted ? partial.mutable_data().data() : nullptr;
    all.cols = cols;
    parallel_for(units.rows, blocks.size, [&](std::size_t begin, std::size_t end) {
      kernels::WindowBitsBackward part = all;
      part.units += begin * all.words;
      part.inside += begin * all.words;
      part.dy += begin * cols;
      part.dx += begin * cols;
      if (shifted) part.dshift += begin / blocks.size * cols;
      part.rows = end - begin;
      sums[begin / blocks.size] = kernels.window_bits_backward(part);
    });
    for (const double sum : sums) grad.units += sum;
    if (shifted) {
      grad.dshift = Tensor(Shape{cols});
      detail::add_rows(all.dshift, blocks.count, cols, grad.dshift.mutable_data().data());
    }
    return grad;
  }

  [[nodiscard]] double dot(const Tensor& a, const Tensor& b) override {
    detail::require_same("dot", a, b);
    const kernels::TrainingKernels& kernels = kernels::active_training();
    const float* from_a = a.data().data();
    const float* from_b = b.data().data();
    return sum_blocks(a.numel(),
                      [&](std::size_t begin, std::size_t n) {
                        return kernels::RowSums{kernels.dot(from_a + begin, from_b + begin, n), 0};
                      })
        .sum;
  }

  [[nodiscard]] Sums sums(const Tensor& x) override {
    const kernels::TrainingKernels& kernels = kernels::active_training();
    const float* from = x.data().data();
    return sum_blocks(
        x.numel(), [&](std::size_t begin, std::size_t n) { return kernels.sums(from + begin, n); });
  }

  [[nodiscard]] Tensor mean_absolute_rows(const Tensor& x) override {
    const std::size_t cols = x.cols();
    Tensor y = Tensor::uninitialized(Shape{x.rows()});
    const kernels::TrainingKernels& kernels = kernels::active_training();
    const float* from = x.data().data();
    float* to = y.mutable_data().data();
    detail::by_rows(x.rows(), cols, [&](std::size_t row) {
      const double sum = kernels.sums(from + row * cols, cols).absolute;
      to[row] = static_cast<float>(sum / static_cast<double>(cols));
    });
    return y;
  }

  [[nodiscard]] Tensor center_rows(const Tensor& x) override {
    const std::size_t cols = x.cols();
    const kernels::TrainingKernels& kernels = kernels::active_training();
    return detail::map_rows(x, [&](const float* from, std::size_t, float* to) {
      const double sum = kernels.sums(from, cols).sum;
      const auto mean = static_cast<float>(sum / static_cast<double>(cols));
      for (std::size_t c = 0; c < cols; ++c) to[c] = from[c] - mean;
    });
  }

  // --- The optimizer -----------------------------------------------------------------------------

  void adamw(Tensor& parameter, Tensor& m, Tensor& v, const Tensor& gradient,
             const AdamWStep& step) override {
    detail::require_same("adamw", parameter, m);
    detail::require_same("adamw", parameter, v);
    detail::require_same("adamw", parameter, gradient);
    const kernels::TrainingKernels& kernels = kernels::active_training();
    const kernels::AdamWNumbers numbers{step.lr,          step.beta1,         step.beta2,
                                        step.epsilon,     step.weight_decay,  step.correction1,
                                        step.correction2, step.gradient_scale};
    const float* from = gradient.data().data();
    float* value = parameter.mutable_data().data();
    float* first_moment = m.mutable_data().data();
    float* second_moment = v.mutable_data().data();
    parallel_for(gradient.numel(), detail::piece_elements, [&](std::size_t begin, std::size_t end) {
      kernels.adamw(value + begin, first_moment + begin, second_moment + begin, from + begin,
                    end - begin, numbers);
    });
  }

  // --- Packed models -----------------------------------------------------------------------------

  [[nodiscard]] std::shared_ptr<const WeightLayout> lay_out(const BitMatrix& weight) override {
    return lay_out_on_cpu(weight);
  }
  [[nodiscard]] PlanResult run(const Plan& plan, const IdTensor& ids, const IdTensor& type_ids,
                               const Ragged& texts, bool want_hidden) override {
    return run_plan_on_cpu(plan, ids, type_ids, texts, want_hidden);
  }
  [[nodiscard]] PlanResult run_exits(const Plan& plan, const IdTensor& ids,
                                     const IdTensor& type_ids, const Ragged& texts,
                                     const ExitRequest& exits) override {
    return run_plan_on_cpu(plan, ids, type_ids, texts, false, &exits);
  }

 private:
  using TwoToOne = void (*)(const float*, const float*, std::size_t, float*);
  [[nodiscard]] static Tensor map_two(const Tensor& a, const Tensor& b, TwoToOne kernel) {
    const float* other = b.data().data();
    return detail::map(a, [&](const float* from, std::size_t first, std::size_t n, float* to) {
      kernel(from, other + first, n, to);
    });
  }

  /// The sum of block(begin, count) over fixed blocks, added up in their order.
  template <class Block>
  [[nodiscard]] static Sums sum_blocks(std::size_t count, const Block& block) {
    constexpr std::size_t size = 4 * detail::piece_elements;
    std::vector<kernels::RowSums> sums((count + size - 1) / size);
    parallel_for(count, size, [&](std::size_t begin, std::size_t end) {
      sums[begin / size] = block(begin, end - begin);
    });
    Sums total{0, 0};
    for (const kernels::RowSums& part : sums) {
      total.sum += part.sum;
      total.absolute += part.absolute;
    }
    return total;
  }
};

}  // namespace bipft
