#include "bipft/binarize/binarizer.hpp"

#include <doctest/doctest.h>

#include "bipft/binarize/binary_linear.hpp"
#include "bipft/binarize/mean_sign.hpp"
#include "support/devices.hpp"
#include "support/grad_check.hpp"
#include "support/random_tensor.hpp"
#include "support/tensors.hpp"

using namespace bipft;

namespace {

/// BiBERT's: sign, no scale, no shift, and a window of 1.
struct PlainSign {
  static constexpr std::string_view name = "plain_sign";
  explicit PlainSign(std::size_t /*channels*/) {}
  void clamp() {}
  [[nodiscard]] BitRule rule() const { return {}; }
  [[nodiscard]] BinaryVar operator()(const Var& x) {
    return {x.tape().record(x.value(), {x},
                            [x](Tape& tape, const Tensor& dy) {
                              tape.accumulate(
                                  x, tape.device().window_mask(x.value(), -1.0F, 1.0F, dy));
                            }),
            rule()};
  }
};
static_assert(Binarizer<PlainSign>);

/// Forgets to say what packing must know.
struct Unpackable {
  static constexpr std::string_view name = "unpackable";
  explicit Unpackable(std::size_t) {}
  void clamp() {}
  [[nodiscard]] BinaryVar operator()(const Var& x) { return {x, {}}; }
};
static_assert(!Binarizer<Unpackable>);

}  // namespace

TEST_CASE("Binarizer: a program's own works wherever ours do") {
  for (Device* device : test::devices()) {
    Parameter x(test::tensor({1, 3}, {0.5, -1, -2}));
    Parameter w(test::tensor({1, 3}, {3, -1, 1}));  // mean 1, mean magnitude 5/3
    Parameter bias(Tensor(Shape{1}));
    Tape tape(*device);
    PlainSign sign(3);
    const Var y = binary_linear(sign(tape.leaf(x)), MeanSign()(tape.leaf(w)), tape.leaf(bias));
    CHECK(y.value().data()[0] ==
          doctest::Approx(5.0 / 3));  // (+ + +) + (- -) ... of + - - by + - +
    tape.backward(y);
    test::check_close(x.grad, test::tensor({1, 3}, {5.0F / 3, -5.0F / 3, 0}));
  }
}
