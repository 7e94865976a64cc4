#include "bipft/core/ragged.hpp"

#include <doctest/doctest.h>

using namespace bipft;

TEST_CASE("Ragged: knows where texts and their scores begin") {
  Ragged texts({5, 9});
  texts.append(3);
  CHECK(texts.texts() == 3);
  CHECK(texts.tokens() == 17);
  CHECK(texts.begin(0) == 0);
  CHECK(texts.begin(1) == 5);
  CHECK(texts.begin(2) == 14);
  CHECK(texts.begin(3) == 17);
  CHECK(texts.length(1) == 9);
  CHECK(texts.pairs() == 25 + 81 + 9);
  CHECK(texts.pairs_begin(2) == 25 + 81);
  texts.clear();
  CHECK(texts.texts() == 0);
  CHECK(texts.tokens() == 0);
  CHECK(texts.pairs() == 0);
}

TEST_CASE("Ragged: a text has tokens") {
  CHECK_THROWS_WITH_AS(Ragged({4, 0}), "Ragged: a text without tokens", Error);
}
