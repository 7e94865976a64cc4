#include "bipft/train/exit_loss.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "bipft/exit/learned.hpp"
#include "bipft/model/tape_network.hpp"
#include "bipft/train/fit.hpp"
#include "bipft/train/regress_objective.hpp"
#include "bipft/train/scores.hpp"
#include "support/toy.hpp"

using namespace bipft;

namespace {

ModelConfig exit_config(bool binary = true) {
  ModelConfig config = test::toy_config(binary);
  config.layers = 3;
  config.set_exits("1,2");
  config.dropout = config.attention_dropout = 0;
  return config;
}

/// Gradients of one step, by name.
std::map<std::string, Tensor> exit_gradients(Model& model, ExitLoss loss, std::uint64_t step,
                                             double* value = nullptr) {
  const Batch batch = make_batch(test::toy_texts(6, 9, model.config));
  Tape tape(active_device());
  tape.set_random(1, step);
  const ClassifyObjective objective{0.0F, ExitTraining{loss, 10}};
  const Outcome outcome = objective(tape, model, batch);
  if (value != nullptr) *value = static_cast<double>(outcome.loss.value().data()[0]);
  tape.backward(outcome.loss);
  std::map<std::string, Tensor> gradients;
  for_each<Parameter>(model, [&](const std::string& name, Parameter& parameter) {
    if (!parameter.grad.empty()) gradients[name] = parameter.whole_grad(active_device());
    parameter.clear_grad();
  });
  return gradients;
}

}  // namespace

TEST_CASE("exit loss: what each L_i is multiplied by") {
  using All = std::vector<float>;
  CHECK(ExitTraining{ExitLoss::sum}.coefficients(3, 0) == All{1, 1, 1});
  CHECK(ExitTraining{ExitLoss::mean}.coefficients(4, 0) == All{0.25F, 0.25F, 0.25F, 0.25F});
  CHECK(ExitTraining{ExitLoss::depth}.coefficients(3, 0) == All{1 / 6.0F, 2 / 6.0F, 0.5F});
  CHECK(ExitTraining{ExitLoss::last}.coefficients(3, 7) == All{0, 0, 1});
  CHECK(ExitTraining{ExitLoss::alternate}.coefficients(3, 4) == All{0, 0, 1});
  CHECK(ExitTraining{ExitLoss::alternate}.coefficients(3, 5) == All{1, 1, 1});
  const ExitTraining staged{ExitLoss::two_stage, 10};
  CHECK(staged.coefficients(3, 4) == All{0, 0, 1});
  CHECK(staged.coefficients(3, 5) == All{1, 1, 0});
  CHECK(exit_loss_called("self_distill") == ExitLoss::self_distill);
  CHECK_THROWS_AS((void)exit_loss_called("sums"), Error);
}

TEST_CASE("exit loss: sum adds up what exits lose, and every head learns") {
  for (const bool binary : {true, false}) {
    Model model = test::toy_model(exit_config(binary), 4);
    double sum = 0;
    double mean = 0;
    double last = 0;
    const auto all = exit_gradients(model, ExitLoss::sum, 0, &sum);
    (void)exit_gradients(model, ExitLoss::mean, 0, &mean);
    const auto alone = exit_gradients(model, ExitLoss::last, 0, &last);
    CHECK(sum == doctest::Approx(3 * mean).epsilon(1e-6));
    CHECK(last < sum);
    for (const char* name : {"exits.1.classifier.weight", "exits.2.pooler.weight"}) {
      CHECK(all.count(name) == 1);
      CHECK(alone.count(name) == 0);
    }
    CHECK(all.count("classifier.weight") == 1);
  }
}

TEST_CASE("exit loss: in the second stage the inner heads alone have a gradient") {
  for (const ExitLoss loss : {ExitLoss::two_stage, ExitLoss::self_distill}) {
    Model model = test::toy_model(exit_config(), 4);
    const auto first = exit_gradients(model, loss, 4);
    CHECK(first.count("layers.0.ffn.inner.weight") == 1);
    CHECK(first.count("exits.1.pooler.weight") == 0);
    const auto second = exit_gradients(model, loss, 5);
    CHECK(!second.empty());
    for (const auto& one : second) {
      const std::string& name = one.first;
      CAPTURE(name);
      CHECK(name.starts_with("exits."));
    }
  }
}

TEST_CASE("exit loss: equilibrium gives each layer the mean of the exits' gradients") {
  // grad(h_i) = (g_i + (K-i-1) Jᵀ grad(h_{i+1})) / (K-i): what the three exits send to layer 0 by
  // themselves, summed and divided by three, as all pass two scaled joints or none.
  Model model = test::toy_model(exit_config(false), 4);
  const auto sum = exit_gradients(model, ExitLoss::sum, 0);
  const auto even = exit_gradients(model, ExitLoss::equilibrium, 0);
  const auto compare = [&](const char* name, double factor) {
    const Tensor& a = sum.at(name);
    const Tensor& b = even.at(name);
    for (std::size_t i = 0; i < a.numel(); i += 7) {
      CHECK(static_cast<double>(b.data()[i]) ==
            doctest::Approx(factor * static_cast<double>(a.data()[i])).epsilon(1e-3).scale(1e-3));
    }
  };
  compare("layers.0.ffn.inner.weight", 1.0 / 3.0);
  compare("layers.1.ffn.inner.weight", 1.0 / 2.0);
  compare("layers.2.ffn.inner.weight", 1.0);
  compare("exits.1.classifier.weight", 1.0);
}

TEST_CASE("exit loss: every loss trains, of bits and of floats, and says what exits say") {
  for (const bool binary : {true, false}) {
    const ModelConfig config = exit_config(binary);
    const auto texts = test::toy_texts(48, 5, config);
    for (std::size_t i = 0; i < exit_loss_names.size(); ++i) {
      CAPTURE(exit_loss_names[i]);
      FitOptions options;
      options.epochs = 2;
      options.batch = 8;
      const ExitTraining how{exit_loss_called(exit_loss_names[i]), 12};
      Trainer trainer(Model(config, 3), active_device(), options, texts, texts, LabelScore{}, false,
                      ClassifyObjective{0.1F, how});
      CHECK(trainer.fit({}) == FitEnd::finished);
      CHECK(trainer.state().best_score >= 0);
      const auto all = tape_exit_logits(trainer.model(), active_device(), texts);
      CHECK(all.size() == 3);
      CHECK(all[0] != all[2]);
    }
  }
}

TEST_CASE("exit loss: entropies are for labels that exclude each other") {
  ModelConfig config = exit_config(false);
  config.labels = 1;
  Model model(config, 1);
  auto texts = test::toy_texts(4, 5, config);
  for (EncodedText& text : texts) text.targets = {0.5F};
  Tape tape(active_device());
  const RegressObjective numbers{ExitTraining{ExitLoss::expected, 4}};
  CHECK_THROWS_AS((void)numbers(tape, model, make_batch(texts)), Error);
  const RegressObjective sum{ExitTraining{ExitLoss::self_distill, 4, false}};
  CHECK(sum(tape, model, make_batch(texts)).loss.value().numel() == 1);
}

TEST_CASE("exit loss: a head learns where exits are wrong, and nothing else learns by it") {
  ModelConfig config = exit_config();
  Model plain = test::toy_model(config, 4);
  double without = 0;
  const auto before = exit_gradients(plain, ExitLoss::sum, 0, &without);
  config.exit_doubts = 1;
  Model model = test::toy_model(config, 4);
  double with = 0;
  const auto after = exit_gradients(model, ExitLoss::sum, 0, &with);
  CHECK(after.size() == before.size() + 2);
  for (const auto& one : before) {
    CAPTURE(one.first);
    REQUIRE(after.count(one.first) == 1);
    const auto a = one.second.data();
    CHECK(std::equal(a.begin(), a.end(), after.at(one.first).data().begin()));
  }
  CHECK(after.count("exits.doubt.bias") == 1);

  // Two exits, u of each text against whether the exit's answer is another label.
  const Batch batch = make_batch(test::toy_texts(6, 9, config));
  Tape tape(active_device());
  tape.set_random(1, 0);
  std::vector<Var> doubts;
  const auto logits =
      model.exit_logits(model.hidden_states(tape, batch), batch.texts, false, &doubts);
  REQUIRE(doubts.size() == 2);
  double loss = 0;
  double slope = 0;  // of the bias
  for (std::size_t i = 0; i < 2; ++i) {
    const Tensor wrong = wrong_labels(logits[i].value(), batch.labels);
    for (std::size_t b = 0; b < 6; ++b) {
      const double u = doubt_of(doubts[i].value().data()[b]);
      const double miss = u - static_cast<double>(wrong.data()[b]);
      loss += miss * miss / 6.0;
      slope += 2.0 * miss * u * (1.0 - u) / 6.0;
    }
  }
  CHECK(with - without == doctest::Approx(loss).epsilon(1e-4));
  const double found = static_cast<double>(after.at("exits.doubt.bias").data()[0]);
  CHECK(found == doctest::Approx(slope).epsilon(1e-4));
}

TEST_CASE("exit loss: how wrong labels, numbers and label sets are") {
  const Tensor logits(Shape{3, 2}, std::vector<float>{1, 2, 3, -1, 0, 5});
  IdTensor labels(Shape{3});
  labels.mutable_data()[0] = 1;
  labels.mutable_data()[1] = 1;
  const auto all = [](const Tensor& t) {
    return std::vector<float>(t.data().begin(), t.data().end());
  };
  CHECK(all(wrong_labels(logits, labels)) == std::vector<float>{0, 1, 1});
  const Tensor sets(Shape{3, 2}, std::vector<float>{1, 1, 1, 1, 1, 1});
  CHECK(all(wrong_sets(logits, sets)) == std::vector<float>{0, 1, 0});
  const Tensor values(Shape{3, 2}, std::vector<float>{1, 2, 3, -2, 0, 90});
  const auto apart = all(wrong_values(logits, values));
  CHECK(apart[0] == 0.0F);
  CHECK(apart[1] == doctest::Approx(std::tanh(1.0)));
  CHECK(apart[2] == 1.0F);
}
