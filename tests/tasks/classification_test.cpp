#include "bipft/tasks/classification.hpp"

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
