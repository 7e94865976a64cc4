#include "bipft/io/json_parser.hpp"

#include <doctest/doctest.h>

#include "bipft/io/json.hpp"

using namespace bipft;

namespace {

/// What the parser says about `text`, named "f"; "" if it is content.
std::string complaint(std::string_view text, const JsonOptions& options = {}) {
  try {
    (void)Json::parse(text, "f", options);
  } catch (const Error& error) {
    CHECK(error.fault() == options.fault);
    return error.what();
  }
  return "";
}

}  // namespace

TEST_CASE("JsonParser: accepts what RFC 8259 accepts") {
  for (const char* text : {"null",
                           "true",
                           " false ",
                           "0",
                           "-0",
                           "-1.5e+10",
                           "1E5",
                           "0.1",
                           "\"\"",
                           "[]",
                           "{}",
                           "[[]]",
                           "[1, 2 ,3]",
                           "{\"\":{}}",
                           "{\"a\":[{}, null]}\n",
                           "\t[\r\n]",
                           "\"\\u0000\"",
                           "\"\\ud83d\\ude00\"",
                           "\"\x7F\"",
                           "\"\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80\"",
                           "-9223372036854775808",
                           "1e-400000000000000000000",
                           "\"\xEF\xBF\xBF\""}) {
    CAPTURE(text);
    if (std::string_view(text).starts_with("1e-4")) {
      CHECK(complaint(text) != "");  // the one exception: what a double cannot hold
    } else {
      CHECK(complaint(text) == "");
    }
  }
}

TEST_CASE("JsonParser: refuses what RFC 8259 does not have, and says where") {
  const auto says = [](std::string_view text, const std::string& message) {
    CAPTURE(text);
    CHECK(complaint(text) == message);
  };
  says("", "f:1:1: the text ends where a value should");
  says("  ", "f:1:3: the text ends where a value should");
  says("[1", "f:1:3: the text ends where ',' or ']' should");
  says("[1,", "f:1:4: the text ends where a value should");
  says("[1,]", "f:1:4: ']' stands where a value should");
  says("[,1]", "f:1:2: ',' stands where a value should");
  says("[1 2]", "f:1:4: '2' stands where ',' or ']' should");
  says("[1}", "f:1:3: '}' stands where ',' or ']' should");
  says("{\"a\":1,}", "f:1:8: '}' stands where a key in double quotes should");
  says("{\"a\" 1}", "f:1:6: '1' stands where ':' should");
  says("{a:1}", "f:1:2: 'a' stands where a key in double quotes should");
  says("{'a':1}", "f:1:2: ''' stands where a key in double quotes should");
  says("{\"a\":1}\n\n x", "f:3:2: text after the end of the value");
  says("nul", "f:1:1: 'n' stands where a value should");
  says("nullx", "f:1:5: text after the end of the value");
  says("True", "f:1:1: 'T' stands where a value should");
  says("NaN", "f:1:1: 'N' stands where a value should");
  says("-Infinity", "f:1:2: 'I' stands where a digit should");
  says("01", "f:1:2: text after the end of the value");
  says("+1", "f:1:1: '+' stands where a value should");
  says(".5", "f:1:1: '.' stands where a value should");
  says("1.", "f:1:3: the text ends where a digit should");
  says("1.e5", "f:1:3: 'e' stands where a digit should");
  says("1e", "f:1:3: the text ends where a digit should");
  says("-", "f:1:2: the text ends where a digit should");
  says("0x10", "f:1:2: text after the end of the value");
  says("1e999", "f:1:1: 1e999 is a number that no double can hold");
  says("[1,\n // no\n2]", "f:2:2: '/' stands where a value should");
  says("\"a", "f:1:3: the text ends within a string");
  says("\"a\nb\"", "f:1:3: byte 10 stands in a string; write it as an escape");
  says(std::string_view("\"a\0b\"", 5), "f:1:3: byte 0 stands in a string; write it as an escape");
  says("\"\\x\"", "f:1:2: an escape that JSON does not have");
  says("\"\\u12\"", "f:1:2: \\u needs four hexadecimal digits");
  says("\"\\u-123\"", "f:1:2: \\u needs four hexadecimal digits");
  says("\"\\", "f:1:2: an escape that JSON does not have");
  says("\"\\ud800\"", "f:1:2: the first half of a surrogate pair alone");
  says("\"\\ud800\\u0041\"", "f:1:2: the first half of a surrogate pair alone");
  says("\"\\ude00\"", "f:1:2: the second half of a surrogate pair alone");
  says("\xEF\xBB\xBF{}", "f:1:1: a byte order mark; save it without one");
  says("{\"a\":1,\n\"b\":2,\"a\":3}", "f:2:11: the key \"a\" occurs twice");
  says("{\"a\":1,\"\\u0061\":3}", "f:1:17: the key \"a\" occurs twice");
}

TEST_CASE("JsonParser: malformed UTF-8 is refused, byte by byte") {
  for (const char* bytes :
       {"\x80", "\xBF", "\xC0\x80", "\xC1\xBF", "\xC3", "\xE0\x80\x80", "\xE0\x9F\xBF",
        "\xED\xA0\x80", "\xED\xBF\xBF", "\xE2\x82", "\xF0\x8F\xBF\xBF", "\xF4\x90\x80\x80",
        "\xF5\x80\x80\x80", "\xFF", "\xF0\x9F\x98"}) {
    const std::string text = std::string("\"ab") + bytes + '"';
    CHECK(complaint(text).starts_with("f:1:4: malformed UTF-8 (byte "));
  }
}

TEST_CASE("JsonParser: limits of depth, bytes and values are exact") {
  const auto nested = [](std::size_t depth) {
    return std::string(depth, '[') + std::string(depth, ']');
  };
  CHECK(complaint(nested(32)) == "");
  CHECK(complaint(nested(33)) == "f:1:33: nested deeper than the 32 levels allowed");
  CHECK(complaint(nested(3), {.max_depth = 3}) == "");
  CHECK(complaint("[[[{}]]]", {.fault = Fault::model, .max_depth = 3}) ==
        "f:1:4: nested deeper than the 3 levels allowed");
  CHECK(complaint("[1,2,3]", {.max_bytes = 7}) == "");
  CHECK(complaint("[1,2,3]", {.max_bytes = 6}) ==
        "f:1:1: the text has 7 bytes, more than the 6 allowed");
  CHECK(complaint("[1,2,3]", {.max_values = 4}) == "");
  CHECK(complaint("[1,2,3]", {.max_values = 3}) == "f:1:6: more than the 3 values allowed");
  CHECK(complaint("[1,\n2", {.first_line = 17}).starts_with("f:18:2: "));
}

TEST_CASE("JsonParser: a key twice is found among few and among many") {
  for (const std::size_t keys : {2U, 8U, 9U, 1000U}) {
    std::string text = "{";
    for (std::size_t i = 0; i < keys; ++i) text += concat("\"key", i, "\":0,");
    CHECK(complaint(text + "\"last\":0}") == "");
    CHECK(complaint(text + "\"key1\":0}").ends_with("the key \"key1\" occurs twice"));
  }
}

TEST_CASE("quoted: foreign names are short and steer no terminal") {
  CHECK(detail::quoted("a\x1B[2J\n") == "\"a\\u001b[2J\\n\"");
  CHECK(detail::quoted(std::string(1000, 'x')) == '"' + std::string(80, 'x') + "\"...");
}
