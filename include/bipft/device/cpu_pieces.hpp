#pragma once
/// How CpuDevice cuts its work: into pieces by the shape alone; and what it demands of shapes.

#include <algorithm>
#include <cstddef>
#include <utility>

#include "bipft/core/error.hpp"
#include "bipft/core/parallel.hpp"
#include "bipft/core/ragged.hpp"
#include "bipft/core/tensor.hpp"
#include "bipft/device/plan.hpp"
#include "bipft/kernels/dispatch.hpp"
#include "bipft/kernels/table.hpp"

namespace bipft::detail {

/// Elements of a piece: enough to be worth waking a thread for.
inline constexpr std::size_t piece_elements = 16384;

[[nodiscard]] inline std::size_t piece_rows(std::size_t cols) {
  return std::max<std::size_t>(1, piece_elements / std::max<std::size_t>(cols, 1));
}

inline void require_same(const char* operation, const Tensor& a, const Tensor& b) {
  if (a.shape() != b.shape()) fail(operation, ": shapes ", a.shape(), " and ", b.shape());
}
/// `row` has one number for each of `extent`.
inline void require_extent(const char* operation, const char* what, const Tensor& row,
                           std::size_t extent) {
  if (row.numel() != extent) {
    fail(operation, ": ", what, " of shape ", row.shape(), " where ", extent, " are needed");
  }
}
inline void require_texts(const char* operation, const Tensor& x, const Ragged& texts) {
  if (x.rows() != texts.tokens()) {
    fail(operation, ": shape ", x.shape(), " for ", texts.tokens(), " tokens");
  }
}
inline void require_heads(const char* operation, const Tensor& x, const Ragged& texts,
                          std::size_t heads) {
  require_texts(operation, x, texts);
  if (heads == 0 || x.cols() % heads != 0) {
    fail(operation, ": ", heads, " heads do not divide shape ", x.shape());
  }
}
inline void require_squares(const char* operation, const Tensor& s, const Ragged& texts,
                            std::size_t heads) {
  if (heads == 0 || s.numel() != heads * texts.pairs()) {
    fail(operation, ": shape ", s.shape(), " where ", heads, " heads have ", heads * texts.pairs(),
         " scores");
  }
}

using ActivationKernel = void (*)(const float* x, std::size_t n, float* y);
[[nodiscard]] inline ActivationKernel kernel_of(Activation f) {
  const kernels::KernelTable& kernels = kernels::active();
  return f == Activation::relu ? kernels.relu : f == Activation::gelu ? kernels.gelu : kernels.tanh;
}

/// Blocks of rows whose sums are added up in order: at most 64 of them, by the shape alone.
struct RowBlocks {
  explicit RowBlocks(std::size_t rows)
      : size(std::max<std::size_t>(32, (rows + 63) / 64)), count((rows + size - 1) / size) {}
  std::size_t size, count;
};

/// body(row) for every row of a matrix, some rows to a piece.
template <class Body>
void by_rows(std::size_t rows, std::size_t cols, const Body& body) {
  parallel_for(rows, piece_rows(cols), [&](std::size_t begin, std::size_t end) {
    for (std::size_t row = begin; row < end; ++row) body(row);
  });
}

/// A tensor like x, from body(from, row, to) for every row.
template <class Body>
[[nodiscard]] Tensor map_rows(const Tensor& x, const Body& body) {
  Tensor y = Tensor::uninitialized(x.shape());
  const std::size_t cols = x.cols();
  const float* from = x.data().data();
  float* to = y.mutable_data().data();
  by_rows(x.rows(), cols, [&](std::size_t row) { body(from + row * cols, row, to + row * cols); });
  return y;
}

/// Room for a result shaped like x: x's own, where nobody else has a handle of it. Numbers of x are
/// to be found through a pointer that was taken before.
[[nodiscard]] inline Tensor reuse(Tensor& x) {
  return x.shared() ? Tensor::uninitialized(x.shape()) : std::move(x);
}

/// The same as map, into x's own room if nobody else has a handle of it.
template <class Body>
[[nodiscard]] Tensor map_over(Tensor x, const Body& body) {
  const float* from = x.data().data();
  Tensor y = reuse(x);
  float* to = y.mutable_data().data();
  parallel_for(y.numel(), piece_elements, [&](std::size_t begin, std::size_t end) {
    body(from + begin, begin, end - begin, to + begin);
  });
  return y;
}

/// A tensor like x, from body(from, first, count, to) for every piece.
template <class Body>
[[nodiscard]] Tensor map(const Tensor& x, const Body& body) {
  Tensor y = Tensor::uninitialized(x.shape());
  const float* from = x.data().data();
  float* to = y.mutable_data().data();
  parallel_for(x.numel(), piece_elements, [&](std::size_t begin, std::size_t end) {
    body(from + begin, begin, end - begin, to + begin);
  });
  return y;
}

/// total += every row of x, in their order.
inline void add_rows(const float* x, std::size_t rows, std::size_t cols, float* total) {
  const kernels::KernelTable& kernels = kernels::active();
  for (std::size_t row = 0; row < rows; ++row) {
    kernels.add(total, x + row * cols, cols, total);
  }
}

}  // namespace bipft::detail
