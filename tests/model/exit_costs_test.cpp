#include "bipft/model/exit_costs.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <span>
#include <string>
#include <vector>

#include "bipft/model/classifier.hpp"
#include "support/toy.hpp"

using namespace bipft;

namespace {

ModelFile stopping_file(const std::string& rule, const std::vector<float>& temperatures = {}) {
  ModelConfig config = test::toy_config();
  config.layers = 3;
  config.set_exits("all");
  ModelFile file = test::toy_file(config);
  file.card.exit_rule = rule;
  file.card.exit_temperatures = temperatures;
  return file;
}

}  // namespace

TEST_CASE("exit_costs: layers by tokens and by pairs of them, heads by texts") {
  ModelConfig config = test::toy_config();
  config.hidden = 10;
  config.ffn = 30;
  config.layers = 4;
  config.labels = 3;
  config.exits = "1,3";
  const std::vector<ExitCost> costs = exit_costs(config);
  REQUIRE(costs.size() == 3);
  CHECK(costs[0].of(1) == 1000.0 + 20.0 + 130.0);
  CHECK(costs[1].token == 3000.0);
  CHECK(costs[1].pair == 60.0);
  CHECK(costs[1].text == 260.0);
  CHECK(costs[2].of(7) == 4000.0 * 7 + 80.0 * 49 + 390.0);
  config.slfn_gate = "hidden_sigmoid";
  CHECK(exit_costs(config)[0].token == 1600.0);
}

TEST_CASE("Classifier: texts stop by the rule that the file holds, or by another") {
  const ModelFile file = stopping_file("fixed:k=2", {2.0F, 4.0F});
  const std::string bytes = serialize_model(file);
  Classifier model = Classifier::from_memory(std::as_bytes(std::span(bytes)));
  CHECK(to_string(model.exit_rule()) == "fixed:k=2");
  CHECK(model.exit_layers() == std::vector<std::size_t>{1, 2, 3});
  const auto texts = test::toy_texts(12, 1, file.card.config);
  const std::span<const EncodedText> all(texts);
  const auto second = model.predict(all);
  const auto each = model.predict_at_all_exits(all);
  model.set_exit_rule(exit_rule("never"));
  const auto last = model.predict(all);
  CHECK(model.embed(std::vector<TextPair>{TextPair("a b c")}).size() == 1);
  for (std::size_t n = 0; n < texts.size(); ++n) {
    CHECK(second[n].layer == 2);
    CHECK(last[n].layer == 3);
    REQUIRE(each[n].size() == 3);
    CHECK(each[n][0].layer == 1);
    CHECK(each[n][1].logits == second[n].logits);
    CHECK(each[n][1].probabilities == second[n].probabilities);
    CHECK(each[n][2].probabilities == last[n].probabilities);
    // The temperature is that of the exit.
    const float apart = second[n].logits[0] - second[n].logits[1];
    const auto& p = second[n].probabilities;
    CHECK(p[0] / p[1] == doctest::Approx(std::exp(apart / 4.0F)));
  }
  model.set_exit_rule(exit_rule("budget:macs=1"));
  CHECK(model.predict(all)[0].layer == 1);
  CHECK_THROWS_AS(model.set_exit_rule(exit_rule("fixed:k=4")), Error);
  CHECK_THROWS_AS(model.set_exit_rule(exit_rule("learned")), Error);
}

TEST_CASE("Classifier: a model without exits goes through all its layers") {
  Classifier model(test::toy_file());
  CHECK(to_string(model.exit_rule()) == "never");
  model.set_exit_rule(exit_rule("fixed:k=1"));
  const auto texts = test::toy_texts(3, 1, model.card().config);
  CHECK(model.predict(std::span<const EncodedText>(texts))[2].layer == 2);
  CHECK(model.predict_at_all_exits(texts)[2].size() == 1);
}

TEST_CASE("Classifier: a file whose exits make no sense is refused") {
  const auto refused = [](const ModelFile& file) {
    const std::string bytes = serialize_model(file);
    try {
      (void)Classifier::from_memory(std::as_bytes(std::span(bytes)));
    } catch (const Error& error) {
      CHECK(error.fault() == Fault::model);
      return true;
    }
    return false;
  };
  CHECK_FALSE(refused(stopping_file("entropy:tau=0.1")));
  CHECK(refused(stopping_file("entropi:tau=0.1")));
  CHECK(refused(stopping_file("entropy:tau=x")));
  CHECK(refused(stopping_file("fixed:k=9")));
  CHECK(refused(stopping_file("never", {1.0F})));
  CHECK(refused(stopping_file("never", {1.0F, 0.0F})));
  CHECK_FALSE(refused(stopping_file("", {1.0F, 2.0F})));
  ModelFile none = test::toy_file();
  none.card.exit_rule = "fixed:k=1";
  CHECK(refused(none));
}
