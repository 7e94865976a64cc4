#include "bipft/train/fit.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <limits>

#include "bipft/core/parallel.hpp"
#include "bipft/device/devices.hpp"
#include "bipft/ops/losses.hpp"
#include "bipft/tasks/metrics.hpp"
#include "bipft/train/adamw.hpp"
#include "bipft/train/checkpoint.hpp"
#include "bipft/train/clip.hpp"
#include "support/counting_allocator.hpp"
#include "support/lessons.hpp"
#include "support/toy.hpp"

using namespace bipft;

namespace {

const Score accuracy_score = [](std::span<const std::vector<float>> logits,
                                std::span<const EncodedText> texts) {
  std::size_t right = 0;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    const auto best = std::max_element(logits[i].begin(), logits[i].end()) - logits[i].begin();
    if (best == texts[i].label) ++right;
  }
  return static_cast<double>(right) / static_cast<double>(texts.size());
};

/// The bytes of the model that a training ends with.
std::string result_of(Trainer& trainer) {
  ModelFile file{{}, test::toy_vocabulary(), {}, {}, {}, 0};
  file.card.config = trainer.model().config;
  file.card.labels = {"low", "middle", "high"};
  const Snapshot best = trainer.result();
  file.packed = best.packed;
  file.latent = best.latent;
  file.card.kind = best.packed ? (best.latent ? "trainable" : "packed") : "float";
  return serialize_model(file);
}

}  // namespace

TEST_CASE("fit: a float model learns what a toy has to teach") {
  const ModelConfig config = test::toy_config(false);
  const auto train = test::toy_texts(300, 1, config);
  const auto dev = test::toy_texts(60, 2, config);
  FitOptions options = test::lessons();
  options.epochs = 8;
  Trainer trainer(Model(config, 1), active_device(), options, train, dev, accuracy_score);
  double last = 0;
  FitHooks hooks;
  hooks.on_epoch = [&](const EpochReport& report) { last = report.score; };
  CHECK(trainer.fit(hooks) == FitEnd::finished);
  CHECK(last > 0.8);
  CHECK(trainer.state().best_score >= last);
}

TEST_CASE("fit: one training gives one sequence of bytes on any number of threads") {
  for (const bool binary : {true, false}) {
    const ModelConfig config = test::toy_config(binary);
    const auto train = test::toy_texts(60, 1, config);
    const auto dev = test::toy_texts(20, 2, config);
    const std::size_t before = threads();
    std::string first;
    for (const std::size_t count : {1U, 2U, 3U, 7U}) {
      set_threads(count);
      Trainer trainer(Model(config, 1), active_device(), test::lessons(), train, dev,
                      accuracy_score, true);
      (void)trainer.fit({});
      const std::string bytes = result_of(trainer);
      if (first.empty()) first = bytes;
      CHECK(bytes == first);
    }
    set_threads(before);
    FitOptions other = test::lessons();
    other.seed = 6;
    Trainer trainer(Model(config, 1), active_device(), other, train, dev, accuracy_score, true);
    (void)trainer.fit({});
    CHECK(result_of(trainer) != first);
  }
}

TEST_CASE(
    "fit: interrupted after any step and resumed from its checkpoint, the bytes are the same") {
  const std::string path =
      (std::filesystem::temp_directory_path() / "bipft-fit-test.ckpt").string();
  for (const bool binary : {true, false}) {
    const ModelConfig config = test::toy_config(binary);
    const auto train = test::toy_texts(50, 1, config);  // 7 steps an epoch, the last one short
    const auto dev = test::toy_texts(20, 2, config);
    ModelCard card;
    card.config = config;
    card.labels = {"low", "middle", "high"};
    Trainer whole(Model(config, 1), active_device(), test::lessons(), train, dev, accuracy_score,
                  !binary);
    (void)whole.fit({});
    const std::string expected = result_of(whole);

    for (const std::size_t stop : {1U, 6U, 7U, 8U, 13U, 20U}) {
      CAPTURE(stop);
      {
        Trainer trainer(Model(config, 1), active_device(), test::lessons(), train, dev,
                        accuracy_score, !binary);
        FitHooks hooks;
        hooks.should_stop = [&] { return trainer.state().step == stop; };
        REQUIRE(trainer.fit(hooks) == FitEnd::interrupted);
        save_checkpoint(path, trainer, card, test::toy_vocabulary());
      }
      Trainer resumed(Model(config, 99), active_device(), test::lessons(), train, dev,
                      accuracy_score, !binary);
      const Checkpoint checkpoint(path);
      checkpoint.expect(card.train, config);
      checkpoint.restore(resumed);
      CHECK(resumed.state().step == stop);
      CHECK(resumed.fit({}) == FitEnd::finished);
      CHECK(result_of(resumed) == expected);
    }
  }
  std::filesystem::remove(path);
}

TEST_CASE("fit: a checkpoint of other data or options is refused, and says what differs") {
  const std::string path =
      (std::filesystem::temp_directory_path() / "bipft-fit-test2.ckpt").string();
  const ModelConfig config = test::toy_config();
  const auto train = test::toy_texts(10, 1, config);
  ModelCard card;
  card.config = config;
  card.labels = {"low", "middle", "high"};
  card.train.set("lr", 0.5).set("data", "abc");
  Trainer trainer(Model(config, 1), active_device(), test::lessons(), train, {}, accuracy_score);
  save_checkpoint(path, trainer, card, test::toy_vocabulary());
  Json other = Json::object();
  other.set("lr", 0.25).set("data", "abc");
  try {
    Checkpoint(path).expect(other, config);
    FAIL("accepted");
  } catch (const Error& error) {
    CHECK(error.fault() == Fault::usage);
    CHECK(std::string(error.what()).find("lr: 0.25 was 0.5") != std::string::npos);
  }
  CHECK_THROWS_AS((void)load_model(path), Error);  // a checkpoint is not a model
  std::filesystem::remove(path);
}

TEST_CASE("fit: a learning rate beyond reason ends as a divergence, not as numbers that are none") {
  const ModelConfig config = test::toy_config(false);
  const auto train = test::toy_texts(60, 1, config);
  for (const double lr : {1e3, 1e30}) {
    CAPTURE(lr);
    FitOptions options = test::lessons();
    options.lr = lr;
    options.warmup = 0;
    options.epochs = 30;
    options.clip = 0;
    Trainer trainer(Model(config, 1), active_device(), options, train, {}, accuracy_score);
    try {
      (void)trainer.fit({});
      FAIL("it went on");
    } catch (const Error& error) {
      CHECK(error.fault() == Fault::diverged);
    }
  }
}

TEST_CASE("fit: patience ends a training that does not get better, and the best model is kept") {
  const ModelConfig config = test::toy_config(false);
  const auto train = test::toy_texts(40, 1, config);
  const auto dev = test::toy_texts(10, 2, config);
  FitOptions options = test::lessons();
  options.epochs = 50;
  options.patience = 2;
  std::size_t asked = 0;
  const Score falling = [&asked](std::span<const std::vector<float>>,
                                 std::span<const EncodedText>) {
    return 1.0 / static_cast<double>(++asked);
  };
  Trainer trainer(Model(config, 1), active_device(), options, train, dev, falling);
  CHECK(trainer.fit({}) == FitEnd::finished);
  CHECK(asked == 3);
  CHECK(trainer.state().best_epoch == 1);
}

TEST_CASE("fit: a step of a shape seen before takes no tensor from the system") {
  if (!test::counts_allocations()) return;
  const std::size_t before = threads();
  set_threads(1);
  ModelConfig config = test::toy_config(true);
  Model model(config, 3);
  const Batch batch = make_batch(test::toy_texts(200, 1, config));
  AdamW optimizer(active_device(), model);
  const auto step = [&](std::uint64_t t) {
    {
      Tape tape(active_device());
      tape.set_random(1, t);
      tape.backward(cross_entropy(model(tape, batch), batch.labels, batch.weights));
    }
    optimizer.step(1e-3F, clip_scale(gradient_norm(active_device(), model), 1.0));
  };
  step(1);
  step(2);
  const std::size_t mark = test::allocation_mark();
  step(3);
  // Closures, names and ids; one tensor of hidden states is more than that.
  const std::size_t hidden = batch.texts.tokens() * config.hidden * sizeof(float);
  CHECK(test::allocated_peak_since(mark) < hidden / 2);
  CHECK(hidden > 200'000);
  set_threads(before);
}
