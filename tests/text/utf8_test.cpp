#include "bipft/text/utf8.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace bipft;

namespace {

/// What each U+FFFD of `text` stands for, as byte counts; valid code points are left out.
std::vector<std::size_t> malformed_parts(std::string_view text) {
  std::vector<std::size_t> sizes;
  for (std::size_t at = 0; at < text.size();) {
    const CodePoint c = decode_utf8(text, at);
    if (!c.valid) {
      CHECK(c.value == replacement_character);
      sizes.push_back(c.size);
    }
    at += c.size;
  }
  return sizes;
}

using Sizes = std::vector<std::size_t>;

}  // namespace

TEST_CASE("decode_utf8: every scalar value comes back from append_utf8") {
  std::size_t wrong = 0;
  for (char32_t c = 0; c < 0x110000; ++c) {
    if (c >= 0xD800 && c < 0xE000) continue;
    std::string text;
    append_utf8(text, c);
    const CodePoint read = decode_utf8(text, 0);
    wrong += !(read.value == c && read.valid && read.size == text.size());
    wrong += find_malformed_utf8(text) != std::string_view::npos;
  }
  CHECK(wrong == 0);
}

TEST_CASE("append_utf8: surrogates and values that are too large become U+FFFD") {
  for (const char32_t c : {0xD800U, 0xDFFFU, 0x110000U, 0xFFFFFFFFU}) {
    std::string text;
    append_utf8(text, c);
    CHECK(text == "\xEF\xBF\xBD");
  }
}

TEST_CASE("decode_utf8: one U+FFFD for each maximal subpart") {
  CHECK(malformed_parts("a\xFFz") == Sizes{1});
  CHECK(malformed_parts("\x80\xBF") == Sizes{1, 1});                     // continuations alone
  CHECK(malformed_parts("\xC0\xAF") == Sizes{1, 1});                     // overlong, two bytes
  CHECK(malformed_parts("\xE0\x80\xAF") == Sizes{1, 1, 1});              // overlong, three
  CHECK(malformed_parts("\xF0\x80\x80\xAF") == Sizes{1, 1, 1, 1});       // overlong, four
  CHECK(malformed_parts("\xED\xA0\x80") == Sizes{1, 1, 1});              // a surrogate
  CHECK(malformed_parts("\xF4\x91\x92\x93") == Sizes{1, 1, 1, 1});       // above U+10FFFF
  CHECK(malformed_parts("\xF1\x80\x80\xE1\x80\xC2") == Sizes{3, 2, 1});  // cut short by the next
  CHECK(malformed_parts("\xE2\x82") == Sizes{2});                        // cut short by the end
}

TEST_CASE("find_malformed_utf8: says where") {
  CHECK(find_malformed_utf8("abc\xE2\x82zz") == 3);
  CHECK(find_malformed_utf8("h\xC3\xA9!") == std::string_view::npos);
  CHECK(find_malformed_utf8("") == std::string_view::npos);
}
