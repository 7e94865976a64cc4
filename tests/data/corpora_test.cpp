#include "bipft/data/corpora.hpp"

#include <doctest/doctest.h>

#include <cstddef>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "support/temporary_folder.hpp"
#include "support/toy.hpp"

using namespace bipft;

namespace {

/// Texts of `sizes` pieces of two letters each.
Corpora corpora_of(const test::TemporaryFolder& folder, const std::vector<std::size_t>& sizes,
                   const std::vector<std::size_t>& weights, std::uint64_t seed = 1) {
  const WordPiece tokenizer(test::toy_vocabulary());
  std::vector<Corpus> corpora;
  for (std::size_t c = 0; c < sizes.size(); ++c) {
    std::string text;
    for (std::size_t i = 0; i < sizes[c]; ++i) text += "a b\n";
    corpora.emplace_back(folder.write(concat("text", c), text), folder.path(concat("cache", c)),
                         tokenizer, 5);
    REQUIRE(corpora.back().pieces() == sizes[c]);
  }
  return {std::move(corpora), weights, seed};
}

}  // namespace

TEST_CASE("Corpora: without weights every piece comes once an epoch, in another order each") {
  const test::TemporaryFolder folder;
  const Corpora corpora = corpora_of(folder, {30, 7, 13}, {});
  CHECK(corpora.pieces() == 50);
  std::vector<std::vector<std::size_t>> orders;
  for (std::uint64_t epoch = 0; epoch < 3; ++epoch) {
    std::set<std::pair<std::size_t, std::size_t>> seen;
    std::vector<std::size_t>& order = orders.emplace_back();
    for (std::uint64_t n = 0; n < 50; ++n) {
      const auto [c, piece] = corpora.place(epoch * 50 + n);
      REQUIRE(c < 3);
      REQUIRE(piece < corpora.corpora()[c].pieces());
      seen.emplace(c, piece);
      order.push_back(100 * c + piece);
    }
    CHECK(seen.size() == 50);
  }
  CHECK(orders[0] != orders[1]);
  CHECK(orders[1] != orders[2]);
  CHECK(corpora_of(folder, {30, 7, 13}, {}, 2).place(0).piece +
            corpora_of(folder, {30, 7, 13}, {}, 2).place(1).piece !=
        corpora.place(0).piece + corpora.place(1).piece);
}

TEST_CASE("Corpora: with weights texts take turns, and each begins again by itself") {
  const test::TemporaryFolder folder;
  const Corpora corpora = corpora_of(folder, {9, 4}, {3, 1});
  std::vector<std::vector<std::size_t>> read(2);
  for (std::uint64_t n = 0; n < 48; ++n) {
    const auto [c, piece] = corpora.place(n);
    read[c].push_back(piece);
  }
  REQUIRE(read[0].size() == 36);
  REQUIRE(read[1].size() == 12);
  for (std::size_t c = 0; c < 2; ++c) {
    const std::size_t size = c == 0 ? 9 : 4;
    for (std::size_t begin = 0; begin + size <= read[c].size(); begin += size) {
      const auto from = read[c].begin() + static_cast<std::ptrdiff_t>(begin);
      CHECK(std::set<std::size_t>(from, from + static_cast<std::ptrdiff_t>(size)).size() == size);
    }
  }
}

TEST_CASE("Corpora: weights must fit") {
  const test::TemporaryFolder folder;
  CHECK_THROWS_AS((void)corpora_of(folder, {3, 3}, {1}), Error);
  CHECK_THROWS_AS((void)corpora_of(folder, {3, 3}, {1, 0}), Error);
  CHECK_THROWS_AS((void)corpora_of(folder, {}, {}), Error);
}
