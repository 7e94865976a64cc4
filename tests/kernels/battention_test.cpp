#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "bipft/kernels/dispatch.hpp"
#include "bipft/kernels/training_targets.hpp"
#include "support/bits.hpp"

using namespace bipft;
using kernels::KernelTable;

namespace {

constexpr std::int32_t always = std::numeric_limits<std::int32_t>::min();
constexpr std::int32_t never = std::numeric_limits<std::int32_t>::max();

struct Case {
  Case(test::Dice& dice, std::size_t t, std::size_t h, std::size_t d)
      : tokens(t),
        heads(h),
        head_size(d),
        q(test::random_bits(dice, tokens, heads * head_size)),
        k(test::random_bits(dice, tokens, heads * head_size)),
        v(test::random_bits(dice, tokens, heads * head_size)),
        exponential((head_size + 1) * (head_size + 1)),
        half_alpha(static_cast<float>(dice.between(1, 4)) * 0.5F / static_cast<float>(tokens)),
        threshold(heads * head_size) {
    if (tokens > 2) {  // a query that a key equals, and one that a key is the opposite of
      for (std::size_t w = 0; w < words_for(q.cols()); ++w) {
        k.mutable_row(1)[w] = q.view().row(0)[w];
        const std::size_t rest = q.cols() - 64 * w;
        const std::uint64_t there = rest >= 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << rest) - 1;
        k.mutable_row(0)[w] = ~q.view().row(0)[w] & there;
      }
    }
    const float scale = 0.1F + 0.2F * std::fabs(dice.real());
    for (std::size_t m = 0; m <= head_size; ++m) {
      for (std::size_t i = 0; i <= head_size; ++i) {
        const auto gap = 2 * (static_cast<float>(m) - static_cast<float>(i));
        exponential[m * (head_size + 1) + i] = std::exp(scale * gap);
      }
    }
    for (std::int32_t& limit : threshold) {
      const auto spread = static_cast<std::int32_t>(std::min<std::size_t>(tokens, 6));
      limit = static_cast<std::int32_t>(dice.between(0, 12)) - spread;
      if (dice.word() % 32 == 0) limit = always;
      if (dice.word() % 32 == 0) limit = never;
    }
  }

  std::size_t tokens, heads, head_size;
  BitMatrix q, k, v;
  std::vector<float> exponential;
  float half_alpha;
  std::int32_t most = 0;  ///< where there are no exponentials
  std::vector<std::int32_t> threshold;
  kernels::BitEstimates estimates;  ///< whose numbers are these
  std::vector<float> query, key, value, shift;

  /// Two outer products of some rank, and a number a key.
  void estimate(test::Dice& dice, std::size_t rank, float size) {
    const std::size_t keys = kernels::attention_keys(tokens);
    query = test::random_reals(dice, tokens * rank);
    key.assign(rank * keys, 0.0F);
    value.assign(keys, 0.0F);
    for (std::size_t j = 0; j < tokens; ++j) {
      for (std::size_t c = 0; c < rank; ++c) key[c * keys + j] = size * dice.real();
      value[j] = dice.real();
    }
    shift = test::random_reals(dice, heads * head_size);
    estimates = {rank, query.data(), key.data(), value.data(), 0.37F, 0.21F, shift.data()};
  }
};

std::vector<std::uint64_t> attend(const KernelTable& target, const Case& c) {
  const std::size_t words = words_for(c.q.cols());
  std::vector<std::uint64_t> context(c.tokens * words, ~std::uint64_t{0});
  std::vector<std::uint32_t> scratch(kernels::attention_scratch(c.tokens, c.q.cols()));
  kernels::BitAttention a;
  a.q = c.q.view();
  a.k = c.k.view();
  a.v = c.v.view();
  a.heads = c.heads;
  a.head_size = c.head_size;
  a.exponential = c.exponential.empty() ? nullptr : c.exponential.data();
  a.half_alpha = c.half_alpha;
  a.most = c.most;
  a.threshold = c.threshold.data();
  a.estimates = c.estimates;
  a.context = context.data();
  a.scratch = scratch.data();
  target.bit_attention(a);
  return context;
}

/// In how many places a query differs from every key.
std::vector<std::size_t> distances(const Case& c, std::size_t head, std::size_t query) {
  std::vector<std::size_t> distance(c.tokens);
  for (std::size_t j = 0; j < c.tokens; ++j) {
    for (std::size_t d = head * c.head_size; d < (head + 1) * c.head_size; ++d) {
      distance[j] += c.q.bit(query, d) != c.k.bit(j, d) ? 1U : 0U;
    }
  }
  return distance;
}

/// In 16 lanes that are folded in halves.
float sum_of_row(const std::vector<float>& x) {
  volatile float lane[16] = {};
  for (std::size_t j = 0; j < x.size(); ++j) lane[j % 16] = lane[j % 16] + x[j];
  for (std::size_t half = 8; half != 0; half /= 2) {
    for (std::size_t l = 0; l < half; ++l) lane[l] = lane[l] + lane[l + half];
  }
  return lane[0];
}

/// The probabilities of one query, as softmax makes them of floats: the same terms, added up alike.
std::vector<float> probabilities(const Case& c, const std::vector<std::size_t>& distance,
                                 std::size_t query) {
  const std::size_t best = *std::min_element(distance.begin(), distance.end());
  std::vector<float> p(c.tokens);
  for (std::size_t j = 0; j < c.tokens; ++j) {
    p[j] = c.exponential[best * (c.head_size + 1) + distance[j]];
  }
  if (const std::size_t rank = c.estimates.rank; rank != 0) {
    std::vector<float> weight(c.tokens);
    kernels::training_of(kernels::find_target("scalar"))
        .estimate_weights(&c.query[query * rank], c.key.data(), kernels::attention_keys(c.tokens),
                          rank, c.tokens, weight.data());
    for (std::size_t j = 0; j < c.tokens; ++j) p[j] *= weight[j];
  }
  const float sum = sum_of_row(p);
  const float inverse = 1.0F / (c.estimates.rank != 0 ? std::max(sum, 0x1p-126F) : sum);
  for (float& probability : p) probability *= inverse;
  return p;
}

/// Which keys a query looks at.
std::vector<bool> living_keys(const Case& c, std::size_t head, std::size_t query) {
  const std::vector<std::size_t> distance = distances(c, head, query);
  std::vector<bool> alive(c.tokens);
  if (c.exponential.empty()) {
    for (std::size_t j = 0; j < c.tokens; ++j) {
      alive[j] = static_cast<std::int32_t>(distance[j]) <= c.most;
    }
    return alive;
  }
  const std::vector<float> p = probabilities(c, distance, query);
  for (std::size_t j = 0; j < c.tokens; ++j) alive[j] = p[j] > c.half_alpha;
  return alive;
}

void check_against_loops(const KernelTable& target, const Case& c) {
  const std::vector<std::uint64_t> context = attend(target, c);
  const std::size_t words = words_for(c.q.cols());
  std::vector<std::uint64_t> expected(context.size());
  for (std::size_t h = 0; h < c.heads; ++h) {
    for (std::size_t t = 0; t < c.tokens; ++t) {
      const std::vector<bool> alive = living_keys(c, h, t);
      for (std::size_t d = h * c.head_size; d < (h + 1) * c.head_size; ++d) {
        std::int32_t sum = 0;
        for (std::size_t j = 0; j < c.tokens; ++j) {
          if (alive[j]) sum += c.v.bit(j, d) ? 1 : -1;
        }
        bool one = sum >= c.threshold[d];
        if (c.estimates.rank != 0) {
          std::vector<float> living(c.tokens);
          for (std::size_t j = 0; j < c.tokens; ++j) living[j] = alive[j] ? c.value[j] : 0.0F;
          const volatile float added = c.estimates.p_scale * sum_of_row(living);
          const volatile float mixed = c.estimates.mixed * static_cast<float>(sum);
          const volatile float x = mixed + added;
          one = x + c.shift[d] >= 0.0F;
        }
        if (one) expected[t * words + d / 64] |= std::uint64_t{1} << (d % 64);
      }
    }
  }
  REQUIRE(context == expected);
}

}  // namespace

TEST_CASE("bit attention: every target keeps the keys that a softmax in floats would keep") {
  for (const KernelTable* target : kernels::supported_targets()) {
    CAPTURE(target->name);
    test::Dice dice(4);
    for (const std::size_t head_size : {32U, 64U}) {
      for (const std::size_t heads : {1U, 2U, 3U}) {
        for (const std::size_t tokens :
             {1U, 2U, 15U, 16U, 17U, 31U, 32U, 33U, 63U, 64U, 65U, 80U}) {
          CAPTURE(head_size);
          CAPTURE(heads);
          CAPTURE(tokens);
          check_against_loops(*target, Case(dice, tokens, heads, head_size));
        }
      }
    }
  }
}

TEST_CASE("bit attention: long texts, on every target as on scalar") {
  const KernelTable& scalar = kernels::find_target("scalar");
  for (const KernelTable* target : kernels::supported_targets()) {
    CAPTURE(target->name);
    test::Dice dice(5);
    for (const std::size_t tokens : {128U, 300U, 512U, 700U}) {
      for (const std::size_t head_size : {32U, 64U}) {
        const Case c(dice, tokens, 3, head_size);
        REQUIRE(attend(*target, c) == attend(scalar, c));
      }
    }
  }
}

TEST_CASE("bit attention: a key at exactly half_alpha does not live") {
  for (const KernelTable* target : kernels::supported_targets()) {
    CAPTURE(target->name);
    test::Dice dice(6);
    Case c(dice, 4, 1, 32);
    std::fill(c.exponential.begin(), c.exponential.end(), 1.0F);  // four keys of a quarter each
    std::fill(c.threshold.begin(), c.threshold.end(), 1);
    for (std::size_t t = 0; t < 4; ++t) c.v.mutable_row(t)[0] = 0xFFFF'FFFFU;
    c.half_alpha = 0.25F;
    CHECK(attend(*target, c) == std::vector<std::uint64_t>(4, 0));
    c.half_alpha = std::nextafter(0.25F, 0.0F);
    CHECK(attend(*target, c) == std::vector<std::uint64_t>(4, 0xFFFF'FFFFU));
  }
}

TEST_CASE("bit attention: terms that do not fall with the distance are looked at one by one") {
  for (const KernelTable* target : kernels::supported_targets()) {
    CAPTURE(target->name);
    test::Dice dice(7);
    for (const std::size_t head_size : {32U, 64U}) {
      for (const std::size_t tokens : {1U, 20U, 33U, 64U, 80U}) {
        CAPTURE(head_size);
        CAPTURE(tokens);
        Case c(dice, tokens, 2, head_size);
        for (float& term : c.exponential) term = 0.25F + static_cast<float>(dice.between(0, 4));
        c.half_alpha = 0.8F / static_cast<float>(tokens);
        c.q.mutable_row(0)[0] = ~c.k.view().row(0)[0];  // as far as can be
        c.q.mutable_row(tokens - 1)[0] = c.k.view().row(tokens / 2)[0];
        check_against_loops(*target, c);
      }
    }
  }
}

TEST_CASE("bit attention: without a table a key lives if it is near enough, on every target") {
  for (const KernelTable* target : kernels::supported_targets()) {
    CAPTURE(target->name);
    test::Dice dice(8);
    for (const std::size_t head_size : {32U, 64U}) {
      for (const std::size_t tokens : {1U, 2U, 15U, 17U, 32U, 33U, 64U, 65U, 80U}) {
        CAPTURE(head_size);
        CAPTURE(tokens);
        Case c(dice, tokens, 3, head_size);
        c.exponential.clear();
        const auto half = static_cast<std::int32_t>(head_size) / 2;
        for (const std::int32_t most : {-1, 0, half - 1, half, 2 * half}) {
          c.most = most;
          check_against_loops(*target, c);
        }
      }
    }
  }
}

TEST_CASE("bit attention: with estimates, every target keeps the keys that floats would keep") {
  for (const KernelTable* target : kernels::supported_targets()) {
    CAPTURE(target->name);
    test::Dice dice(9);
    for (const std::size_t head_size : {32U, 64U}) {
      for (const std::size_t rank : {2U, 4U, 16U}) {
        for (const std::size_t tokens :
             {1U, 2U, 15U, 16U, 17U, 31U, 32U, 33U, 63U, 64U, 65U, 80U}) {
          CAPTURE(head_size);
          CAPTURE(rank);
          CAPTURE(tokens);
          Case c(dice, tokens, 3, head_size);
          c.estimate(dice, rank, 0.5F);
          check_against_loops(*target, c);
        }
      }
    }
  }
}

TEST_CASE("bit attention: long texts with estimates, on every target as on scalar") {
  const KernelTable& scalar = kernels::find_target("scalar");
  for (const KernelTable* target : kernels::supported_targets()) {
    CAPTURE(target->name);
    test::Dice dice(10);
    for (const std::size_t tokens : {128U, 300U, 700U}) {
      for (const std::size_t head_size : {32U, 64U}) {
        Case c(dice, tokens, 3, head_size);
        c.estimate(dice, 2, 1.0F);
        REQUIRE(attend(*target, c) == attend(scalar, c));
      }
    }
  }
}

TEST_CASE("bit attention: estimates that leave nothing of any term leave no key alive") {
  for (const KernelTable* target : kernels::supported_targets()) {
    CAPTURE(target->name);
    test::Dice dice(11);
    Case c(dice, 40, 2, 32);
    for (std::size_t m = 0; m <= 32; ++m) {  // nothing but the nearest
      for (std::size_t i = 0; i <= 32; ++i) c.exponential[m * 33 + i] = i <= m ? 1.0F : 0.0F;
    }
    c.estimate(dice, 2, 400.0F);
    check_against_loops(*target, c);
  }
}
