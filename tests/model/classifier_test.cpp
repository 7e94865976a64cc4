#include "bipft/model/classifier.hpp"

#include <doctest/doctest.h>

#include <numeric>
#include <thread>

#include "support/toy.hpp"

using namespace bipft;

namespace {

Classifier toy(bool binary = true) {
  const std::string bytes = serialize_model(test::toy_file(binary));
  return Classifier::from_memory(std::as_bytes(std::span(bytes)));
}

}  // namespace

TEST_CASE("Classifier: text in, label and probabilities out") {
  for (const bool binary : {true, false}) {
    const Classifier model = toy(binary);
    const Prediction prediction = model.predict("a b c");
    REQUIRE(prediction.probabilities.size() == 3);
    const float total =
        std::accumulate(prediction.probabilities.begin(), prediction.probabilities.end(), 0.0F);
    CHECK(total == doctest::Approx(1.0));
    for (const float p : prediction.probabilities) {
      CHECK(p <= prediction.probabilities[prediction.label]);
    }
    CHECK(model.label(prediction) == model.card().labels[prediction.label]);
    CHECK(model.predict("a b c").logits == prediction.logits);
    CHECK(model.predict("z y x").logits != prediction.logits);
    CHECK(model.predict("a b c", "d").logits != prediction.logits);
  }
}

TEST_CASE("Classifier: any bytes at all are a text") {
  const Classifier model = toy();
  CHECK(model.predict("").probabilities.size() == 3);
  CHECK(model.predict(std::string_view("\0\xFF\xC0\x80", 4)).probabilities.size() == 3);
  CHECK(model.predict(std::string(100000, 'a')).probabilities.size() == 3);
  CHECK(model.predict(std::string(1000, ' ') + "a").logits == model.predict("a").logits);
}

TEST_CASE("Classifier: many at once are the same as one by one") {
  const Classifier model = toy();
  const std::vector<std::string> words{"a", "b c", "", "d e f g h", "z"};
  std::vector<TextPair> texts;
  for (const std::string& word : words) texts.emplace_back(word);
  const auto together = model.predict(std::span<const TextPair>(texts));
  REQUIRE(together.size() == words.size());
  for (std::size_t i = 0; i < words.size(); ++i) {
    CHECK(together[i].logits == model.predict(words[i]).logits);
  }
}

TEST_CASE("Classifier: one const model serves many threads") {
  const Classifier model = toy();
  const auto expected = model.predict("a b c").logits;
  std::vector<std::thread> workers;
  std::vector<int> wrong(16, 0);
  for (std::size_t t = 0; t < wrong.size(); ++t) {
    workers.emplace_back([&, t] {
      for (int i = 0; i < 50; ++i) wrong[t] += model.predict("a b c").logits == expected ? 0 : 1;
    });
  }
  for (std::thread& worker : workers) worker.join();
  CHECK(std::accumulate(wrong.begin(), wrong.end(), 0) == 0);
}

TEST_CASE("Classifier: embeddings are one vector a text, and pooling matters") {
  const Classifier model = toy();
  const TextPair texts[] = {TextPair("a b"), TextPair("c")};
  const auto cls = model.embed(texts, Pooling::cls);
  const auto mean = model.embed(texts, Pooling::mean);
  REQUIRE(cls.size() == 2);
  CHECK(cls[0].size() == model.card().config.hidden);
  CHECK(cls[0] != mean[0]);
  CHECK(cls[0] != cls[1]);
}

TEST_CASE("Classifier: literal special tokens are plain text, unless asked for") {
  Classifier model = toy();
  const auto plain = model.encode(TextPair("a[SEP]b")).ids;
  model.set_special(true);
  const auto special = model.encode(TextPair("a[SEP]b")).ids;
  CHECK(special == std::vector<std::int32_t>{2, 5, 3, 6, 3});
  CHECK(plain != special);
}

TEST_CASE("Classifier: a file that is missing is a broken model") {
  try {
    (void)Classifier::load("/nowhere/at/all.bipft");
    FAIL("loaded");
  } catch (const Error& error) {
    CHECK(error.fault() == Fault::model);
  }
}

TEST_CASE("Classifier: a model of numbers answers in the unit of its labels") {
  ModelFile file = test::toy_file(false);
  file.card.answer = AnswerKind::value;
  file.card.scale = {100.0F, 20.0F};
  file.card.labels = {"value"};
  file.card.config.labels = file.latent->config.labels = 1;
  for (NamedTensor& part : file.latent->tensors) {
    if (part.name == "classifier.weight") part.tensor = Tensor(Shape{1, 64}, 0.01F);
    if (part.name == "classifier.bias") part.tensor = Tensor(Shape{1}, 0.5F);
  }
  const std::string bytes = serialize_model(file);
  const Classifier model = Classifier::from_memory(std::as_bytes(std::span(bytes)));
  CHECK(model.card().answer == AnswerKind::value);
  const Prediction prediction = model.predict("a b c");
  REQUIRE(prediction.logits.size() == 1);
  CHECK(prediction.value == doctest::Approx(100 + 20 * prediction.logits[0]));
  CHECK(prediction.probabilities == std::vector<float>{1.0F});
  CHECK(model.label(prediction) == "value");

  file.card.scale.spread = 0.0F;
  const std::string broken = serialize_model(file);
  CHECK_THROWS_WITH_AS((void)Classifier::from_memory(std::as_bytes(std::span(broken))),
                       "memory: a mean of 100 and a spread of 0", Error);
}

TEST_CASE("Classifier: where a text may have several labels, each is probable for itself") {
  ModelFile file = test::toy_file();
  file.card.answer = AnswerKind::labels;
  file.card.temperature = 2.0F;
  const std::string bytes = serialize_model(file);
  const Classifier model = Classifier::from_memory(std::as_bytes(std::span(bytes)));
  const Prediction prediction = model.predict("a b c");
  for (std::size_t k = 0; k < 3; ++k) {
    const double odds = std::exp(-static_cast<double>(prediction.logits[k]) / 2);
    CHECK(prediction.probabilities[k] == doctest::Approx(1 / (1 + odds)));
  }
}
