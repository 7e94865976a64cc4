#include "bipft/train/pretrain_exam.hpp"

#include <doctest/doctest.h>

#include <cstddef>
#include <memory>
#include <vector>

#include "bipft/device/devices.hpp"
#include "bipft/train/fit.hpp"
#include "support/pretraining_toy.hpp"
#include "support/toy.hpp"

using namespace bipft;

namespace {

ModelConfig examinee_config(bool binary) {
  ModelConfig config = test::toy_config(binary);
  config.labels = 0;
  return config;
}

}  // namespace

TEST_CASE("examine: means over words, pairs and tokens, whatever the batches") {
  const test::TemporaryFolder folder;
  const PretrainLosses losses{true, true, false, true};
  const PretrainObjective objective{
      losses, pretraining_teacher(std::make_shared<Model>(examinee_config(false), 7)),
      make_pretrain_scaffold(losses, examinee_config(true), 64, 3)};
  Model model(examinee_config(true), 3);
  {
    Tape tape(active_device());
    (void)objective(tape, model, test::toy_batches(folder)(0));  // finds scales
  }
  const auto corpora = test::toy_corpora(folder, 120);
  const auto vocabulary = std::make_shared<const Vocabulary>(test::toy_vocabulary());
  const auto by = [&](std::size_t batch) {
    return examine(active_device(), model, objective,
                   PretrainingBatches(corpora, vocabulary, {}, batch), 30);
  };
  const PretrainFigures whole = by(30);
  const PretrainFigures parts = by(7);  // the last batch has two pieces
  CHECK(whole.tokens == parts.tokens);
  CHECK(*whole.words_loss == doctest::Approx(*parts.words_loss).epsilon(1e-5));
  CHECK(*whole.next_loss == doctest::Approx(*parts.next_loss).epsilon(1e-5));
  CHECK(*whole.taught_hidden == doctest::Approx(*parts.taught_hidden).epsilon(1e-5));
  CHECK(*whole.words_accuracy == *parts.words_accuracy);
  CHECK(*whole.next_accuracy == *parts.next_accuracy);
  CHECK(*whole.dead_channels == *parts.dead_channels);
  CHECK_FALSE(whole.taught_next.has_value());

  const Batch batch = PretrainingBatches(corpora, vocabulary, {}, 30)(0);
  Tape tape(active_device(), Tape::Mode::inference);
  const PretrainTerms terms = objective.terms_of(tape, model, batch, true);
  CHECK(*whole.words_loss == static_cast<double>(terms.words->value().data()[0]));
  CHECK(*whole.words_accuracy == doctest::Approx(static_cast<double>(terms.words_right) /
                                                 static_cast<double>(batch.masked.numel())));
  CHECK(*whole.next_accuracy == doctest::Approx(static_cast<double>(terms.next_right) / 30));
}

TEST_CASE("examine: a model that learnt a text's sense finds words that it did not see") {
  const test::TemporaryFolder folder;
  const PretrainLosses losses{true, false, false, false};
  const PretrainObjective objective{
      losses, {}, make_pretrain_scaffold(losses, examinee_config(false), 64, 3)};
  FitOptions options;
  options.steps = 300;
  options.lr = 2e-3;
  const auto vocabulary = std::make_shared<const Vocabulary>(test::toy_vocabulary());
  const PieceForm form{.pairs = false};
  const PretrainingBatches batches(test::toy_corpora(folder, 400), vocabulary, form, 16);
  Trainer trainer(Model(examinee_config(false), 3), active_device(), options, Course{100, batches},
                  false, objective, objective.scaffold);
  const test::TemporaryFolder elsewhere;
  const PretrainingBatches dev(test::toy_corpora(elsewhere, 100, 9), vocabulary, form, 16);
  const auto accuracy = [&] {
    return *examine(active_device(), trainer.model(), objective, dev, 30).words_accuracy;
  };
  CHECK(accuracy() < 0.2);
  (void)trainer.fit({});
  CHECK(accuracy() > 0.4);
}

TEST_CASE("DeadChannels: those whose bit never changes") {
  Model model(examinee_config(true), 3);
  const std::size_t channels = model.config.hidden;
  const auto kill = [&](LinearLayer& layer, std::size_t count) {
    auto& sign = std::get<ElasticSign>(std::get<BinaryLinear>(layer).input);
    const auto shift = sign.shift.value.mutable_data();
    for (std::size_t c = 0; c < count; ++c) shift[c] = c % 2 == 0 ? 1e6F : -1e6F;
  };
  kill(model.layers[0].attention.query, 6);
  kill(model.layers[1].attention.value, 3);
  DeadChannels dead;
  CHECK(dead.share() == 0.0);
  Tape tape(active_device(), Tape::Mode::inference);
  for (const std::size_t half : {0U, 1U}) {
    Tensor hidden(Shape{2, channels}, half == 0 ? 1.0F : -1.0F);
    const std::vector<Var> states(3, tape.constant(hidden));
    dead.see(model, states);
    const double expected = half == 0 ? 1.0 : 9.0 / static_cast<double>(6 * channels);
    CHECK(dead.share() == doctest::Approx(expected));
  }
}
