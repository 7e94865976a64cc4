#include "bipft/nn/selective_learn_forget.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <span>
#include <variant>

#include "bipft/nn/feed_forward.hpp"
#include "bipft/nn/layer_norm.hpp"
#include "golden/beexformer.hpp"
#include "support/devices.hpp"
#include "support/grad_check.hpp"
#include "support/random_tensor.hpp"
#include "support/tensors.hpp"

using namespace bipft;

namespace {

BinaryForm gated(GateForm gates) {
  BinaryForm form;
  form.input = {};
  form.weight = SurrogateSign::name;
  form.gates = gates;
  return form;
}

FeedForward vectors(GateForm gates) {
  FeedForward ffn(3, 2, gated(gates), Activation::tanh, Initializer{});
  const auto set = [](LinearLayer& layer, const Shape& shape, std::span<const double> weight,
                      std::span<const double> bias) {
    auto& sign = std::get<SignLinear>(layer);
    sign.weight.value = test::tensor(shape, weight);
    sign.bias.value = test::tensor(Shape{bias.size()}, bias);
  };
  set(ffn.gate->inner, Shape{2, 3}, golden::slfn_gate_inner, golden::slfn_gate_inner_bias);
  set(ffn.gate->outer, Shape{3, 2}, golden::slfn_gate_outer, golden::slfn_gate_outer_bias);
  set(ffn.inner, Shape{2, 3}, golden::slfn_inner, golden::slfn_inner_bias);
  set(ffn.outer, Shape{3, 2}, golden::slfn_outer, golden::slfn_outer_bias);
  return ffn;
}

}  // namespace

TEST_CASE("SelectiveGate: a gated network of signs agrees with the vectors") {
  for (Device* device : test::devices()) {
    FeedForward ffn = vectors(GateForm::hidden_sigmoid);
    LayerNorm norm(3, 1e-6);
    Tape tape(*device);
    const Var x = tape.constant(test::tensor({1, 3}, golden::slfn_x));
    const Var u = ffn(x, Ragged({1}));
    test::check_close(u.value(), test::tensor({1, 3}, golden::slfn_sign_product));
    test::check_close(norm(add(x, u)).value(), test::tensor({1, 3}, golden::slfn_sign_normed),
                      2e-6F);
  }
}

TEST_CASE("SelectiveGate: in floats, the equations agree with the vectors and with differences") {
  const auto row = [](std::span<const double> values) {
    return Parameter(test::tensor(Shape{values.size()}, values));
  };
  for (Device* device : test::devices()) {
    Parameter x(test::tensor({1, 3}, golden::slfn_x));
    Parameter gate_inner(test::tensor({2, 3}, golden::slfn_gate_inner));
    Parameter gate_outer(test::tensor({3, 2}, golden::slfn_gate_outer));
    Parameter inner(test::tensor({2, 3}, golden::slfn_inner));
    Parameter outer(test::tensor({3, 2}, golden::slfn_outer));
    Parameter biases[] = {row(golden::slfn_gate_inner_bias), row(golden::slfn_gate_outer_bias),
                          row(golden::slfn_inner_bias), row(golden::slfn_outer_bias)};
    const auto product = [&](Tape& tape) {
      const Var at = tape.leaf(x);
      const Var s = sigmoid(linear(at, tape.leaf(gate_inner), tape.leaf(biases[0])));
      const Var t = activate(Activation::tanh, linear(at, tape.leaf(inner), tape.leaf(biases[2])));
      return multiply(linear(s, tape.leaf(gate_outer), tape.leaf(biases[1])),
                      linear(t, tape.leaf(outer), tape.leaf(biases[3])));
    };
    Tape tape(*device);
    const Var u = product(tape);
    test::check_close(u.value(), test::tensor({1, 3}, golden::slfn_product));
    LayerNorm norm(3, 1e-6);
    test::check_close(norm(add(tape.leaf(x), u)).value(), test::tensor({1, 3}, golden::slfn_normed),
                      2e-6F);
    const Tensor weights = test::random_tensor(Shape{1, 3}, 1);
    const auto loss = [&](Tape& on) { return test::weighted_sum(product(on), weights); };
    test::grad_check(*device, loss, {&x, &gate_inner, &gate_outer, &inner, &outer, &biases[0]});
  }
}

TEST_CASE("SelectiveGate: squashed at its output it lets through a share of each channel") {
  for (Device* device : test::devices()) {
    FeedForward ffn = vectors(GateForm::output_sigmoid);
    Tape tape(*device);
    const Var x = tape.constant(test::random_tensor(Shape{4, 3}, 2));
    const Tensor gate = (*ffn.gate)(x, Ragged({4})).value();
    for (const float g : gate.data()) CHECK((g > 0 && g < 1));
    // Signs: channel o of the gate is sigmoid(±(x Wᵀ + b)₀ ± (x Wᵀ + b)₁ + bias).
    Tensor hidden = project(ffn.gate->inner, x, Ragged({4})).value();
    const Tensor z = project(ffn.gate->outer, tape.constant(hidden), Ragged({4})).value();
    for (std::size_t i = 0; i < z.numel(); ++i) {
      const auto expected = 1 / (1 + std::exp(-static_cast<double>(z.data()[i])));
      CHECK(static_cast<double>(gate.data()[i]) == doctest::Approx(expected).epsilon(1e-6));
    }
    const Tensor u = ffn(x, Ragged({4})).value();
    FeedForward open = vectors(GateForm::output_sigmoid);
    open.gate.reset();
    test::check_equal(u, device->multiply(gate, open(x, Ragged({4})).value()));
  }
}

TEST_CASE("SelectiveGate: with bits for inputs, its midst is 0 or 1 and the values' is -1 or +1") {
  BinaryForm form = gated(GateForm::hidden_sigmoid);
  form.input = ApproxSign::name;
  form.inner = ApproxSign::name;
  form.gate = ApproxStep::name;
  FeedForward ffn(64, 32, form, Activation::tanh, Initializer{1, "ffn", 0.1F});
  CHECK(std::holds_alternative<ApproxSign>(std::get<BinaryLinear>(ffn.gate->inner).input));
  CHECK(std::holds_alternative<ApproxStep>(std::get<BinaryLinear>(ffn.gate->outer).input));
  CHECK(std::holds_alternative<ApproxSign>(std::get<BinaryLinear>(ffn.outer).input));
  const Tensor x = test::random_tensor(Shape{5, 64}, 2);
  for (Device* device : test::devices()) {
    Tensor y[2];
    for (const auto products : {Tape::Products::bits, Tape::Products::floats}) {
      Tape tape(*device, Tape::Mode::train, products);
      const Var u = ffn(tape.constant(x), Ragged({5}));
      y[products == Tape::Products::bits] = u.value();
    }
    test::check_equal(y[0], y[1]);
  }
}
