#pragma once
/// Float products on all cores: one matrix product cut into tiles of its result, and the many small
/// products of attention.

#include <algorithm>
#include <cstddef>

#include "bipft/core/parallel.hpp"
#include "bipft/core/pool.hpp"
#include "bipft/core/ragged.hpp"
#include "bipft/kernels/dispatch.hpp"
#include "bipft/kernels/table.hpp"
#include "bipft/kernels/training_table.hpp"
#include "bipft/kernels/training_targets.hpp"

namespace bipft::detail {

/// How a result is cut: into pieces large enough to pay for packing their operands, and enough of
/// them to occupy some cores. By the shape alone.
struct Cut {
  std::size_t rows, cols;

  ///   widest: columns of a piece at most
  [[nodiscard]] static Cut of(std::size_t m, std::size_t n, std::size_t k,
                              std::size_t widest = 384) {
    constexpr std::size_t enough_pieces = 8;
    constexpr std::size_t least_work = std::size_t{1} << 20U;  // multiplications
    constexpr std::size_t least_extent = 96;
    Cut cut{std::min<std::size_t>(m, 192), std::min(n, widest)};
    while (cut.count(m, cut.rows) * cut.count(n, cut.cols) < enough_pieces &&
           cut.rows * cut.cols * k >= 2 * least_work) {
      std::size_t& longer = cut.cols > cut.rows ? cut.cols : cut.rows;
      if (longer <= least_extent) break;
      longer = (longer / 2 + 47) / 48 * 48;  // whole register tiles
    }
    return cut;
  }
  [[nodiscard]] static std::size_t count(std::size_t extent, std::size_t step) {
    return (extent + step - 1) / step;
  }
};

/// `product(part, workspace)` for every piece of c [M, N] on all cores.
///   Product: MatrixProduct or SignProduct   workspace: floats that it needs
template <class Product, class Multiply>
void multiply_pieces(const Product& whole, const Cut& cut, std::size_t workspace,
                     const Multiply& multiply) {
  const std::size_t across = Cut::count(whole.n, cut.cols);
  parallel_for(Cut::count(whole.m, cut.rows) * across, 1, [&](std::size_t piece, std::size_t) {
    const std::size_t m = piece / across * cut.rows;
    const std::size_t n = piece % across * cut.cols;
    Product part = whole;
    part.m = std::min(cut.rows, whole.m - m);
    part.n = std::min(cut.cols, whole.n - n);
    part.a += whole.a_transposed ? m : m * whole.a_stride;
    part.c += m * whole.c_stride + n;
    const PoolArray<float> panels(workspace);
    multiply(part, n, panels.begin());
  });
}

/// Any product, on all cores.
inline void multiply_on_cpu(const kernels::MatrixProduct& whole) {
  if (whole.m == 0 || whole.n == 0) return;
  const kernels::KernelTable& kernels = kernels::active();
  multiply_pieces(whole, Cut::of(whole.m, whole.n, whole.k), kernels.product_workspace,
                  [&](kernels::MatrixProduct& part, std::size_t n, float* panels) {
                    part.b += part.b_transposed ? n * part.b_stride : n;
                    if (part.bias != nullptr) part.bias += n;
                    kernels.product(part, panels);
                  });
}

/// A product with bits, on all cores. Panels of bits cost so little that pieces are wide, and each
/// row of a is brought into its panel once or twice.
inline void multiply_signs_on_cpu(const kernels::SignProduct& whole) {
  if (whole.m == 0 || whole.n == 0) return;
  const kernels::TrainingKernels& kernels = kernels::active_training();
  multiply_pieces(whole, Cut::of(whole.m, whole.n, whole.signs.rows, 768), kernels.sign_workspace,
                  [&](kernels::SignProduct& part, std::size_t n, float* panels) {
                    part.column += n;
                    kernels.sign_product(part, panels);
                  });
}

/// One text and head of a batch: where its tokens and its T x T matrix begin.
struct TextHead {
  std::size_t tokens;  ///< T
  std::size_t row;     ///< its first element in a matrix [N, C], at the head's first channel
  std::size_t square;  ///< its first element among the scores [H Σ T²]
  std::size_t index;   ///< how many there are before it
};

/// `body(text_head)` for every text and head, several to a piece if they are short.
///   channels: C
template <class Body>
void for_each_head(const Ragged& texts, std::size_t heads, std::size_t channels, const Body& body) {
  if (texts.texts() == 0) return;
  const std::size_t head_size = channels / heads;
  constexpr std::size_t piece_work = std::size_t{1} << 18U;
  const std::size_t work = texts.pairs() / texts.texts() * head_size + 1;
  parallel_for(texts.texts() * heads, piece_work / work + 1,
               [&](std::size_t begin, std::size_t end) {
                 for (std::size_t i = begin; i < end; ++i) {
                   const std::size_t text = i / heads;
                   const std::size_t head = i % heads;
                   const std::size_t tokens = texts.length(text);
                   body(TextHead{tokens, texts.begin(text) * channels + head * head_size,
                                 heads * texts.pairs_begin(text) + head * tokens * tokens, i});
                 }
               });
}

}  // namespace bipft::detail
