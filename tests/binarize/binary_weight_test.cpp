#include "bipft/binarize/binary_weight.hpp"

#include <doctest/doctest.h>

#include "bipft/binarize/binary_linear.hpp"
#include "support/devices.hpp"
#include "support/grad_check.hpp"
#include "support/random_tensor.hpp"
#include "support/tensors.hpp"

using namespace bipft;

namespace {

/// Signs without a mean or a scale, whose gradient is blocked outside a window of 1.
struct Clipped {
  static constexpr std::string_view name = "clipped";
  [[nodiscard]] SignMatrix signs(Device& device, const Tensor& w) const {
    return {device.pack(w, {}, 0.0F, false), Tensor(Shape{1}, 1.0F)};
  }
  [[nodiscard]] BinaryWeight operator()(const Var& w) const {
    return {w.tape().record(w.value(), {w},
                            [w](Tape& tape, const Tensor& dy) {
                              tape.accumulate(
                                  w, tape.device().window_mask(w.value(), -1.0F, 1.0F, dy));
                            }),
            signs(w.device(), w.value())};
  }
};
static_assert(WeightBinarizer<Clipped>);

}  // namespace

TEST_CASE("WeightBinarizer: one with a gradient of its own is asked for it") {
  for (Device* device : test::devices()) {
    Parameter w(test::tensor({1, 3}, {0.5, -2, -1}));
    Tape tape(*device);
    const BinaryVar x{tape.constant(test::tensor({1, 3}, {1, 1, -1})), {}};
    const Var y = binary_linear(x, Clipped()(tape.leaf(w)), tape.constant(Tensor(Shape{1})));
    CHECK(y.value().data()[0] == 1.0F);  // + + - by + - -
    tape.backward(y);
    test::check_equal(w.grad, test::tensor({1, 3}, {1, 0, -1}));
  }
}
