#include "bipft/train/pretrain_objective.hpp"

#include <doctest/doctest.h>

#include <cstddef>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "bipft/core/parallel.hpp"
#include "bipft/device/devices.hpp"
#include "bipft/nn/mlm_head.hpp"
#include "bipft/ops/embedding.hpp"
#include "bipft/train/checkpoint.hpp"
#include "bipft/train/fit.hpp"
#include "support/devices.hpp"
#include "support/grad_check.hpp"
#include "support/pretraining_toy.hpp"
#include "support/random_tensor.hpp"
#include "support/toy.hpp"

using namespace bipft;

namespace {

constexpr PretrainLosses all_losses{true, true, true, true};

/// A float teacher with a head for pairs.
Teacher knowing_teacher(std::size_t layers = 2, std::size_t hidden = 64) {
  ModelConfig config = test::toy_config(false);
  config.layers = layers;
  config.hidden = hidden;
  config.labels = 0;
  return pretraining_teacher(
      std::make_shared<Model>(config, 7),
      std::make_shared<Linear>(hidden, 2, Initializer{7, "next_sentence", 0.3F}));
}

ModelConfig student_config(bool binary = true) {
  ModelConfig config = test::toy_config(binary);
  config.labels = 0;
  return config;
}

PretrainObjective objective_with(const PretrainLosses& losses, std::size_t teacher_hidden = 64) {
  return {losses, losses.taught() ? knowing_teacher(2, teacher_hidden) : Teacher(),
          make_pretrain_scaffold(losses, student_config(), teacher_hidden, 3)};
}

FitOptions pretraining_lessons() {
  FitOptions options;
  options.steps = 12;
  options.batch = 8;
  options.lr = 2e-3;
  options.weight_decay = 0;
  options.clip = 0;
  options.seed = 5;
  return options;
}

/// All that a training learnt.
std::string learnt_by(Trainer& trainer) {
  std::string bytes;
  const auto add = [&](const std::string&, const Parameter& p) {
    const auto data = std::as_bytes(p.value.data());
    bytes.append(reinterpret_cast<const char*>(data.data()), data.size());
  };
  for_each<Parameter>(trainer.model(), add);
  for_each<Parameter>(trainer.scaffold(), add);
  return bytes;
}

}  // namespace

TEST_CASE("MlmHead: gradients agree with differences, both of the table's on one tensor") {
  const IdTensor ids(Shape{4}, std::vector<std::int32_t>{3, 1, 6, 3});
  const IdTensor answers(Shape{4}, std::vector<std::int32_t>{2, 1, 6, 5});
  for (Device* device : test::devices()) {
    Parameter words(test::random_tensor(Shape{7, 8}, 1));
    MlmHead head(8, 7, 1e-12, Initializer{1, "head", 0.5F});
    head.norm.gamma.value = test::random_tensor(Shape{8}, 2);
    head.bias.value = test::random_tensor(Shape{7}, 3);
    const auto loss = [&](Tape& tape) {
      const Var logits = head(embedding(tape, words, ids), words);
      return cross_entropy(logits, answers, Tensor(Shape{4}, 1.0F));
    };
    test::grad_check(*device, loss,
                     {&words, &head.transform.weight, &head.transform.bias, &head.norm.gamma,
                      &head.norm.beta, &head.bias},
                     5e-3F);
    CHECK(words.rows.empty());  // the gradient of all rows, not only of those looked up
  }
}

TEST_CASE("PretrainObjective: is the sum of what its equation says") {
  const test::TemporaryFolder folder;
  const Batch batch = test::toy_batches(folder)(0);
  REQUIRE(batch.masked.numel() > 8);
  Model student(student_config(), 3);
  const PretrainObjective objective = objective_with(all_losses);
  Tape one(active_device());
  const Outcome outcome = objective(one, student, batch);

  const Lesson lesson = objective.teacher(active_device(), batch);
  REQUIRE(lesson.hidden.size() == 3);
  Tape other(active_device());
  const auto states = student.hidden_states(other, batch);
  const Var next = (*objective.scaffold->next_sentence)(student.pool(states.back(), batch.texts));
  const Var words = (*objective.scaffold->words)(select_rows(states.back(), batch.masked),
                                                 student.embedding.word);
  const auto value = [](const Var& loss) { return static_cast<double>(loss.value().data()[0]); };
  double expected =
      value(cross_entropy(words, batch.masked_ids, Tensor(batch.masked.shape(), 1.0F))) +
      value(cross_entropy(next, batch.labels, batch.weights)) +
      value(soft_cross_entropy(next, lesson.logits));
  for (std::size_t l = 0; l < 3; ++l) {
    expected += value(mean_squared_error(states[l], lesson.hidden[l])) / 3;
  }
  CHECK(value(outcome.loss) == doctest::Approx(expected).epsilon(1e-6));
  CHECK(outcome.right == count_right(next.value(), batch.labels));

  one.backward(outcome.loss);
  CHECK(student.embedding.word.grad.shape() == student.embedding.word.value.shape());
  CHECK(student.classifier.weight.grad.empty());
  const auto has_gradient = [](const std::string& name, const Parameter& p) {
    CAPTURE(name);
    CHECK_FALSE(p.grad.empty());
  };
  for_each<Parameter>(*objective.scaffold, has_gradient);
}

TEST_CASE("PretrainObjective: each loss alone teaches, and hidden states cost no head") {
  const test::TemporaryFolder folder;
  for (const PretrainLosses& losses :
       {PretrainLosses{true, false, false, false}, PretrainLosses{false, true, false, false},
        PretrainLosses{false, false, true, false}, PretrainLosses{false, false, false, true}}) {
    CAPTURE(losses.words);
    CAPTURE(losses.next);
    CAPTURE(losses.taught_next);
    const PieceForm form{.pairs = losses.pairs(), .masks = losses.words};
    const PretrainingBatches batches = test::toy_batches(folder, form, 60);
    FitOptions options = pretraining_lessons();
    options.steps = 60;
    const PretrainObjective objective = objective_with(losses);
    CHECK(objective.scaffold->words.has_value() == losses.words);
    CHECK(objective.scaffold->next_sentence.has_value() == losses.pairs());
    Trainer trainer(Model(student_config(), 3), active_device(), options, Course{20, batches},
                    false, objective, objective.scaffold);
    std::vector<double> means;
    FitHooks hooks;
    hooks.on_epoch = [&](const EpochReport& report) { means.push_back(report.loss); };
    CHECK(trainer.fit(hooks) == FitEnd::finished);
    REQUIRE(means.size() == 3);
    CHECK(means.back() < means.front());
    const bool calibrated =
        std::get<ElasticSign>(std::get<BinaryLinear>(trainer.model().pooler).input)
            .calibrated.value;
    CHECK(calibrated);
    // Words that no batch has learn only where the table is the decoder's matrix too.
    const Tensor before = Model(student_config(), 3).embedding.word.value;
    const Tensor after = trainer.model().embedding.word.value;
    const std::size_t unused = 35;  // a piece ##x, which the text never has
    CHECK(std::ranges::equal(before.row(unused), after.row(unused)) == !losses.words);
  }
}

TEST_CASE("PretrainObjective: one training is one sequence of bytes, resumed or not") {
  const test::TemporaryFolder folder;
  const std::size_t before = threads();
  for (const bool binary : {true, false}) {
    for (const std::size_t width : {64U, 96U}) {
      const auto start = [&] {
        const PretrainObjective objective = objective_with(all_losses, width);
        CHECK(objective.scaffold->projection.has_value() == (width != 64));
        return std::make_unique<Trainer>(
            Model(student_config(binary), 3), active_device(), pretraining_lessons(),
            Course{5, test::toy_batches(folder)}, false, objective, objective.scaffold);
      };
      std::string expected;
      for (const std::size_t count : {1U, 3U}) {
        set_threads(count);
        const auto trainer = start();
        CHECK(trainer->fit({}) == FitEnd::finished);
        if (expected.empty()) expected = learnt_by(*trainer);
        CHECK(learnt_by(*trainer) == expected);
      }
      ModelCard card;
      card.config = student_config(binary);
      for (const std::size_t stop : {1U, 5U, 7U}) {
        {
          const auto trainer = start();
          FitHooks hooks;
          hooks.should_stop = [&] { return trainer->state().step == stop; };
          REQUIRE(trainer->fit(hooks) == FitEnd::interrupted);
          save_checkpoint(folder.path("state"), *trainer, card, test::toy_vocabulary());
        }
        const auto resumed = start();
        Checkpoint(folder.path("state")).restore(*resumed);
        CHECK(resumed->fit({}) == FitEnd::finished);
        CHECK(learnt_by(*resumed) == expected);
      }
    }
  }
  set_threads(before);
}

TEST_CASE("PretrainObjective: what cannot be learnt is said") {
  const test::TemporaryFolder folder;
  const Batch plain = test::toy_batches(folder, {.masks = false})(0);
  Model student(student_config(), 3);
  const auto fails = [&](PretrainObjective objective) {
    Tape tape(active_device());
    CHECK_THROWS_AS((void)objective(tape, student, plain), Error);
  };
  fails(objective_with({true, false, false, false}));   // nothing is masked
  fails(objective_with({false, false, false, false}));  // no loss
  PretrainObjective alone = objective_with(all_losses);
  alone.teacher = {};
  fails(alone);
}
