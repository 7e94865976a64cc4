#include "bipft/core/random.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <set>
#include <vector>

using namespace bipft;

TEST_CASE("Random: is a pure function of seed, purpose, step, part and index") {
  const Random random(7, "dropout", 3, 1);
  CHECK(random.u64(1000) == Random(7, "dropout", 3, 1).u64(1000));  // no draw came before
  std::set<std::uint64_t> different{random.u64(5)};
  different.insert(random.u64(6));
  different.insert(Random(8, "dropout", 3, 1).u64(5));
  different.insert(Random(7, "shuffle", 3, 1).u64(5));
  different.insert(Random(7, "dropout", 4, 1).u64(5));
  different.insert(Random(7, "dropout", 3, 2).u64(5));
  CHECK(different.size() == 6);
}

TEST_CASE("Random: gives these numbers for ever, or no run could be repeated") {
  const Random random(42, "frozen", 1);
  CHECK(random.u64(0) == 0xFDE12EF64B482002U);
  CHECK(random.uniform(1) == 0.238348067F);
  CHECK(random.normal(2) == 0.312469482F);
  CHECK(random.permutation(5) == std::vector<std::uint32_t>{1, 0, 2, 3, 4});
}

TEST_CASE("Random: uniform numbers are, in mean, variance and neighbours") {
  const Random random(1, "uniform");
  constexpr std::size_t count = 100000;
  double mean = 0, square = 0, neighbours = 0;
  int bins[16] = {};
  for (std::size_t i = 0; i < count; ++i) {
    const auto u = static_cast<double>(random.uniform(i));
    REQUIRE(u >= 0.0);
    REQUIRE(u < 1.0);
    mean += u / count;
    square += u * u / count;
    neighbours += (u - 0.5) * (static_cast<double>(random.uniform(i + 1)) - 0.5) / count;
    ++bins[static_cast<int>(u * 16)];
  }
  CHECK(std::abs(mean - 0.5) < 0.004);        // 4 standard errors
  CHECK(std::abs(square - 1.0 / 3) < 0.004);  // likewise
  CHECK(std::abs(neighbours) < 0.0011);       // likewise
  for (const int bin : bins) CHECK(std::abs(bin - 6250) < 320);
}

TEST_CASE("Random: normal numbers have the moments of the normal distribution") {
  const Random random(2, "normal");
  constexpr std::size_t count = 100000;
  double moments[5] = {};
  for (std::size_t i = 0; i < count; ++i) {
    const auto x = static_cast<double>(random.normal(i));
    REQUIRE(std::abs(x) < 6.0);
    for (int k = 1; k <= 4; ++k) moments[k] += std::pow(x, k) / count;
  }
  CHECK(std::abs(moments[1]) < 0.013);
  CHECK(std::abs(moments[2] - 1.0) < 0.018);
  CHECK(std::abs(moments[3]) < 0.05);
  CHECK(std::abs(moments[4] - 2.9) < 0.13);  // 3 - 6/(5 · 12): twelve uniforms are almost normal
}

TEST_CASE("Random: below n comes each number alike, for any n") {
  const Random random(3, "below");
  int bins[7] = {};
  for (std::size_t i = 0; i < 70000; ++i) ++bins[random.below(i, 7)];
  for (const int bin : bins) CHECK(std::abs(bin - 10000) < 380);
  CHECK(random.below(1, 1) == 0);
  const std::uint64_t huge = ~std::uint64_t{0};
  std::uint64_t largest = 0;
  for (std::size_t i = 0; i < 100; ++i) largest = std::max(largest, random.below(i, huge));
  CHECK(largest > huge / 2);
}

TEST_CASE("Random: a permutation is one, and each is as likely") {
  const Random random(4, "shuffle");
  std::vector<std::uint32_t> order = random.permutation(1000);
  CHECK_FALSE(std::is_sorted(order.begin(), order.end()));
  std::sort(order.begin(), order.end());
  for (std::uint32_t i = 0; i < 1000; ++i) REQUIRE(order[i] == i);
  CHECK(random.permutation(0).empty());

  int seen[27] = {};  // 3! = 6 places of them are permutations
  for (std::uint64_t step = 0; step < 6000; ++step) {
    const auto p = Random(4, "shuffle", step).permutation(3);
    ++seen[9 * p[0] + 3 * p[1] + p[2]];
  }
  int kinds = 0;
  for (const int count : seen) {
    if (count == 0) continue;
    ++kinds;
    CHECK(std::abs(count - 1000) < 120);
  }
  CHECK(kinds == 6);
}
