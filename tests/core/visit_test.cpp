#include "bipft/core/visit.hpp"

#include <doctest/doctest.h>

#include <map>
#include <string>
#include <vector>

using namespace bipft;

namespace {

struct Point {
  int x = 1, y = 2;
  std::string name = "not an int";
  void visit(auto&& part) {
    part("x", x, "a help text is passed over");
    part("y", y);
    part("name", name);
  }
};
struct Other {
  int z = 3;
  void visit(auto&& part) { part("z", z); }
};
struct Drawing {
  std::vector<Point> points{2};
  std::optional<Other> there = Other();
  std::optional<Other> missing;
  std::variant<Point, Other> either = Other();
  int scale = 9;
  double ignored = 0;
  void visit(auto&& part) {
    part("points", points);
    part("there", there);
    part("missing", missing);
    part("either", either);
    part("scale", scale);
    part("ignored", ignored);
  }
};
static_assert(Visitable<Point>);
static_assert(!Visitable<int>);

}  // namespace

TEST_CASE("for_each: names every leaf of a type by its path, in order") {
  Drawing drawing;
  std::vector<std::string> names;
  int total = 0;
  for_each<int>(drawing, [&](const std::string& name, int& value) {
    names.push_back(name);
    total += value;
    value = 0;
  });
  CHECK(names == std::vector<std::string>{"points.0.x", "points.0.y", "points.1.x", "points.1.y",
                                          "there.z", "either.z", "scale"});
  CHECK(total == 1 + 2 + 1 + 2 + 3 + 3 + 9);
  CHECK(drawing.points[1].y == 0);  // they are the leaves themselves, not copies
}

TEST_CASE("for_each: stops at the leaf, even if it has parts of its own") {
  Drawing drawing;
  int points = 0;
  for_each<Point>(drawing, [&](const std::string& name, Point&) {
    CHECK(name.starts_with("points."));
    ++points;
  });
  CHECK(points == 2);
}

TEST_CASE("for_each: begins with the path that it is given, and a leaf may be the whole") {
  int leaf = 5;
  for_each<int>(
      leaf,
      [](const std::string& name, int& value) {
        CHECK(name == "model");
        CHECK(value == 5);
      },
      "model");
  Other other;
  for_each<int>(
      other, [](const std::string& name, int&) { CHECK(name == "model.z"); }, "model");
}
