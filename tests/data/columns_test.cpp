#include "bipft/data/columns.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace bipft;

namespace {

using Row = std::vector<std::string>;

ColumnMap find(const Columns& columns, const Row& row) { return find_columns(columns, row, "f:1"); }

}  // namespace

TEST_CASE("find_columns: finds the usual names in any order, and takes a pair for a pair") {
  const ColumnMap single = find({}, {"label", "sentence"});
  CHECK(single.text == 1);
  CHECK(single.label == 0);
  CHECK_FALSE(single.pair.has_value());
  const ColumnMap pair = find({}, {"sentence1", "sentence2", "label"});
  CHECK(pair.text == 0);
  CHECK(pair.pair == 1);
  CHECK(find({}, {"text_pair", "text", "label"}).pair == 0);
  CHECK(find({}, {" text ", "label"}).text == 0);
}

TEST_CASE("find_columns: a column is wanted by name, by number, or by one of several names") {
  const Row header{"id", "#1 String", "#2 String", "2"};
  const ColumnMap map = find({.text = "sentence1|#1 String", .text2 = "3", .label = "2"}, header);
  CHECK(map.text == 1);
  CHECK(map.pair == 2);
  CHECK(map.label == 3);  // a name wins over a number
  CHECK(find({.text = "a|b", .label = "2"}, {"b", "x", "a|b"}).text == 2);
}

TEST_CASE("find_columns: `text` wins over `sentence`, and a weight is taken only when named") {
  CHECK(find({}, {"sentence", "text", "label"}).text == 1);
  CHECK_FALSE(find({}, {"text", "label", "weight"}).weight.has_value());
  CHECK(find({.weight = "weight"}, {"text", "label", "weight"}).weight == 2);
}

TEST_CASE("find_columns: a missing column is named, and those that are there are listed") {
  CHECK_THROWS_WITH_AS(
      (void)find({}, {"review", "label"}),
      "f:1: no column is called 'text' or 'sentence' or 'sentence1'; the header has "
      "'review', 'label'. Name one with --text (name or number), or say "
      "--no-header if this row is data",
      Error);
  CHECK_THROWS_WITH_AS((void)find({.text2 = "other"}, {"text", "label"}),
                       "f:1: no column is called 'other'; the header has 'text', 'label'. Name one "
                       "with --text2 (name or number), or say --no-header if this row is data",
                       Error);
  CHECK_THROWS_WITH_AS((void)find({.weight = "7"}, {"text", "label"}),
                       "f:1: --weight asks for column 7, but there are 2, counted from 1", Error);
  CHECK_THROWS_AS((void)find({.text = "0"}, {"text", "label"}), Error);
  CHECK_THROWS_AS((void)find({.text = "99999999999999999999"}, {"text", "label"}), Error);
}

TEST_CASE("find_columns: a name that stands twice is refused only where it matters") {
  CHECK_THROWS_WITH_AS((void)find({}, {"text", "x", "text", "label"}),
                       "f:1: columns 1 and 3 are both called 'text'; name the column by its number",
                       Error);
  CHECK(find({.text = "3"}, {"text", "x", "text", "label"}).text == 2);
  CHECK(find({}, {"x", "x", "text", "label"}).text == 2);
}

TEST_CASE("find_columns: one column cannot be two things") {
  CHECK_THROWS_WITH_AS((void)find({.text = "1", .label = "text"}, {"text", "label"}),
                       "f:1: --text and --label both mean column 1", Error);
}

TEST_CASE("find_columns: without a header, two or three fields are text, pair and label") {
  const ColumnMap two = find({.header = false}, {"text", "1"});
  CHECK(two.text == 0);
  CHECK(two.label == 1);
  const ColumnMap three = find({.header = false}, {"a", "b", "1"});
  CHECK(three.pair == 1);
  CHECK(three.label == 2);
  CHECK_THROWS_AS((void)find({.header = false}, {"a", "b", "c", "d"}), Error);
  const ColumnMap cola = find({.text = "4", .label = "2", .header = false}, {"a", "b", "c", "d"});
  CHECK(cola.text == 3);
  CHECK(cola.label == 1);
}

TEST_CASE("find_columns: a name without a header is the caller's mistake") {
  try {
    (void)find({.text = "sentence", .label = "2", .header = false}, {"a", "1"});
    FAIL("accepted");
  } catch (const Error& error) {
    CHECK(error.fault() == Fault::usage);
  }
}

TEST_CASE("find_columns: a hundred thousand columns are listed in few words") {
  Row header;
  for (std::size_t i = 0; i < 100000; ++i) header.push_back(concat("c", i));
  try {
    (void)find({}, header);
    FAIL("accepted");
  } catch (const Error& error) {
    CHECK(std::string(error.what()).size() < 400);
    CHECK(std::string(error.what()).find("and 99988 more") != std::string::npos);
  }
}

TEST_CASE("Columns: what is named overrides the rest") {
  const Columns task{.text = "sentence", .label = "label"};
  const Columns merged = task.overridden_by({.label = "3", .header = false});
  CHECK(merged.text == "sentence");
  CHECK(merged.label == "3");
  CHECK_FALSE(merged.header);
}
