#include "bipft/kernels/table.hpp"

#include <doctest/doctest.h>

#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "support.hpp"
#include "support/bits.hpp"

using namespace bipft;
using namespace bipft::kernels;

namespace {

const KernelTable& scalar_table() { return find_target("scalar"); }

std::vector<std::size_t> sizes() {
  std::vector<std::size_t> n;
  for (std::size_t i = 0; i <= 66; ++i) n.push_back(i);
  for (const std::size_t i : {127UL, 128UL, 384UL, 1000UL}) n.push_back(i);
  return n;
}

/// Everything elementwise that the table computes from three inputs of n numbers, one after
/// another, each followed by numbers that nobody may touch.
Floats all_elements(const KernelTable& table, const Floats& a, const Floats& b, const Floats& c,
                    std::size_t n) {
  const TrainingKernels& training = training_of(table);
  constexpr std::size_t outputs = 20;
  constexpr float canary = 12345.0F;
  Floats result(outputs * (n + 3), canary);
  float* y = result.data();
  const auto next = [&] {
    float* place = y;
    y += n + 3;
    return place;
  };
  table.add(a.data(), b.data(), n, next());
  table.multiply(a.data(), b.data(), n, next());
  training.scale(a.data(), 0.3F, n, next());
  training.scale_add(a.data(), 0.3F, b.data(), n, next());
  table.relu(a.data(), n, next());
  training.relu_backward(a.data(), b.data(), n, next());
  table.gelu(a.data(), n, next());
  training.gelu_backward(a.data(), b.data(), n, next());
  table.tanh(a.data(), n, next());
  table.sigmoid(a.data(), n, next());
  training.tanh_backward(a.data(), b.data(), n, next());
  table.exp(a.data(), n, next());
  training.threshold_select(a.data(), 0.0F, false, -0.5F, 0.25F, n, next());
  training.threshold_select(a.data(), 0.0F, true, -0.5F, 0.25F, n, next());
  training.window_mask(a.data(), -1.0F, 1.0F, b.data(), n, next());
  std::vector<std::uint16_t> draw(n);
  const Random random(n, "draw");
  for (std::size_t i = 0; i < n; ++i) draw[i] = static_cast<std::uint16_t>(random.u64(i));
  training.dropout(a.data(), draw.data(), 20000, 1.25F, n, next());
  float* parameter = next();
  float* m = next();
  float* v = next();
  for (std::size_t i = 0; i < n; ++i) {
    parameter[i] = a[i];
    m[i] = b[i];
    v[i] = std::fabs(c[i]);
  }
  training.adamw(parameter, m, v, c.data(), n,
                 {1e-2F, 0.9F, 0.999F, 1e-8F, 0.01F, 0.271F, 0.002997F, 0.5F});
  float* in_place = next();
  for (std::size_t i = 0; i < n; ++i) in_place[i] = a[i];
  table.add(in_place, b.data(), n, in_place);

  for (std::size_t output = 0; output < outputs; ++output) {
    for (std::size_t i = 0; i < 3; ++i) CHECK(result[output * (n + 3) + n + i] == canary);
  }
  return result;
}

/// Everything row-wise, likewise.
Floats all_rows(const KernelTable& table, const Floats& x, const Floats& dy, std::size_t rows,
                std::size_t cols) {
  const TrainingKernels& training = training_of(table);
  const std::size_t n = rows * cols;
  const Floats gamma = numbers(5, cols);
  const Floats beta = numbers(6, cols);
  Floats softmax(n + 1, 7.0F), softmax_dx(n + 1, 7.0F), y(n + 1, 7.0F), dx(n + 1, 7.0F);
  Floats mean(rows), inverse(rows), dgamma(cols + 1, 0.5F), dbeta(cols + 1, 0.25F);
  Floats dlogits(n + 1, 7.0F), others;
  Floats weighted(n + 1, 7.0F), weights(cols + 1, 7.0F), linear(rows * 3 + 1, 7.0F);
  const Floats w = numbers(8, 3 * cols);
  table.row_linear(x.data(), rows, w.data(), numbers(9, 3).data(), 3, cols, linear.data());
  for (std::size_t i = 0; i < 3 * rows; ++i) {
    const float sum = table.row_dot(x.data() + i / 3 * cols, w.data() + i % 3 * cols, cols);
    CHECK(linear[i] == sum + numbers(9, 3)[i % 3]);
  }
  table.softmax(x.data(), rows, cols, softmax.data());
  training.softmax_backward(softmax.data(), dy.data(), rows, cols, softmax_dx.data());
  training.weighted_softmax(x.data(), softmax.data(), rows, cols, weighted.data());
  training.estimate_weights(numbers(7, rows).data(), dy.data(), cols, rows, cols, weights.data());
  table.layer_norm(x.data(), rows, cols, gamma.data(), beta.data(), 1e-12F, y.data(), mean.data(),
                   inverse.data());
  training.layer_norm_backward(x.data(), mean.data(), inverse.data(), gamma.data(), dy.data(), rows,
                               cols, dx.data(), dgamma.data(), dbeta.data());
  for (std::size_t row = 0; row < rows; ++row) {
    const double loss = training.cross_entropy(x.data() + row * cols, cols, row % cols, 0.7, 0.1F,
                                               dlogits.data() + row * cols);
    others.push_back(static_cast<float>(loss));
    others.push_back(static_cast<float>(loss * 1e9));
  }
  const RowSums sums = training.sums(x.data(), n);
  const double dot = training.dot(x.data(), dy.data(), n);
  for (const double sum : {sums.sum, sums.absolute, dot}) {
    others.push_back(static_cast<float>(sum));
    others.push_back(static_cast<float>(sum - static_cast<double>(others.back())));
  }
  others.push_back(table.row_dot(x.data(), dy.data(), n));
  for (const Floats* guarded : {&softmax, &softmax_dx, &y, &dx, &dlogits, &weighted, &weights}) {
    CHECK(guarded->back() == 7.0F);
  }
  CHECK(dgamma.back() == 0.5F);
  CHECK(dbeta.back() == 0.25F);
  CHECK(linear.back() == 7.0F);
  Floats all;
  for (const Floats* part : {&softmax, &softmax_dx, &y, &dx, &mean, &inverse, &dgamma, &dbeta,
                             &dlogits, &others, &weighted, &weights}) {
    all.insert(all.end(), part->begin(), part->end());
  }
  return all;
}

double cumulative(double x) { return 0.5 * std::erfc(-x / std::sqrt(2.0)); }

/// Floats of every size and sign, and the neighbourhoods where the functions change their ways.
Floats sweep() {
  Floats x = awkward_numbers(11, 2000);
  for (const float size : {1e-30F, 1e-6F, 0.01F, 0.3F, 1.0F, 3.0F, 30.0F}) {
    const Floats more = numbers(12, 4000, size);
    x.insert(x.end(), more.begin(), more.end());
  }
  for (float near = -104.5F; near < 90; near += 0.0237F) x.push_back(near);
  for (float near = -1.0F; near < 1; near += 0.00037F) x.push_back(near);
  return x;
}

}  // namespace

TEST_CASE("KernelTable: elements are the same bytes on every target, and nothing else is touched") {
  for (const KernelTable* table : supported_targets()) {
    CAPTURE(std::string(table->name));
    for (const std::size_t n : sizes()) {
      CAPTURE(n);
      for (const bool awkward : {false, true}) {
        const Floats a = awkward ? awkward_numbers(1, n) : numbers(1, n);
        const Floats b = awkward ? awkward_numbers(2, n) : numbers(2, n);
        const Floats c = numbers(3, n);
        const Floats wanted = all_elements(scalar_table(), a, b, c, n);
        CHECK(first_difference(all_elements(*table, a, b, c, n), wanted) == wanted.size());
      }
    }
  }
}

TEST_CASE("KernelTable: rows are the same bytes on every target, and nothing else is touched") {
  for (const KernelTable* table : supported_targets()) {
    CAPTURE(std::string(table->name));
    for (const std::size_t cols : sizes()) {
      if (cols == 0) continue;
      CAPTURE(cols);
      for (const std::size_t rows : {1UL, 3UL}) {
        const Floats x = numbers(1, rows * cols, 3);
        const Floats dy = numbers(2, rows * cols);
        const Floats wanted = all_rows(scalar_table(), x, dy, rows, cols);
        CHECK(first_difference(all_rows(*table, x, dy, rows, cols), wanted) == wanted.size());
      }
    }
  }
}

TEST_CASE("KernelTable: floats times bits are the same bytes on every target: plain sums") {
  for (const std::size_t k : {1UL, 2UL, 64UL, 127UL, 129UL, 300UL}) {
    for (const std::size_t n : {1UL, 15UL, 16UL, 17UL, 50UL, 130UL}) {
      for (const std::size_t m : {1UL, 3UL, 16UL, 200UL}) {
        CAPTURE(k);
        CAPTURE(n);
        CAPTURE(m);
        const Floats a = numbers(k + m, m * k, 3);
        const Floats scale = numbers(4, n);
        const Floats bias = numbers(5, n);
        test::Dice dice(k * n);
        const BitMatrix s = test::random_bits(dice, k, n);
        Floats wanted((n + 2) * m, 7.0F);  // nothing beside the result is touched
        for (std::size_t i = 0; i < m; ++i) {
          for (std::size_t j = 0; j < n; ++j) {
            float sum = 0;
            for (std::size_t l = 0; l < k; ++l) sum += s.bit(l, j) ? a[i * k + l] : -a[i * k + l];
            const volatile float scaled = sum * scale[j];
            wanted[i * (n + 2) + j] = scaled + bias[j];
          }
        }
        SignProduct product;
        product.a = a.data();
        product.a_stride = k;
        product.signs = s.view();
        product.c_stride = n + 2;
        product.m = m;
        product.n = n;
        for (const KernelTable* table : supported_targets()) {
          CAPTURE(std::string(table->name));
          Floats c((n + 2) * m, 7.0F);
          Floats workspace(table->sign_linear_workspace);
          product.c = c.data();
          table->sign_linear(product, scale.data(), bias.data(), workspace.data());
          CHECK(first_difference(c, wanted) == wanted.size());
        }
      }
    }
  }
}

TEST_CASE("KernelTable: exp, tanh, sigmoid and gelu are those of mathematics") {
  const Floats x = sweep();
  Floats exp(x.size()), tanh(x.size()), gelu(x.size()), slope(x.size());
  const Floats ones(x.size(), 1.0F);
  const KernelTable& table = active();
  table.exp(x.data(), x.size(), exp.data());
  table.tanh(x.data(), x.size(), tanh.data());
  table.gelu(x.data(), x.size(), gelu.data());
  active_training().gelu_backward(x.data(), ones.data(), x.size(), slope.data());
  Floats sigmoid(x.size());
  table.sigmoid(x.data(), x.size(), sigmoid.data());
  double worst_sigmoid = 0;
  double worst_exp = 0, worst_tanh = 0, worst_gelu = 0, worst_slope = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const auto at = static_cast<double>(x[i]);
    worst_exp = std::max(worst_exp, ulps(exp[i], std::exp(at)));
    worst_tanh = std::max(worst_tanh, ulps(tanh[i], std::tanh(at)));
    if (!std::isfinite(x[i])) continue;
    const double share = 1 / (1 + std::exp(-at));
    worst_sigmoid = std::max(worst_sigmoid, std::fabs(static_cast<double>(sigmoid[i]) - share));
    const double density = std::exp(-at * at / 2) / std::sqrt(2 * std::acos(-1.0));
    const double size = std::max(1.0, std::fabs(at));
    worst_gelu =
        std::max(worst_gelu, std::fabs(static_cast<double>(gelu[i]) - at * cumulative(at)) / size);
    worst_slope = std::max(
        worst_slope, std::fabs(static_cast<double>(slope[i]) - cumulative(at) - at * density));
  }
  CHECK(worst_exp <= 2.0);
  CHECK(worst_tanh <= 2.0);
  CHECK(worst_sigmoid <= 0x1p-23);
  CHECK(worst_gelu <= 2 * 0x1p-24);
  CHECK(worst_slope <= 4 * 0x1p-24);
}

TEST_CASE("KernelTable: gelu's tail keeps its digits") {
  Floats x;
  for (float at = -5.0F; at < 0; at += 0.01F) x.push_back(at);
  Floats y(x.size());
  active().gelu(x.data(), x.size(), y.data());
  for (std::size_t i = 0; i < x.size(); ++i) {
    const auto at = static_cast<double>(x[i]);
    CHECK(static_cast<double>(y[i]) == doctest::Approx(at * cumulative(at)).epsilon(3e-6));
  }
}

TEST_CASE("KernelTable: gelu is below 0 exactly where its argument is, on every target") {
  Floats x;  // each exponent with some fractions, both signs, and the ends
  for (std::uint32_t bits = 0; bits < 0x7F80'0000U; bits += 99'991) {
    x.push_back(std::bit_cast<float>(bits));
    x.push_back(-x.back());
  }
  for (const float end : {std::numeric_limits<float>::denorm_min(), 3e-45F, 14.0F, 14.2F, 15.0F}) {
    x.push_back(end);
    x.push_back(-end);
  }
  Floats y(x.size());
  for (const KernelTable* table : supported_targets()) {
    CAPTURE(table->name);
    table->gelu(x.data(), x.size(), y.data());
    for (std::size_t i = 0; i < x.size(); ++i) REQUIRE((y[i] >= 0.0F) == (x[i] >= 0.0F));
  }
}

TEST_CASE("KernelTable: exp at the ends of its range") {
  constexpr float infinity = std::numeric_limits<float>::infinity();
  const Floats x{-infinity, -1e30F, -104.0F, -103.0F, 88.72283F, 88.72284F, infinity, NAN, 0.0F};
  Floats y(x.size());
  active().exp(x.data(), x.size(), y.data());
  CHECK(y[0] == 0.0F);
  CHECK(y[1] == 0.0F);
  CHECK(y[2] == 0.0F);
  CHECK(y[3] == std::numeric_limits<float>::denorm_min());
  CHECK(std::isfinite(y[4]));
  CHECK(y[5] == infinity);
  CHECK(y[6] == infinity);
  CHECK(std::isnan(y[7]));
  CHECK(y[8] == 1.0F);
}

TEST_CASE("TrainingKernels: weights of a softmax's terms are exponentials added to its scores") {
  const Floats a{0.7F, -0.4F};
  const Floats b = numbers(8, 2 * 50);
  const Floats x = numbers(9, 50);
  Floats weights(50), weighted(50), sums(50), wanted(50);
  kernels::active_training().estimate_weights(a.data(), b.data(), 50, 2, 50, weights.data());
  kernels::active_training().weighted_softmax(x.data(), weights.data(), 1, 50, weighted.data());
  for (std::size_t j = 0; j < 50; ++j) sums[j] = x[j] + a[0] * b[j] + a[1] * b[50 + j];
  active().softmax(sums.data(), 1, 50, wanted.data());
  for (std::size_t j = 0; j < 50; ++j) {
    CHECK(static_cast<double>(weighted[j]) ==
          doctest::Approx(static_cast<double>(wanted[j])).epsilon(1e-5));
  }
  const Floats nothing(50, 0.0F);  // and what all vanishes is 0, not 0/0
  kernels::active_training().weighted_softmax(x.data(), nothing.data(), 1, 50, weighted.data());
  CHECK(weighted == nothing);
}

TEST_CASE("KernelTable: softmax and layer norm are those of mathematics") {
  for (const std::size_t cols : {1UL, 5UL, 16UL, 33UL, 384UL}) {
    CAPTURE(cols);
    const Floats x = numbers(21, cols, 4);
    const Floats gamma = numbers(22, cols);
    const Floats beta = numbers(23, cols);
    Floats p(cols), y(cols);
    float mean = 0, inverse = 0;
    active().softmax(x.data(), 1, cols, p.data());
    active().layer_norm(x.data(), 1, cols, gamma.data(), beta.data(), 1e-5F, y.data(), &mean,
                        &inverse);
    double most = -1e30, sum = 0, total = 0, squares = 0;
    for (const float v : x) most = std::max(most, static_cast<double>(v));
    for (const float v : x) {
      sum += std::exp(static_cast<double>(v) - most);
      total += static_cast<double>(v);
    }
    const auto count = static_cast<double>(cols);
    for (const float v : x) squares += std::pow(static_cast<double>(v) - total / count, 2);
    const double root = std::sqrt(squares / count + 1e-5);
    for (std::size_t i = 0; i < cols; ++i) {
      const auto v = static_cast<double>(x[i]);
      CHECK(static_cast<double>(p[i]) == doctest::Approx(std::exp(v - most) / sum).epsilon(1e-6));
      const double normal = (v - total / count) / root;
      const double wanted = normal * static_cast<double>(gamma[i]) + static_cast<double>(beta[i]);
      CHECK(std::fabs(static_cast<double>(y[i]) - wanted) < 4e-6);
    }
    CHECK(std::fabs(static_cast<double>(mean) - total / count) < 1e-6);
    CHECK(static_cast<double>(inverse) == doctest::Approx(1 / root).epsilon(1e-6));
  }
}
