#include "bipft/text/learn_vocabulary.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "bipft/core/random.hpp"
#include "bipft/text/wordpiece.hpp"

using namespace bipft;

namespace {

Vocabulary learn(const std::vector<std::string>& texts, std::size_t size) {
  const std::vector<std::string_view> views(texts.begin(), texts.end());
  return learn_vocabulary(views, size);
}

/// Words of 1 to 8 letters out of five, the short ones often.
std::vector<std::string> random_texts(std::size_t count) {
  const Random random(3, "learn_vocabulary_test");
  std::vector<std::string> texts(count);
  std::uint64_t draw = 0;
  for (std::string& text : texts) {
    for (std::uint64_t words = 1 + random.below(draw++, 6); words > 0; --words) {
      for (std::uint64_t n = 1 + random.below(draw++, 8); n > 0; --n) {
        const std::uint64_t letters = 1 + random.below(draw++, 5);
        text += "abcde"[random.below(draw++, letters)];
      }
      text += ' ';
    }
  }
  return texts;
}

/// The merges of the same rule without any bookkeeping: count every pair anew each time.
std::vector<std::string> plain_merges(const std::vector<std::string>& texts,
                                      const std::vector<std::string>& characters,
                                      std::size_t count) {
  std::map<std::string, std::int64_t> counts;
  for (const std::string& text : texts) {
    WordReader words(text, {});
    while (words.next()) ++counts[std::string(words.word())];
  }
  std::vector<std::string> pieces = characters;
  const auto index = [&](const std::string& piece) {
    return std::find(pieces.begin(), pieces.end(), piece) - pieces.begin();
  };
  std::vector<std::pair<std::vector<std::string>, std::int64_t>> rows;
  for (const auto& [word, n] : counts) {
    std::vector<std::string> row;
    for (std::size_t i = 0; i < word.size(); ++i) {
      row.push_back((i > 0 ? "##" : "") + word.substr(i, 1));
    }
    rows.emplace_back(row, n);
  }
  std::vector<std::string> merges;
  while (merges.size() < count) {
    std::map<std::pair<std::ptrdiff_t, std::ptrdiff_t>, std::int64_t> pairs;
    for (const auto& [row, n] : rows) {
      for (std::size_t i = 0; i + 1 < row.size(); ++i) {
        pairs[{index(row[i]), index(row[i + 1])}] += n;
      }
    }
    auto best = pairs.end();
    for (auto pair = pairs.begin(); pair != pairs.end(); ++pair) {
      if (pair->second >= 2 && (best == pairs.end() || pair->second > best->second)) best = pair;
    }
    if (best == pairs.end()) break;
    const std::string left = pieces[static_cast<std::size_t>(best->first.first)];
    const std::string right = pieces[static_cast<std::size_t>(best->first.second)];
    const std::string joined = left + right.substr(2);
    if (std::find(pieces.begin(), pieces.end(), joined) == pieces.end()) {
      pieces.push_back(joined);
      merges.push_back(joined);
    }
    for (auto& [row, n] : rows) {
      for (std::size_t i = 0; i + 1 < row.size(); ++i) {
        if (row[i] != left || row[i + 1] != right) continue;
        row[i] = joined;
        row.erase(row.begin() + static_cast<std::ptrdiff_t>(i) + 1);
      }
    }
  }
  return merges;
}

}  // namespace

TEST_CASE("learn_vocabulary: special tokens, then characters by count, then merges") {
  const Vocabulary v = learn({"aab aab aab", "ab"}, 100);
  // a: 4, ##b: 4, ##a: 3;  merges: ##a ##b (3) before a ##ab (3), then a ##b, which comes once.
  CHECK(v.bytes() == "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n##b\na\n##a\naa\naab\n");
}

TEST_CASE("learn_vocabulary: the merges are those of counting every pair anew") {
  const std::vector<std::string> texts = random_texts(100);
  const Vocabulary v = learn(texts, 5 + 10 + 80);
  std::vector<std::string> characters;
  std::vector<std::string> merges;
  for (std::int32_t id = 5; id < static_cast<std::int32_t>(v.size()); ++id) {
    (id < 15 ? characters : merges).emplace_back(v.piece(id));
  }
  REQUIRE(merges.size() == 80);
  CHECK(merges == plain_merges(texts, characters, 80));
}

TEST_CASE("learn_vocabulary: the order of the texts and how they are cut do not matter") {
  std::vector<std::string> texts = random_texts(200);
  const std::string bytes = learn(texts, 120).bytes();
  std::reverse(texts.begin(), texts.end());
  std::string all;
  for (const std::string& text : texts) all += text;
  CHECK(learn(texts, 120).bytes() == bytes);
  CHECK(learn({all}, 120).bytes() == bytes);
}

TEST_CASE("learn_vocabulary: a larger one starts like a smaller one, up to the size") {
  const std::vector<std::string> texts = random_texts(200);
  const std::string large = learn(texts, 200).bytes();
  for (const std::size_t size : {60U, 100U, 150U}) {
    const Vocabulary v = learn(texts, size);
    CHECK(v.size() == size);
    CHECK(large.starts_with(v.bytes()));
  }
  CHECK(learn(texts, 100'000).size() < 5000);
}

TEST_CASE("learn_vocabulary: with room for the characters, no word of the texts is unknown") {
  const std::vector<std::string> texts = {"Grüße, 日本! one two",
                                          "three\tfour \xF0\x9F\x98\x80 $5"};
  const Vocabulary v = learn(texts, 200);
  const WordPiece tokenizer(v);
  for (const std::string& text : texts) {
    for (const std::int32_t id : tokenizer.encode(text).ids) CHECK(id != v.unk());
  }
}

TEST_CASE("learn_vocabulary: rare characters come last, or not at all") {
  std::string text;
  for (int i = 0; i < 20'000; ++i) text += "ab ";
  text += "q";
  CHECK_FALSE(learn({text}, 8).id("q"));
  const Vocabulary v = learn({text}, 9);
  CHECK(v.piece(5) == "##b");
  CHECK(v.piece(7) == "ab");
  CHECK(v.piece(8) == "q");
}

TEST_CASE("learn_vocabulary: texts without words give the special tokens alone") {
  CHECK(learn({}, 10).size() == 5);
  CHECK(learn({"", " \t", "\xFF"}, 10).size() == 5);
  CHECK(learn({std::string(101, 'a')}, 10).size() == 5);  // too long to be looked up
}

TEST_CASE("learn_vocabulary: a size without room is refused") {
  CHECK_THROWS_WITH_AS((void)learn({"a"}, 5),
                       "learn_vocabulary: 5 pieces asked for; choose 6 to 1048576", Error);
  CHECK_THROWS_AS((void)learn({"a"}, 0), Error);
  CHECK_THROWS_AS((void)learn({"a"}, Vocabulary::max_size + 1), Error);
}

TEST_CASE("learn_vocabulary: any bytes will do, cleaned or not") {
  const Random random(4, "learn_vocabulary_test");
  for (std::uint64_t i = 0; i < 60; ++i) {
    std::string text;
    for (std::uint64_t j = 0; j < 300; ++j) {
      text += static_cast<char>(random.below(300 * i + j, j % 2 == 0 ? 256 : 0x60));
    }
    TokenizerOptions options;
    options.clean = options.lowercase = options.strip_accents = i % 2 == 0;
    const std::string_view views[] = {text};
    const Vocabulary v = learn_vocabulary(views, 6 + i, options);
    CHECK(v.size() <= 6 + i);
    CHECK(v.pad() == 0);
    CHECK(v.mask() == 4);
  }
}
