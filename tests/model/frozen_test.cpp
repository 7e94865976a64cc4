#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "bipft/model/classifier.hpp"

using namespace bipft;

// tests/golden/frozen-1.bipft was written by version 0.1.0 and is never written again:
//   bipft train data/demo-train.tsv --dev data/demo-dev.tsv -o frozen-1.bipft --layers 1
//     --hidden 64 --heads 2 --ffn 128 --max-len 24 --vocab-size 300 --epochs 2 --lr 3e-3 --batch 64
// and the logits are what `bipft run frozen-1.bipft --logits` answered that day, on x86-64. They
// are the same floats on every target and every processor; an emulated Arm is asked as well.
TEST_CASE("Model file: one of version 0.1.0 loads, and answers as it did then") {
  const Classifier model =
      Classifier::load(std::string(BIPFT_SOURCE_DIR) + "/tests/golden/frozen-1.bipft");
  CHECK(model.card().labels == std::vector<std::string>{"negative", "positive"});
  CHECK(model.card().config.vocabulary == model.tokenizer().vocabulary().size());
  struct Answer {
    std::string text;
    std::vector<float> logits;
  };
  const Answer answers[] = {{"not bad at all", {0.310772747F, 0.429239929F}},
                            {"The room was cramped.", {0.402421743F, 0.54392314F}},
                            {"", {0.289861828F, 0.383285463F}},
                            {"a [SEP] b é 日本", {0.320287824F, 0.296080977F}}};
  for (const Answer& answer : answers) {
    CAPTURE(answer.text);
    CHECK(model.predict(answer.text).logits == answer.logits);
  }
}
