#include "bipft/device/cpu.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "support/device_inputs.hpp"
#include "support/devices.hpp"
#include "support/grad_check.hpp"

using namespace bipft;
using namespace bipft::test;

namespace {

bool same_bytes(const Tensor& a, const Tensor& b) {
  return a.shape() == b.shape() &&
         (a.empty() || std::memcmp(a.data().data(), b.data().data(), a.data().size_bytes()) == 0);
}

std::string complaint(const std::function<void()>& call) {
  try {
    call();
  } catch (const Error& error) {
    CHECK(error.fault() == Fault::usage);
    return error.what();
  }
  return "";
}

/// Everything CpuDevice computes, in one list.
std::vector<Tensor> everything() {
  CpuDevice device;
  const Ragged texts = lengths();
  const std::size_t n = texts.tokens(), c = 96, heads = 3;
  const Tensor x = numbers({n, c}, 1), y = numbers({n, c}, 2), w = numbers({200, c}, 3);
  const Tensor row = numbers({c}, 4), bias = numbers({200}, 5);
  const Tensor s = device.scores(x, y, texts, heads, 0.25F);
  const Tensor p = device.softmax(s, texts, heads);
  std::vector<Tensor> all{s, p};
  const auto keep = [&](Tensor tensor) { all.push_back(std::move(tensor)); };
  keep(device.linear(x, w, bias));
  keep(device.matmul(device.linear(x, w, bias), w));
  keep(device.matmul_tn(x, y));
  keep(device.scores_backward(x, y, s, texts, heads, 0.25F).first);
  keep(device.scores_backward(x, y, s, texts, heads, 0.25F).second);
  keep(device.mix(p, x, texts, heads));
  keep(device.mix_backward(p, x, y, texts, heads).first);
  keep(device.mix_backward(p, x, y, texts, heads).second);
  keep(device.softmax_backward(p, s, texts, heads));
  const LayerNormResult norm = device.layer_norm(x, row, row, 1e-5F);
  const LayerNormGrad norm_grad = device.layer_norm_backward(x, norm, row, y);
  for (const Tensor* part :
       {&norm.y, &norm.mean, &norm.inverse, &norm_grad.dx, &norm_grad.dgamma, &norm_grad.dbeta}) {
    keep(*part);
  }
  const ResidualNorm sum = device.residual_norm(x, y, Random(1, "drop"), 0.1F, row, row, 1e-5F);
  const ResidualNormGrad sum_grad =
      device.residual_norm_backward(sum, Random(1, "drop"), 0.1F, row, y);
  for (const Tensor* part : {&sum.x, &sum.norm.y, &sum_grad.db, &sum_grad.norm.dx}) keep(*part);
  keep(device.gather(w, ids_below(1000, 200, 6)));
  Tensor table = w;
  device.scatter_add(table, ids_below(n, 200, 7), x);
  keep(table);
  keep(device.sum_rows(x));
  keep(device.mean_rows(x, texts));
  const Tensor big = numbers({300, 384}, 8), other = numbers({300, 384}, 9);
  const Tensor wide = numbers({384}, 10);
  keep(device.add(big, other));
  keep(device.multiply(big, other));
  keep(device.add_row(big, wide));
  keep(device.scale(big, 0.7F));
  Tensor total = big;
  device.accumulate(total, other);
  keep(total);
  for (const Activation f : {Activation::relu, Activation::gelu, Activation::tanh}) {
    keep(device.activate(f, big));
    keep(device.activate_backward(f, big, other));
  }
  keep(device.exponential(big));
  keep(device.dropout(big, Random(1, "drop"), 0.1F));
  keep(device.threshold_select(big, 0.1F, true, -1, 2));
  keep(device.threshold_select_rows(big, 0, device.mean_absolute_rows(big)));
  keep(device.window_mask(big, -1, 1, other));
  const Sums sums = device.sums(big);
  keep(Tensor(Shape{1}, static_cast<float>(device.dot(big, other))));
  keep(Tensor(Shape{1}, static_cast<float>(sums.sum + 3 * sums.absolute)));
  keep(device.center_rows(big));
  const Tensor scale(Shape{1}, 0.3F);
  keep(device.scale_add_row(big, scale, wide));
  keep(device.scale_add_row(big, numbers({384}, 18), wide));
  const BitMatrix a = device.pack(big, wide, 0.2F, false);
  keep(device.unpack(a, -1, 2));
  const BitMatrix signs = random_bits(50, 384, 11);
  for (const Tensor& each : {scale, numbers({50}, 17)}) {
    keep(device.binary_linear(a, signs, true, each, numbers({50}, 12)));
    for (const Activation f : {Activation::relu, Activation::gelu}) {
      keep(device.binary_linear(a, signs, true, each, numbers({50}, 12), f).y);
    }
  }
  keep(device.binary_matmul(big, random_bits(384, 500, 14), false, 0.3F));
  keep(device.binary_matmul_tn(big, random_bits(300, 500, 15), true, 0.3F));
  for (const Tensor& shift : {Tensor(), numbers({384}, 16)}) {
    const Window window{shift, -1, 1, 0.5F, true, 0};
    keep(device.window_backward(device.pack_window(big, window), window, other).dx);
    const WindowGrad grad = device.window_backward(big, window, other);
    keep(grad.dx);
    if (!shift.empty()) keep(grad.dshift);
    keep(Tensor(Shape{2}, std::vector<float>{static_cast<float>(grad.units),
                                             static_cast<float>(grad.inside)}));
  }
  const BinaryAttention attention = attention_of(texts, heads, c);
  const BinaryAttentionGrad attention_grad = device.binary_attention_backward(attention, x);
  keep(device.binary_attention(attention));
  for (const Tensor* part : {&attention_grad.dq, &attention_grad.dk, &attention_grad.dv}) {
    keep(*part);
  }
  keep(Tensor(Shape{1}, static_cast<float>(attention_grad.units + attention_grad.inside +
                                           device.binary_attention_mean(attention))));
  const CrossEntropyResult loss =
      device.cross_entropy(big, ids_below(300, 384, 13), Tensor(Shape{300}, 1), 0.1F);
  keep(loss.dlogits);
  keep(Tensor(Shape{1}, static_cast<float>(loss.loss)));
  Tensor parameter = big, m = other, v = device.multiply(other, other);
  device.adamw(parameter, m, v, other, {1e-3F, 0.9F, 0.999F, 1e-8F, 0.01F, 0.1F, 0.001F, 1});
  keep(parameter);
  keep(m);
  keep(v);
  return all;
}

}  // namespace

TEST_CASE("CpuDevice: every operation gives the same bytes on 1, 2, 3 and 7 threads") {
  const std::size_t before = threads();
  set_threads(1);
  const std::vector<Tensor> wanted = everything();
  for (const std::size_t count : {2UL, 3UL, 7UL}) {
    set_threads(count);
    const std::vector<Tensor> got = everything();
    REQUIRE(got.size() == wanted.size());
    for (std::size_t i = 0; i < got.size(); ++i) {
      CAPTURE(i);
      CHECK(same_bytes(got[i], wanted[i]));
    }
  }
  set_threads(before);
}

TEST_CASE("CpuDevice: products equal sums in double, whatever the shape") {
  CpuDevice device;
  const Random random(1, "shapes");
  for (std::size_t i = 0; i < 60; ++i) {
    const std::size_t n = 1 + random.below(3 * i, i == 0 ? 700 : 60);
    const std::size_t c = 1 + random.below(3 * i + 1, i == 1 ? 700 : 60);
    const std::size_t o = 1 + random.below(3 * i + 2, i == 2 ? 900 : 60);
    const Tensor x = numbers({n, c}, 10 * i), w = numbers({o, c}, 10 * i + 1);
    const Tensor bias = numbers({o}, 10 * i + 2);
    const Tensor y = device.linear(x, w, bias);
    const Tensor dx = device.matmul(y, w);
    const Tensor dw = device.matmul_tn(y, x);
    REQUIRE(y.shape() == Shape{n, o});
    REQUIRE(dx.shape() == Shape{n, c});
    REQUIRE(dw.shape() == Shape{o, c});
    double worst = 0;
    for (std::size_t check = 0; check < 200; ++check) {
      const Random where(check, "where", i);
      const std::size_t r = where.below(0, n), q = where.below(1, o), k = where.below(2, c);
      double of_y = at(bias, q), of_dx = 0, of_dw = 0, size_dx = 1, size_dw = 1;
      for (std::size_t j = 0; j < c; ++j) of_y += at(x, r, j) * at(w, q, j);
      for (std::size_t j = 0; j < o; ++j) {
        of_dx += at(y, r, j) * at(w, j, k);
        size_dx += std::fabs(at(y, r, j) * at(w, j, k));
      }
      for (std::size_t j = 0; j < n; ++j) {
        of_dw += at(y, j, q) * at(x, j, k);
        size_dw += std::fabs(at(y, j, q) * at(x, j, k));
      }
      worst = std::max({worst, std::fabs(at(y, r, q) - of_y) / static_cast<double>(c),
                        std::fabs(at(dx, r, k) - of_dx) / size_dx,
                        std::fabs(at(dw, q, k) - of_dw) / size_dw});
    }
    CHECK(worst < 4e-6);
  }
}

TEST_CASE("CpuDevice: a row's result does not depend on its batch") {
  CpuDevice device;
  const Tensor x = numbers({500, 130}, 1), w = numbers({140, 130}, 2);
  const Tensor whole = device.linear(x, w, {});
  for (const std::size_t row : {0UL, 191UL, 192UL, 499UL}) {
    const Tensor alone = device.linear(Tensor(Shape{1, 130}, x.row(row)), w, {});
    CHECK(std::equal(alone.data().begin(), alone.data().end(), whole.row(row).begin()));
  }
}

TEST_CASE("CpuDevice: layer_norm_backward is the slope of layer_norm") {
  CpuDevice device;
  const std::size_t n = 70, c = 21;
  Tensor x = numbers({n, c}, 1), gamma = numbers({c}, 2), beta = numbers({c}, 3);
  const Tensor dy = numbers({n, c}, 4);
  const LayerNormResult forward = device.layer_norm(x, gamma, beta, 1e-5F);
  const LayerNormGrad grad = device.layer_norm_backward(x, forward, gamma, dy);
  const auto slope = [&](Tensor& at_what, std::size_t i) {
    constexpr float step = 1e-2F;
    const float before = at_what.data()[i];
    at_what.mutable_data()[i] = before + step;
    const double above = device.dot(device.layer_norm(x, gamma, beta, 1e-5F).y, dy);
    at_what.mutable_data()[i] = before - step;
    const double below = device.dot(device.layer_norm(x, gamma, beta, 1e-5F).y, dy);
    at_what.mutable_data()[i] = before;
    return (above - below) / 2e-2;
  };
  for (const std::size_t i : {0UL, 5UL, 700UL, 1469UL}) {
    CHECK(at(grad.dx, i) == doctest::Approx(slope(x, i)).epsilon(2e-3));
  }
  for (const std::size_t i : {0UL, 20UL}) {
    CHECK(at(grad.dgamma, i) == doctest::Approx(slope(gamma, i)).epsilon(1e-3));
    CHECK(at(grad.dbeta, i) == doctest::Approx(slope(beta, i)).epsilon(1e-3));
  }
}

TEST_CASE("CpuDevice: gather reads rows by id, scatter_add adds them in order") {
  CpuDevice device;
  const Tensor table = numbers({9, 5}, 1);
  const std::int32_t id[] = {3, 8, 3, 0};
  const IdTensor ids(Shape{4}, id);
  const Tensor rows = device.gather(table, ids);
  for (std::size_t n = 0; n < 4; ++n) {
    const auto wanted = table.row(static_cast<std::size_t>(id[n]));
    CHECK(std::equal(wanted.begin(), wanted.end(), rows.row(n).begin()));
  }
  Tensor total(Shape{9, 5}, 1);
  device.scatter_add(total, ids, rows);
  CHECK(total.row(3)[2] == (1.0F + table.row(3)[2]) + table.row(3)[2]);
  CHECK(total.row(8)[4] == 1.0F + table.row(8)[4]);
  CHECK(total.row(1)[0] == 1.0F);
  const std::int32_t other[] = {5, 0};
  const Tensor two = numbers({2, 5}, 2);
  device.scatter(total, IdTensor(Shape{2}, other), two);
  CHECK(total.row(5)[4] == two.row(0)[4]);
  CHECK(total.row(0)[1] == two.row(1)[1]);
  CHECK(total.row(1)[0] == 1.0F);
}

TEST_CASE("CpuDevice: sums and means of rows") {
  CpuDevice device;
  const Ragged texts({3, 200, 1});
  const Tensor x = numbers({204, 7}, 1);
  const Tensor total = device.sum_rows(x);
  const Tensor mean = device.mean_rows(x, texts);
  REQUIRE(mean.shape() == Shape{3, 7});
  for (std::size_t c = 0; c < 7; ++c) {
    double all = 0, middle = 0;
    for (std::size_t n = 0; n < 204; ++n) {
      all += at(x, n, c);
      if (n >= 3 && n < 203) middle += at(x, n, c);
    }
    CHECK(at(total, c) == doctest::Approx(all).epsilon(1e-4));
    CHECK(at(mean, 1, c) == doctest::Approx(middle / 200).epsilon(1e-4));
    CHECK(at(mean, 2, c) == at(x, 203, c));
  }
  CHECK(at(device.mean_absolute_rows(Tensor(Shape{2, 3}, -0.5F)), 1) == 0.5);
}

TEST_CASE("CpuDevice: dropout keeps about 1 - p, scaled, and the same ones backwards") {
  CpuDevice device;
  const Tensor ones(Shape{400, 384}, 1);
  const Random random(3, "dropout", 17);
  const Tensor y = device.dropout(ones, random, 0.25F);
  std::size_t kept = 0;
  for (const float value : y.data()) {
    kept += value != 0 ? 1U : 0U;
    CHECK((value == 0 || value == 1.0F / 0.75F));
  }
  const double share = static_cast<double>(kept) / static_cast<double>(ones.numel());
  CHECK(std::fabs(share - 0.75) < 0.005);
  CHECK(same_bytes(y, device.dropout(ones, random, 0.25F)));
  CHECK(!same_bytes(y, device.dropout(ones, Random(3, "dropout", 18), 0.25F)));
  CHECK(same_bytes(ones, device.dropout(ones, random, 0)));
  // No stretch of the pattern comes twice.
  CHECK(std::memcmp(y.data().data(), y.data().data() + 16384, 4096) != 0);
  CHECK(std::memcmp(y.data().data(), y.data().data() + 1024, 4096) != 0);
  CHECK(complaint([&] { (void)device.dropout(ones, random, 1); }).find("dropout") == 0);
}

TEST_CASE("CpuDevice: bits packed, multiplied and unpacked are the products of their levels") {
  CpuDevice device;
  for (const std::size_t c : {1UL, 63UL, 64UL, 100UL, 384UL}) {
    CAPTURE(c);
    const Tensor x = numbers({70, c}, 1), shift = numbers({c}, 2), bias = numbers({33}, 3);
    const BitMatrix a = device.pack(x, shift, 0.1F, false);
    const BitMatrix w = random_bits(33, c, 4);
    const Tensor levels = device.unpack(w, -1, 1);
    for (std::size_t i = 0; i < 70 * c; ++i) {
      const float sum = x.data()[i] + shift.data()[i % c];
      REQUIRE(a.bit(i / c, i % c) == (sum >= 0.1F));
    }
    for (const bool zero_one : {false, true}) {
      // Integers in floats are exact in any order of additions, so this must be equal to the bit.
      const Tensor dots = device.linear(device.unpack(a, zero_one ? 0.0F : -1.0F, 1), levels, {});
      const Tensor rows = numbers({33}, 5);
      for (const Tensor& scale : {Tensor(Shape{1}, 0.3F), rows}) {
        const Tensor y = device.binary_linear(a, w, zero_one, scale, bias);
        CHECK(same_bytes(y, device.scale_add_row(dots, scale, bias)));
        CHECK(same_bytes(y, test::plain_device().scale_add_row(dots, scale, bias)));
      }
    }
  }
}

TEST_CASE("CpuDevice: a row less its mean adds up to nothing") {
  CpuDevice device;
  const Tensor x = numbers({5, 70}, 1);
  const Tensor y = device.center_rows(x);
  for (std::size_t n = 0; n < 5; ++n) {
    double mean = 0;
    for (const float value : x.row(n)) mean += static_cast<double>(value) / 70;
    for (std::size_t c = 0; c < 70; ++c) {
      CHECK(y.row(n)[c] == x.row(n)[c] - static_cast<float>(mean));
    }
  }
  CHECK(same_bytes(y, test::plain_device().center_rows(x)));
}

TEST_CASE("CpuDevice: gradients of binary products, and of binarizers, are the plain device's") {
  Device& plain = test::plain_device();
  CpuDevice device;
  const Tensor dy = numbers({130, 70}, 31);
  for (const bool zero_one : {false, true}) {
    CAPTURE(zero_one);
    // A device may round dy to bfloat16, to 8 digits of two.
    const auto check = [](const Tensor& a, const Tensor& b) { test::check_close(a, b, 2e-2F); };
    const BitMatrix w = random_bits(70, 100, 32);
    check(device.binary_matmul(dy, w, zero_one, 0.2F), plain.binary_matmul(dy, w, zero_one, 0.2F));
    const BitMatrix x = random_bits(130, 100, 33);
    check(device.binary_matmul_tn(dy, x, zero_one, 0.2F),
          plain.binary_matmul_tn(dy, x, zero_one, 0.2F));
  }
  for (const std::size_t cols : {1U, 70U, 2500U}) {
    for (const bool shifted : {false, true}) {
      CAPTURE(cols);
      CAPTURE(shifted);
      const Tensor x = numbers({130, cols}, 34);
      const Tensor gradient = numbers({130, cols}, 35);
      const Window window{shifted ? numbers({cols}, 36, 0.3F) : Tensor(),
                          -0.8F,
                          0.6F,
                          0.1F,
                          shifted,
                          shifted ? 0.0F : -1.0F};
      const WindowGrad found = device.window_backward(x, window, gradient);
      const WindowGrad wanted = plain.window_backward(x, window, gradient);
      test::check_equal(found.dx, wanted.dx);
      CHECK(found.units == doctest::Approx(wanted.units).epsilon(1e-4));
      CHECK(found.inside == doctest::Approx(wanted.inside).epsilon(1e-4));
      REQUIRE(found.dshift.empty() == !shifted);
      if (shifted) test::check_close(found.dshift, wanted.dshift, 1e-5F);

      const WindowGrad by_bits =
          device.window_backward(device.pack_window(x, window), window, gradient);
      test::check_equal(by_bits.dx, found.dx);
      CHECK(by_bits.units == found.units);
      if (shifted) test::check_equal(by_bits.dshift, found.dshift);
    }
  }
}

TEST_CASE("CpuDevice: a gradient that is handed over gives its memory to the result") {
  CpuDevice device;
  const Tensor x = numbers({40, 96}, 1);
  const Window window{{}, -1, 1, 0, false, -1};
  const std::vector<std::function<Tensor(Tensor)>> operations{
      [&](Tensor dy) { return device.activate_backward(Activation::relu, x, std::move(dy)); },
      [&](Tensor dy) { return device.dropout(std::move(dy), Random(1, "drop"), 0.1F); },
      [&](Tensor dy) { return device.window_backward(x, window, std::move(dy)).dx; },
      [&](Tensor dy) {
        const WindowBits bits = device.pack_window(x, window);
        return device.window_backward(bits, window, std::move(dy)).dx;
      },
      [&](Tensor dy) {
        const Tensor row = numbers({96}, 3);
        const LayerNormResult norm = device.layer_norm(x, row, row, 1e-5F);
        return device.layer_norm_backward(x, norm, row, std::move(dy)).dx;
      },
  };
  for (std::size_t i = 0; i < operations.size(); ++i) {
    CAPTURE(i);
    const Tensor kept = numbers({40, 96}, 2);
    const Tensor expected = operations[i](kept);
    test::check_equal(kept, numbers({40, 96}, 2));  // shared, and so left alone
    Tensor given = numbers({40, 96}, 2);
    const float* const room = given.data().data();
    const Tensor result = operations[i](std::move(given));
    CHECK(result.data().data() == room);
    test::check_equal(result, expected);
  }
}

TEST_CASE("CpuDevice: pack tells a number on the threshold by `strict`") {
  CpuDevice device;
  const Tensor x(Shape{1, 3}, 0.5F);
  CHECK(device.pack(x, {}, 0.5F, false).bit(0, 2));
  CHECK(!device.pack(x, {}, 0.5F, true).bit(0, 2));
}

TEST_CASE("CpuDevice: a binarizer's words") {
  CpuDevice device;
  const float value[] = {-2, -1, -0.0F, 0, 1, 2};
  const Tensor x(Shape{2, 3}, value), dy(Shape{2, 3}, 3);
  const auto list = [](const Tensor& tensor) {
    return std::vector<float>(tensor.data().begin(), tensor.data().end());
  };
  using Floats = std::vector<float>;
  CHECK(list(device.threshold_select(x, 0, false, 5, 6)) == Floats{5, 5, 6, 6, 6, 6});
  CHECK(list(device.threshold_select(x, 0, true, 5, 6)) == Floats{5, 5, 5, 5, 6, 6});
  CHECK(list(device.window_mask(x, -1, 1, dy)) == Floats{0, 3, 3, 3, 3, 0});
  const float scales[] = {2, 3};
  CHECK(list(device.threshold_select_rows(x, 0, Tensor(Shape{2}, scales))) ==
        Floats{-2, -2, 2, 3, 3, 3});
  CHECK(device.dot(x, dy) == 0);
  CHECK(device.sums(x).sum == 0);
  CHECK(device.sums(x).absolute == 6);
}

TEST_CASE("CpuDevice: cross entropy is a weighted mean, and its gradient is the slope") {
  CpuDevice device;
  Tensor logits = numbers({4, 5}, 1);
  const std::int32_t label[] = {0, 4, 2, 2};
  const float weight[] = {1, 0.5F, 0, 2};
  const IdTensor labels(Shape{4}, label);
  const Tensor weights(Shape{4}, weight);
  const CrossEntropyResult result = device.cross_entropy(logits, labels, weights, 0.1F);
  for (std::size_t i = 0; i < logits.numel(); ++i) {
    const float before = logits.data()[i];
    logits.mutable_data()[i] = before + 1e-2F;
    const double above = device.cross_entropy(logits, labels, weights, 0.1F).loss;
    logits.mutable_data()[i] = before - 1e-2F;
    const double below = device.cross_entropy(logits, labels, weights, 0.1F).loss;
    logits.mutable_data()[i] = before;
    CHECK(std::fabs(at(result.dlogits, i) - (above - below) / 2e-2) < 2e-5);
  }
  const IdTensor bad(Shape{4}, 5);
  CHECK(complaint([&] {
          (void)device.cross_entropy(logits, bad, weights, 0);
        }).find("label 5 of row 0") != std::string::npos);
  CHECK(complaint([&] { (void)device.cross_entropy(logits, labels, Tensor(Shape{4}), 0); }) != "");
}

TEST_CASE("CpuDevice: rounds to a grid, halves to even, from the least number of each part") {
  CpuDevice device;
  Device& plain = test::plain_device();
  const auto floats = [](const Tensor& t) {
    return std::vector<float>(t.data().begin(), t.data().end());
  };
  const float x[] = {-9, -1.5F, -0.5F, 0.5F, 1.5F, 9};
  Grid grid{.shift = {}, .step = 1, .least = -2, .most = 1, .from_minimum = false, .bounds = {}};
  CHECK(floats(device.round_to_grid(Tensor(Shape{6}, x), grid).y) ==
        std::vector<float>{-2, -2, 0, 0, 1, 1});
  CHECK(complaint([&] {
          grid.bounds = {0, 5};
          (void)device.round_to_grid(Tensor(Shape{6}, x), grid);
        }).find("parts do not cover") != std::string::npos);

  const Tensor big = numbers({300, 70}, 3);
  for (const bool anchored : {false, true}) {
    for (const bool parts : {false, true}) {
      Grid of{numbers({70}, 4), 0.3F, anchored ? 0.0F : -8.0F, 7.0F, anchored, {}};
      if (parts) of.bounds = {0, 70 * 3, 70 * 200, 70 * 300};
      const GridResult ours = device.round_to_grid(big, of);
      const GridResult theirs = plain.round_to_grid(big, of);
      CHECK(floats(ours.y) == floats(theirs.y));
      CHECK(ours.origin == theirs.origin);
    }
  }
}

TEST_CASE("CpuDevice: adamw takes the step of its equations") {
  CpuDevice device;
  Tensor parameter = numbers({37}, 1), m = numbers({37}, 2);
  Tensor v = device.multiply(m, m);
  const Tensor before = parameter, m0 = m, v0 = v, g = numbers({37}, 3);
  const AdamWStep step{0.01F, 0.9F, 0.99F, 1e-6F, 0.1F, 0.5F, 0.25F, 2};
  device.adamw(parameter, m, v, g, step);
  for (std::size_t i = 0; i < 37; ++i) {
    const double gradient = 2 * at(g, i);
    const double m1 = 0.9 * at(m0, i) + 0.1 * gradient;
    const double v1 = 0.99 * at(v0, i) + 0.01 * gradient * gradient;
    const double moved = m1 / 0.5 / (std::sqrt(v1 / 0.25) + 1e-6) + 0.1 * at(before, i);
    CHECK(at(m, i) == doctest::Approx(m1).epsilon(1e-5));
    CHECK(at(v, i) == doctest::Approx(v1).epsilon(1e-5));
    CHECK(std::fabs(at(parameter, i) - (at(before, i) - 0.01 * moved)) < 1e-6);
  }
}

TEST_CASE("CpuDevice: in place is on the caller's own copy") {
  CpuDevice device;
  Tensor total(Shape{4}, 1);
  const Tensor shared = total;
  device.accumulate(total, Tensor(Shape{4}, 2));
  CHECK(total.data()[0] == 3);
  CHECK(shared.data()[0] == 1);
  device.accumulate(total, total);
  CHECK(total.data()[3] == 6);
}

TEST_CASE("CpuDevice: what does not fit is refused, with the operation and both shapes") {
  CpuDevice device;
  const Tensor x = numbers({4, 6}, 1), y = numbers({6, 4}, 2), row = numbers({5}, 3);
  const Ragged texts({3, 1}), more({3, 2});
  const std::string said = complaint([&] { (void)device.linear(x, y, {}); });
  CHECK(said == "linear: shapes [4, 6] and [6, 4]");
  std::vector<std::function<void()>> calls{
      [&] { (void)device.linear(x, x, row); },
      [&] { (void)device.matmul(x, x); },
      [&] { (void)device.matmul_tn(x, y); },
      [&] { (void)device.scores(x, y, texts, 2, 1); },
      [&] { (void)device.scores(x, x, texts, 4, 1); },
      [&] { (void)device.scores(x, x, texts, 0, 1); },
      [&] { (void)device.scores(x, x, more, 2, 1); },
      [&] { (void)device.scores_backward(x, x, x, texts, 2, 1); },
      [&] { (void)device.mix(x, x, texts, 2); },
      [&] { (void)device.mix_backward(x, x, y, texts, 2); },
      [&] { (void)device.softmax(x, texts, 2); },
      [&] { (void)device.softmax_backward(x, y, texts, 2); },
      [&] { (void)device.layer_norm(x, row, row, 0); },
      [&] { (void)device.residual_norm(x, y, Random(1, "drop"), 0, row, row, 0); },
      [&] { (void)device.add(x, y); },
      [&] { (void)device.multiply(x, y); },
      [&] { (void)device.add_row(x, row); },
      [&] { (void)device.scale_add_row(x, row, x); },
      [&] { (void)device.scale_add_row(x, Tensor(Shape{1}), row); },
      [&] { (void)device.scale_add_row(x, Tensor(Shape{7}), Tensor(Shape{8})); },
      [&] { (void)device.activate_backward(Activation::relu, x, y); },
      [&] { (void)device.threshold_select_rows(x, 0, row); },
      [&] { (void)device.window_mask(x, 0, 1, y); },
      [&] { (void)device.dot(x, y); },
      [&] { (void)device.mean_rows(x, more); },
      [&] { (void)device.pack(x, row, 0, false); },
      [&] { (void)device.gather(x, IdTensor(Shape{1}, 4)); },
      [&] { (void)device.gather(x, IdTensor(Shape{1}, -1)); },
  };
  const BitMatrix bits = random_bits(2, 8, 1), wide = random_bits(2, 9, 1);
  const BitMatrix weights = random_bits(3, 8, 1);
  const Tensor one(Shape{1}), three(Shape{3});
  calls.emplace_back([&] { (void)device.binary_linear(wide, weights, true, one, three); });
  calls.emplace_back([&] { (void)device.binary_linear(bits, weights, true, one, row); });
  calls.emplace_back([&] { (void)device.binary_linear(bits, weights, true, row, three); });
  calls.emplace_back([&] { (void)device.binary_matmul(x, random_bits(9, 8, 1), true, 1); });
  calls.emplace_back([&] { (void)device.binary_matmul_tn(x, random_bits(9, 8, 1), true, 1); });
  const BinaryAttention good = attention_of(texts, 2, 6);
  BinaryAttention headless = good, short_of_keys = good;
  headless.heads = 4;
  short_of_keys.k = random_bits(3, 6, 1);
  calls.emplace_back([&] { (void)device.binary_attention(headless); });
  calls.emplace_back([&] { (void)device.binary_attention_mean(short_of_keys); });
  calls.emplace_back([&] { (void)device.binary_attention_backward(short_of_keys, x); });
  calls.emplace_back([&] { (void)device.binary_attention_backward(good, y); });
  calls.emplace_back([&] { (void)device.window_backward(x, {}, y); });
  calls.emplace_back([&] { (void)device.window_backward(device.pack_window(x, {}), {}, y); });
  for (std::size_t i = 0; i < calls.size(); ++i) {
    CAPTURE(i);
    CHECK(complaint(calls[i]) != "");
  }
  Tensor total = x, m = x, v = x;
  CHECK(complaint([&] { device.accumulate(total, y); }) != "");
  CHECK(complaint([&] { device.scatter_add(total, IdTensor(Shape{2}, 1), x); }) != "");
  CHECK(complaint([&] { device.scatter(total, IdTensor(Shape{2}, 1), x); }) != "");
  CHECK(complaint([&] { device.scatter(total, IdTensor(Shape{4}, 9), x); }) != "");
  CHECK(complaint([&] { device.scatter_add(total, IdTensor(Shape{4}, 9), x); }) != "");
  CHECK(complaint([&] { device.adamw(total, m, v, y, {}); }) != "");
}

TEST_CASE("CpuDevice: nothing at all is no trouble") {
  CpuDevice device;
  const Tensor none(Shape{0, 8}), w = numbers({4, 8}, 1);
  const Ragged no_texts;
  CHECK(device.linear(none, w, {}).numel() == 0);
  CHECK(device.add(none, none).numel() == 0);
  CHECK(device.activate(Activation::gelu, none).numel() == 0);
  CHECK(device.softmax(Tensor(Shape{0}), no_texts, 2).numel() == 0);
  CHECK(device.dot(none, none) == 0);
  CHECK(device.pack(none, {}, 0, false).rows() == 0);
  CHECK(device.gather(w, IdTensor(Shape{0})).numel() == 0);
}
