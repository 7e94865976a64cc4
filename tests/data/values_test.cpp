#include "bipft/data/values.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace bipft;

namespace {

Dataset numbers(const std::vector<std::string>& labels) {
  Dataset dataset;
  dataset.sources = {"f"};
  dataset.answer = AnswerKind::value;
  for (const std::string& label : labels) {
    dataset.examples.push_back({.text = "t", .label = label, .line = dataset.size() + 2});
  }
  return dataset;
}

}  // namespace

TEST_CASE("AnswerKind: has a name, and a name has a kind") {
  for (const AnswerKind kind : {AnswerKind::label, AnswerKind::value, AnswerKind::labels}) {
    CHECK(answer_kind_called(to_string(kind)) == kind);
  }
  CHECK_FALSE(answer_kind_called("rank").has_value());
}

TEST_CASE("values_of: reads numbers with a point, and names the place of what is none") {
  CHECK(values_of(numbers({"5.000", " -2", "1e-3", "0"})) == std::vector<double>{5, -2, 1e-3, 0});
  for (const std::string_view wrong :
       {"", "3,5", "nan", "inf", "-inf", "1e400", "1e39", "3.5x", "ok"}) {
    CHECK_THROWS_WITH_AS(
        (void)values_of(numbers({"1", std::string(wrong)})),
        concat("f:3: the label '", wrong, "' is not a finite number such as 3.5").c_str(), Error);
  }
}

TEST_CASE("are_values: tells whether all labels are numbers") {
  CHECK(are_values(numbers({"5.000", " -2", "1e-3", "0"})));
  CHECK(are_values(numbers({})));
  for (const char* wrong : {"", "3,5", "nan", "1e39", "ok"}) {
    CAPTURE(wrong);
    CHECK_FALSE(are_values(numbers({"1", wrong, "2"})));
  }
}

TEST_CASE("scale_of: mean and standard deviation, there and back") {
  const ValueScale scale = scale_of(numbers({"2", "4", "4", "4", "5", "5", "7", "9"}));
  CHECK(scale.mean == 5.0F);
  CHECK(scale.spread == 2.0F);
  CHECK(scale.to_logit(8) == 1.5F);
  CHECK(scale.to_value(1.5F) == 8.0F);
  const ValueScale large = scale_of(numbers({"3e38", "-3e38"}));
  CHECK(large.mean == 0.0F);
  CHECK(large.spread == 3e38F);
}

TEST_CASE("scale_of: equal numbers are nothing to learn, and some differ too little") {
  CHECK_THROWS_WITH_AS((void)scale_of(numbers({"0.1", "0.1", "0.1"})),
                       "f: every one of the 3 examples has the label 0.1; there is nothing to "
                       "learn. Is --label the right column?",
                       Error);
  CHECK_THROWS_WITH_AS((void)scale_of(numbers({"1e-60", "2e-60"})),
                       doctest::Contains("write them in another unit"), Error);
  CHECK_THROWS_AS((void)scale_of(numbers({})), Error);
}
