#include "bipft/binarize/elastic.hpp"

#include <doctest/doctest.h>

#include <string>
#include <type_traits>
#include <vector>

#include "bipft/binarize/binarizers.hpp"
#include "bipft/core/visit.hpp"
#include "support/devices.hpp"
#include "support/grad_check.hpp"
#include "support/random_tensor.hpp"
#include "support/tensors.hpp"

using namespace bipft;

TEST_CASE_TEMPLATE("elastic binarizers: the first training batch sets α, later ones do not", B,
                   ElasticSign, ElasticStep) {
  Device& device = test::plain_device();
  B binarizer(2);
  binarizer.shift.value = test::tensor({2}, {0, 1});
  Tape tape(device);
  (void)binarizer(tape.constant(test::tensor({2, 2}, {1, 2, -3, 4})));  // shifted: 1, 3, -3, 5
  const float expected = 3.0F * (std::is_same_v<B, ElasticSign> ? 2.0F : 4.0F);
  CHECK(binarizer.calibrated.value);
  CHECK(binarizer.scale() == expected);
  (void)binarizer(tape.constant(Tensor(Shape{1, 2}, 100.0F)));
  CHECK(binarizer.scale() == expected);
}

TEST_CASE_TEMPLATE("elastic binarizers: inference calibrates nothing, and a stored bit is believed",
                   B, ElasticSign, ElasticStep) {
  Device& device = test::plain_device();
  const Tensor x = test::random_tensor(Shape{4, 2}, 1);
  B fresh(2);
  Tape inference(device, Tape::Mode::inference);
  CHECK_FALSE(fresh(inference.constant(x)).levels.needs_grad());
  CHECK_FALSE(fresh.calibrated.value);
  CHECK(fresh.scale() == 1.0F);

  B loaded(2);  // whose α happens to be 1, as published code cannot tell from a fresh one
  loaded.calibrated.value = true;
  Tape training(device);
  CHECK(loaded(training.constant(x)).levels.needs_grad());
  CHECK(loaded.scale() == 1.0F);
}

TEST_CASE_TEMPLATE("elastic binarizers: α is held at its least", B, ElasticSign, ElasticStep) {
  B binarizer;
  for (const float low : {0.0F, -3.0F, 1e-6F}) {
    binarizer.alpha.value = Tensor(Shape{1}, low);
    CHECK(binarizer.scale() == 1e-5F);
    CHECK(binarizer.rule().scale == 1e-5F);
    binarizer.clamp();
    CHECK(binarizer.alpha.value.data()[0] == 1e-5F);
  }
  binarizer.alpha.value = Tensor(Shape{1}, 0.25F);
  binarizer.clamp();
  CHECK(binarizer.alpha.value.data()[0] == 0.25F);

  Tape tape(test::plain_device());
  (void)binarizer(tape.constant(Tensor(Shape{3})));  // calibrated on zeros
  CHECK(binarizer.scale() == 1e-5F);
}

TEST_CASE_TEMPLATE("elastic binarizers: name all that a checkpoint must hold", B, ElasticSign,
                   ElasticStep) {
  const auto names = [](auto binarizer) {
    std::vector<std::string> found;
    for_each<Parameter>(binarizer,
                        [&](const std::string& name, Parameter&) { found.push_back(name); });
    for_each<Calibrated>(binarizer,
                         [&](const std::string& name, Calibrated&) { found.push_back(name); });
    return found;
  };
  CHECK(names(B(3)) == std::vector<std::string>{"alpha", "shift", "calibrated"});
  CHECK(names(B()) == std::vector<std::string>{"alpha", "calibrated"});
}

TEST_CASE_TEMPLATE("elastic binarizers: say which shapes do not fit", B, ElasticSign, ElasticStep) {
  B binarizer(8);
  Tape tape(test::plain_device());
  try {
    (void)binarizer(tape.constant(Tensor(Shape{2, 7})));
    FAIL("no error");
  } catch (const Error& error) {
    CHECK(std::string(error.what()).ends_with(": x is [2, 7] but C is 8"));
  }
}
