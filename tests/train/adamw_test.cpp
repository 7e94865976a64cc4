#include "bipft/train/adamw.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "golden/binarization.hpp"
#include "support/devices.hpp"
#include "support/grad_check.hpp"
#include "support/random_tensor.hpp"
#include "support/tensors.hpp"

using namespace bipft;

namespace {

struct Layer {
  Parameter weight{test::random_tensor(Shape{3, 4}, 1)};
  Parameter bias{test::random_tensor(Shape{4}, 2)};
  void visit(auto&& part) {
    part("weight", weight);
    part("bias", bias);
  }
};

struct OneParameter {
  Parameter theta{test::tensor({4}, golden::tv16_theta)};
  void visit(auto&& part) { part("theta", theta); }
};

}  // namespace

TEST_CASE("AdamW: agrees with the published vectors") {
  for (Device* device : test::devices()) {
    OneParameter model;
    AdamW optimizer(*device, model);
    model.theta.grad = test::tensor({4}, golden::tv16_grad);
    optimizer.step(static_cast<float>(golden::tv16_lr));
    for (std::size_t i = 0; i < 4; ++i) {
      CHECK(model.theta.value.data()[i] ==
            doctest::Approx(golden::tv16_adamw_next[i]).epsilon(1e-7));
    }
    CHECK(model.theta.grad.empty());
  }
}

TEST_CASE("AdamW: follows its equations for many steps, decay for matrices only") {
  const AdamWOptions options{0.9F, 0.99F, 1e-6F, 0.1F};
  for (Device* device : test::devices()) {
    Layer model;
    AdamW optimizer(*device, model, options);
    struct State {
      double theta, m = 0, v = 0;
    };
    std::vector<State> expected;
    for (const Parameter* p : {&model.weight, &model.bias}) {
      for (const float value : p->value.data()) expected.push_back({static_cast<double>(value)});
    }
    for (std::uint64_t t = 1; t <= 20; ++t) {
      model.weight.grad = test::random_tensor(Shape{3, 4}, 10 + t);
      model.bias.grad = test::random_tensor(Shape{4}, 50 + t);
      const double lr = 0.01 * static_cast<double>(t);
      for (std::size_t i = 0; i < expected.size(); ++i) {
        const Tensor& grad = i < 12 ? model.weight.grad : model.bias.grad;
        const double g = 0.5 * static_cast<double>(grad.data()[i < 12 ? i : i - 12]);
        State& s = expected[i];
        s.m = 0.9 * s.m + 0.1 * g;
        s.v = 0.99 * s.v + 0.01 * g * g;
        const double m_hat = s.m / (1 - std::pow(0.9, static_cast<double>(t)));
        const double v_hat = s.v / (1 - std::pow(0.99, static_cast<double>(t)));
        s.theta -= lr * (m_hat / (std::sqrt(v_hat) + 1e-6) + (i < 12 ? 0.1 : 0.0) * s.theta);
      }
      optimizer.step(static_cast<float>(lr), 0.5F);
    }
    CHECK(optimizer.updates() == 20);
    for (std::size_t i = 0; i < expected.size(); ++i) {
      const Parameter& p = i < 12 ? model.weight : model.bias;
      CHECK(p.value.data()[i < 12 ? i : i - 12] ==
            doctest::Approx(expected[i].theta).epsilon(1e-4));
    }
  }
}

TEST_CASE("AdamW: decays matrices, and nothing whose name says that it is none") {
  CHECK(AdamW::decays("layers.0.query.weight", Shape{3, 4}));
  CHECK_FALSE(AdamW::decays("layers.0.query.bias", Shape{4}));
  CHECK_FALSE(AdamW::decays("norm.gamma", Shape{4}));
  CHECK_FALSE(AdamW::decays("vector", Shape{4}));
  for (const char* const name : {"a.bias", "a.beta", "a.gamma", "a.shift", "a.alpha"}) {
    CHECK_FALSE(AdamW::decays(name, Shape{1, 4}));
  }
}

TEST_CASE("AdamW: a parameter without a gradient stays as it is") {
  Layer model;
  AdamW optimizer(test::plain_device(), model);
  const Tensor before = model.weight.value;
  model.bias.grad = Tensor(Shape{4}, 1.0F);
  optimizer.step(0.1F);
  test::check_equal(model.weight.value, before);
}

TEST_CASE("AdamW: a copy of a parameter's value is not written through") {
  for (Device* device : test::devices()) {
    Layer model;
    AdamW optimizer(*device, model);
    const Tensor best = model.weight.value;  // as a training loop keeps the best model
    const std::vector<float> numbers(best.data().begin(), best.data().end());
    model.weight.grad = Tensor(Shape{3, 4}, 1.0F);
    optimizer.step(0.1F);
    CHECK(std::equal(numbers.begin(), numbers.end(), best.data().begin()));
    CHECK(model.weight.value.data()[0] != best.data()[0]);
  }
}

TEST_CASE("AdamW: goes on from what visit() names as if it had never stopped") {
  const auto run = [](int stop_at) {
    Layer model;
    auto optimizer = AdamW(test::plain_device(), model);
    for (int t = 0; t < 6; ++t) {
      if (t == stop_at) {
        std::map<std::string, Tensor> saved;
        std::uint64_t updates = 0;
        for_each<Tensor>(optimizer, [&](const std::string& name, Tensor& x) { saved[name] = x; });
        for_each<std::uint64_t>(optimizer, [&](const std::string& name, std::uint64_t& n) {
          CHECK(name == "updates");
          updates = n;
        });
        CHECK(saved.size() == 4);
        CHECK(saved.count("v.bias") == 1);
        optimizer = AdamW(test::plain_device(), model);
        for_each<Tensor>(optimizer, [&](const std::string& name, Tensor& x) { x = saved[name]; });
        for_each<std::uint64_t>(optimizer,
                                [&](const std::string&, std::uint64_t& n) { n = updates; });
      }
      const auto seed = static_cast<std::uint64_t>(t);
      model.weight.grad = test::random_tensor(Shape{3, 4}, 10 + seed);
      model.bias.grad = test::random_tensor(Shape{4}, 50 + seed);
      optimizer.step(0.01F);
    }
    return model.weight.value;
  };
  test::check_equal(run(-1), run(3));
}

TEST_CASE("AdamW: refuses options that make no sense") {
  Layer model;
  Device& device = test::plain_device();
  CHECK_THROWS_AS(AdamW(device, model, {.beta1 = 1.0F}), Error);
  CHECK_THROWS_AS(AdamW(device, model, {.beta2 = -0.1F}), Error);
  CHECK_THROWS_AS(AdamW(device, model, {.epsilon = 0.0F}), Error);
  CHECK_THROWS_AS(AdamW(device, model, {.weight_decay = std::nanf("")}), Error);
}
