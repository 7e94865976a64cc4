#include "bipft/exit/entropy_drop.hpp"

#include <doctest/doctest.h>

#include "exit/support.hpp"

using namespace bipft;
using test::points_of;
using test::stop;

namespace {

/// Two-label points of these entropies.
test::Points of_entropies(const std::vector<double>& entropies) {
  test::Points points;
  for (std::size_t i = 0; i < entropies.size(); ++i) {
    ExitPoint at = points_of(test::Rows{{1.0, 0.0}})[0];
    at.exit = i + 1;
    at.exits = entropies.size();
    at.entropy = entropies[i];
    points.push_back(at);
  }
  return points;
}

}  // namespace

TEST_CASE("entropy_drop: reductions of the four traces decide as their numbers say") {
  for (const golden::ExitTrace& trace : golden::exit_traces) {
    const test::Points points = points_of(trace);
    for (std::size_t i = 1; i + 1 < trace.exits; ++i) {
      const double r = trace.reduction[i];
      CAPTURE(trace.name);
      CAPTURE(i);
      for (const bool above : {false, true}) {
        EntropyDropExit rule;
        rule.delta = above ? r + 1e-9 : r - 1e-9;
        rule.min_exit = i + 1;  // nothing before
        CHECK((exit_of(rule, points) == i + 1) == above);
        rule.direction = EntropyDropExit::Direction::drop;
        CHECK((exit_of(rule, points) == i + 1) == !above);
      }
    }
  }
}

TEST_CASE("entropy_drop: who is certain already has nothing to lose") {
  CHECK(stop("entropy_drop:delta=0.05", of_entropies({0.5, 1e-13, 1e-13, 1e-13})) == 3);
  CHECK(stop("entropy_drop:delta=0.05", of_entropies({0.0, 0.5, 0.2, 0.1})) == 2);
  CHECK(stop("entropy_drop:direction=drop,delta=0.1", of_entropies({0.0, 0.0, 0.0})) == 3);
  CHECK(stop("entropy_drop", of_entropies({0.0, ExitPoint::none, 0.5, 0.2})) == 4);
}

TEST_CASE("entropy_drop: a rise is a plateau, unless its size counts") {
  const test::Points rising = of_entropies({0.2, 0.4, 0.1, 0.1});
  CHECK(stop("entropy_drop", rising) == 2);
  CHECK(stop("entropy_drop:abs=true", rising) == 4);
  CHECK(stop("entropy_drop:abs=true", of_entropies({0.2, 0.205, 0.1, 0.1})) == 2);
}

TEST_CASE("entropy_drop: the guards") {
  const test::Points flat = of_entropies({0.69, 0.69, 0.69, 0.3, 0.3, 0.3});
  CHECK(stop("entropy_drop", flat) == 2);
  CHECK(stop("entropy_drop:cap=0.9", flat) == 5);
  CHECK(stop("entropy_drop:min_exit=3", flat) == 3);
  CHECK(stop("entropy_drop:min_exit=4", flat) == 5);
  CHECK(stop("entropy_drop:patience=2", flat) == 3);
  CHECK(stop("entropy_drop:patience=3", flat) == 6);
  // A cap of 1 is none, also where rounding leaves an entropy above ln C.
  CHECK(stop("entropy_drop", of_entropies({0.7, 0.7, 0.1})) == 2);
}

TEST_CASE("entropy_drop: the first exit stops only against knowing nothing") {
  const test::Points flat = of_entropies({0.69, 0.69, 0.69});
  CHECK(stop("entropy_drop:min_exit=1", flat) == 2);
  CHECK(stop("entropy_drop:h0=lnC", flat) == 2);
  CHECK(stop("entropy_drop:h0=lnC,min_exit=1", flat) == 1);
  CHECK(stop("entropy_drop:h0=lnC,min_exit=1", of_entropies({0.3, 0.1, 0.1})) == 3);
  CHECK(stop("entropy_drop:h0=lnC,min_exit=1,direction=drop", of_entropies({0.3, 0.1, 0.1})) == 1);
}
