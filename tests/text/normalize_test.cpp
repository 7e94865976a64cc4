#include "bipft/text/normalize.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <ctime>
#include <fstream>
#include <string>
#include <vector>

#include "bipft/core/error.hpp"
#include "bipft/core/random.hpp"

using namespace bipft;

namespace {

using Words = std::vector<std::string>;

Words words_of(std::string_view text, const TokenizerOptions& options = {}) {
  WordReader reader(text, options);
  Words words;
  while (reader.next()) words.push_back(reader.too_long() ? "..." : std::string(reader.word()));
  return words;
}

/// The words of one text in a digest: a line feed after each, and one more at the end.
void digest_words(std::uint64_t& digest, std::string_view text, const TokenizerOptions& options) {
  const auto add = [&](std::string_view bytes) {
    for (const char c : bytes) digest = (digest ^ static_cast<unsigned char>(c)) * 0x100000001B3U;
  };
  WordReader reader(text, options);
  while (reader.next()) {
    add(reader.word());
    add("\n");
  }
  add("\n");
}

std::string repeated(std::string_view part, std::size_t times) {
  std::string text;
  for (std::size_t i = 0; i < times; ++i) text.append(part);
  return text;
}

/// Processor time, which other programs on the machine hardly change.
double seconds_to_read(std::string_view text) {
  double best = 1e9;
  for (int trial = 0; trial < 3; ++trial) {
    const std::clock_t start = std::clock();
    WordReader reader(text, {});
    while (reader.next()) {
    }
    best = std::min(best, static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC);
  }
  return best;
}

}  // namespace

TEST_CASE("WordReader: the words of a plain text") {
  CHECK(words_of("Not  bad,\tat all!") == Words{"not", "bad", ",", "at", "all", "!"});
  CHECK(words_of("") == Words{});
  CHECK(words_of(" \r\n ") == Words{});
  CHECK(words_of("$5.00") == Words{"$", "5", ".", "00"});
}

TEST_CASE("WordReader: accents, ideographs, controls") {
  CHECK(words_of("Señor\tLópez: 日本!") == Words{"senor", "lopez", ":", "日", "本", "!"});
  CHECK(words_of("ΟΔΟΣ ﬁn ẞ İ") == Words{"οδοσ", "ﬁn", "ß", "i"});
  CHECK(words_of(std::string_view("x\0y\x0Bz\xC2\xAD!", 8)) == Words{"xyz", "!"});
  CHECK(words_of("x\xE2\x80\xA8y") == Words{"x", "y"});  // U+2028
}

TEST_CASE("WordReader: malformed bytes are dropped, and kept as U+FFFD where nothing is cleaned") {
  CHECK(words_of("a\xFF\xE2\x82z") == Words{"az"});
  TokenizerOptions options;
  options.clean = false;
  CHECK(words_of("a\xFFz", options) == Words{"a\xEF\xBF\xBDz"});
}

TEST_CASE("WordReader: each option stands for itself") {
  TokenizerOptions cased;
  cased.lowercase = cased.strip_accents = false;
  CHECK(words_of("Éa 日本", cased) == Words{"Éa", "日", "本"});
  TokenizerOptions lowered;
  lowered.strip_accents = false;
  CHECK(words_of("Éa İ", lowered) == Words{"éa", "i\xCC\x87"});
  TokenizerOptions stripped;
  stripped.lowercase = false;
  CHECK(words_of("Éa İ", stripped) == Words{"Ea", "I"});
  TokenizerOptions together;
  together.split_cjk = false;
  CHECK(words_of("日本", together) == Words{"日本"});
  TokenizerOptions unclean;
  unclean.clean = false;
  CHECK(words_of("x\x0By\x01z", unclean) == Words{"x", "y\x01z"});
}

TEST_CASE("WordReader: marks that stay are put in canonical order, unless a starter is between") {
  const std::string stem = "\xF0\x9D\x85\xA5";  // U+1D165, class 216
  const std::string virama = "\xEA\xA5\x93";    // U+A953, class 9
  const std::string acute = "\xCC\x81";         // U+0301, stripped
  const std::string joiner = "\xCD\x8F";        // U+034F, stripped, a starter
  CHECK(words_of("a" + stem + virama) == Words{"a" + virama + stem});
  CHECK(words_of("a" + stem + acute + virama) == Words{"a" + virama + stem});
  CHECK(words_of("a" + stem + joiner + virama) == Words{"a" + stem + virama});
  CHECK(words_of("a" + stem + "b" + virama) == Words{"a" + stem + "b" + virama});
  TokenizerOptions accents;
  accents.strip_accents = false;
  CHECK(words_of("a" + stem + virama, accents) == Words{"a" + stem + virama});
}

TEST_CASE("WordReader: a word is too long from max_word + 1 code points on") {
  CHECK(words_of(repeated("é", 100)).front() == repeated("e", 100));
  CHECK(words_of(repeated("é", 101) + " b") == Words{"...", "b"});
  TokenizerOptions options;
  options.max_word = 3;
  CHECK(words_of("abc abcd", options) == Words{"abc", "..."});
  const std::string marks = repeated("\xF0\x9E\x80\x80", 3);  // U+1E000, kept
  CHECK(words_of(marks + " " + marks + marks, options) == Words{marks, "..."});
}

TEST_CASE("WordReader: reads no further than it is asked to") {
  const std::string text = repeated("word ", 1'000'000);
  WordReader reader(text, {});
  for (int i = 0; i < 100; ++i) REQUIRE(reader.next());
  CHECK(reader.position() <= 500);
}

TEST_CASE("WordReader: every code point in three contexts, as the tokenizers package has it") {
  std::ifstream golden(BIPFT_SOURCE_DIR "/tests/golden/tokenizer-code-points.txt");
  REQUIRE(golden);
  TokenizerOptions options;
  std::size_t blocks = 0;
  for (std::string line; std::getline(golden, line);) {
    if (line.starts_with('#')) continue;
    if (line.starts_with("lowercase")) {
      options.lowercase = line[10] == '1';
      options.strip_accents = line[26] == '1';
      continue;
    }
    const auto start = static_cast<char32_t>(std::stoul(line.substr(0, 6), nullptr, 16));
    std::uint64_t digest = 0xCBF29CE484222325U;
    for (char32_t c = start; c < start + 0x1000; ++c) {
      if (c >= 0xD800 && c < 0xE000) continue;
      std::string self;
      append_utf8(self, c);
      digest_words(digest, self, options);
      digest_words(digest, concat("a", self, "b"), options);
      digest_words(digest, concat("E", self, "\xCC\x81", self, "\xF0\x9D\x85\xA5\xCC\xA3Z"),
                   options);
    }
    INFO("block ", line);
    CHECK(digest == std::stoull(line.substr(7), nullptr, 16));
    ++blocks;
  }
  CHECK(blocks == 272 + 32 + 32);
}

TEST_CASE("WordReader: normalised text normalises to itself") {
  const Random random(1, "normalize_test");
  std::size_t different = 0;
  for (std::uint64_t i = 0; i < 20'000; ++i) {
    std::string text;
    for (std::uint64_t j = 0; j < random.below(100 * i, 12); ++j) {
      const std::uint64_t draw = random.below(100 * i + 2 * j + 1, 3);
      const std::uint64_t top = draw == 0 ? 0x80 : draw == 1 ? 0x3400 : 0x110000;
      append_utf8(text, static_cast<char32_t>(random.below(100 * i + 2 * j + 2, top)));
    }
    const Words once = words_of(text);
    std::string joined;
    for (const std::string& word : once) joined.append(word).push_back(' ');
    different += words_of(joined) != once;
  }
  CHECK(different == 0);
}

TEST_CASE("WordReader: time is linear in the text, whatever it is made of") {
  // 16 times the text: a quadratic step would take 256 times as long.
  for (const std::string_view part :
       {"a", " ", ".", "\xCC\x81", "\xF0\x9E\x80\x80", "\xF0\x9D\x85\xA5\xEA\xA5\x93", "\xFF", "日",
        "한", "[", "É "}) {
    const std::size_t size = 100'000;
    const double small = seconds_to_read("x" + repeated(part, size / part.size()));
    const double large = seconds_to_read("x" + repeated(part, 16 * size / part.size()));
    INFO("part '", std::string(part), "': ", small, " s and ", large, " s");
    CHECK(large < 64 * std::max(small, 0.0005));
  }
}
