#include "bipft/train/objective.hpp"

#include <doctest/doctest.h>

#include "bipft/device/devices.hpp"
#include "bipft/train/fit.hpp"
#include "support/toy.hpp"

using namespace bipft;

TEST_CASE("count_right: the first of equal numbers counts") {
  const Tensor logits(Shape{3, 2}, std::vector<float>{1, 0, 0, 1, 2, 2});
  CHECK(count_right(logits, IdTensor(Shape{3}, std::vector<std::int32_t>{0, 1, 0})) == 3);
  CHECK(count_right(logits, IdTensor(Shape{3}, std::vector<std::int32_t>{1, 1, 1})) == 1);
}

TEST_CASE("ClassifyObjective: is the cross-entropy of the model's logits") {
  const ModelConfig config = test::toy_config(true);
  Model model(config, 3);
  const Batch batch = make_batch(test::toy_texts(9, 1, config));
  for (const float smoothing : {0.0F, 0.25F}) {
    Tape one(active_device());
    Tape other(active_device());
    const Outcome outcome = ClassifyObjective{smoothing}(one, model, batch);
    const Var logits = model(other, batch);
    const Var loss = cross_entropy(logits, batch.labels, batch.weights, smoothing);
    CHECK(outcome.loss.value().data()[0] == loss.value().data()[0]);
    CHECK(outcome.right == count_right(logits.value(), batch.labels));
  }
}

TEST_CASE("fit: makes small what its objective says") {
  const ModelConfig config = test::toy_config(false);
  const auto train = test::toy_texts(64, 1, config);
  std::size_t asked = 0;
  const Trainer::Objective towards_zero = [&asked](Tape& tape, Model& model, const Batch& batch) {
    ++asked;
    const Var logits = model(tape, batch);
    const IdTensor first(Shape{batch.texts.texts()});
    return Outcome{cross_entropy(logits, first, batch.weights), count_right(logits.value(), first)};
  };
  FitOptions options;
  options.epochs = 6;
  options.batch = 16;
  options.lr = 2e-3;
  Trainer trainer(Model(config, 1), active_device(), options, train, {}, {}, false, towards_zero);
  double accuracy = 0;
  FitHooks hooks;
  hooks.on_epoch = [&](const EpochReport& report) { accuracy = report.accuracy; };
  CHECK(trainer.fit(hooks) == FitEnd::finished);
  CHECK(asked == 24);
  CHECK(accuracy == 1.0);
}
