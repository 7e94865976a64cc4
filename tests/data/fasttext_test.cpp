#include "bipft/data/fasttext.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace bipft;

TEST_CASE("parse_fasttext: a label, then the text") {
  const Dataset dataset = parse_fasttext(
      "__label__good a fine  film\n\n  __label__bad\tan awful one \r\n__label__empty\n", "f");
  REQUIRE(dataset.size() == 3);
  CHECK(dataset.examples[0].label == "good");
  CHECK(dataset.examples[0].text == "a fine  film");
  CHECK(dataset.examples[1].label == "bad");
  CHECK(dataset.examples[1].text == "an awful one ");
  CHECK(dataset.examples[1].line == 3);
  CHECK(dataset.examples[2].text == "");
}

TEST_CASE("parse_fasttext: the prefix can be another") {
  CHECK(parse_fasttext("#x text", "f", {.label_prefix = "#"}).examples[0].label == "x");
}

TEST_CASE("parse_fasttext: no label, an empty one and a second one are refused with their place") {
  CHECK_THROWS_WITH_AS((void)parse_fasttext("__label__a b\n  c\n", "f"),
                       "f:2:3: no label; a line begins with __label__NAME", Error);
  CHECK_THROWS_WITH_AS((void)parse_fasttext("__label__ b\n", "f"), "f:1:1: the label is empty",
                       Error);
  CHECK_THROWS_WITH_AS((void)parse_fasttext("__label__a __label__b c\n", "f"),
                       "f:1:12: a second label; --multi-label reads several labels a text", Error);
}

TEST_CASE("parse_fasttext: several labels, where several are wanted") {
  const Dataset dataset = parse_fasttext("__label__a  __label__b c __label__d\n__label__a\n", "f",
                                         {.answer = AnswerKind::labels});
  CHECK(dataset.examples[0].label == "a b");
  CHECK(dataset.examples[0].text == "c __label__d");
  CHECK(dataset.examples[1].label == "a");
  CHECK(dataset.examples[1].text.empty());
  CHECK_THROWS_WITH_AS((void)parse_fasttext("__label__x c\n", "f", {.answer = AnswerKind::value}),
                       "f:1:1: the label 'x' is not a finite number such as 3.5", Error);
}
