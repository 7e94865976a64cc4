#include "bipft/train/distill_objective.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "bipft/core/parallel.hpp"
#include "bipft/device/devices.hpp"
#include "bipft/model/network.hpp"
#include "bipft/train/checkpoint.hpp"
#include "bipft/train/fit.hpp"
#include "support/lessons.hpp"
#include "support/toy.hpp"

using namespace bipft;

namespace {

/// A float teacher of the toy's shape, or of another.
std::shared_ptr<Model> teacher_model(std::size_t layers = 2, std::size_t hidden = 64) {
  ModelConfig config = test::toy_config(false);
  config.layers = layers;
  config.hidden = hidden;
  return std::make_shared<Model>(config, 7);
}

std::string latent_of(Model& model, Scaffold& scaffold) {
  std::string bytes;
  const auto add = [&](const std::string&, const Parameter& p) {
    const auto data = std::as_bytes(p.value.data());
    bytes.append(reinterpret_cast<const char*>(data.data()), data.size());
  };
  for_each<Parameter>(model, add);
  for_each<Parameter>(scaffold, add);
  return bytes;
}

}  // namespace

TEST_CASE("state_to_learn_from: first from first, last from last, the rest evenly") {
  for (std::size_t l = 0; l <= 6; ++l) CHECK(state_to_learn_from(l, 6, 6) == l);
  const std::size_t skipping[] = {0, 3, 6, 9, 12};
  for (std::size_t l = 0; l <= 4; ++l) CHECK(state_to_learn_from(l, 4, 12) == skipping[l]);
  const std::size_t repeating[] = {0, 1, 1, 2, 2};
  for (std::size_t l = 0; l <= 4; ++l) CHECK(state_to_learn_from(l, 4, 2) == repeating[l]);
}

TEST_CASE("DistillObjective: is the sum of what its equation says") {
  const auto teacher = teacher_model();
  Model student(test::toy_config(true), 3);
  const Batch batch = make_batch(test::toy_texts(9, 1, student.config));
  DistillObjective objective{.teacher = teacher_of(teacher), .temperature = 2.0F};
  for (const float hard : {0.0F, 0.5F}) {
    objective.hard_labels = hard;
    Tape one(active_device());
    const Outcome outcome = objective(one, student, batch);

    Tape quiet(active_device(), Tape::Mode::inference);
    const auto theirs = teacher->hidden_states(quiet, batch);
    const Tensor their_logits = teacher->classify(theirs.back(), batch.texts).value();
    Tape other(active_device());
    const auto ours = student.hidden_states(other, batch);
    const Var logits = student.classify(ours.back(), batch.texts);
    double expected =
        static_cast<double>(soft_cross_entropy(logits, their_logits, 2.0F).value().data()[0]);
    for (std::size_t l = 0; l < ours.size(); ++l) {
      expected +=
          static_cast<double>(mean_squared_error(ours[l], theirs[l].value()).value().data()[0]);
    }
    if (hard > 0) {
      expected += 0.5 * static_cast<double>(
                            cross_entropy(logits, batch.labels, batch.weights).value().data()[0]);
    }
    CHECK(static_cast<double>(outcome.loss.value().data()[0]) ==
          doctest::Approx(expected).epsilon(1e-6));
    CHECK(outcome.right == count_right(logits.value(), batch.labels));
    one.backward(outcome.loss);
    CHECK_FALSE(student.classifier.weight.grad.empty());
    for_each<Parameter>(*teacher,
                        [](const std::string&, const Parameter& p) { CHECK(p.grad.empty()); });
    for_each<Parameter>(student, [](const std::string&, Parameter& p) { p.clear_grad(); });
  }
}

TEST_CASE("DistillObjective: by directions it is the sum of BiBERT's equation") {
  const auto distance = [](const Tensor& x, const Tensor& y) {
    double xx = 0, yy = 0, sum = 0;
    for (const float value : x.data()) xx += double{value} * double{value};
    for (const float value : y.data()) yy += double{value} * double{value};
    for (std::size_t i = 0; i < x.numel(); ++i) {
      const double apart =
          double{x.data()[i]} / std::sqrt(xx) - double{y.data()[i]} / std::sqrt(yy);
      sum += apart * apart;
    }
    return std::sqrt(sum);
  };
  for (const std::size_t layers : {1U, 2U, 3U}) {
    CAPTURE(layers);
    const auto teacher = teacher_model(layers);
    Model student(test::toy_bibert_config(), 3);
    const Batch batch = make_batch(test::toy_texts(9, 1, student.config));
    const DistillObjective objective{.teacher = teacher_of(teacher, Telling::attention),
                                     .hard_labels = 0.5F,
                                     .directions = true};
    Tape one(active_device());
    const Outcome outcome = objective(one, student, batch);

    Tape quiet(active_device(), Tape::Mode::inference);
    std::vector<AttentionInputs> their_inputs, our_inputs;
    const auto theirs = teacher->hidden_states(quiet, batch, &their_inputs);
    const Tensor their_logits = teacher->classify(theirs.back(), batch.texts).value();
    Tape other(active_device());
    const auto ours = student.hidden_states(other, batch, &our_inputs);
    const Var logits = student.classify(ours.back(), batch.texts);
    const Var soft = soft_cross_entropy(logits, their_logits, 1.0F);
    const Var hard = cross_entropy(logits, batch.labels, batch.weights);
    double expected = double{soft.value().data()[0]} + 0.5 * double{hard.value().data()[0]};
    for (std::size_t l = 0; l < ours.size(); ++l) {
      expected += distance(ours[l].value(), theirs[state_to_learn_from(l, 2, layers)].value());
    }
    for (std::size_t l = 0; l < 2; ++l) {
      const std::size_t from = layers == 3 && l == 0 ? 1 : layers == 3 ? 2 : layers == 2 ? l : 0;
      for (Var AttentionInputs::*const part :
           {&AttentionInputs::query, &AttentionInputs::key, &AttentionInputs::value}) {
        expected += distance(relation(our_inputs[l].*part, batch.texts, 2).value(),
                             relation(their_inputs[from].*part, batch.texts, 2).value());
      }
    }
    CHECK(static_cast<double>(outcome.loss.value().data()[0]) ==
          doctest::Approx(expected).epsilon(1e-5));
    one.backward(outcome.loss);
    CHECK_FALSE(student.classifier.weight.grad.empty());
  }
}

TEST_CASE("DistillObjective: a single logit follows the teacher's") {
  ModelConfig config = test::toy_config(false);
  config.labels = 1;
  const auto teacher = std::make_shared<Model>(config, 7);
  ModelConfig binary = test::toy_config(true);
  binary.labels = 1;
  Model student(binary, 3);
  Batch batch = make_batch(test::toy_texts(9, 1, student.config));
  Tape tape(active_device());
  const DistillObjective objective{.teacher = teacher_of(teacher), .one_label = false};
  tape.backward(objective(tape, student, batch).loss);
  const Tensor& grad = student.classifier.weight.grad;
  CHECK(active_device().dot(grad, grad) > 0);
}

TEST_CASE("DistillObjective: a student of another shape, resumed from its checkpoint: same bytes") {
  const std::string path =
      (std::filesystem::temp_directory_path() / "bipft-distill-test.ckpt").string();
  const ModelConfig config = test::toy_config(true);
  const auto teacher = teacher_model(3, 96);
  const auto train = test::toy_texts(50, 1, config);
  ModelCard card;
  card.config = config;
  card.labels = {"low", "middle", "high"};
  for (const char* optimizer : {"adamw", "bertadam"}) {
    FitOptions options = test::lessons();
    options.optimizer = optimizer;
    options.scale_lr = 1e-2;
    const auto make = [&](std::uint64_t seed) {
      const auto scaffold = make_scaffold(config.hidden, 96, seed);
      REQUIRE(scaffold->projection);
      return std::make_unique<Trainer>(
          Model(config, seed), active_device(), options, train, std::span<const EncodedText>(),
          Score(), true, DistillObjective{.teacher = teacher_of(teacher), .scaffold = scaffold},
          scaffold);
    };
    const std::size_t before = threads();
    std::string expected;
    for (const std::size_t count : {1U, 3U}) {
      set_threads(count);
      const auto whole = make(1);
      (void)whole->fit({});
      const std::string bytes = latent_of(whole->model(), whole->scaffold());
      if (expected.empty()) expected = bytes;
      CHECK(bytes == expected);
    }
    set_threads(before);
    for (const std::size_t stop : {1U, 7U, 13U}) {
      {
        const auto trainer = make(1);
        FitHooks hooks;
        hooks.should_stop = [&] { return trainer->state().step == stop; };
        REQUIRE(trainer->fit(hooks) == FitEnd::interrupted);
        save_checkpoint(path, *trainer, card, test::toy_vocabulary());
      }
      const auto resumed = make(99);
      Checkpoint(path).restore(*resumed);
      (void)resumed->fit({});
      CHECK(latent_of(resumed->model(), resumed->scaffold()) == expected);
    }
  }
  std::filesystem::remove(path);
}

TEST_CASE("DistillObjective: learns without labels, from a teacher with a vocabulary of its own") {
  const ModelConfig config = test::toy_config(false);
  const auto train = test::toy_texts(64, 1, config);
  // This teacher says that texts of even number are "low" and others "high".
  Tensor logits(Shape{train.size(), 3});
  for (std::size_t i = 0; i < train.size(); ++i) {
    logits.mutable_row(i)[i % 2 == 0 ? 0 : 2] = 8.0F;
  }
  FitOptions options = test::lessons();
  options.epochs = 30;
  Trainer trainer(Model(config, 1), active_device(), options, train, {}, {}, false,
                  DistillObjective{.teacher = teacher_of_logits(logits)});
  (void)trainer.fit({});
  const Network network(*trainer.result().latent, active_device());
  const auto learnt = network.logits(train);
  std::size_t right = 0;
  for (std::size_t i = 0; i < train.size(); ++i) {
    const auto best = std::max_element(learnt[i].begin(), learnt[i].end()) - learnt[i].begin();
    if (best == (i % 2 == 0 ? 0 : 2)) ++right;
  }
  CHECK(right > 56);
}
