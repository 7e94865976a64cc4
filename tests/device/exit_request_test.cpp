#include "bipft/device/exit_request.hpp"

#include <doctest/doctest.h>

#include <vector>

#include "golden/early_exit.hpp"

using namespace bipft;

namespace {

std::vector<float> floats_of(const golden::ExitTrace& trace) {
  std::vector<float> logits;
  for (std::size_t i = 0; i < trace.exits * trace.labels; ++i) {
    logits.push_back(static_cast<float>(trace.logits[i]));
  }
  return logits;
}

}  // namespace

TEST_CASE("exit_by: the table of decisions, of logits as a model gives them") {
  for (const golden::ExitDecisions& row : golden::exit_decisions) {
    CAPTURE(row.rule);
    const ExitRequest request{.rule = exit_rule(row.rule)};
    for (std::size_t t = 0; t < 4; ++t) {
      const golden::ExitTrace& trace = golden::exit_traces[t];
      CHECK(exit_by(request, 9, trace.exits, floats_of(trace)) + 1 == row.exit[t]);
    }
  }
}

TEST_CASE("exit_by: a rule sees logits at the temperature of their exit") {
  const std::vector<float> logits{2, 0, 3, 0, 0, 9};
  ExitRequest request{.rule = exit_rule("max_prob:c=0.9")};
  CHECK(exit_by(request, 5, 3, logits) == 1);  // 1 / (1 + exp(-2)) is 0.88
  request.temperatures = {0.5F, 1, 1};
  CHECK(exit_by(request, 5, 3, logits) == 0);
  request.temperatures = {1, 4, 1};
  CHECK(exit_by(request, 5, 3, logits) == 2);
  request.rule = exit_rule("patience_js:t=1,eps=0.05");
  CHECK(exit_by(request, 5, 3, logits) == 1);  // the exit before at its own
  request.temperatures = {8, 0.25F, 1};
  CHECK(exit_by(request, 5, 3, logits) == 2);
}

TEST_CASE("exit_by: a budget goes by the length of the text") {
  ExitRequest request{.rule = exit_rule("budget:macs=100")};
  request.costs = {{1, 0, 2}, {3, 1, 4}, {20, 1, 4}};
  CHECK(request.costs[1].of(5) == 44.0);
  const std::vector<float> logits(6, 0.0F);
  CHECK(exit_by(request, 2, 3, logits) == 2);
  CHECK(exit_by(request, 5, 3, logits) == 1);
  CHECK(exit_by(request, 50, 3, logits) == 0);
}

TEST_CASE("exit_by: doubts are the sigmoids of what a head tells") {
  ExitRequest request{.rule = exit_rule("learned:tau=0.2")};
  const std::vector<float> logits(6, 0.0F);
  CHECK(exit_by(request, 2, 3, logits) == 2);  // there is no such head
  CHECK(exit_by(request, 2, 3, logits, std::vector<float>{-1, -3}) == 1);
  CHECK(exit_by(request, 2, 3, logits, std::vector<float>{-2, -3}) == 0);
}

TEST_CASE("check_exits: one temperature and one cost for each exit, or none") {
  ExitRequest request;
  CHECK_NOTHROW(check_exits(request, 3));
  request.temperatures = {1, 1, 1};
  CHECK_NOTHROW(check_exits(request, 3));
  CHECK_THROWS_AS(check_exits(request, 2), Error);
  request.temperatures.clear();
  request.costs.resize(2);
  CHECK_NOTHROW(check_exits(request, 2));
  CHECK_THROWS_AS(check_exits(request, 3), Error);
}
