#include "bipft/data/example.hpp"

#include <doctest/doctest.h>

using namespace bipft;

TEST_CASE("Dataset: an example's place is its file and line, as far as they are known") {
  Dataset dataset;
  CHECK(dataset.place(Example{}) == "the data");
  dataset.sources = {"a.tsv", "b.tsv"};
  CHECK(dataset.place(Example{.line = 7, .source = 1}) == "b.tsv:7");
  CHECK(dataset.place(Example{}) == "a.tsv");
}

TEST_CASE("key_of: tells apart where the text ends and the pair begins") {
  CHECK(key_of({.text = "ab", .pair = "c"}) != key_of({.text = "a", .pair = "bc"}));
  CHECK(key_of({.text = "ab", .label = "x"}) == key_of({.text = "ab", .label = "y"}));
}
