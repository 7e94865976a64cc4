#include "bipft/train/bert_adam.hpp"

#include <doctest/doctest.h>

#include <cmath>

#include "bipft/core/menu.hpp"
#include "bipft/train/optimizers.hpp"
#include "golden/binarization.hpp"
#include "support/devices.hpp"
#include "support/grad_check.hpp"
#include "support/random_tensor.hpp"
#include "support/tensors.hpp"

using namespace bipft;

namespace {

struct Scaled {
  Parameter weight{test::tensor({2, 2}, golden::tv16_theta)};
  Parameter alpha{Tensor(Shape{1}, 1.0F)};
  void visit(auto&& part) {
    part("weight", weight);
    part("alpha", alpha);
  }
};

struct Words {
  Parameter word{Tensor(Shape{4, 3}, 1.0F)};
  void visit(auto&& part) { part("word", word); }
};

}  // namespace

TEST_CASE("BertAdam: agrees with the published vectors, and leaves what has no gradient") {
  for (Device* device : test::devices()) {
    Scaled model;
    BertAdam optimizer({.device = device,
                        .parameters = Trainees::of(model),
                        .weight_decay = static_cast<float>(golden::tv16_wd_bertadam)});
    model.weight.grad = test::tensor({2, 2}, golden::tv16_grad);
    optimizer.step(static_cast<float>(golden::tv16_lr * golden::tv16_s));
    for (std::size_t i = 0; i < 4; ++i) {
      CHECK(model.weight.value.data()[i] ==
            doctest::Approx(golden::tv16_bertadam_next[i]).epsilon(1e-7));
    }
    CHECK(model.weight.grad.empty());
    CHECK(model.alpha.value.data()[0] == 1.0F);
    CHECK(optimizer.updates() == 1);
  }
}

TEST_CASE("Optimizers: scales have a learning rate of their own, and no decay") {
  Device& device = test::plain_device();
  for (const char* name : {"adamw", "bertadam"}) {
    double moved[2];
    for (const float rate : {1.0F, 4.0F}) {
      Scaled model;
      Optimizers optimizer = choose<Optimizers>(
          "optimizer", name, Trainees{&device, Trainees::of(model), 0.5F, rate, 1.0F});
      model.alpha.grad = Tensor(Shape{1}, 0.25F);
      std::visit([](auto& chosen) { chosen.step(0.01F); }, optimizer);
      moved[rate == 1.0F ? 0 : 1] = 1.0 - static_cast<double>(model.alpha.value.data()[0]);
    }
    CHECK(moved[0] > 0.005);
    CHECK(moved[1] == doctest::Approx(4 * moved[0]).epsilon(1e-4));
  }
}

TEST_CASE("BertAdam: clips each tensor by itself, the rows of a table among them") {
  for (Device* device : test::devices()) {
    Tensor values[2];
    for (const bool huge : {false, true}) {
      Words table;
      BertAdam optimizer(
          {.device = device, .parameters = Trainees::of(table), .weight_decay = 0.0F});
      table.word.rows = test::ids({1, 3});
      table.word.grad = test::tensor({2, 3}, {0.6, 0, 0, 0, -0.8, 0});
      if (huge) table.word.grad = device->scale(table.word.grad, 512.0F);
      optimizer.step(0.01F);
      CHECK(table.word.value.row(0)[0] == 1.0F);
      CHECK(table.word.value.row(1)[0] < 1.0F);
      values[huge ? 1 : 0] = table.word.value;
    }
    test::check_close(values[1], values[0], 1e-6F);
  }
  CHECK_THROWS_AS(BertAdam({.device = test::devices()[0], .parameters = {}, .weight_decay = -1}),
                  Error);
}
