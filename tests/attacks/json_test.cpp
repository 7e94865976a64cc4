/// JSON made to break parsers: deep, wide, repetitive, mutilated.

#include "bipft/io/json.hpp"

#include <doctest/doctest.h>

#include <chrono>

#include "bipft/core/random.hpp"
#include "support/counting_allocator.hpp"

using namespace bipft;

namespace {

std::string complaint(std::string_view text, const JsonOptions& options = {}) {
  try {
    (void)Json::parse(text, "f", options);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

template <class Action>
double seconds(const Action& action) {
  const auto begin = std::chrono::steady_clock::now();
  action();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

}  // namespace

TEST_CASE("attacks: 100,000 brackets overflow nothing, even where that depth is allowed") {
  constexpr std::size_t depth = 100'000;
  CHECK(complaint(std::string(depth, '[')) == "f:1:33: nested deeper than the 32 levels allowed");
  std::string nest(depth, '[');
  nest.append(depth, ']');
  const JsonOptions deep{.max_depth = depth};
  const Json json = Json::parse(nest, "f", deep);
  CHECK((json.dump() == nest));
  Json copy = json;
  copy.push(1);  // copies all of it
  CHECK(copy.size() == 2);
  CHECK(complaint(std::string(depth, '['), deep) ==
        concat("f:1:", depth + 1, ": the text ends where a value should"));
}

TEST_CASE("attacks: a million keys take about a second, and no choice of keys takes longer") {
  std::string text = "{";
  for (int i = 0; i < 1'000'000; ++i) text += concat("\"", i, "\":0,");
  const double unlike = seconds([&] { CHECK(complaint(text + "\"x\":0}") == ""); });
  CHECK(complaint(text + "\"999999\":0}").ends_with("the key \"999999\" occurs twice"));
  text = "{";
  for (int i = 0; i < 1'000'000; ++i) text += "\"a\":0,";
  const double alike =
      seconds([&] { CHECK(complaint(text + "\"x\":0}").ends_with("the key \"a\" occurs twice")); });
  CHECK(unlike < 20.0);  // measured: 0.4; sanitizers and a busy machine need more
  CHECK(alike < 20.0);
}

TEST_CASE("attacks: memory follows the text, 32 bytes a value") {
  if (!test::counts_allocations()) return;
  for (const char* unit : {"0,", "[],", "\"\",", "\"\\u0041\\u0041\","}) {
    std::string text = "[";
    while (text.size() < 1'000'000) text += unit;
    text += "0]";
    const std::size_t values = text.size() / std::string_view(unit).size() + 2;
    const std::size_t mark = test::allocation_mark();
    CHECK(complaint(text) == "");
    CHECK(test::allocated_peak_since(mark) <= text.size() + 2 * 32 * values + 10'000);
  }
  std::string commas(1'000'000, ',');
  const std::size_t mark = test::allocation_mark();
  CHECK(complaint(commas, {.max_values = 1000}) != "");
  CHECK(test::allocated_peak_since(mark) <= commas.size() + 32 * 1000 + 10'000);
}

TEST_CASE("attacks: every cut and every changed byte is refused or read, and printed alike again") {
  const std::string text =
      "{\"a\": [1, -2.5e3, true, null, \"\\u00e4\\ud83d\\ude00\\n\xC3\xA4\"], \"b\": {\"c\": {}}}";
  for (std::size_t length = 0; length < text.size(); ++length) {
    const std::vector<char> cut(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(length));
    CHECK(complaint({cut.data(), cut.size()}) != "");
  }
  std::size_t read = 0;
  for (std::size_t at = 0; at < text.size(); ++at) {
    for (int byte = 0; byte < 256; ++byte) {
      std::string changed = text;
      changed[at] = static_cast<char>(byte);
      if (!complaint(changed).empty()) continue;
      ++read;
      const std::string printed = Json::parse(changed, "f").dump();
      CHECK(Json::parse(printed, "f").dump() == printed);
    }
  }
  CHECK(read > text.size());
}

TEST_CASE("attacks: numbers of any length and size") {
  CHECK(complaint(std::string(100'000, '9')).ends_with("is a number that no double can hold"));
  CHECK(complaint(std::string(100'000, '9')).size() < 200);
  CHECK(complaint("0." + std::string(100'000, '0') + "1e100001") == "");
  CHECK(complaint("1e99999999999999999999") != "");
  CHECK(Json::parse("1" + std::string(300, '0'), "f").as_double() == 1e300);
}
