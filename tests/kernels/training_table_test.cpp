#include "bipft/kernels/training_table.hpp"

#include <doctest/doctest.h>

#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>

#include "support.hpp"
#include "support/bits.hpp"

// That all targets agree is tested in table_test.cpp.

using namespace bipft;
using namespace bipft::kernels;

TEST_CASE("TrainingKernels: cross entropy and its gradient are those of mathematics") {
  for (const std::size_t labels : {2UL, 3UL, 17UL, 1000UL}) {
    for (const float smoothing : {0.0F, 0.1F}) {
      CAPTURE(labels);
      const Floats logits = numbers(31, labels, 5);
      Floats gradient(labels);
      const std::size_t label = labels / 2;
      const double loss = active_training().cross_entropy(logits.data(), labels, label, 0.25,
                                                          smoothing, gradient.data());
      double sum = 0, wanted = 0;
      for (const float x : logits) sum += std::exp(static_cast<double>(x));
      const auto count = static_cast<double>(labels);
      for (std::size_t k = 0; k < labels; ++k) {
        const auto spread = static_cast<double>(smoothing);
        const double target = (k == label ? 1 - spread : 0) + spread / count;
        const auto x = static_cast<double>(logits[k]);
        wanted -= 0.25 * target * (x - std::log(sum));
        const double slope = 0.25 * (std::exp(x) / sum - target);
        CHECK(std::fabs(static_cast<double>(gradient[k]) - slope) < 1e-7);
      }
      CHECK(loss == doctest::Approx(wanted).epsilon(1e-6));
    }
  }
}

TEST_CASE("TrainingKernels: sums in double are the same bits on every target") {
  for (const std::size_t n : {1UL, 15UL, 16UL, 17UL, 33UL, 1000UL}) {
    CAPTURE(n);
    Floats a = numbers(41, n);
    const Floats b = numbers(42, n);
    // So far apart in size that the sums round, and their order can be told from them.
    for (std::size_t i = 0; i < n; i += 3) a[i] *= 1e12F;
    const TrainingKernels& scalar = training_of(find_target("scalar"));
    const RowSums wanted = scalar.sums(a.data(), n);
    for (const KernelTable* table : supported_targets()) {
      CAPTURE(table->name);
      const RowSums found = training_of(*table).sums(a.data(), n);
      CHECK(found.sum == wanted.sum);
      CHECK(found.absolute == wanted.absolute);
      CHECK(training_of(*table).dot(a.data(), b.data(), n) == scalar.dot(a.data(), b.data(), n));
    }
  }
}

TEST_CASE("TrainingKernels: sums of whole tensors are kept in double") {
  Floats x(100'000, 0.1F);
  x[0] = -1e8F;
  const RowSums sums = active_training().sums(x.data(), x.size());
  const double tenth = static_cast<double>(0.1F) * 99'999;
  CHECK(sums.sum == doctest::Approx(-1e8 + tenth).epsilon(1e-12));
  CHECK(sums.absolute == doctest::Approx(1e8 + tenth).epsilon(1e-12));
  CHECK(active_training().dot(x.data(), x.data(), x.size()) ==
        doctest::Approx(1e16 + tenth * static_cast<double>(0.1F)).epsilon(1e-12));
}

namespace {

float to_bfloat16(float x) {
  auto bits = std::bit_cast<std::uint32_t>(x);
  bits += 0x7FFFU + (bits >> 16U & 1U);  // to the nearest, ties to even
  return std::bit_cast<float>(bits & 0xFFFF'0000U);
}

/// c = scale · a s, in double; and how far floats may be from it.
struct PlainProduct {
  double value = 0, slack = 0;

  void add(float a, double unit) {
    value += static_cast<double>(a) * unit;
    slack += std::fabs(static_cast<double>(a));
  }
  [[nodiscard]] bool is(float c, double scale) const {
    return std::fabs(static_cast<double>(c) - scale * value) <= 1e-6 * std::fabs(scale) * slack;
  }
};

}  // namespace

TEST_CASE("TrainingKernels: products of floats with bits, of the floats or of their bfloat16") {
  for (const KernelTable* target : supported_targets()) {
    CAPTURE(target->name);
    const TrainingKernels& kernels = training_of(*target);
    test::Dice dice(8);
    for (const std::size_t m : {1U, 4U, 17U, 200U}) {
      for (const std::size_t n : {1U, 16U, 50U, 96U}) {
        for (const std::size_t k : {1U, 2U, 31U, 64U, 257U, 545U}) {
          for (const bool transposed : {false, true}) {
            CAPTURE(m);
            CAPTURE(n);
            CAPTURE(k);
            CAPTURE(transposed);
            const std::size_t column = 16 * (n % 3);
            const Floats a = numbers(m + n + k, m * k);
            const BitMatrix s = test::random_bits(dice, k, column + n);
            const bool zero_one = dice.word() % 2 == 0;
            Floats c((m + 1) * (n + 2), 7.0F);
            Floats workspace(kernels.sign_workspace);
            SignProduct product;
            product.a = a.data();
            product.a_stride = transposed ? m : k;
            product.a_transposed = transposed;
            product.signs = s.view();
            product.column = column;
            product.zero_one = zero_one;
            product.c = c.data();
            product.c_stride = n + 2;
            product.m = m;
            product.n = n;
            product.scale = 0.3F;
            kernels.sign_product(product, workspace.data());

            bool of_floats = true;
            bool of_rounded = true;
            for (std::size_t i = 0; i < m; ++i) {
              for (std::size_t j = 0; j < n; ++j) {
                PlainProduct exact, rounded;
                for (std::size_t l = 0; l < k; ++l) {
                  const float x = a[transposed ? l * m + i : i * k + l];
                  const double unit = s.bit(l, column + j) ? 1.0 : zero_one ? 0.0 : -1.0;
                  exact.add(x, unit);
                  rounded.add(to_bfloat16(x), unit);
                }
                const float found = c[i * (n + 2) + j];
                of_floats = of_floats && exact.is(found, static_cast<double>(0.3F));
                of_rounded = of_rounded && rounded.is(found, static_cast<double>(0.3F));
              }
              REQUIRE(c[i * (n + 2) + n] == 7.0F);  // nothing beside the result is touched
            }
            REQUIRE((of_floats || of_rounded));
          }
        }
      }
    }
  }
}

TEST_CASE("TrainingKernels: draws are the quarters of a stream's numbers") {
  const Random random(7, "draw", 3);
  for (const KernelTable* target : supported_targets()) {
    CAPTURE(target->name);
    for (const std::size_t n : {0U, 1U, 15U, 16U, 37U}) {
      std::vector<std::uint16_t> drawn(4 * n + 1, 77);
      training_of(*target).draw(random, 1000, n, drawn.data());
      for (std::size_t i = 0; i < 4 * n; ++i) {
        REQUIRE(drawn[i] == static_cast<std::uint16_t>(random.u64(1000 + i / 4) >> 16 * (i % 4)));
      }
      CHECK(drawn[4 * n] == 77);
    }
  }
}

TEST_CASE("TrainingKernels: a binarizer's backward pass, its sums and its shift") {
  for (const KernelTable* target : supported_targets()) {
    CAPTURE(target->name);
    for (const std::size_t cols : {1U, 16U, 40U, 129U}) {
      for (const bool shifted : {false, true}) {
        constexpr std::size_t rows = 5;
        CAPTURE(cols);
        CAPTURE(shifted);
        Floats x = numbers(1, rows * cols);
        x[0] = std::numeric_limits<float>::infinity();
        const Floats dy = numbers(2, rows * cols);
        const Floats shift = numbers(3, cols, 0.2F);
        Floats dx(rows * cols);
        Floats dshift(cols, 0.5F);
        WindowBackward w;
        w.x = x.data();
        w.shift = shifted ? shift.data() : nullptr;
        w.low = -0.7F;
        w.high = 0.9F;
        w.threshold = 0.25F;
        w.strict = shifted;
        w.low_unit = shifted ? 0.0F : -1.0F;
        w.dy = dy.data();
        w.dx = dx.data();
        w.dshift = shifted ? dshift.data() : nullptr;
        w.rows = rows;
        w.cols = cols;
        const WindowSums sums = training_of(*target).window_backward(w);
        double units = 0, inside = 0;
        Floats shift_sum(cols, 0.5F);
        for (std::size_t i = 0; i < rows * cols; ++i) {
          const float xs = shifted ? x[i] + shift[i % cols] : x[i];
          const bool one = w.strict ? xs > w.threshold : xs >= w.threshold;
          units += (one ? 1.0 : static_cast<double>(w.low_unit)) * static_cast<double>(dy[i]);
          const bool in = xs >= w.low && xs <= w.high;
          REQUIRE(dx[i] == (in ? dy[i] : 0.0F));
          if (in) inside += static_cast<double>(xs) * static_cast<double>(dy[i]);
          if (in) shift_sum[i % cols] += dy[i];
        }
        CHECK(sums.units == doctest::Approx(units).epsilon(1e-5));
        CHECK(sums.inside == doctest::Approx(inside).epsilon(1e-5));
        if (shifted) CHECK(dshift == shift_sum);

        // The same bytes from bits.
        const std::size_t words = words_for(cols);
        std::vector<std::uint64_t> one(rows * words);
        std::vector<std::uint64_t> passes(rows * words, ~std::uint64_t{0});
        for (std::size_t row = 0; row < rows; ++row) {
          const float* from = x.data() + row * cols;
          target->pack_row(from, w.shift, cols, w.threshold, w.strict, one.data() + row * words);
          training_of(*target).window_row(from, w.shift, cols, w.low, w.high,
                                          passes.data() + row * words);
          REQUIRE((cols % 64 == 0 || passes[(row + 1) * words - 1] >> cols % 64 == 0));
        }
        Floats same_dx = dy, same_dshift(cols, 0.5F);  // in place
        WindowBitsBackward b;
        b.units = one.data();
        b.inside = passes.data();
        b.words = words;
        b.low_unit = w.low_unit;
        b.dy = b.dx = same_dx.data();
        b.dshift = shifted ? same_dshift.data() : nullptr;
        b.rows = rows;
        b.cols = cols;
        CHECK(training_of(*target).window_bits_backward(b) == sums.units);
        CHECK(same_dx == dx);
        if (shifted) CHECK(same_dshift == dshift);
      }
    }
  }
}
