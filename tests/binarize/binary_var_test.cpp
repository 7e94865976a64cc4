#include "bipft/binarize/binary_var.hpp"

#include <doctest/doctest.h>

#include "support/devices.hpp"
#include "support/grad_check.hpp"
#include "support/random_tensor.hpp"
#include "support/tensors.hpp"

using namespace bipft;

TEST_CASE("BitRule: bits, units and levels are three ways to say the same") {
  const Tensor x = test::random_tensor(Shape{5, 70}, 1);
  const Tensor shift = test::random_tensor(Shape{70}, 2);
  for (Device* device : test::devices()) {
    for (const bool zero_one : {false, true}) {
      for (const Tensor& moved : {Tensor(), shift}) {
        const BitRule rule{moved, 0.125F, zero_one, zero_one, 0.75F};
        const BitMatrix bits = rule.bits(*device, x);
        const float low = zero_one ? 0.0F : -1.0F;
        test::check_equal(rule.units(*device, x), device->unpack(bits, low, 1.0F));
        test::check_equal(rule.levels(*device, x), device->unpack(bits, 0.75F * low, 0.75F));
      }
    }
  }
}

TEST_CASE("BitRule: a bit is 1 on the threshold, unless the rule is strict") {
  const Tensor x = test::tensor({1, 3}, {0.25, 0.5, 0.75});
  const Tensor shift = test::tensor({3}, {0, 0, -0.25});
  for (Device* device : test::devices()) {
    const BitRule loose{shift, 0.5F, false, true, 2.0F};
    const BitRule strict{shift, 0.5F, true, true, 2.0F};
    test::check_equal(loose.units(*device, x), test::tensor({1, 3}, {0, 1, 1}));
    test::check_equal(strict.units(*device, x), Tensor(Shape{1, 3}));
    CHECK(loose.bits(*device, x).bit(0, 1));
    CHECK_FALSE(strict.bits(*device, x).bit(0, 1));
  }
}
