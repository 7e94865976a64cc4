#include "bipft/binarize/binarizers.hpp"

#include <doctest/doctest.h>

#include <vector>

#include "bipft/core/menu.hpp"
#include "support/devices.hpp"
#include "support/grad_check.hpp"
#include "support/random_tensor.hpp"
#include "support/tensors.hpp"

using namespace bipft;

namespace {

struct Layer {
  Binarizers input = ElasticStep(2);
  ElasticSign query;
  Parameter alpha{Tensor(Shape{1}, -1.0F)};  // nobody's scale
  void visit(auto&& part) {
    part("input", input);
    part("query", query);
    part("alpha", alpha);
  }
};

}  // namespace

TEST_CASE("Binarizers: are chosen by name, for a number of channels") {
  const auto sign = choose<Binarizers>("binarizer", "elastic_sign", std::size_t{5});
  CHECK(std::get<ElasticSign>(sign).shift.value.numel() == 5);
  CHECK_FALSE(rule_of(sign).zero_one);
  CHECK(rule_of(choose<Binarizers>("binarizer", "elastic_step", std::size_t{5})).zero_one);
  CHECK_THROWS_WITH_AS((void)choose<Binarizers>("binarizer", "bool", std::size_t{5}),
                       "no binarizer is called 'bool'; choose one of: elastic_sign, elastic_step, "
                       "plain_sign, bool_attention, approx_sign, approx_step",
                       Error);
}

TEST_CASE("binarize: is what the chosen one does") {
  Device& device = test::plain_device();
  Binarizers step = ElasticStep(2);
  Tape tape(device);
  const BinaryVar y = binarize(step, tape.constant(test::tensor({1, 2}, {0.5, 1.5})));
  CHECK(y.rule.scale == 4.0F);
  CHECK(rule_of(step).threshold == 2.0F);
}

TEST_CASE("clamp_binarizers: reaches all of them, on the menu or not") {
  std::vector<Layer> layers(2);
  for (Layer& layer : layers) {
    layer.query.alpha.value = Tensor(Shape{1});
    std::get<ElasticStep>(layer.input).alpha.value = Tensor(Shape{1});
  }
  clamp_binarizers(layers);
  for (Layer& layer : layers) {
    CHECK(layer.query.alpha.value.data()[0] == 1e-5F);
    CHECK(std::get<ElasticStep>(layer.input).alpha.value.data()[0] == 1e-5F);
    CHECK(layer.alpha.value.data()[0] == -1.0F);
  }
}
