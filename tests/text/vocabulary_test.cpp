#include "bipft/text/vocabulary.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "bipft/core/random.hpp"

using namespace bipft;

namespace {

const std::string special = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n";

/// What Vocabulary::parse throws at `bytes`, or "" if it takes them.
std::string complaint(std::string_view bytes) {
  try {
    (void)Vocabulary::parse(bytes, "v.txt");
    return "";
  } catch (const Error& error) {
    CHECK(error.fault() == Fault::model);
    return error.what();
  }
}

bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("Vocabulary: the id of a piece is its line") {
  const Vocabulary v = Vocabulary::parse(special + "the\n##ing\n", "v.txt");
  CHECK(v.size() == 6);
  CHECK(v.pad() == 0);
  CHECK(v.unk() == 1);
  CHECK(v.cls() == 2);
  CHECK(v.sep() == 3);
  CHECK(v.id("##ing") == 5);
  CHECK(v.piece(4) == "the");
  CHECK_FALSE(v.id("ing"));
  CHECK_FALSE(v.id(""));
  CHECK_FALSE(v.mask());
  CHECK(Vocabulary::parse(special + "[MASK]", "v.txt").mask() == 4);
}

TEST_CASE("Vocabulary: an id that does not exist is refused") {
  const Vocabulary v = Vocabulary::parse(special, "v.txt");
  CHECK_THROWS_WITH_AS((void)v.piece(4), "Vocabulary: no id 4 among 4 pieces", Error);
  CHECK_THROWS_AS((void)v.piece(-1), Error);
}

TEST_CASE("Vocabulary: byte order mark and white space at line ends belong to no piece") {
  const std::string bytes =
      "\xEF\xBB\xBF[PAD]\r\n[UNK]\r\n[CLS] \n[SEP]\t \n the\xC2\xA0\xE3\x80\x80\r\nlast";
  const Vocabulary v = Vocabulary::parse(bytes, "v.txt");
  CHECK(v.bytes() == special + " the\nlast\n");
  CHECK(v.id(" the") == 4);
}

TEST_CASE("Vocabulary: its bytes give itself again") {
  const Vocabulary v = Vocabulary::parse(special + "a\n##\n日本\n##ß\n", "v.txt");
  const Vocabulary again = Vocabulary::parse(v.bytes(), "again");
  REQUIRE(again.size() == v.size());
  for (std::int32_t id = 0; id < 8; ++id) CHECK(again.piece(id) == v.piece(id));
  CHECK(again.bytes() == v.bytes());
}

TEST_CASE("Vocabulary: a duplicate piece is refused with its line") {
  CHECK(complaint(special + "a\nb\na \n") == "v.txt:7: 'a' stands in line 5 already");
}

TEST_CASE("Vocabulary: an empty line is refused with its line, but not the end of the last one") {
  CHECK(has(complaint(special + "a\n\nb\n"), "v.txt:6: empty line"));
  CHECK(has(complaint(special + "a\n \t\r\nb\n"), "v.txt:6: empty line"));
  CHECK(has(complaint(special + "a\n\n"), "v.txt:6: empty line"));
  CHECK(complaint(special + "a\n").empty());
  CHECK(complaint(special + "a").empty());
}

TEST_CASE("Vocabulary: an empty file is refused") {
  CHECK(complaint("") == "v.txt: the vocabulary is empty");
  CHECK(complaint("\xEF\xBB\xBF") == "v.txt: the vocabulary is empty");
  CHECK(has(complaint("\n"), "v.txt:1: empty line"));
}

TEST_CASE("Vocabulary: each missing special token is named") {
  CHECK(has(complaint("[UNK]\n[CLS]\n[SEP]\n"), "[PAD] is not among its 3 pieces"));
  CHECK(has(complaint("[PAD]\n[CLS]\n[SEP]\n"), "[UNK] is not among"));
  CHECK(has(complaint("[PAD]\n[UNK]\n[SEP]\n"), "[CLS] is not among"));
  CHECK(has(complaint("[PAD]\n[UNK]\n[CLS]\n"), "[SEP] is not among"));
}

TEST_CASE("Vocabulary: invalid UTF-8 is refused with its line and column") {
  CHECK(complaint(special + "ok\nab\xC3(\n") == "v.txt:6:3: invalid UTF-8");
  CHECK(has(complaint("\xFF\xFE[\0P\0"), "v.txt:1:1: invalid UTF-8"));  // UTF-16
}

TEST_CASE("Vocabulary: absurd sizes are refused before anything of that size is made") {
  const std::string longest(Vocabulary::max_piece, 'x');
  CHECK(complaint(special + longest + "\n").empty());
  CHECK(has(complaint(special + longest + "x\n"), "v.txt:5: a piece of 1025 bytes"));
  CHECK(has(complaint(std::string(1 << 20U, 'x')), "v.txt:1: a piece of 1048576 bytes"));
  CHECK(has(complaint(std::string(Vocabulary::max_size + 1, '\n')), "1048577 pieces"));
}

TEST_CASE("Vocabulary: messages show no control characters and no endless pieces") {
  const std::string message = complaint(special + "\x1B[2Jx\n\x1B[2Jx\n");
  CHECK(message == "v.txt:6: '?[2Jx' stands in line 5 already");
  const std::string piece(1000, 'x');
  CHECK(complaint(special + piece + "\n" + piece).size() < 100);
}

TEST_CASE("Vocabulary: from pieces, with the same checks") {
  const Vocabulary v({"[PAD]", "[UNK]", "[CLS]", "[SEP]", "a"});
  CHECK(v.id("a") == 4);
  CHECK(v.bytes() == special + "a\n");
  using Pieces = std::vector<std::string>;
  for (const std::string bad : {"", "a", "a ", "b\nc", "\n", "\xFF"}) {
    Pieces pieces = {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "a"};
    pieces.push_back(bad);
    INFO("piece '", bad, "'");
    CHECK_THROWS_AS((void)Vocabulary(pieces), Error);
  }
  CHECK_THROWS_AS((void)Vocabulary(Pieces{}), Error);
}

TEST_CASE("Vocabulary: the longest match is the longest piece that the text starts with") {
  const Vocabulary v =
      Vocabulary::parse(special + "un\nunable\nb\n##able\n##a\n##日\n##日本\n", "v.txt");
  CHECK(v.longest_match("unables", false).id == 5);
  CHECK(v.longest_match("unables", false).size == 6);
  CHECK(v.longest_match("unabl", false).id == 4);
  CHECK(v.longest_match("able", true).id == 7);
  CHECK(v.longest_match("ab", true).size == 1);
  CHECK(v.longest_match("able", false).size == 0);
  CHECK(v.longest_match("日本語", true).size == 6);
  CHECK(v.longest_match("b", true).size == 0);
  CHECK(v.longest_match("", false).size == 0);
}

TEST_CASE("Vocabulary: 100,000 pieces are all found, and nothing else") {
  std::string bytes = special;
  for (int i = 0; i < 100'000; ++i) bytes += concat(i % 3 == 0 ? "##" : "", "p", i, "\n");
  const Vocabulary v = Vocabulary::parse(bytes, "v.txt");
  std::size_t wrong = 0;
  for (int i = 0; i < 100'000; ++i) {
    wrong += v.id(concat(i % 3 == 0 ? "##" : "", "p", i)) != i + 4;
    wrong += v.id(concat(i % 3 == 0 ? "" : "##", "p", i)).has_value();
  }
  CHECK(wrong == 0);
}

TEST_CASE("Vocabulary: mutated files are taken or refused, and what is taken gives itself again") {
  const std::string good = special + "[MASK]\nthe\n##ing\n日本\n##é\na b\n";
  const Random random(1, "vocabulary_test");
  std::size_t taken = 0;
  for (std::uint64_t i = 0; i < 20'000; ++i) {
    std::string bytes = good;
    for (std::uint64_t j = 0; j <= random.below(16 * i, 3); ++j) {
      const std::size_t at = random.below(16 * i + 3 * j + 1, bytes.size());
      const char byte = static_cast<char>(random.below(16 * i + 3 * j + 2, 256));
      if (random.below(16 * i + 3 * j + 3, 2) == 0) {
        bytes[at] = byte;
      } else {
        bytes.insert(at, 1, byte);
      }
    }
    try {
      const Vocabulary v = Vocabulary::parse(bytes, "v.txt");
      ++taken;
      CHECK(Vocabulary::parse(v.bytes(), "again").bytes() == v.bytes());
    } catch (const Error& error) {
      CHECK(error.fault() == Fault::model);
    }
  }
  CHECK(taken > 1000);
  CHECK(taken < 19'000);
}
