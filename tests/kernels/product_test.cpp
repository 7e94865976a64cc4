// Float products: fused ones, whose bytes are a target's own, and plain ones.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "bipft/core/random.hpp"
#include "bipft/kernels/dispatch.hpp"
#include "support.hpp"
#include "support/share.hpp"

using namespace bipft;
using namespace bipft::kernels;

namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(BIPFT_SIMDE)
constexpr std::size_t all_shapes = 600;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
constexpr std::size_t all_shapes = 600;
#else
constexpr std::size_t all_shapes = 5000;
#endif
#else
constexpr std::size_t all_shapes = 5000;
#endif

/// A product of random numbers, stored with random strides.
struct Problem {
  Problem(std::size_t rows, std::size_t cols, std::size_t depth, std::uint64_t seed) {
    const Random random(seed, "strides");
    of.m = rows;
    of.n = cols;
    of.k = depth;
    of.a_transposed = random.below(0, 2) == 1;
    of.b_transposed = random.below(1, 2) == 1;
    of.a_stride = (of.a_transposed ? rows : depth) + random.below(2, 9);
    of.b_stride = (of.b_transposed ? depth : cols) + random.below(3, 9);
    of.c_stride = cols + random.below(4, 9);
    of.scale = random.below(5, 2) == 1 ? 0.25F : 1.0F;
    a = numbers(seed + 1, of.a_stride * (of.a_transposed ? depth : rows));
    b = numbers(seed + 2, of.b_stride * (of.b_transposed ? cols : depth));
    bias = numbers(seed + 3, cols);
    c.assign(of.c_stride * rows, 99.0F);
    of.a = a.data();
    of.b = b.data();
    of.bias = random.below(6, 2) == 1 ? bias.data() : nullptr;
    of.c = c.data();
  }

  float a_at(std::size_t m, std::size_t k) const {
    return of.a_transposed ? a[k * of.a_stride + m] : a[m * of.a_stride + k];
  }
  float b_at(std::size_t k, std::size_t n) const {
    return of.b_transposed ? b[n * of.b_stride + k] : b[k * of.b_stride + n];
  }

  /// The largest error against a sum in double, in units of what rounding may cost; infinite if a
  /// number beside c was touched.
  double error() const {
    double worst = 0;
    for (std::size_t m = 0; m < of.m; ++m) {
      for (std::size_t n = 0; n < of.c_stride; ++n) {
        const float got = c[m * of.c_stride + n];
        if (n >= of.n) {
          if (got != 99.0F) return INFINITY;
          continue;
        }
        double sum = 0, size = 0;
        for (std::size_t k = 0; k < of.k; ++k) {
          const double term = static_cast<double>(a_at(m, k)) * static_cast<double>(b_at(k, n));
          sum += term;
          size += std::fabs(term);
        }
        const double shift = of.bias == nullptr ? 0 : static_cast<double>(of.bias[n]);
        const double wanted = static_cast<double>(of.scale) * sum + shift;
        const double allowed = (size + std::fabs(shift) + 1e-30) * 0x1p-24;
        worst = std::max(worst, std::fabs(static_cast<double>(got) - wanted) / allowed);
      }
    }
    return worst;
  }

  MatrixProduct of;
  Floats a, b, bias, c;
};

void multiply(const KernelTable& table, Problem& problem) {
  std::vector<float> workspace(table.product_workspace, NAN);
  table.product(problem.of, workspace.data());
}

}  // namespace

TEST_CASE("product: equals a sum in double for every small shape, stride and transposition") {
  const std::size_t shapes = test::share_of(all_shapes);
  for (const KernelTable* table : supported_targets()) {
    CAPTURE(std::string(table->name));
    const Random random(7, "shapes");
    for (std::size_t i = 0; i < shapes; ++i) {
      const auto extent = [&](std::size_t part, std::size_t most) {
        return static_cast<std::size_t>(random.below(3 * i + part, most)) + 1;
      };
      Problem problem(extent(0, 40), extent(1, 70), extent(2, 50), 100 + i);
      multiply(*table, problem);
      CAPTURE(problem.of.m);
      CAPTURE(problem.of.n);
      CAPTURE(problem.of.k);
      CHECK(problem.error() < 12);
    }
  }
}

TEST_CASE("product: equals a sum in double across the borders of its blocks") {
  constexpr std::size_t extents[][3] = {{191, 383, 127}, {192, 384, 128}, {193, 385, 129},
                                        {1, 400, 300},   {200, 1, 260},   {400, 17, 3},
                                        {33, 800, 130},  {7, 48, 1000},   {1, 1, 1}};
  for (const KernelTable* table : supported_targets()) {
    CAPTURE(std::string(table->name));
    for (const auto& extent : extents) {
      CAPTURE(extent[0]);
      for (std::uint64_t seed = 1; seed <= 4; ++seed) {
        Problem problem(extent[0], extent[1], extent[2], seed);
        multiply(*table, problem);
        CHECK(problem.error() < 40);
      }
    }
  }
}

TEST_CASE("product: of no depth is the bias") {
  for (const KernelTable* table : supported_targets()) {
    Problem problem(5, 20, 0, 3);
    problem.of.bias = problem.bias.data();
    multiply(*table, problem);
    CHECK(problem.error() == 0);
  }
}

TEST_CASE("product: a row's bytes do not depend on the rows or columns around it") {
  constexpr std::size_t rows = 205, cols = 97, depth = 300;
  const Floats a = numbers(1, rows * depth);
  const Floats b = numbers(2, cols * depth);
  for (const KernelTable* table : supported_targets()) {
    CAPTURE(std::string(table->name));
    std::vector<float> workspace(table->product_workspace);
    Floats whole(rows * cols), part(rows * cols);
    MatrixProduct of;
    of.a = a.data();
    of.a_stride = of.b_stride = of.k = depth;
    of.b = b.data();
    of.b_transposed = true;
    of.c_stride = of.n = cols;
    of.c = whole.data();
    of.m = rows;
    table->product(of, workspace.data());

    of.c = part.data();
    for (const std::size_t first : {0UL, 3UL, 160UL, 204UL}) {
      for (const std::size_t count : {1UL, 2UL, 5UL, 11UL, 40UL}) {
        if (first + count > rows) continue;
        of.a = a.data() + first * depth;
        of.m = count;
        table->product(of, workspace.data());
        CHECK(std::memcmp(part.data(), &whole[first * cols], count * cols * sizeof(float)) == 0);
      }
    }
    of.a = a.data();
    of.m = rows;
    for (const std::size_t column : {0UL, 31UL, 96UL}) {
      of.b = b.data() + column * depth;
      of.n = of.c_stride = 1;
      table->product(of, workspace.data());
      bool same = true;
      for (std::size_t m = 0; m < rows; ++m) same &= part[m] == whole[m * cols + column];
      CHECK(same);
    }
  }
}

TEST_CASE("KernelTable: plain products are the same bytes on every target") {
  for (std::uint64_t shape = 0; shape < 60; ++shape) {
    const Random random(shape, "plain shapes");
    CAPTURE(shape);
    Problem problem(1 + random.below(0, 70), 1 + random.below(1, 70), 1 + random.below(2, 300),
                    shape);
    Floats wanted = problem.c;
    for (std::size_t m = 0; m < problem.of.m; ++m) {
      for (std::size_t n = 0; n < problem.of.n; ++n) {
        volatile float sum = 0;  // nothing is fused past it
        for (std::size_t k = 0; k < problem.of.k; ++k) {
          const volatile float term = problem.a_at(m, k) * problem.b_at(k, n);
          sum = sum + term;
        }
        if (problem.of.scale != 1.0F) sum = sum * problem.of.scale;
        if (problem.of.bias != nullptr) sum = sum + problem.of.bias[n];
        wanted[m * problem.of.c_stride + n] = sum;
      }
    }
    for (const KernelTable* table : supported_targets()) {
      CAPTURE(std::string(table->name));
      std::ranges::fill(problem.c, 99.0F);
      std::vector<float> workspace(table->product_workspace, NAN);
      table->plain_product(problem.of, workspace.data());
      CHECK(first_difference(problem.c, wanted) == wanted.size());
    }
  }
}
