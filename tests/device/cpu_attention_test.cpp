#include "bipft/device/cpu_attention.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>
#include <utility>
#include <vector>

#include "bipft/device/cpu.hpp"
#include "support/device_inputs.hpp"
#include "support/devices.hpp"
#include "support/grad_check.hpp"

using namespace bipft;
using namespace bipft::test;

TEST_CASE("CpuDevice: attention of every text and head is that of its own tokens") {
  CpuDevice device;
  const Ragged texts = lengths();
  const std::size_t n = texts.tokens(), heads = 3, d = 32, c = heads * d;
  const Tensor q = numbers({n, c}, 1), k = numbers({n, c}, 2), v = numbers({n, c}, 3);
  const Tensor dy = numbers({n, c}, 4);
  const float scale = 0.2F;
  const Tensor s = device.scores(q, k, texts, heads, scale);
  const Tensor p = device.softmax(s, texts, heads);
  const Tensor y = device.mix(p, v, texts, heads);
  const GradPair of_mix = device.mix_backward(p, v, dy, texts, heads);
  const Tensor ds = device.softmax_backward(p, of_mix.first, texts, heads);
  const GradPair of_scores = device.scores_backward(q, k, ds, texts, heads, scale);
  REQUIRE(s.numel() == heads * texts.pairs());
  double worst = 0;
  const auto check = [&](float got, double wanted) {
    worst = std::max(worst, std::fabs(static_cast<double>(got) - wanted));
  };
  for (std::size_t b = 0; b < texts.texts(); ++b) {
    for (std::size_t h = 0; h < heads; ++h) {
      const std::size_t t = texts.length(b), first = texts.begin(b);
      const std::size_t square = heads * texts.pairs_begin(b) + h * t * t;
      const auto entry = [&](const Tensor& m, std::size_t i, std::size_t j) {
        return at(m, square + i * t + j);
      };
      const auto element = [&](const Tensor& m, std::size_t i, std::size_t j) {
        return at(m, first + i, h * d + j);
      };
      for (std::size_t i = 0; i < t; ++i) {
        double sum = 0, mean = 0;
        for (std::size_t j = 0; j < t; ++j) {
          double dot = 0, dp = 0;
          for (std::size_t e = 0; e < d; ++e) {
            dot += element(q, i, e) * element(k, j, e);
            dp += element(dy, i, e) * element(v, j, e);
          }
          check(s.data()[square + i * t + j], static_cast<double>(scale) * dot);
          check(of_mix.first.data()[square + i * t + j], dp);
          sum += std::exp(entry(s, i, j));
          mean += entry(p, i, j) * entry(of_mix.first, i, j);
        }
        for (std::size_t j = 0; j < t; ++j) {
          check(p.data()[square + i * t + j], std::exp(entry(s, i, j)) / sum);
          check(ds.data()[square + i * t + j], entry(p, i, j) * (entry(of_mix.first, i, j) - mean));
        }
        for (std::size_t e = 0; e < d; ++e) {
          double mixed = 0, dv = 0, dq = 0, dk = 0;
          for (std::size_t j = 0; j < t; ++j) {
            mixed += entry(p, i, j) * element(v, j, e);
            dv += entry(p, j, i) * element(dy, j, e);
            dq += static_cast<double>(scale) * entry(ds, i, j) * element(k, j, e);
            dk += static_cast<double>(scale) * entry(ds, j, i) * element(q, j, e);
          }
          const std::size_t place = (first + i) * c + h * d + e;
          check(y.data()[place], mixed);
          check(of_mix.second.data()[place], dv);
          check(of_scores.first.data()[place], dq);
          check(of_scores.second.data()[place], dk);
        }
      }
    }
  }
  CHECK(worst < 2e-5);
}

TEST_CASE("CpuDevice: attention over bits is what its products and rows make of it in turn") {
  CpuDevice device;
  for (const auto& [heads, width] : {std::pair{3U, 96U}, {1U, 64U}, {2U, 10U}, {2U, 200U}}) {
    for (const auto& [dropout, by_softmax] :
         {std::pair{0.0F, true}, {0.2F, true}, {0.0F, false}, {0.2F, false}}) {
      const std::size_t channels = width;
      const float rate = dropout;
      const bool softmax = by_softmax;
      CAPTURE(channels);
      CAPTURE(rate);
      CAPTURE(softmax);
      BinaryAttention of = attention_of(lengths(), heads, channels);
      of.dropout = rate;
      of.softmax = softmax;
      if (!softmax) of.window = {{}, -0.5F, 0.5F, 0.0F, true, 0.0F};
      const std::size_t rank = !softmax ? 0 : channels == 64 ? 1 : channels == 10 ? 3 : 0;
      if (rank != 0) of.estimates = numbers({of.texts.tokens(), 4 * rank + 1}, 45);
      const Tensor dy = numbers({of.texts.tokens(), channels}, 44);
      test::check_equal(device.binary_attention(of), device.Device::binary_attention(of));
      const BinaryAttentionGrad found = device.binary_attention_backward(of, dy);
      const BinaryAttentionGrad wanted = device.Device::binary_attention_backward(of, dy);
      test::check_equal(found.dq, wanted.dq);
      test::check_equal(found.dk, wanted.dk);
      test::check_equal(found.dv, wanted.dv);
      if (rank != 0) test::check_close(found.destimates, wanted.destimates, 2e-5F);
      CHECK(found.destimates.empty() == (rank == 0));
      CHECK(found.units == doctest::Approx(wanted.units).epsilon(1e-4));
      CHECK(found.inside == doctest::Approx(wanted.inside).epsilon(1e-4));
      CHECK(device.binary_attention_mean(of) ==
            doctest::Approx(device.Device::binary_attention_mean(of)).epsilon(1e-9));
    }
  }
}
