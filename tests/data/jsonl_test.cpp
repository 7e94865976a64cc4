#include "bipft/data/jsonl.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace bipft;

namespace {

std::string complaint(const std::string& text, const Columns& columns = {}) {
  try {
    (void)parse_jsonl(text, "f", columns);
  } catch (const Error& error) {
    CHECK(error.fault() == Fault::data);
    return error.what();
  }
  return "accepted";
}

}  // namespace

TEST_CASE("parse_jsonl: a label is a text, a number or a truth value") {
  const Dataset dataset = parse_jsonl(
      "{\"text\": \"a\\tb\", \"label\": \"good\"}\n\n"
      "{\"text\": \"b\", \"label\": 1}\r\n"
      "{\"text\": \"c\", \"label\": 1.0}\n"
      "{\"text\": \"d\", \"label\": 0.5}\n"
      "{\"text\": \"e\", \"label\": true, \"id\": [1, 2]}",
      "f");
  REQUIRE(dataset.size() == 5);
  CHECK(dataset.examples[0].text == "a\tb");
  CHECK(dataset.examples[0].label == "good");
  CHECK(dataset.examples[1].label == "1");
  CHECK(dataset.examples[1].line == 3);
  CHECK(dataset.examples[2].label == "1");
  CHECK(dataset.examples[3].label == "0.5");
  CHECK(dataset.examples[4].label == "true");
  CHECK_FALSE(dataset.pairs);
}

TEST_CASE("parse_jsonl: pairs and weights by their usual keys, or by those that are named") {
  for (const char* key : {"text2", "sentence2", "text_pair"}) {
    const Dataset dataset = parse_jsonl(
        concat("{\"sentence1\":\"a\",\"", key, "\":\"b\",\"label\":\"x\",\"weight\":0.5}"), "f");
    CHECK(dataset.pairs);
    CHECK(dataset.examples[0].pair == "b");
    CHECK(dataset.examples[0].weight == 0.5F);
  }
  const Dataset named = parse_jsonl("{\"q\":\"a\",\"r\":\"b\",\"gold\":\"x\",\"n\":\"3\"}", "f",
                                    {.text = "q", .text2 = "r", .label = "gold", .weight = "n"});
  CHECK(named.examples[0].pair == "b");
  CHECK(named.examples[0].label == "x");
  CHECK(named.examples[0].weight == 3.0F);
}

TEST_CASE("parse_jsonl: what is missing or of the wrong kind is named with its line") {
  const std::string good = "{\"text\":\"a\",\"label\":1}\n";
  CHECK(complaint(good + "{\"txt\":\"a\",\"label\":1}") ==
        "f:2: there is no key 'text|sentence|sentence1'; the object has 'txt', 'label'. Name one "
        "with --text");
  CHECK(complaint(good + "{\"text\":\"a\",\"label\":null}") ==
        "f:2: the label is not a text, a number, true or false");
  CHECK(complaint(good + "{\"text\":\"a\",\"label\":\" \"}") == "f:2: the label is empty");
  CHECK(complaint(good + "{\"text\":7,\"label\":1}").starts_with("f:2:9: "));
  CHECK(complaint(good + "{\"text\":\"a\",\"label\":1,\"weight\":0}") ==
        "f:2: the weight '0' is not a positive finite number such as 0.5");
  CHECK(complaint(good, {.weight = "w"}).starts_with("f:1: there is no key 'w'"));
  CHECK(complaint(good, {.text2 = "other"}).starts_with("f:1: there is no key 'other'"));
  CHECK(complaint("[" + good + "]").starts_with("f:1:"));
  CHECK(complaint("[1, 2]").find("jq -c '.[]'") != std::string::npos);
  CHECK(complaint(good + "{\"text\":\"a\",").starts_with("f:2:"));
}

TEST_CASE("parse_jsonl: either every line is a pair or none") {
  const std::string single = "{\"text\":\"a\",\"label\":1}\n";
  const std::string pair = "{\"text\":\"a\",\"text2\":\"b\",\"label\":1}\n";
  CHECK(complaint(single + pair) == "f:2: has a second text, but the first line has none");
  CHECK(complaint(pair + single).starts_with("f:2: there is no key 'text2|sentence2|text_pair'"));
}

TEST_CASE("parse_jsonl: several labels may stand in an array, where several are wanted") {
  const Columns several{.answer = AnswerKind::labels};
  const Dataset dataset = parse_jsonl(
      "{\"text\":\"a\",\"label\":[\"x\",2]}\n{\"text\":\"b\",\"label\":\"y x\"}\n"
      "{\"text\":\"c\",\"label\":[]}\n",
      "f", several);
  CHECK(dataset.answer == AnswerKind::labels);
  CHECK(dataset.examples[0].label == "x,2");
  CHECK(dataset.examples[1].label == "y x");
  CHECK(dataset.examples[2].label.empty());
  CHECK(complaint("{\"text\":\"a\",\"label\":[\"x y\"]}", several) ==
        "f:1: the label 'x y' is empty or has a blank or a comma in it, which part labels");
  CHECK(complaint("{\"text\":\"a\",\"label\":[\"x\"]}") ==
        "f:1: the label is not a text, a number, true or false");
  CHECK(complaint("{\"text\":\"a\",\"label\":\"x\"}", {.answer = AnswerKind::value}) ==
        "f:1: the label 'x' is not a finite number such as 3.5");
}
