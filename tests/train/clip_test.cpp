#include "bipft/train/clip.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "support/devices.hpp"
#include "support/tensors.hpp"

using namespace bipft;

namespace {

struct TwoParameters {
  Parameter a{Tensor(Shape{2})}, b{Tensor(Shape{1})};
  void visit(auto&& part) {
    part("a", a);
    part("b", b);
  }
};

}  // namespace

TEST_CASE("gradient_norm: is of all gradients together") {
  for (Device* device : test::devices()) {
    TwoParameters model;
    CHECK(gradient_norm(*device, model) == 0.0);
    model.a.grad = test::tensor({2}, {1, -2});
    CHECK(gradient_norm(*device, model) == std::sqrt(5.0));
    model.b.grad = test::tensor({1}, {2});
    CHECK(gradient_norm(*device, model) == 3.0);
    model.b.grad = Tensor(Shape{1}, std::numeric_limits<float>::max());
    CHECK(std::isfinite(gradient_norm(*device, model)));  // its square is no float
    model.b.grad = Tensor(Shape{1}, std::nanf(""));
    CHECK_FALSE(std::isfinite(gradient_norm(*device, model)));
  }
}

TEST_CASE("clip_scale: shortens what is too long, and nothing else") {
  CHECK(clip_scale(4.0, 1.0) == 0.25F);
  CHECK(clip_scale(1.0, 1.0) == 1.0F);
  CHECK(clip_scale(0.5, 1.0) == 1.0F);
  CHECK(clip_scale(0.0, 1.0) == 1.0F);
  CHECK(clip_scale(4.0, 0.0) == 1.0F);
}
