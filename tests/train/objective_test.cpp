#include "bipft/train/objective.hpp"

#include <doctest/doctest.h>

#include "bipft/device/devices.hpp"
#include "bipft/train/fit.hpp"
#include "bipft/train/multi_label_objective.hpp"
#include "bipft/train/regress_objective.hpp"
#include "bipft/train/scores.hpp"
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

namespace {

/// What a training of the toy on `train` reaches, by `score`.
double trained(std::size_t logits, std::vector<EncodedText> train, const Score& score,
               const Trainer::Objective& objective) {
  ModelConfig config = test::toy_config(false);
  config.labels = logits;
  config.dropout = config.attention_dropout = 0;
  FitOptions options;
  options.epochs = 24;
  options.batch = 8;
  options.lr = 2e-3;
  Trainer trainer(Model(config, 1), active_device(), options, train, train, score, false,
                  objective);
  double best = -1;
  FitHooks hooks;
  hooks.on_epoch = [&](const EpochReport& report) { best = std::max(best, report.score); };
  CHECK(trainer.fit(hooks) == FitEnd::finished);
  return best;
}

}  // namespace

TEST_CASE("RegressObjective: numbers are learnt") {
  auto train = test::toy_texts(64, 1, test::toy_config(false));
  for (EncodedText& text : train) text.targets = {static_cast<float>(text.label) - 1.0F};
  CHECK(trained(1, train, ValueScore{}, RegressObjective{}) > 0.9);
  train[0].targets = {};
  CHECK_THROWS_AS((void)make_batch(train), Error);
}

TEST_CASE("MultiLabelObjective: label sets are learnt, and a label can count more") {
  const ModelConfig toy = test::toy_config(false);
  auto train = test::toy_texts(64, 1, toy);
  for (EncodedText& text : train) {
    text.targets = {text.label == 0 ? 1.0F : 0.0F, text.label != 1 ? 1.0F : 0.0F};
  }
  CHECK(trained(2, train, LabelSetScore{}, MultiLabelObjective{0.05F, {}}) > 0.9);

  ModelConfig config = toy;
  config.labels = 2;
  config.dropout = config.attention_dropout = 0;
  Model model(config, 3);
  const Batch batch = make_batch(train);
  Tape tape(active_device());
  const Outcome plain = MultiLabelObjective{}(tape, model, batch);
  const Outcome heavy = MultiLabelObjective{0.0F, {3.0F, 1.0F}}(tape, model, batch);
  CHECK(plain.loss.value().data()[0] != heavy.loss.value().data()[0]);
  CHECK(plain.right == heavy.right);
  CHECK_THROWS_AS((void)(MultiLabelObjective{0.0F, {1.0F}}(tape, model, batch)), Error);
}
