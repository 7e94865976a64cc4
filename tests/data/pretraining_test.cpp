#include "bipft/data/pretraining.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstddef>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "support/temporary_folder.hpp"
#include "support/toy.hpp"

using namespace bipft;

namespace {

/// A text whose piece i is "a b c d . E f g h ." rotated by i, so that pieces can be told apart.
std::shared_ptr<const Corpora> rotated(const test::TemporaryFolder& folder, std::size_t pieces,
                                       bool sentences = true) {
  std::string text;
  for (std::size_t i = 0; i < pieces; ++i) {
    for (std::size_t t = 0; t < 10; ++t) {
      text += static_cast<char>((t == 5 ? 'A' : 'a') + static_cast<char>((t + i) % 26));
      text += t == 4 && sentences ? ". " : t == 9 ? ".\n" : " ";
    }
  }
  std::vector<std::string> words{"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "."};
  for (char c = 'a'; c <= 'z'; ++c) words.emplace_back(1, c);
  std::vector<Corpus> corpora;
  corpora.emplace_back(folder.write("text", text), folder.path("cache"),
                       WordPiece(Vocabulary(words)), sentences ? 15 : 14);
  REQUIRE(corpora.front().pieces() == pieces);
  return std::make_shared<const Corpora>(std::move(corpora), std::vector<std::size_t>(), 3);
}

std::shared_ptr<const Vocabulary> dot_vocabulary() {
  std::vector<std::string> words{"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "."};
  for (char c = 'a'; c <= 'z'; ++c) words.emplace_back(1, c);
  return std::make_shared<const Vocabulary>(words);
}

}  // namespace

TEST_CASE("mask_words: 15 % of the words, eight of ten to [MASK], and what stood there is told") {
  const auto vocabulary = dot_vocabulary();
  std::size_t words = 0, masked_words = 0, as_mask = 0, kept = 0, other = 0;
  for (std::uint64_t n = 0; n < 500; ++n) {
    EncodedText text{{2}, {0}};
    const std::size_t length = 1 + n % 120;
    for (std::size_t t = 0; t < length; ++t) {
      text.ids.push_back(static_cast<std::int32_t>(6 + (t + n) % 26));
    }
    text.ids.push_back(3);
    const std::vector<std::int32_t> before = text.ids;
    const Masked masked = mask_words(text, *vocabulary, Random(1, "mask", n));
    REQUIRE(masked.places.size() == masked.ids.size());
    CHECK(masked.places.size() == std::max<std::size_t>(1, (15 * length + 50) / 100));
    CHECK(std::ranges::is_sorted(masked.places));
    CHECK(std::ranges::adjacent_find(masked.places) == masked.places.end());
    words += length;
    masked_words += masked.places.size();
    std::vector<std::int32_t> restored = text.ids;
    for (std::size_t k = 0; k < masked.places.size(); ++k) {
      const std::uint32_t place = masked.places[k];
      REQUIRE(place > 0);
      REQUIRE(place <= length);
      const std::int32_t now = text.ids[place];
      as_mask += now == 4 ? 1U : 0U;
      kept += now == masked.ids[k] ? 1U : 0U;
      other += now != 4 && now != masked.ids[k] ? 1U : 0U;
      restored[place] = masked.ids[k];
    }
    CHECK(restored == before);
  }
  const auto share = [&](std::size_t count) {
    return static_cast<double>(count) / static_cast<double>(masked_words);
  };
  CHECK(static_cast<double>(masked_words) / static_cast<double>(words) ==
        doctest::Approx(0.15).epsilon(0.02));
  CHECK(share(as_mask) == doctest::Approx(0.8).epsilon(0.03));
  CHECK(share(kept) == doctest::Approx(0.1).epsilon(0.15));
  CHECK(share(other) == doctest::Approx(0.1).epsilon(0.15));
  EncodedText text{{2, 5, 3}, {0, 0, 0}};
  const Vocabulary without({"[PAD]", "[UNK]", "[CLS]", "[SEP]", "a", "b"});
  CHECK_THROWS_AS((void)mask_words(text, without, Random(1, "mask")), Error);
}

TEST_CASE("PretrainingBatches: single pieces are [CLS] text [SEP], masked anew each epoch") {
  const test::TemporaryFolder folder;
  const auto corpora = rotated(folder, 20);
  const PretrainingBatches plain(corpora, dot_vocabulary(), {.pairs = false, .masks = false}, 8);
  CHECK(plain.per_epoch() == 3);
  const Batch batch = plain(1);
  CHECK(batch.texts.texts() == 8);
  CHECK(batch.masked.empty());
  for (std::size_t b = 0; b < 8; ++b) {
    const Piece piece = corpora->piece(corpora->place(8 + b));
    REQUIRE(batch.texts.length(b) == piece.ids.size() + 2);
    const auto ids = batch.ids.data().subspan(batch.texts.begin(b), batch.texts.length(b));
    CHECK(ids.front() == 2);
    CHECK(ids.back() == 3);
    CHECK(std::equal(piece.ids.begin(), piece.ids.end(), ids.begin() + 1));
  }
  CHECK(plain(2, 20).texts.texts() == 4);

  const PretrainingBatches masked(corpora, dot_vocabulary(), {.pairs = false}, 20);
  std::map<std::string, std::vector<bool>> of_piece[2];  // by epoch: which places are masked
  for (const std::size_t epoch : {0U, 1U}) {
    const Batch one = masked(epoch);
    const Batch again = masked(epoch);
    CHECK(std::ranges::equal(one.ids.data(), again.ids.data()));
    CHECK(std::ranges::equal(one.masked.data(), again.masked.data()));
    std::vector<std::int32_t> ids(one.ids.data().begin(), one.ids.data().end());
    std::vector<bool> hidden(ids.size());
    for (std::size_t m = 0; m < one.masked.numel(); ++m) {
      const auto row = static_cast<std::size_t>(one.masked.data()[m]);
      hidden[row] = true;
      ids[row] = one.masked_ids.data()[m];
    }
    for (std::size_t b = 0; b < one.texts.texts(); ++b) {
      const std::size_t begin = one.texts.begin(b);
      const std::size_t end = begin + one.texts.length(b);
      std::string key;
      for (std::size_t n = begin; n < end; ++n) key += concat(ids[n], ' ');
      of_piece[epoch][key].assign(hidden.begin() + static_cast<std::ptrdiff_t>(begin),
                                  hidden.begin() + static_cast<std::ptrdiff_t>(end));
    }
  }
  REQUIRE(of_piece[0].size() == 20);  // the same pieces, with what stood there put back
  std::size_t same = 0;
  for (const auto& entry : of_piece[0]) {
    REQUIRE(of_piece[1].contains(entry.first));
    same += of_piece[1][entry.first] == entry.second ? 1U : 0U;
  }
  CHECK(same < 10);
}

TEST_CASE("PretrainingBatches: half of the pairs follow, and the others are of another piece") {
  const test::TemporaryFolder folder;
  const auto corpora = rotated(folder, 26);
  const PretrainingBatches batches(corpora, dot_vocabulary(), {.masks = false}, 26);
  std::size_t foreign = 0;
  for (std::uint64_t step = 0; step < 20; ++step) {
    const Batch batch = batches(step);
    for (std::size_t b = 0; b < batch.texts.texts(); ++b) {
      const std::size_t begin = batch.texts.begin(b);
      const std::size_t length = batch.texts.length(b);
      const auto ids = batch.ids.data().subspan(begin, length);
      const auto types = batch.type_ids.data().subspan(begin, length);
      CHECK(length <= 15);
      CHECK(ids.front() == 2);
      CHECK(ids.back() == 3);
      CHECK(std::ranges::count(ids, 3) == 2);
      const auto first_sep = std::ranges::find(ids, 3) - ids.begin();
      const auto second = std::ranges::find(types, 1) - types.begin();
      CHECK(second == first_sep + 1);
      CHECK(std::ranges::is_sorted(types));
      const std::int32_t a = ids[1];
      const std::int32_t c = ids[static_cast<std::size_t>(second)];
      const bool follows = (c - a + 26) % 26 == 5;  // the cut is at the second sentence
      CHECK(batch.labels.data()[b] == (follows ? follows_label : foreign_label));
      foreign += follows ? 0U : 1U;
    }
  }
  CHECK(static_cast<double>(foreign) / 520 == doctest::Approx(0.5).epsilon(0.1));
}

TEST_CASE("PretrainingBatches: a lone sentence is cut in its middle, a lone piece has no other") {
  const test::TemporaryFolder folder;
  const auto corpora = rotated(folder, 1, false);
  const PretrainingBatches batches(corpora, dot_vocabulary(), {.masks = false}, 4);
  const Batch batch = batches(0);
  for (std::size_t b = 0; b < 4; ++b) {
    CHECK(batch.labels.data()[b] == follows_label);
    CHECK(batch.ids.data()[batch.texts.begin(b) + 6] == 3);
  }
  CHECK_THROWS_AS(PretrainingBatches(corpora, dot_vocabulary(), {}, 0), Error);
}
