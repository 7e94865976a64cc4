#include "bipft/exit/patience.hpp"

#include <doctest/doctest.h>

#include "exit/support.hpp"

using namespace bipft;
using test::points_of;
using test::stop;

namespace {

constexpr double sure = 4.0;

/// Points of exits that answer with these labels, of three.
test::Points answering(const std::vector<std::size_t>& answers) {
  test::Rows rows;
  for (const std::size_t answer : answers) {
    rows.emplace_back(3, 0.0);
    rows.back()[answer] = sure;
  }
  return points_of(rows);
}

}  // namespace

TEST_CASE("patience: counts answers like the one before, and starts anew at another") {
  const test::Points points = answering({0, 1, 1, 2, 2, 2, 2, 2});
  CHECK(stop("patience:t=1", points) == 3);
  CHECK(stop("patience:t=2", points) == 6);
  CHECK(stop("patience:t=3", points) == 7);
  CHECK(stop("patience:t=4", points) == 8);
  CHECK(stop("patience:t=5", points) == 8);
}

TEST_CASE("patience: of equal logits the first is the answer") {
  CHECK(stop("patience:t=1", points_of(test::Rows{{1, 1, 0}, {1, 0, 1}, {0, 1, 1}, {0, 0, 1}})) ==
        2);
  CHECK(stop("patience:t=1", points_of(test::Rows{{0, 1, 1}, {1, 1, 0}, {0, 0, 1}, {1, 1, 1}})) ==
        4);
}

TEST_CASE("patience: numbers agree that are nearer than tau_reg") {
  const test::Points points =
      points_of(test::Rows{{1.0}, {1.5}, {1.25}, {1.375}, {1.375}, {0.0}}, ExitAnswer::value);
  CHECK(stop("patience:t=1,tau_reg=0.25", points) == 4);
  CHECK(stop("patience:t=1,tau_reg=0.26", points) == 3);
  CHECK(stop("patience:t=2,tau_reg=0.26", points) == 4);
  CHECK(stop("patience:t=3,tau_reg=0.26", points) == 5);
  CHECK(stop("patience:t=1,tau_reg=0", points) == 6);
}

TEST_CASE("patience: label sets agree in every label") {
  const test::Points points = points_of(
      test::Rows{{1, 1, -1}, {1, -1, -1}, {2, -2, 3}, {1, -1, 1}, {9, -9, 9}}, ExitAnswer::labels);
  CHECK(stop("patience:t=1", points) == 4);
  CHECK(stop("patience:t=2", points) == 5);
}

TEST_CASE("patience_conf: counts sure exits, whatever they answer") {
  // H / ln 2 of logits 0 and 4 is 0.13, of 0 and 1 it is 0.84.
  const test::Points points =
      points_of(test::Rows{{0, sure}, {0, 1}, {0, sure}, {sure, 0}, {0, sure}, {1, 0}});
  CHECK(stop("patience_conf:t=1,s=0.5", points) == 1);
  CHECK(stop("patience_conf:t=2,s=0.5", points) == 4);
  CHECK(stop("patience_conf:t=3,s=0.5", points) == 5);
  CHECK(stop("patience_conf:t=3,s=0.9", points) == 3);
  CHECK(stop("patience_conf:t=2,s=0.1", points) == 6);
}

TEST_CASE("patience_js: counts exits whose probabilities stay") {
  const test::Points points =
      points_of(test::Rows{{0, 1}, {1, 2}, {2, 0}, {2, 0.01}, {2, 0.02}, {0, 9}});
  CHECK(points[1].change == 0.0);
  CHECK(points[3].change > 0.0);
  CHECK(stop("patience_js:t=1,eps=0.001", points) == 2);
  CHECK(stop("patience_js:t=1,eps=0", points) == 6);
  CHECK(stop("patience_js:t=2,eps=0.001", points) == 5);
  CHECK(stop("patience_js:t=2,eps=0.7", points) == 3);
  CHECK(stop("patience_js:t=3,eps=0.001", points) == 6);
}
