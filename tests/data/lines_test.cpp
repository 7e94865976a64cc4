#include "bipft/data/lines.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace bipft;
using namespace std::string_literals;

namespace {

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> found;
  Lines lines(text, "f");
  while (lines.next()) found.push_back(concat(lines.number(), '=', lines.line()));
  return found;
}

using Found = std::vector<std::string>;

}  // namespace

TEST_CASE("Lines: LF, CR LF and lone CR end lines, and the last one needs no end") {
  const Found two{"1=a", "2=b"};
  for (const char* text :
       {"a\nb\n", "a\nb", "a\r\nb\r\n", "a\r\nb", "a\rb\r", "a\rb", "a\r\nb\n"}) {
    CAPTURE(text);
    CHECK(lines_of(text) == two);
  }
}

TEST_CASE("Lines: a carriage return amid a line of a file with line feeds is text") {
  CHECK(lines_of("a\rb\nc\n") == Found{"1=a\rb", "2=c"});
}

TEST_CASE("Lines: empty lines are passed over but counted") {
  CHECK(lines_of("\n\na\n\r\n\nb\n\n") == Found{"3=a", "6=b"});
}

TEST_CASE("Lines: a byte order mark is dropped; NUL and malformed bytes are kept") {
  CHECK(lines_of("\xEF\xBB\xBF"s + "a\n") == Found{"1=a"});
  CHECK(lines_of("x\0y\xFF\n"s) == Found{"1=x\0y\xFF"s});
}

TEST_CASE("Lines: nothing, or line ends alone, is an empty file") {
  for (const char* text : {"", "\n", "\r\n\r\n", "\xEF\xBB\xBF", "\xEF\xBB\xBF\n"}) {
    CHECK_THROWS_WITH_AS(Lines(text, "f"), "f: is empty; one example a line is wanted", Error);
  }
}

TEST_CASE("Lines: UTF-16 and UTF-32 are refused with the command that converts them") {
  CHECK_THROWS_WITH_AS(Lines("\xFF\xFEt\0e\0"s, "f"),
                       "f: is UTF-16, not UTF-8; convert it: iconv -f UTF-16 -t UTF-8 f > utf8.txt",
                       Error);
  const auto refused_as = [](const std::string& text, std::string_view encoding) {
    try {
      Lines(text, "f");
    } catch (const Error& error) {
      CHECK(error.fault() == Fault::data);
      CHECK(std::string(error.what()).starts_with(concat("f: is ", encoding, ", not UTF-8")));
      return;
    }
    FAIL("accepted");
  };
  refused_as("\xFE\xFF\0t\0e"s, "UTF-16");
  refused_as("\xFF\xFE\0\0t\0\0\0"s, "UTF-32");
  refused_as("t\0e\0x\0t\0\t\0"s, "UTF-16LE");
  refused_as("\0t\0e\0x\0t\0\t"s, "UTF-16BE");
}

TEST_CASE("Lines: a line beyond 16 MB is refused with its number, one of 16 MB is not") {
  const std::string longest(longest_line, 'x');
  CHECK(lines_of("a\n" + longest + "\n").size() == 2);
  const std::string text = "a\n" + longest + "x\n";
  Lines long_lines(text, "f");
  CHECK(long_lines.next());
  CHECK_THROWS_WITH_AS((void)long_lines.next(),
                       "f:2: the line is longer than 16777216 bytes; is this a text file with line "
                       "ends? Split long texts into several lines",
                       Error);
}

TEST_CASE("Lines: a place names file and line, and the column if there is one") {
  Lines lines("a\nb\n", "f");
  CHECK(lines.next());
  CHECK(lines.next());
  CHECK(lines.place() == "f:2");
  CHECK(lines.place(3) == "f:2:3");
}
