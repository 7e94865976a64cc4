#include "bipft/data/split.hpp"

#include <doctest/doctest.h>

#include <set>
#include <string>

using namespace bipft;

namespace {

/// `rows` different texts, every fourth of the label "rare".
Dataset texts(std::size_t rows) {
  Dataset dataset;
  dataset.sources = {"f"};
  for (std::size_t i = 0; i < rows; ++i) {
    dataset.examples.push_back(
        {.text = concat("text ", i), .label = i % 4 == 0 ? "rare" : "common", .line = i + 2});
  }
  return dataset;
}

std::size_t count(const Dataset& dataset, std::string_view label) {
  std::size_t found = 0;
  for (const Example& example : dataset.examples) found += example.label == label ? 1U : 0U;
  return found;
}

}  // namespace

TEST_CASE("split_dataset: takes the fraction of every label, and loses nothing") {
  const Split split = split_dataset(texts(400), 0.1, 1);
  CHECK(count(split.dev, "rare") == 10);
  CHECK(count(split.dev, "common") == 30);
  CHECK(split.train.size() == 360);
  std::set<std::string> all;
  std::size_t last = 0;
  for (const Example& example : split.dev.examples) {
    CHECK(example.line > last);  // the file's order
    last = example.line;
    all.insert(example.text);
  }
  for (const Example& example : split.train.examples) all.insert(example.text);
  CHECK(all.size() == 400);
}

TEST_CASE("split_dataset: the seed alone decides") {
  const auto first = [](std::uint64_t seed) {
    std::string lines;
    for (const Example& example : split_dataset(texts(100), 0.2, seed).dev.examples) {
      lines += concat(example.line, ' ');
    }
    return lines;
  };
  CHECK(first(1) == first(1));
  CHECK(first(1) != first(2));
}

TEST_CASE("split_dataset: examples that say the same stay on one side") {
  Dataset dataset = texts(400);
  for (std::size_t i = 0; i < 400; ++i) dataset.examples[i].text = concat("text ", i / 3);
  const Split split = split_dataset(dataset, 0.25, 3);
  Dataset dev = split.dev;
  CHECK(warn_of_overlap(split.train, dev) == 0);
  CHECK(dev.size() > 80);
  CHECK(dev.size() < 110);
}

TEST_CASE("split_dataset: every label stays in train") {
  Dataset dataset = texts(8);
  dataset.examples[5].label = "once";
  const Split split = split_dataset(dataset, 0.9, 1);
  CHECK(count(split.train, "once") == 1);
  CHECK(count(split.train, "rare") == 1);
  CHECK(count(split.train, "common") >= 1);
}

TEST_CASE("split_dataset: a fraction out of range and an empty dev are refused") {
  CHECK_THROWS_AS((void)split_dataset(texts(10), 0.0, 1), Error);
  CHECK_THROWS_AS((void)split_dataset(texts(10), 1.0, 1), Error);
  CHECK_THROWS_AS((void)split_dataset(texts(10), std::nan(""), 1), Error);
  try {
    (void)split_dataset(texts(4), 0.1, 1);
    FAIL("accepted");
  } catch (const Error& error) {
    CHECK(error.fault() == Fault::data);
  }
}

TEST_CASE("split_dataset: numbers are split from the lowest to the highest, however few equal") {
  for (const std::size_t rows : {400U, 40U, 12U}) {
    Dataset dataset = texts(rows);
    dataset.answer = AnswerKind::value;
    for (std::size_t i = 0; i < rows; ++i) dataset.examples[i].label = concat((i * 7) % rows);
    const Split split = split_dataset(dataset, 0.1, 1);
    CHECK(split.dev.answer == AnswerKind::value);
    CHECK(split.dev.size() >= rows / 10);
    CHECK(split.train.size() + split.dev.size() == rows);
    std::set<std::size_t> tenths;
    for (const double value : values_of(split.dev)) {
      tenths.insert(static_cast<std::size_t>(value) * 10 / rows);
    }
    CHECK(tenths.size() == std::min<std::size_t>(10, split.dev.size()));
  }
}

TEST_CASE("split_dataset: texts with several labels are split as they come") {
  Dataset dataset = texts(100);
  dataset.answer = AnswerKind::labels;
  for (std::size_t i = 0; i < 100; ++i) dataset.examples[i].label = concat("a b", i);
  const Split split = split_dataset(dataset, 0.1, 1);
  CHECK(split.dev.size() == 10);
  CHECK(split.train.size() == 90);
}
