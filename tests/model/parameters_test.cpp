#include "bipft/model/parameters.hpp"

#include <doctest/doctest.h>

#include <string>
#include <utility>
#include <vector>

#include "bipft/model/model.hpp"
#include "support/toy.hpp"

using namespace bipft;

namespace {

std::string refusal_of(const ModelParameters& parameters) {
  try {
    (void)Model(parameters);
  } catch (const Error& error) {
    CHECK(error.fault() == Fault::model);
    return error.what();
  }
  return "";
}

}  // namespace

TEST_CASE("ModelParameters: the list for files is the list of the form that learns") {
  const ModelConfig config = test::toy_config(false);
  Model model(config, 1);
  std::vector<std::pair<std::string, Shape>> learnt;
  for_each<Parameter>(model, [&](const std::string& name, const Parameter& parameter) {
    learnt.emplace_back(name, parameter.value.shape());
  });
  const detail::FloatShapes shapes(config);
  REQUIRE(shapes.entries().size() == learnt.size());
  for (std::size_t i = 0; i < learnt.size(); ++i) {
    CHECK(shapes.entries()[i].name == learnt[i].first);
    CHECK(shapes.entries()[i].shape == learnt[i].second);
  }
}

TEST_CASE("ModelParameters: a model made of another's parameters is that model") {
  for (const bool binary : {true, false}) {
    CAPTURE(binary);
    Model model = test::toy_model(test::toy_config(binary), 5);
    const ModelParameters parameters = model.parameters(active_device());
    const ModelParameters again = Model(parameters).parameters(active_device());
    REQUIRE(again.tensors.size() == parameters.tensors.size());
    for (std::size_t i = 0; i < again.tensors.size(); ++i) {
      CHECK(again.tensors[i].name == parameters.tensors[i].name);
      CHECK(again.tensors[i].tensor.data().data() == parameters.tensors[i].tensor.data().data());
    }
  }
}

TEST_CASE("ModelParameters: what is missing, left over or of another shape is named at once") {
  ModelParameters parameters =
      test::toy_model(test::toy_config(false), 5).parameters(active_device());
  CHECK(refusal_of(parameters).empty());
  CHECK_THROWS_AS((void)parameters.at("pooler.weights"), Error);
  parameters.tensors[0].name = "embedding.words";
  parameters.tensors[1].tensor = Tensor(Shape{2, 3});
  const std::string refusal = refusal_of(parameters);
  CAPTURE(refusal);
  CHECK(refusal.find("embedding.word: missing") != std::string::npos);
  CHECK(refusal.find("embedding.position: ") != std::string::npos);
  CHECK(refusal.find("embedding.words: the model has no such parameter") != std::string::npos);
}
