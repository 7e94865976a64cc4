#include "bipft/text/wordpiece.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <fstream>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "bipft/core/random.hpp"
#include "bipft/io/json.hpp"

using namespace bipft;

namespace {

using Ids = std::vector<std::int32_t>;

WordPiece small_tokenizer(TokenizerOptions options = {}) {
  return WordPiece(Vocabulary({"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "un", "##aff",
                               "##able", "good", "bad", "!", "a", "##a", "日", "[", "]", "sep"}),
                   options);
}

/// `count` words of one id each.
std::string words(std::string_view word, std::size_t count) {
  std::string text;
  for (std::size_t i = 0; i < count; ++i) text.append(word).push_back(' ');
  return text;
}

/// What the reference leaves of a and b ids, in its own steps.
std::pair<std::size_t, std::size_t> reference_sizes(std::size_t a, std::size_t b,
                                                    std::size_t room) {
  if (a + b <= room) return {a, b};
  const bool swapped = a > b;
  std::size_t shorter = std::min(a, b);
  std::size_t longer = shorter > room ? shorter : std::max(shorter, room - shorter);
  if (shorter + longer > room) {
    shorter = room / 2;
    longer = shorter + room % 2;
  }
  return swapped ? std::pair{longer, shorter} : std::pair{shorter, longer};
}

}  // namespace

TEST_CASE("WordPiece: greedy, longest piece first, [UNK] for a word that does not come out even") {
  const WordPiece tokenizer = small_tokenizer();
  CHECK(tokenizer.encode("Unaffable GOOD!").ids == Ids{2, 5, 6, 7, 8, 10, 3});
  CHECK(tokenizer.encode("unaffables good").ids == Ids{2, 1, 8, 3});
  CHECK(tokenizer.encode("").ids == Ids{2, 3});
  CHECK(tokenizer.encode("日日").ids == Ids{2, 13, 13, 3});
}

TEST_CASE("WordPiece: a word of 100 characters is looked up, one of 101 is unknown") {
  const WordPiece tokenizer = small_tokenizer();
  CHECK(tokenizer.encode(std::string(100, 'a')).ids.size() == 102);
  CHECK(tokenizer.encode(std::string(101, 'a')).ids == Ids{2, 1, 3});
}

TEST_CASE("WordPiece: special tokens in a text are text, unless `special` says otherwise") {
  CHECK(small_tokenizer().encode("a[SEP]good").ids == Ids{2, 11, 14, 16, 15, 8, 3});
  TokenizerOptions options;
  options.special = true;
  const WordPiece tokenizer = small_tokenizer(options);
  CHECK(tokenizer.encode("a[SEP]good").ids == Ids{2, 11, 3, 8, 3});
  CHECK(tokenizer.encode("[[MASK]] [sep] [CLS").ids == Ids{2, 14, 4, 15, 14, 16, 15, 14, 1, 3});
  CHECK(tokenizer.encode("[PAD][UNK][CLS][SEP][MASK]").ids == Ids{2, 0, 1, 2, 3, 4, 3});
  const WordPiece without_mask(Vocabulary({"[PAD]", "[UNK]", "[CLS]", "[SEP]"}), options);
  CHECK(without_mask.encode("[MASK]").ids == Ids{2, 1, 1, 1, 3});
}

TEST_CASE("WordPiece: all golden cases of the tokenizers package") {
  std::ifstream file(BIPFT_SOURCE_DIR "/tests/golden/tokenizer-golden.jsonl");
  REQUIRE(file);
  std::string line;
  std::getline(file, line);
  std::vector<std::string> pieces;
  for (const Json& piece : Json::parse(line, "golden")["vocab"].elements()) {
    pieces.push_back(piece.as_string());
  }
  // The reference lets the last of two equal pieces win; here the first one makes room for it.
  std::set<std::string> later;
  for (std::size_t i = pieces.size(); i-- > 0;) {
    if (!later.insert(pieces[i]).second) pieces[i] = concat("[unused", i, "]");
  }
  TokenizerOptions options;
  options.special = true;
  const WordPiece tokenizer{Vocabulary(pieces), options};

  std::size_t cases = 0;
  for (; std::getline(file, line); ++cases) {
    const Json golden = Json::parse(line, "golden");
    const auto list = [&](std::string_view key) {
      Ids ids;
      for (const Json& id : golden[key].elements()) {
        ids.push_back(static_cast<std::int32_t>(id.as_int()));
      }
      return ids;
    };
    const std::size_t max_len = golden["max_length"].as_size();
    const std::string text = golden["text"].as_string();
    const Encoding encoding = golden["pair"].is_null()
                                  ? tokenizer.encode(text, max_len)
                                  : tokenizer.encode(text, golden["pair"].as_string(), max_len);
    INFO(line);
    CHECK(encoding.ids == list("ids"));
    CHECK(encoding.type_ids == list("type_ids"));
  }
  CHECK(cases == 169);
}

TEST_CASE("WordPiece: a pair is cut as the reference cuts it, for all lengths") {
  const WordPiece tokenizer = small_tokenizer();
  std::vector<std::string> first;
  std::vector<std::string> second;
  for (std::size_t n = 0; n <= 40; ++n) {
    first.push_back(words("good", n));
    second.push_back(words("bad", n));
  }
  std::size_t wrong = 0;
  for (std::size_t a = 0; a <= 40; ++a) {
    for (std::size_t b = 0; b <= 40; ++b) {
      for (std::size_t max_len = 3; max_len <= 48; ++max_len) {
        const auto [a_size, b_size] =
            reference_sizes(std::min(a, max_len), std::min(b, max_len), max_len - 3);
        Ids ids = {2};
        ids.resize(1 + a_size, 8);
        ids.push_back(3);
        ids.resize(2 + a_size + b_size, 9);
        ids.push_back(3);
        Ids type_ids(a_size + 2, 0);
        type_ids.resize(ids.size(), 1);
        const Encoding encoding = tokenizer.encode(first[a], second[b], max_len);
        wrong += !(encoding.ids == ids && encoding.type_ids == type_ids);
      }
    }
  }
  CHECK(wrong == 0);
}

TEST_CASE("WordPiece: beyond max_len, the text whose last word reaches further is longer") {
  const WordPiece tokenizer = small_tokenizer();
  const auto second_size = [&](std::string_view a, std::string_view b) {
    const Encoding encoding = tokenizer.encode(a, b, 10);  // room for 7
    CHECK(encoding.ids.size() == 10);
    return std::count(encoding.type_ids.begin(), encoding.type_ids.end(), 1) - 1;
  };
  CHECK(second_size(words("good", 10), words("bad", 9)) == 3);
  CHECK(second_size(words("good", 99), words("bad", 9)) == 3);
  CHECK(second_size(words("good", 99), words("bad", 10)) == 4);
  CHECK(second_size(words("unaffable", 99), words("bad", 10)) == 3);  // 12 ids read of the first
  CHECK(second_size(words("unaffable", 4), words("bad", 999)) == 3);
  CHECK(second_size(words("unaffable", 3), words("bad", 999)) == 4);
}

TEST_CASE("WordPiece: cutting leaves a prefix, down to no room at all") {
  const WordPiece tokenizer = small_tokenizer();
  const std::string text = "good aaaa bad!";
  const Ids whole = tokenizer.encode(text).ids;
  for (std::size_t max_len = 2; max_len < 12; ++max_len) {
    const Ids ids = tokenizer.encode(text, max_len).ids;
    const std::size_t kept = std::min(max_len, whole.size()) - 2;
    REQUIRE(ids.size() == kept + 2);
    CHECK(std::equal(ids.begin(), ids.end() - 1, whole.begin()));
    CHECK(ids.back() == 3);
  }
  CHECK(tokenizer.encode(text, 1).ids == Ids{2});
  CHECK(tokenizer.encode(text, text, 1).ids == Ids{2});
  CHECK(tokenizer.encode(text, text, 2).ids == Ids{2, 3});
  CHECK(tokenizer.encode(text, text, 3).ids == Ids{2, 3, 3});
  CHECK(tokenizer.encode(text, text, 2).type_ids.size() == 2);
}

TEST_CASE("WordPiece: random bytes never fail, and their ids are in range") {
  const Random random(2, "wordpiece_test");
  const std::string_view parts[] = {
      "un", "aff", "[SEP]", " ",    "\xCC\x81", "日", "\xF0\x9F\x98\x80",
      "한", "!",   "[CL",   "\xE2", "\xC2\x85"};
  TokenizerOptions options;
  options.special = true;
  TokenizerOptions raw;
  raw.clean = raw.lowercase = raw.strip_accents = raw.split_cjk = false;
  raw.max_word = 2;
  const WordPiece tokenizers[] = {small_tokenizer(), small_tokenizer(options),
                                  small_tokenizer(raw)};
  std::uint64_t draw = 0;
  std::size_t wrong = 0;
  for (int i = 0; i < 100'000; ++i) {
    std::string texts[2];
    for (std::string& text : texts) {
      for (std::uint64_t n = random.below(draw++, 10); n > 0; --n) {
        if (random.below(draw++, 2) == 0) {
          text += static_cast<char>(random.below(draw++, 256));
        } else {
          text += parts[random.below(draw++, std::size(parts))];
        }
      }
    }
    const WordPiece& tokenizer = tokenizers[random.below(draw++, 3)];
    const std::size_t max_len = random.below(draw++, 12);
    for (const Encoding& e :
         {tokenizer.encode(texts[0], max_len), tokenizer.encode(texts[0], texts[1], max_len)}) {
      wrong += e.ids.size() != e.type_ids.size() || e.ids.front() != 2;
      wrong += max_len != 0 && e.ids.size() > max_len;
      for (const std::int32_t id : e.ids) wrong += id < 0 || id >= 17;
    }
  }
  CHECK(wrong == 0);
}

TEST_CASE("WordPiece: a longer text does not change what fits") {
  const WordPiece tokenizer = small_tokenizer();
  const std::string start = "good unaffable bad! ";
  CHECK(tokenizer.encode(start + std::string(1 << 24U, '!'), 8).ids ==
        tokenizer.encode(start + "!", 8).ids);
}

TEST_CASE("WordPiece: decode joins words and continuations, without [CLS], [SEP] and [PAD]") {
  const WordPiece tokenizer = small_tokenizer();
  CHECK(tokenizer.decode(tokenizer.encode("Unaffable good!").ids) == "unaffable good !");
  CHECK(tokenizer.decode(Ids{2, 1, 4, 3, 0, 0}) == "[UNK] [MASK]");
  CHECK(tokenizer.decode(Ids{6, 7}) == "##affable");
  CHECK(tokenizer.decode(Ids{}).empty());
  CHECK_THROWS_AS((void)tokenizer.decode(Ids{17}), Error);
}

TEST_CASE("WordPiece: one tokenizer serves many threads") {
  const WordPiece tokenizer = small_tokenizer();
  const Ids expected = tokenizer.encode("Unaffable, Góod bad!").ids;
  std::vector<int> equal(4, 0);
  std::vector<std::thread> threads;
  threads.reserve(equal.size());
  for (int& count : equal) {
    threads.emplace_back([&] {
      for (int i = 0; i < 1000; ++i)
        count += tokenizer.encode("Unaffable, Góod bad!").ids == expected;
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(equal == std::vector<int>(4, 1000));
}
