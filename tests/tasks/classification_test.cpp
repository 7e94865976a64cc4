#include "bipft/tasks/classification.hpp"
#include "bipft/tasks/multi_label.hpp"
#include "bipft/tasks/regression.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace bipft;

TEST_CASE("Classification: any texts or pairs, with the labels that are found") {
  const std::string data = BIPFT_SOURCE_DIR "/data/";
  const Dataset texts = read_task(Classification{}, {data + "demo-dev.tsv"});
  CHECK_FALSE(texts.pairs);
  CHECK(labels_to_learn(Classification{}, texts) ==
        std::vector<std::string>{"negative", "positive"});
  const Dataset pairs = read_task(Classification{}, {data + "pairs.tsv"});
  CHECK(pairs.pairs);
  CHECK(labels_to_learn(Classification{}, pairs) == std::vector<std::string>{"different", "same"});
}

TEST_CASE("Regression and MultiLabel: any texts, with numbers or several labels") {
  const Dataset numbers =
      parse_dataset("text,label\na,1.5\nb,-2\n", "f.csv", Regression{}.layouts());
  CHECK(labels_to_learn(Regression{}, numbers) == std::vector<std::string>{"value"});
  const Dataset sets =
      parse_dataset("text,label\na,\"x,y\"\nb,y z\nc,\n", "f.csv", MultiLabel{}.layouts());
  CHECK(labels_to_learn(MultiLabel{}, sets) == std::vector<std::string>{"x", "y", "z"});
}
