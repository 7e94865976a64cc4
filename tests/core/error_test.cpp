#include "bipft/core/error.hpp"

#include <doctest/doctest.h>

#include <clocale>
#include <cstdint>
#include <locale>
#include <string>
#include <string_view>

#include "bipft/core/shape.hpp"

using namespace bipft;

TEST_CASE("concat: text, characters, numbers, truth, and whatever says what it is") {
  CHECK(concat("a", std::string("b"), std::string_view("c"), 'd') == "abcd");
  CHECK(concat(-7, ' ', std::uint64_t{18446744073709551615U}, ' ', 0.5, ' ', 0.1F) ==
        "-7 18446744073709551615 0.5 0.1");
  CHECK(concat(true, false, Shape{2, 3}) == "truefalse[2, 3]");
  CHECK(concat() == "");
}

namespace {

struct Comma : std::numpunct<char> {
  [[nodiscard]] char do_decimal_point() const override { return ','; }
  [[nodiscard]] char do_thousands_sep() const override { return '.'; }
  [[nodiscard]] std::string do_grouping() const override { return "\3"; }
};

}  // namespace

TEST_CASE("concat: writes numbers the same in every locale") {
  const std::locale before = std::locale::global(std::locale(std::locale::classic(), new Comma));
  const std::string c_before = std::setlocale(LC_ALL, nullptr);
  for (const char* const name : {"de_DE.UTF-8", "fr_FR.UTF-8"}) std::setlocale(LC_ALL, name);
  const std::string text = concat(1234567, ' ', 1234567.5);
  std::setlocale(LC_ALL, c_before.c_str());
  std::locale::global(before);
  CHECK(text == "1234567 1234567.5");
}

TEST_CASE("fail: throws an Error that says whose fault it is") {
  try {
    fail(Fault::data, "train.tsv:", 17, ": ", 2, " columns");
    FAIL("no error");
  } catch (const Error& error) {
    CHECK(error.fault() == Fault::data);
    CHECK(std::string(error.what()) == "train.tsv:17: 2 columns");
  }
  try {
    fail("linear: x is ", Shape{2});
    FAIL("no error");
  } catch (const Error& error) {
    CHECK(error.fault() == Fault::usage);
  }
}

TEST_CASE("Fault: is the exit code of the command") {
  CHECK(static_cast<int>(Fault::usage) == 2);
  CHECK(static_cast<int>(Fault::data) == 3);
  CHECK(static_cast<int>(Fault::model) == 4);
  CHECK(static_cast<int>(Fault::system) == 5);
  CHECK(static_cast<int>(Fault::diverged) == 6);
}
