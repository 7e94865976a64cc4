#include "bipft/ops/exit_losses.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "bipft/device/devices.hpp"

using namespace bipft;

namespace {

/// T5 of the method's specification: four exits, three labels, the first of them right.
std::vector<Tensor> vector_logits() {
  return {Tensor(Shape{1, 3}, std::vector<float>{0.2F, -0.1F, 0.0F}),
          Tensor(Shape{1, 3}, std::vector<float>{0.5F, 0.1F, -0.2F}),
          Tensor(Shape{1, 3}, std::vector<float>{1.2F, -0.3F, -0.4F}),
          Tensor(Shape{1, 3}, std::vector<float>{2.0F, -0.5F, -1.0F})};
}
ExitTargets first_label() {
  return {Tensor(Shape{1, 3}, std::vector<float>{1, 0, 0}), Tensor(Shape{1}, 1.0F)};
}

struct Found {
  double loss;
  std::vector<Tensor> gradients;
};
template <class Loss>
Found run_exit_loss(const std::vector<Tensor>& values, const Loss& loss_of) {
  std::vector<Parameter> parameters;
  for (const Tensor& one : values) parameters.emplace_back(one);
  Tape tape(active_device());
  std::vector<Var> logits;
  for (Parameter& one : parameters) logits.push_back(tape.leaf(one));
  const Var loss = loss_of(logits);
  Found found{static_cast<double>(loss.value().data()[0]), {}};
  tape.backward(loss);
  for (const Parameter& one : parameters) found.gradients.push_back(one.grad);
  return found;
}

}  // namespace

TEST_CASE("exit losses: softmax_entropy and expected are those of the specification") {
  const Found soft = run_exit_loss(
      vector_logits(), [](const auto& z) { return softmax_entropy_loss(z, first_label()); });
  CHECK(soft.loss == doctest::Approx(0.463469520).epsilon(1e-6));
  // ω is a constant for the gradient: that of CE, times 0.189667751.
  CHECK(soft.gradients[0].data()[0] == doctest::Approx(0.189667751 * -0.609306167).epsilon(1e-5));
  const Found expected = run_exit_loss(
      vector_logits(), [](const auto& z) { return expected_exit_loss(z, first_label()); });
  CHECK(expected.loss == doctest::Approx(0.513896584).epsilon(1e-6));
}

TEST_CASE("exit losses: the gradient of expected is that of differences, entropies included") {
  std::vector<Tensor> values = vector_logits();
  std::vector<Tensor> many;
  for (const Tensor& one : values) {
    Tensor wide(Shape{2, 3});
    for (std::size_t c = 0; c < 3; ++c) {
      wide.mutable_row(0)[c] = one.data()[c];
      wide.mutable_row(1)[c] = 0.7F * one.data()[(c + 1) % 3] - 0.1F;
    }
    many.push_back(wide);
  }
  ExitTargets about{Tensor(Shape{2, 3}, std::vector<float>{1, 0, 0, 0.2F, 0.5F, 0.3F}),
                    Tensor(Shape{2}, std::vector<float>{1.0F, 3.0F}), 1.7F};
  const auto loss_of = [&](const auto& z) { return expected_exit_loss(z, about, 0.1, 0.3); };
  const Found found = run_exit_loss(many, loss_of);
  for (std::size_t k = 0; k < many.size(); ++k) {
    for (std::size_t i = 0; i < 6; ++i) {
      constexpr float step = 1e-2F;
      const auto at = [&](float by) {
        std::vector<Tensor> moved = many;
        moved[k] = Tensor(many[k].shape(), many[k].data());
        moved[k].mutable_data()[i] += by;
        return run_exit_loss(moved, loss_of).loss;
      };
      CAPTURE(k);
      CAPTURE(i);
      CHECK(static_cast<double>(found.gradients[k].data()[i]) ==
            doctest::Approx((at(step) - at(-step)) / 0.02).epsilon(5e-3).scale(0.05));
    }
  }
}

TEST_CASE("exit losses: weights of 0 leave a text out, one exit is its cross-entropy") {
  const std::vector<Tensor> one{Tensor(Shape{1, 3}, std::vector<float>{0.2F, -0.1F, 0.0F})};
  const Found alone =
      run_exit_loss(one, [](const auto& z) { return expected_exit_loss(z, first_label()); });
  CHECK(alone.loss == doctest::Approx(0.939831061).epsilon(1e-6));
  ExitTargets wrong = first_label();
  wrong.weights = Tensor(Shape{1}, 0.0F);
  CHECK_THROWS_AS(
      (void)run_exit_loss(one, [&](const auto& z) { return softmax_entropy_loss(z, wrong); }),
      Error);
  wrong = first_label();
  wrong.targets = Tensor(Shape{1, 2}, 0.5F);
  CHECK_THROWS_AS(
      (void)run_exit_loss(one, [&](const auto& z) { return softmax_entropy_loss(z, wrong); }),
      Error);
}
