#include "bipft/exit/classifier.hpp"

#include <doctest/doctest.h>

#include "exit/support.hpp"

using namespace bipft;
using test::points_of;
using test::stop;

TEST_CASE("classifier: each weight weighs its own signal") {
  test::Points points = points_of(golden::exit_traces[0]);
  for (std::size_t i = 0; i < points.size(); ++i) {
    const auto step = static_cast<double>(i);
    points[i].best = 0.5 + step / 16;
    points[i].second = 0.5 - step / 16;
    points[i].most_entropy = 1.0;
    points[i].entropy = 1.0 - step / 8;
  }
  CHECK(stop("classifier:margin=1,bias=-0.3", points) == 4);     // 3/8
  CHECK(stop("classifier:top=1,bias=-0.6", points) == 3);        // 0.625
  CHECK(stop("classifier:entropy=-1,bias=0.6", points) == 5);    // 0.5
  CHECK(stop("classifier:depth=1,bias=-0.5", points) == 4);      // 4/6, for 3/6 is not above
  CHECK(stop("classifier:depth=1,bias=-0.8", points) == 5);      // 5/6
  CHECK(stop("classifier:top=1,depth=1,bias=-1", points) == 3);  // 0.625 + 0.5
  CHECK(stop("classifier:top=1,bias=-2", points) == 6);
}

TEST_CASE("classifier: without weights it is none, and has no grid") {
  const ExitSetting setting{.exits = 3};
  CHECK_FALSE(ClassifierExit().fitted());
  CHECK(ClassifierExit().grid(setting).empty());
  ClassifierExit fitted;
  fitted.margin = 2.0;
  fitted.bias = -1.0;
  CHECK(fitted.problem(setting).empty());
  bool unchanged = false;
  for (const ClassifierExit& one : fitted.grid(setting)) {
    CHECK(one.margin == 2.0);
    unchanged = unchanged || one.bias == -1.0;
  }
  CHECK(unchanged);
}
