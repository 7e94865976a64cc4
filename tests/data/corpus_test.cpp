#include "bipft/data/corpus.hpp"

#include <doctest/doctest.h>

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "bipft/core/parallel.hpp"
#include "support/temporary_folder.hpp"

using namespace bipft;

namespace {

Vocabulary letters(std::size_t size = 0) {
  std::vector<std::string> pieces{"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "."};
  for (char c = 'a'; c <= 'z'; ++c) pieces.emplace_back(1, c);
  while (pieces.size() < size) pieces.push_back(concat("filler", pieces.size()));
  return Vocabulary(pieces);
}

/// All pieces as text, sentences marked by a bar.
std::string shown(const Corpus& corpus, const WordPiece& tokenizer) {
  std::string text;
  for (std::size_t i = 0; i < corpus.pieces(); ++i) {
    const Piece piece = corpus.piece(i);
    text += '<';
    for (std::size_t t = 0; t < piece.ids.size(); ++t) {
      for (const std::uint32_t begin : piece.sentences) text += begin == t ? "|" : "";
      text += tokenizer.vocabulary().piece(piece.ids[t]);
    }
    text += '>';
  }
  return text;
}

}  // namespace

TEST_CASE("Corpus: packs sentences in their order, and cuts what is too long") {
  const test::TemporaryFolder folder;
  const WordPiece tokenizer(letters());
  const std::string text =
      folder.write("text",
                   "\xEF\xBB\xBF"
                   "a b . C d .\r\n\ne f\ng h i j k l m n o p q r s t .\nu v w x y\nz\n");
  const Corpus corpus(text, folder.path("cache"), tokenizer, 11);
  CHECK(corpus.made());
  CHECK(shown(corpus, tokenizer) == "<ab.|cd.|ef><ghijklmn><opqrst.><uvwxy|z>");
  CHECK(corpus.tokens() == 29);
  CHECK(corpus.digest() == hex(Sha256::of(folder.read("text"))));
  CHECK_THROWS_AS((void)corpus.piece(4), Error);
  // A lone token at the end is left out.
  CHECK(shown(Corpus(folder.write("lone", "a b c d e f g h i"), folder.path("lone.cache"),
                     tokenizer, 7),
              tokenizer) == "<abcd><efgh>");
}

TEST_CASE("Corpus: the cache is made once, and anew where it does not fit") {
  const test::TemporaryFolder folder;
  const WordPiece tokenizer(letters());
  const std::string text = folder.write("text", "a b c. D e f.\ng h i\n");
  const std::string cache = folder.path("cache");
  const auto made = [&](const WordPiece& by, std::size_t piece_len) {
    const Corpus corpus(text, cache, by, piece_len);
    CHECK(corpus.pieces() > 0);
    return corpus.made();
  };
  CHECK(made(tokenizer, 10));
  CHECK_FALSE(made(tokenizer, 10));
  const std::string good = folder.read("cache");
  CHECK(made(tokenizer, 11));
  CHECK(made(tokenizer, 10));
  CHECK(folder.read("cache") == good);
  CHECK(made(WordPiece(letters(), {.lowercase = false}), 10));
  CHECK(made(WordPiece(letters(40)), 10));
  CHECK(made(tokenizer, 10));
  (void)folder.write("text", "a b c. D e f.\ng h j\n");
  CHECK(made(tokenizer, 10));
  CHECK(folder.read("cache") != good);
  CHECK(folder.count() == 2);  // no temporary file stays
  const std::string now = folder.read("cache");
  for (std::size_t at = 0; at < now.size(); at += 5) {  // damaged anywhere, or cut
    CAPTURE(at);
    std::string bad = now;
    bad[at] = static_cast<char>(bad[at] ^ 4);
    (void)folder.write("cache", bad);
    CHECK(made(tokenizer, 10));
    (void)folder.write("cache", now.substr(0, at));
    CHECK(made(tokenizer, 10));
    CHECK(folder.read("cache") == now);
  }
}

TEST_CASE("Corpus: a large vocabulary has wide slots, and threads change nothing") {
  const test::TemporaryFolder folder;
  const WordPiece narrow(letters(32768));
  const WordPiece wide(letters(32769));
  std::string lines;
  for (int i = 0; i < 500; ++i) {
    lines += concat("filler32767 b", i % 3 == 0 ? ". C" : " filler700", "\n");
  }
  const std::string text = folder.write("text", lines);
  const std::size_t before = threads();
  std::string expected;
  for (const std::size_t count : {1U, 3U}) {
    set_threads(count);
    const Corpus small(text, folder.path("narrow"), narrow, 20);
    const Corpus large(text, folder.path(concat("wide", count)), wide, 20);
    REQUIRE(small.pieces() == large.pieces());
    CHECK(shown(small, narrow) == shown(large, wide));
    if (expected.empty()) expected = folder.read("narrow");
    CHECK(folder.read("narrow") == expected);
    CHECK(folder.read(concat("wide", count)).size() > expected.size() * 3 / 2);
    std::filesystem::remove(folder.path("narrow"));
  }
  set_threads(before);
}

TEST_CASE("Corpus: lines across blocks are whole") {
  const test::TemporaryFolder folder;
  const WordPiece tokenizer(letters());
  std::string lines;  // 9 MB of lines of 1001 bytes, so that blocks end within them
  while (lines.size() < (std::size_t{9} << 20U)) lines += std::string(998, ' ') + "a b\n";
  const Corpus corpus(folder.write("text", lines), folder.path("cache"), tokenizer, 23);
  CHECK(corpus.tokens() == 2 * (lines.size() / 1002));
}

TEST_CASE("Corpus: what is no text is refused by name") {
  const test::TemporaryFolder folder;
  const WordPiece tokenizer(letters());
  const auto fault = [&](std::string_view bytes, std::size_t piece_len = 10) {
    try {
      const Corpus corpus(folder.write("text", bytes), folder.path("cache"), tokenizer, piece_len);
    } catch (const Error& error) {
      CHECK(folder.count() == 1);  // nothing half done stays
      return static_cast<int>(error.fault());
    }
    return 0;
  };
  CHECK(fault("") == static_cast<int>(Fault::data));
  CHECK(fault("\n\n") == static_cast<int>(Fault::data));
  CHECK(fault(" \n") == static_cast<int>(Fault::data));
  CHECK(fault("a") == static_cast<int>(Fault::data));
  CHECK(fault(std::string_view("a\0b\0c\0d\0e\0", 10)) == static_cast<int>(Fault::data));
  CHECK(fault(std::string(longest_line + (std::size_t{9} << 20U), 'a')) ==
        static_cast<int>(Fault::data));
  CHECK(fault("a b", 4) == static_cast<int>(Fault::usage));
  CHECK_THROWS_AS(Corpus(folder.path("missing"), folder.path("cache"), tokenizer, 10), Error);
  CHECK_THROWS_AS(Corpus(folder.write("text", "a b"), folder.path("no/where"), tokenizer, 10),
                  Error);
}
