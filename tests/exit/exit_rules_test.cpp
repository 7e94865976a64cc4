#include "bipft/exit/exit_rules.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <string>
#include <vector>

#include "exit/support.hpp"
#include "support/counting_allocator.hpp"

using namespace bipft;
using test::points_of;
using test::stop;

namespace {

/// Every rule there is, with knobs at which it stops somewhere inside.
const char* const every_rule[] = {"never",
                                  "entropy:tau=0.3",
                                  "entropy_norm:s=0.5",
                                  "max_prob:c=0.9",
                                  "margin:g=0.8",
                                  "patience:t=2",
                                  "patience_conf:t=2,s=0.4",
                                  "patience_js:t=1,eps=0.001",
                                  "entropy_drop:delta=0.05,cap=0.9",
                                  "learned:tau=0.1",
                                  "cumulative:theta=1.5",
                                  "classifier:margin=1,bias=-0.9",
                                  "fixed:k=3",
                                  "budget:macs=300"};

std::string refusal_of(std::string_view text) {
  try {
    (void)exit_rule(text);
  } catch (const Error& error) {
    CHECK(error.fault() == Fault::usage);
    return error.what();
  }
  return "none";
}

std::string misfit(std::string_view rule, const ExitSetting& setting) {
  try {
    check_exit_rule(exit_rule(rule), setting, Fault::model);
  } catch (const Error& error) {
    CHECK(error.fault() == Fault::model);
    return error.what();
  }
  return "none";
}

}  // namespace

TEST_CASE("exit rules: the table of decisions, cell by cell") {
  for (const golden::ExitDecisions& row : golden::exit_decisions) {
    for (std::size_t t = 0; t < 4; ++t) {
      CAPTURE(row.rule);
      CAPTURE(golden::exit_traces[t].name);
      CHECK(stop(row.rule, points_of(golden::exit_traces[t])) == row.exit[t]);
    }
  }
}

TEST_CASE("exit rules: thresholds are strict") {
  test::Points points = points_of(test::Rows{{1.0, 0.0}, {1.0, 0.0}});
  points[0].entropy = 0.25;
  points[0].most_entropy = 0.5;
  points[0].best = 0.75;
  points[0].second = 0.25;
  points[0].next_macs = 100.0;
  points[0].doubt = 0.5;
  CHECK(stop("entropy:tau=0.25", points) == 2);
  CHECK(stop("entropy:tau=0.2500001", points) == 1);
  CHECK(stop("entropy_norm:s=0.5", points) == 2);
  CHECK(stop("entropy_norm:s=0.5000001", points) == 1);
  CHECK(stop("max_prob:c=0.75", points) == 2);
  CHECK(stop("max_prob:c=0.7499999", points) == 1);
  CHECK(stop("margin:g=0.5", points) == 2);
  CHECK(stop("margin:g=0.4999999", points) == 1);
  CHECK(stop("budget:macs=100", points) == 2);
  CHECK(stop("budget:macs=99.99999", points) == 1);
  CHECK(stop("learned:tau=0.5", points) == 2);
  CHECK(stop("learned:tau=0.5000001", points) == 1);
}

TEST_CASE("exit rules: fixed stops there, never nowhere, budget where the next is too dear") {
  test::Points points = points_of(golden::exit_traces[0]);
  for (std::size_t k = 1; k <= 6; ++k) CHECK(stop(concat("fixed:k=", k), points) == k);
  CHECK(stop("never", points) == 6);
  for (std::size_t i = 0; i < 6; ++i) points[i].next_macs = 100.0 * static_cast<double>(i + 2);
  CHECK(stop("budget:macs=0", points) == 1);
  CHECK(stop("budget:macs=350", points) == 3);
  CHECK(stop("budget:macs=600", points) == 6);
}

TEST_CASE("exit rules: logits that are no numbers are no reason to stop") {
  const double nan = std::nan("");
  const test::Points points = points_of(test::Rows{{nan, 0.0}, {nan, 0.0}, {nan, 0.0}, {1.0, 0.0}});
  for (const char* rule : every_rule) {
    CAPTURE(rule);
    CHECK(stop(rule, points) == (std::string(rule) == "fixed:k=3" ? 3U : 4U));
  }
  const test::Points values = points_of(test::Rows{{nan}, {nan}, {nan}, {1.0}}, ExitAnswer::value);
  CHECK(stop("patience:t=1,tau_reg=9", values) == 4);
}

TEST_CASE("exit rules: a single label is certain at the first exit") {
  const test::Points points = points_of(test::Rows{{3.0}, {-1.0}, {2.0}});
  for (const char* rule : {"entropy", "entropy_norm", "max_prob", "margin"}) {
    CAPTURE(rule);
    CHECK(stop(rule, points) == 1);
  }
  CHECK(stop("entropy_drop", points) == 2);
  CHECK(stop("patience:t=1", points) == 2);
}

TEST_CASE("exit rules: an only exit is the last one, and no rule is asked") {
  const test::Points points = points_of(test::Rows{{9.0, 0.0}});
  for (const char* rule : every_rule) CHECK(stop(rule, points) == 1);
}

TEST_CASE("exit rules: deciding allocates nothing, the menu's rule and the rule itself alike") {
  const test::Points points = points_of(golden::exit_traces[3]);
  for (const char* text : every_rule) {
    const ExitRules rule = exit_rule(text);
    std::size_t stopped = 0;
    const std::size_t before = test::allocation_count();
    for (int text_number = 0; text_number < 10; ++text_number) stopped = exit_of(rule, points);
    CHECK(test::allocation_count() == before);
    ExitMemory memory;
    std::size_t asked = 1;
    while (asked < points.size() && !decide(rule, points[asked - 1], memory)) ++asked;
    CAPTURE(text);
    CHECK(asked == stopped);
  }
}

TEST_CASE("exit rules: what a rule does not need, it does not look at") {
  for (const char* text : every_rule) {
    const ExitRules rule = exit_rule(text);
    const ExitNeeds needs = needs_of(rule);
    test::Points points = points_of(golden::exit_traces[0]);
    for (std::size_t i = 0; i < points.size(); ++i) {
      points[i].doubt = i < 3 ? 0.5 : 0.01;
      points[i].next_macs = 100.0 * static_cast<double>(i + 1);
    }
    const std::size_t stopped = exit_of(rule, points);
    for (ExitPoint& at : points) {
      if (!needs.divergence) at.change = ExitPoint::none;
      if (!needs.doubts) at.doubt = ExitPoint::none;
      if (!needs.macs) at.next_macs = ExitPoint::none;
      if (!needs.probabilities) at.entropy = at.best = at.second = ExitPoint::none;
    }
    CAPTURE(text);
    CHECK(exit_of(rule, points) == stopped);
    for (ExitPoint& at : points) {  // and what it needs, it does
      if (needs.divergence) at.change = ExitPoint::none;
      if (needs.doubts) at.doubt = ExitPoint::none;
      if (needs.macs) at.next_macs = ExitPoint::none;
      if (needs.probabilities) at.entropy = at.best = at.second = ExitPoint::none;
    }
    const bool blind = !needs.divergence && !needs.doubts && !needs.macs && !needs.probabilities;
    CHECK((exit_of(rule, points) == stopped) == blind);
  }
}

TEST_CASE("exit_rule: reads names and knobs, and to_string writes what it reads") {
  const auto drop = std::get<EntropyDropExit>(
      exit_rule("entropy_drop:delta=0.1,direction=drop,h0=lnC,cap=0.9,min_exit=3,patience=2"));
  CHECK(drop.delta == 0.1);
  CHECK(drop.direction == EntropyDropExit::Direction::drop);
  CHECK(drop.h0 == EntropyDropExit::First::lnC);
  CHECK(drop.cap == 0.9);
  CHECK(drop.min_exit == 3);
  CHECK(drop.patience == 2);
  CHECK_FALSE(drop.abs);
  for (const char* text : every_rule) CHECK(to_string(exit_rule(text)) == text);
  CHECK(to_string(exit_rule("entropy")) == "entropy:tau=0.3");
  CHECK(to_string(exit_rule("cumulative:weights=1/0.5")) == "cumulative:theta=2,weights=1/0.5");
  CHECK(std::size(every_rule) == std::variant_size_v<ExitRules>);
}

TEST_CASE("exit_rule: the usual knobs of entropy_drop are the paper's") {
  CHECK(to_string(exit_rule("entropy_drop:delta=0.05,direction=plateau,abs=false,h0=none,cap=1,"
                            "min_exit=2,patience=1")) == "entropy_drop:delta=0.05");
}

TEST_CASE("exit_rule: refuses what is not there with what is") {
  CHECK(refusal_of("entropie") ==
        "no exit rule is called 'entropie'; choose one of: never, entropy, entropy_norm, max_prob, "
        "margin, patience, patience_conf, patience_js, entropy_drop, learned, cumulative, "
        "classifier, fixed, budget");
  CHECK(refusal_of("") != "none");
  CHECK(refusal_of("oracle") ==
        "oracle is no exit rule to stop by: it knows the label, and bounds the others");
  CHECK(refusal_of("patience:k=3") == "exit rule patience has no knob 'k'; it has: t, tau_reg");
  CHECK(refusal_of("never:t=3") == "exit rule never has no knobs, and no 't'");
  CHECK(refusal_of("entropy:0.3") == "exit rule 'entropy:0.3': '0.3' is no knob=value");
  CHECK(refusal_of("entropy:") == "exit rule 'entropy:': '' is no knob=value");
  CHECK(refusal_of("entropy:tau=1,") == "exit rule 'entropy:tau=1,': '' is no knob=value");
  CHECK(refusal_of("patience:t=1,t=2") == "exit rule 'patience:t=1,t=2': t twice");
  CHECK(refusal_of("max_prob:c=1.5") == "exit rule max_prob: c is '1.5', not a number from 0 to 1");
}

TEST_CASE("check_exit_rule: rules that make no sense are refused with those that do") {
  const ExitSetting values{.answer = ExitAnswer::value, .exits = 4, .labels = 1};
  for (const char* rule : {"entropy", "entropy_norm", "max_prob", "margin", "patience_conf",
                           "patience_js", "entropy_drop", "cumulative", "classifier"}) {
    CHECK(misfit(rule, values) ==
          concat("exit rule ", rule,
                 " goes by the probabilities of labels, and a number has none; choose one of: "
                 "never, patience, fixed"));
  }
  for (const char* rule : {"never", "patience", "fixed"}) CHECK(misfit(rule, values) == "none");
  const ExitSetting sets{.answer = ExitAnswer::labels, .exits = 4, .labels = 3};
  CHECK(
      misfit("margin", sets) ==
      "exit rule margin goes by the probabilities of labels that exclude each other, and these do "
      "not; choose one of: never, patience, fixed");
  const ExitSetting labels{.exits = 4};
  CHECK(misfit("learned", labels)
            .starts_with("exit rule learned goes by a head that learnt when to stop; there is "
                         "none; choose one of: "));
  CHECK(misfit("budget", labels)
            .starts_with("exit rule budget goes by what layers cost, which is not known here; "
                         "choose one of: never, "));
  const ExitSetting all{
      .answer = ExitAnswer::value, .exits = 4, .labels = 1, .doubts = true, .macs = {1, 2, 3, 4}};
  CHECK(exit_rules_for(all) == "never, patience, learned, fixed, budget");
}

TEST_CASE("check_exit_rule: knobs that do not fit the model") {
  const ExitSetting setting{.exits = 4, .labels = 3};
  CHECK(misfit("fixed:k=5", setting) == "exit rule fixed: k is 5, but there are 4 exits");
  CHECK(misfit("fixed:k=4", setting) == "none");
  CHECK(misfit("entropy_drop:min_exit=5", setting) ==
        "exit rule entropy_drop: min_exit is 5, but there are 4 exits");
  CHECK(misfit("entropy_drop", {.exits = 1}) == "none");
  CHECK(misfit("entropy_drop:abs=true,direction=drop", setting) ==
        "exit rule entropy_drop: abs goes with direction=plateau, not with drop");
  CHECK(misfit("cumulative:weights=1/1", setting) == "exit rule cumulative: 2 weights for 4 exits");
  CHECK(misfit("cumulative:weights=1/1/1/1", setting) == "none");
  CHECK(misfit("classifier", setting).starts_with("exit rule classifier: all weights are 0"));
}
