#include "bipft/tasks/exit_json.hpp"

#include <doctest/doctest.h>

#include <string>

#include "tasks/exit_texts.hpp"

using namespace bipft;

namespace {

ExitRules rule_from(std::string_view text) {
  return exit_rule_from_json(Json::parse(text, "m.bipft", {.fault = Fault::model}));
}

std::string refused(std::string_view text) {
  try {
    (void)rule_from(text);
  } catch (const Error& error) {
    CHECK(error.fault() == Fault::model);
    return error.what();
  }
  return "none";
}

}  // namespace

TEST_CASE("exit_rule_to_json: names every knob, and comes back the same") {
  CHECK(exit_rule_to_json(exit_rule("entropy_drop:cap=0.9,direction=drop")).dump() ==
        "{\"rule\":\"entropy_drop\",\"delta\":0.05,\"direction\":\"drop\",\"abs\":false,"
        "\"h0\":\"none\",\"cap\":0.9,\"min_exit\":2,\"patience\":1}");
  CHECK(exit_rule_to_json(exit_rule("never")).dump() == "{\"rule\":\"never\"}");
  CHECK(exit_rule_to_json(exit_rule("cumulative:theta=1.5,weights=0.5/1")).dump() ==
        "{\"rule\":\"cumulative\",\"theta\":1.5,\"weights\":[0.5,1.0]}");
  for (const auto& dish : exit_menu) {
    const ExitRules rule = dish.make();
    CHECK(exit_rule_to_json(rule_from(exit_rule_to_json(rule).dump())).dump() ==
          exit_rule_to_json(rule).dump());
  }
  const ExitSetting setting{.exits = 6, .doubts = true, .macs = {1, 2, 3, 4, 5, 6}};
  const ExitRules fitted[] = {exit_rule("classifier:margin=-3.5,depth=1e-3,bias=-1"),
                              exit_rule("cumulative:weights=0.1/0.2/0.3/0.4/0.5/0.6")};
  for (const ExitRules& rule : exit_grid(setting, fitted)) {
    CHECK(to_string(rule_from(exit_rule_to_json(rule).dump())) == to_string(rule));
  }
}

TEST_CASE("exit_rule_from_json: knobs that are missing are as usual, strangers are refused") {
  CHECK(to_string(rule_from("{\"rule\":\"entropy_drop\",\"abs\":true}")) ==
        "entropy_drop:delta=0.05,abs=true");
  CHECK(refused("{\"rule\":\"entropie\"}").starts_with("no exit rule is called 'entropie'; "));
  CHECK(refused("{\"rule\":\"patience\",\"k\":3}") ==
        "exit rule patience has no knob 'k'; it has: t, tau_reg");
  CHECK(refused("{\"rule\":\"patience\",\"t\":0}") ==
        "exit rule patience: t is '0', not a whole number from 1 to 1000");
  CHECK(refused("{\"rule\":\"entropy\",\"tau\":{}}") != "none");
  CHECK(refused("{\"rule\":\"entropy\",\"tau\":null}") != "none");
  CHECK(refused("{\"rule\":\"cumulative\",\"weights\":[true]}") != "none");
  CHECK(refused("{\"tau\":1}") != "none");
  CHECK(refused("{\"rule\":1}") != "none");
  CHECK(refused("[]") != "none");
}

TEST_CASE("exit reports: members as the command names them") {
  ExitOutputs outputs = test::exit_texts(8, 2, 2);
  const ExitSweep sweep(outputs);
  const std::vector<ExitRules> rules{exit_rule("fixed:k=1"), exit_rule("never")};
  const Json json = exit_to_json(rules[0], sweep.measure(rules[0]), outputs.layers);
  CHECK(json.dump() ==
        "{\"rule\":\"fixed:k=1\",\"mean_layer\":2.0,\"saved\":0.5,\"histogram\":[0,8,0,0]}");
  CHECK_THROWS_AS((void)exit_to_json(rules[0], sweep.measure(rules[0]), {}), Error);
  const Json untimed = exit_sweep_to_json(rules, sweep.measure(rules));
  CHECK(untimed.size() == 2);
  CHECK(untimed[1]["rule"].as_string() == "never");
  CHECK(untimed[1]["metric"].as_double() == sweep.full().score);
  CHECK(untimed[1]["mean_layer"].as_double() == 4.0);
  CHECK(untimed[1]["ms"].is_null());
  outputs.ms = {1.5, 2.5};
  const ExitSweep timed(outputs);
  CHECK(exit_sweep_to_json(rules, timed.measure(rules))[0]["ms"].as_double() == 1.5);
  CHECK_THROWS_AS((void)exit_sweep_to_json(rules, {}), Error);

  const ExitSplits splits = measure_choice(timed, {.share = 0.5, .splits = 3});
  const Json of_splits = exit_splits_to_json(splits);
  CHECK(of_splits["splits"].as_size() == 3);
  CHECK(of_splits["score"].as_double() == splits.score);
  CHECK(of_splits["lost"].as_double() == splits.lost);
  CHECK(of_splits["ms"].as_double() == splits.ms);
  CHECK(of_splits["rules"].size() == 3);
  CHECK(of_splits["rules"][2].as_string() == to_string(splits.splits[2].rule));
}
