#include "bipft/tasks/bag_of_words.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "bipft/data/dataset.hpp"
#include "bipft/tasks/metrics.hpp"

using namespace bipft;

namespace {

using Ids = std::vector<std::uint32_t>;

const std::vector<Example> four{
    {.text = "A good film!"}, {.text = "bad FILM"}, {.text = "good, good"}, {.text = "a bad one"}};
const Ids mood{1, 0, 1, 0};

}  // namespace

TEST_CASE("BagOfWords: learns which words speak for which label") {
  const BagOfWords bag(four, mood, 2);
  CHECK(bag.word_count() == 7);  // a good film ! bad , one
  CHECK(bag.predict("GOOD") == 1);
  CHECK(bag.predict("really bad") == 0);
  CHECK(bag.predict("bad good good") == bag.predict("good good bad"));
  CHECK(bag.scores("good") == bag.scores("good good unseen"));
}

TEST_CASE("BagOfWords: the same words in the second text are other words") {
  const std::vector<Example> pairs{{.text = "x", .pair = "y"}, {.text = "y", .pair = "x"}};
  const BagOfWords bag(pairs, Ids{0, 1}, 2);
  CHECK(bag.word_count() == 4);
  CHECK(bag.predict("x", "y") == 0);
  CHECK(bag.predict("y", "x") == 1);
}

TEST_CASE("BagOfWords: three labels, and examples count by their weights") {
  const std::vector<Example> three{{.text = "a"}, {.text = "b"}, {.text = "c"}};
  const BagOfWords bag(three, Ids{2, 0, 1}, 3);
  CHECK(bag.predict("a") == 2);
  CHECK(bag.predict("b") == 0);
  CHECK(bag.predict("c") == 1);

  std::vector<Example> quarrel{{.text = "w"}, {.text = "w"}, {.text = "w"}};
  CHECK(BagOfWords(quarrel, Ids{0, 0, 1}, 2).predict("w") == 0);
  quarrel[2].weight = 8.0F;
  CHECK(BagOfWords(quarrel, Ids{0, 0, 1}, 2).predict("w") == 1);
}

TEST_CASE("BagOfWords: the same seed learns the same, bit for bit") {
  const BagOfWords first(four, mood, 2);
  const BagOfWords second(four, mood, 2);
  CHECK(first.scores("a good film") == second.scores("a good film"));
}

TEST_CASE("BagOfWords: empty and hostile texts are answered") {
  const BagOfWords bag(four, mood, 2);
  CHECK(bag.predict("") < 2);
  CHECK(bag.predict(std::string("\0\xFF\xC0 \t", 5)) < 2);
}

TEST_CASE("BagOfWords: what does not fit together is refused") {
  CHECK_THROWS_AS(BagOfWords(four, Ids{1, 0, 1}, 2), Error);
  CHECK_THROWS_AS(BagOfWords(four, Ids{1, 0, 1, 2}, 2), Error);
  CHECK_THROWS_AS(BagOfWords({}, {}, 2), Error);
}

TEST_CASE("demo data: labels are balanced, dev is new, and a bag of words loses visibly") {
  const std::string data = BIPFT_SOURCE_DIR "/data/";
  const Dataset train = read_dataset(data + "demo-train.tsv");
  Dataset dev = read_dataset(data + "demo-dev.tsv");
  CHECK(train.size() == 4000);
  CHECK(dev.size() == 600);
  CHECK(train.warnings.empty());
  CHECK(warn_of_overlap(train, dev) == 0);

  const std::vector<std::string> labels = labels_to_learn(train);
  const Ids truth = label_ids(dev, labels);
  const BagOfWords bag(train.examples, label_ids(train, labels), labels.size());
  CHECK(bag.word_count() < 600);
  ConfusionMatrix matrix(labels.size());
  for (std::size_t i = 0; i < dev.size(); ++i)
    matrix.add(truth[i], bag.predict(dev.examples[i].text));
  CHECK(accuracy(matrix) > 0.70);
  CHECK(accuracy(matrix) < 0.82);
  CHECK(matrix.support(0) > 270);
  CHECK(matrix.support(1) > 270);
}

TEST_CASE("pair data: 240 pairs, half of each label") {
  const Dataset pairs = read_dataset(std::string(BIPFT_SOURCE_DIR "/data/pairs.tsv"));
  CHECK(pairs.pairs);
  CHECK(pairs.size() == 240);
  const Ids ids = label_ids(pairs, labels_to_learn(pairs));
  CHECK(std::count(ids.begin(), ids.end(), 1U) == 120);
}
