#include "bipft/data/delimited.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace bipft;
using namespace std::string_literals;

namespace {

using Table = std::vector<std::vector<std::string>>;

Table rows_of(const std::string& text, Dialect dialect) {
  Table table;
  DelimitedRows rows(text, "f", dialect);
  while (rows.next()) table.push_back(rows.values());
  return table;
}

Dataset tsv(const std::string& text, const Columns& columns = {}) {
  return parse_delimited(text, "f", tsv_dialect, {columns});
}
Dataset csv(const std::string& text, const Columns& columns = {}) {
  return parse_delimited(text, "f", csv_dialect, {columns});
}

std::string complaint(const std::string& text, Dialect dialect, const Columns& columns = {}) {
  try {
    (void)parse_delimited(text, "f", dialect, {columns});
  } catch (const Error& error) {
    CHECK(error.fault() == Fault::data);
    return error.what();
  }
  return "accepted";
}

}  // namespace

TEST_CASE("DelimitedRows: in TSV a quote is only a character") {
  CHECK(rows_of("\"a\t\"b\"\"\n\"\t\n", tsv_dialect) == Table{{"\"a", "\"b\"\""}, {"\"", ""}});
}

TEST_CASE("DelimitedRows: CSV is RFC 4180, with separators, line ends and quotes within quotes") {
  CHECK(rows_of("a,\"b,c\",\"say \"\"hi\"\"\"\n\"x\ny\",,\"\"\n", csv_dialect) ==
        Table{{"a", "b,c", "say \"hi\""}, {"x\ny", "", ""}});
  CHECK(rows_of("5\" pipe,1\r\n\"a\r\nb\",2\r\n", csv_dialect) ==
        Table{{"5\" pipe", "1"}, {"a\r\nb", "2"}});
  CHECK(rows_of("a,b\r\"c\",d", csv_dialect) == Table{{"a", "b"}, {"c", "d"}});
  CHECK(rows_of("a,", csv_dialect) == Table{{"a", ""}});
  CHECK(rows_of("\n\na\n\n\"\"\n", csv_dialect) == Table{{"a"}, {""}});
}

TEST_CASE("DelimitedRows: a quote that is never closed is named where it opens") {
  CHECK(complaint("text,label\na,1\nb,\"2\nc,3\n", csv_dialect) ==
        "f:3:3: this quote is never closed; a quote inside a quoted field is written twice");
}

TEST_CASE("DelimitedRows: what follows a closed quote is named where it stands") {
  CHECK(complaint("text,label\n\"a\nb\"c,1\n", csv_dialect) ==
        "f:3:3: 'c' follows a closed quote; a quote inside a quoted field is written twice");
}

TEST_CASE("DelimitedRows: a row beyond 16 MB is refused with where it begins") {
  const std::string longest(longest_line, 'x');
  CHECK(complaint("text,label\n\"" + longest + "\",1\n", csv_dialect)
            .starts_with("f:2: the row is longer than 16777216 bytes"));
  CHECK(complaint("text\tlabel\n" + longest + "\t1\n", tsv_dialect)
            .starts_with("f:2: the row is longer than 16777216 bytes"));
}

TEST_CASE("parse_delimited: reads text and label, with the line of each") {
  const Dataset dataset = tsv("id\tlabel\ttext\n7\tgood\ta fine film\n\n8\tbad\t\n");
  REQUIRE(dataset.size() == 2);
  CHECK(dataset.examples[0].text == "a fine film");
  CHECK(dataset.examples[0].label == "good");
  CHECK(dataset.examples[0].line == 2);
  CHECK(dataset.examples[1].text == "");
  CHECK(dataset.examples[1].line == 4);
  CHECK_FALSE(dataset.pairs);
  CHECK(dataset.warnings.empty());
}

TEST_CASE("parse_delimited: reads pairs and weights") {
  const Dataset dataset =
      csv("sentence1,sentence2,label,w\na,b,1,0.25\n\"c\nd\",e,0,1e2\nf,g,1,1\n", {.weight = "w"});
  CHECK(dataset.pairs);
  REQUIRE(dataset.size() == 3);
  CHECK(dataset.examples[0].pair == "b");
  CHECK(dataset.examples[0].weight == 0.25F);
  CHECK(dataset.examples[1].weight == 100.0F);
  CHECK(dataset.examples[2].line == 5);  // a quoted field took two lines
}

TEST_CASE("parse_delimited: CR LF, lone CR, a byte order mark and a missing last line end") {
  for (const char* text : {"text\tlabel\r\na\t1\r\nb\t2\r\n", "text\tlabel\ra\t1\rb\t2",
                           "\xEF\xBB\xBFtext\tlabel\na\t1\nb\t2"}) {
    const Dataset dataset = tsv(text);
    REQUIRE(dataset.size() == 2);
    CHECK(dataset.examples[0].text == "a");
    CHECK(dataset.examples[1].label == "2");
  }
}

TEST_CASE("parse_delimited: NUL bytes and malformed UTF-8 are kept") {
  CHECK(tsv("text\tlabel\nx\0\xFF\t1\n"s).examples[0].text == "x\0\xFF"s);
}

TEST_CASE("parse_delimited: rows with fewer or more fields are named with line and column") {
  CHECK(complaint("text\tlabel\na\t1\nbcd\n", tsv_dialect) ==
        "f:3:4: 1 field, but the header has 2; is a separator missing?");
  CHECK(
      complaint("text\tlabel\na\t1\tx\n", tsv_dialect) ==
      "f:2:5: 3 fields, but the header has 2; a tab inside a text cannot be quoted, write a blank "
      "instead");
  CHECK(
      complaint("text,label\nyes, it is,1\n", csv_dialect) ==
      "f:2:12: 3 fields, but the header has 2; a text with a comma in it stands in double quotes");
  CHECK(complaint("a\t1\nb\n", tsv_dialect, {.header = false}) ==
        "f:2:2: 1 field, but the first row has 2; is a separator missing?");
}

TEST_CASE("parse_delimited: short rows are left out and counted where the layout allows it") {
  const Dataset dataset = tsv("text\tlabel\na\t1\nb\nc\t0\n", {.skip_short_rows = true});
  CHECK(dataset.size() == 2);
  CHECK(dataset.skipped == 1);
  REQUIRE(dataset.warnings.size() == 1);
  CHECK(dataset.warnings[0] == "f: 1 rows with too few fields were left out");
}

TEST_CASE("parse_delimited: an empty label is refused with its place") {
  CHECK(complaint("text\tlabel\nab\t\n", tsv_dialect) == "f:2:4: the label is empty");
  CHECK(complaint("text\tlabel\nab\t  \n", tsv_dialect) == "f:2:4: the label is empty");
}

TEST_CASE("parse_delimited: a weight is a positive finite number with a point") {
  for (const char* weight : {"0", "-1", "nan", "inf", "1e400", "1e-400", "0,5", "", " 1", "1x"}) {
    CAPTURE(weight);
    CHECK(complaint(concat("text\tlabel\tw\na\t1\t", weight, "\n"), tsv_dialect, {.weight = "w"}) ==
          concat("f:2:5: the weight '", weight, "' is not a positive finite number such as 0.5"));
  }
}

TEST_CASE("parse_delimited: a weight column that is not used is pointed out") {
  const Dataset dataset = tsv("text\tlabel\tweight\na\t1\t2\n");
  CHECK(dataset.examples[0].weight == 1.0F);
  REQUIRE(dataset.warnings.size() == 1);
  CHECK(dataset.warnings[0].find("--weight weight") != std::string::npos);
}

TEST_CASE("parse_delimited: a header alone is no data") {
  CHECK(complaint("text\tlabel\n", tsv_dialect) == "f: has a header but no examples");
}

TEST_CASE("parse_delimited: the first layout whose columns are there is taken") {
  const std::vector<Columns> cola{{.text = "sentence1", .label = "label"},
                                  {.text = "4", .label = "2", .header = false}};
  const Dataset plain = parse_delimited("sentence1\tlabel\na b\t1\n", "f", tsv_dialect, cola);
  REQUIRE(plain.size() == 1);
  CHECK(plain.examples[0].text == "a b");
  const Dataset official =
      parse_delimited("gj04\t1\t\ta b\nbc80\t0\t*\tb a\n", "f", tsv_dialect, cola);
  REQUIRE(official.size() == 2);
  CHECK(official.examples[1].text == "b a");
  CHECK(official.examples[1].label == "0");
  CHECK_THROWS_WITH_AS((void)parse_delimited("x\ty\n", "f", tsv_dialect, cola),
                       doctest::Contains("no column is called 'sentence1'"), Error);
}

TEST_CASE("parse_delimited: a hundred thousand columns take no more than their bytes") {
  std::string header;
  std::string row;
  for (std::size_t i = 0; i < 100000; ++i) {
    header += concat("c", i, '\t');
    row += "x\t";
  }
  const Dataset dataset = tsv(header + "text\tlabel\n" + row + "a\t1\n");
  CHECK(dataset.examples[0].text == "a");
}

TEST_CASE("parse_delimited: labels are of the kind that the columns say") {
  const auto read = [](const std::string& text, AnswerKind kind) {
    return parse_delimited(text, "f", tsv_dialect, {Columns{.answer = kind}});
  };
  CHECK(read("text\tlabel\na\t3.5\n", AnswerKind::value).answer == AnswerKind::value);
  CHECK_THROWS_WITH_AS((void)read("text\tlabel\na\t1\nb\t3,5\n", AnswerKind::value),
                       "f:3:3: the label '3,5' is not a finite number such as 3.5", Error);
  CHECK_THROWS_WITH_AS((void)read("text\tlabel\na\t \n", AnswerKind::value),
                       "f:2:3: the label is empty", Error);
  CHECK(read("text\tlabel\na\t\nb\tx y\n", AnswerKind::labels).examples[1].label == "x y");
}
