#include "bipft/data/labels.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace bipft;

namespace {

Dataset labelled(const std::vector<std::string>& labels) {
  Dataset dataset;
  dataset.sources = {"f"};
  for (const std::string& label : labels) {
    dataset.examples.push_back({.text = "t", .label = label, .line = dataset.size() + 2});
  }
  return dataset;
}

using Labels = std::vector<std::string>;

}  // namespace

TEST_CASE("labels_of: distinct labels by their bytes, or by value where all are integers") {
  CHECK(labels_of(labelled({"b", "a", "b", "C"})) == Labels{"C", "a", "b"});
  CHECK(labels_of(labelled({"10", "9", "-1", "10"})) == Labels{"-1", "9", "10"});
  CHECK(labels_of(labelled({"10", "9", "x"})) == Labels{"10", "9", "x"});
  CHECK(labels_of(labelled({"2", "1.5", "10"})) == Labels{"1.5", "10", "2"});
  CHECK(labels_of(labelled({})).empty());
}

TEST_CASE("labels_to_learn: one label alone is refused by name") {
  CHECK_THROWS_WITH_AS((void)labels_to_learn(labelled({"x", "x"})),
                       "f: every one of the 2 examples has the label 'x'; a classifier needs at "
                       "least two labels. Is --label the right column?",
                       Error);
  CHECK_THROWS_AS((void)labels_to_learn(labelled({})), Error);
  CHECK(labels_to_learn(labelled({"x", "y"})).size() == 2);
}

TEST_CASE("label_ids: indices into the list; an unknown label is named with its place") {
  CHECK(label_ids(labelled({"b", "a", "b"}), {"a", "b"}) == std::vector<std::uint32_t>{1, 0, 1});
  CHECK_THROWS_WITH_AS((void)label_ids(labelled({"a", "neutral"}), {"a", "b"}),
                       "f:3: the label 'neutral' is unknown; the known labels are 'a', 'b'", Error);
}

TEST_CASE("warn_of_similar_labels: labels that differ by case or blanks alone are pointed out") {
  Dataset dataset = labelled({"Good", "bad", "good", "bad ", "ok"});
  warn_of_similar_labels(dataset);
  REQUIRE(dataset.warnings.size() == 2);
  CHECK(dataset.warnings[0] ==
        "f: the labels 'bad' and 'bad ' differ by blanks alone; they count as two");
  CHECK(dataset.warnings[1] ==
        "f: the labels 'Good' and 'good' differ by case alone; they count as two");

  Dataset many;
  for (char c = 'a'; c <= 'z'; ++c) {
    many.examples.push_back({.label = std::string(1, c)});
    many.examples.push_back({.label = std::string(1, c) + ' '});
  }
  warn_of_similar_labels(many);
  CHECK(many.warnings.size() == 9);
  CHECK(many.warnings.back() == "and 18 more labels like these");
}

TEST_CASE("warn_of_overlap: counts dev texts that were learnt, whatever their label") {
  Dataset train = labelled({"x", "y"});
  train.examples[0].text = "same";
  Dataset dev = labelled({"x", "y", "y"});
  dev.examples[0].text = "new";
  dev.examples[1].text = "same";
  dev.examples[2].text = "same";
  CHECK(warn_of_overlap(train, dev) == 2);
  REQUIRE(dev.warnings.size() == 1);
  CHECK(dev.warnings[0] == "f:3: 2 of the 3 texts, this one first, are also in the training data");
  dev.examples.resize(1);
  dev.warnings.clear();
  CHECK(warn_of_overlap(train, dev) == 0);
  CHECK(dev.warnings.empty());
}

namespace {

Dataset several(const std::vector<std::string>& labels) {
  Dataset dataset = labelled(labels);
  dataset.answer = AnswerKind::labels;
  return dataset;
}

}  // namespace

TEST_CASE("split_labels: blanks and commas part, however many") {
  CHECK(split_labels(" a, b\tc,,d ") == std::vector<std::string_view>{"a", "b", "c", "d"});
  CHECK(split_labels(" , ").empty());
}

TEST_CASE("label_sets: several labels a text, each once, or none") {
  const Dataset dataset = several({"b a", "", "c,a,a"});
  const std::vector<std::string> labels = labels_to_learn(dataset);
  CHECK(labels == std::vector<std::string>{"a", "b", "c"});
  using Sets = std::vector<std::vector<std::uint32_t>>;
  CHECK(label_sets(dataset, labels) == Sets{{0, 1}, {}, {0, 2}});
  CHECK_THROWS_WITH_AS((void)label_sets(dataset, {"a", "b"}),
                       doctest::Contains("the label 'c' is unknown; the known labels are 'a', 'b'"),
                       Error);
}

TEST_CASE(
    "labels_to_learn: of several labels there is nothing to learn where all texts are alike") {
  CHECK_THROWS_WITH_AS((void)labels_to_learn(several({"a b", "b,a"})),
                       doctest::Contains("every one of the 2 examples has all labels"), Error);
  CHECK_THROWS_WITH_AS((void)labels_to_learn(several({"", " "})),
                       doctest::Contains("every one of the 2 examples has no label"), Error);
  CHECK(labels_to_learn(several({"a", ""})) == std::vector<std::string>{"a"});
}

TEST_CASE("labels_to_learn: numbers have one name, and none of them is like another") {
  Dataset dataset = labelled({"1", "1 ", "2"});
  dataset.answer = AnswerKind::value;
  CHECK(labels_to_learn(dataset) == std::vector<std::string>{"value"});
  warn_of_similar_labels(dataset);
  CHECK(dataset.warnings.empty());
}
