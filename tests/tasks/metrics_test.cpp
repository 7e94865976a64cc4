#include "bipft/tasks/metrics.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

using namespace bipft;

namespace {

using Ids = std::vector<std::uint32_t>;
using Series = std::vector<double>;

bool near(double a, double b) { return std::abs(a - b) <= 1e-12; }

ConfusionMatrix table(const std::vector<std::vector<std::size_t>>& counts) {
  ConfusionMatrix matrix(counts.size());
  for (std::size_t t = 0; t < counts.size(); ++t) {
    for (std::size_t a = 0; a < counts.size(); ++a) {
      for (std::size_t n = 0; n < counts[t][a]; ++n) matrix.add(t, a);
    }
  }
  return matrix;
}

}  // namespace

TEST_CASE("ConfusionMatrix: counts truth by answer") {
  const ConfusionMatrix matrix(3, Ids{0, 1, 2, 2}, Ids{0, 2, 2, 1});
  CHECK(matrix.at(1, 2) == 1);
  CHECK(matrix.at(2, 1) == 1);
  CHECK(matrix.total() == 4);
  CHECK(matrix.support(2) == 2);
  CHECK(matrix.answered(2) == 2);
  CHECK(matrix.hits(2) == 1);
  CHECK_THROWS_AS(ConfusionMatrix(2, Ids{0}, Ids{0, 1}), Error);
  CHECK_THROWS_AS(ConfusionMatrix(2, Ids{0}, Ids{2}), Error);
}

TEST_CASE("metrics: two labels, worked by hand") {
  // 5 of 8 negatives and 9 of 12 positives found.
  const ConfusionMatrix matrix = table({{5, 3}, {3, 9}});
  CHECK(near(accuracy(matrix), 14.0 / 20.0));
  CHECK(near(scores_of(matrix, 1).precision, 9.0 / 12.0));
  CHECK(near(scores_of(matrix, 1).recall, 9.0 / 12.0));
  CHECK(scores_of(matrix, 1).support == 12);
  CHECK(near(f1(matrix), 0.75));
  CHECK(near(scores_of(matrix, 0).f1, 0.625));
  CHECK(near(macro_f1(matrix), 0.6875));
  CHECK(near(matthews(matrix), (5.0 * 9.0 - 3.0 * 3.0) / (8.0 * 12.0)));  // √(8·12·8·12)
}

TEST_CASE("matthews: three labels, worked by hand") {
  // s = 12, c = 7, t = (4, 4, 4), p = (5, 4, 3): (7·12 - 48) / √((144 - 50)(144 - 48)).
  const ConfusionMatrix matrix = table({{3, 1, 0}, {1, 2, 1}, {1, 1, 2}});
  CHECK(near(matthews(matrix), 36.0 / std::sqrt(94.0 * 96.0)));
  CHECK(near(macro_f1(matrix), (6.0 / 9.0 + 4.0 / 8.0 + 4.0 / 7.0) / 3.0));
  CHECK(near(f1(matrix), macro_f1(matrix)));
}

TEST_CASE("matthews: all right is 1, all wrong of two is -1") {
  CHECK(near(matthews(table({{4, 0}, {0, 6}})), 1.0));
  CHECK(near(matthews(table({{0, 4}, {6, 0}})), -1.0));
}

TEST_CASE("metrics: degenerate cases are 0, never NaN") {
  const ConfusionMatrix nothing(2);
  CHECK(accuracy(nothing) == 0.0);
  CHECK(macro_f1(nothing) == 0.0);
  CHECK(matthews(nothing) == 0.0);
  CHECK(f1(nothing) == 0.0);
  const ConfusionMatrix one_answer = table({{3, 0}, {5, 0}});
  CHECK(scores_of(one_answer, 1).precision == 0.0);
  CHECK(scores_of(one_answer, 1).recall == 0.0);
  CHECK(f1(one_answer) == 0.0);
  CHECK(matthews(one_answer) == 0.0);
  CHECK(matthews(table({{3, 5}, {0, 0}})) == 0.0);
  CHECK(scores_of(table({{3, 5}, {0, 0}}), 1).recall == 0.0);
}

TEST_CASE("macro_f1: a label that neither occurs nor is answered does not count") {
  CHECK(near(macro_f1(table({{2, 0, 0}, {0, 2, 0}, {0, 0, 0}})), 1.0));
}

TEST_CASE("pearson: worked by hand") {
  // deviations (-1.5, -0.5, 0.5, 1.5) and (-2, 0, -1, 3): 7 / √(5 · 14)
  CHECK(near(pearson(Series{1, 2, 3, 4}, Series{1, 3, 2, 6}), 7.0 / std::sqrt(70.0)));
  CHECK(near(pearson(Series{1, 2, 3}, Series{30, 20, 10}), -1.0));
}

TEST_CASE("spearman: equal values share the mean of their ranks") {
  CHECK(ranks_of(Series{10, 20, 10, 30}) == Series{1.5, 3, 1.5, 4});
  CHECK(near(spearman(Series{1, 2, 3, 4}, Series{1, 8, 27, 64}), 1.0));
  // ranks (1, 2.5, 2.5, 4) and (2, 1, 3, 4):
  // deviations (-1.5, 0, 0, 1.5) and (-0.5, -1.5, 0.5, 1.5)
  const Series x{1, 5, 5, 9};
  const Series y{2, 1, 3, 4};
  CHECK(near(spearman(x, y), 3.0 / std::sqrt(4.5 * 5.0)));
}

TEST_CASE("correlations: constant or short series give 0, unequal lengths and NaN are refused") {
  CHECK(pearson(Series{0.1, 0.1, 0.1}, Series{1, 2, 3}) == 0.0);
  CHECK(pearson(Series{0.1, 0.1, 0.1}, Series{0.1, 0.1, 0.1}) == 0.0);  // whose mean rounds
  CHECK(pearson(Series{1, 2, 3}, Series{7, 7, 7}) == 0.0);
  CHECK(pearson(Series{1}, Series{2}) == 0.0);
  CHECK(pearson(Series{}, Series{}) == 0.0);
  CHECK(spearman(Series{5, 5}, Series{1, 2}) == 0.0);
  CHECK_THROWS_AS((void)pearson(Series{1}, Series{}), Error);
  CHECK_THROWS_AS((void)spearman(Series{1, std::nan("")}, Series{1, 2}), Error);
}

TEST_CASE("value_of: the task's one number") {
  const ConfusionMatrix matrix = table({{5, 3}, {3, 9}});
  CHECK(value_of(Metric::accuracy, matrix) == accuracy(matrix));
  CHECK(value_of(Metric::matthews, matrix) == matthews(matrix));
  CHECK_THROWS_AS((void)value_of(Metric::correlation, matrix), Error);
  CHECK(to_string(Metric::correlation) == "correlation");
}

TEST_CASE("correlation and distance: of numbers") {
  const Series x{1, 2, 3, 4};
  const Series y{1, 3, 2, 6};
  CHECK(near(correlation(x, y), (7.0 / std::sqrt(70.0) + 0.8) / 2));
  CHECK(near(distance(x, y).rmse, std::sqrt(6.0 / 4.0)));
  CHECK(near(distance(x, y).mae, 1.0));
  CHECK(distance(Series{}, Series{}).rmse == 0.0);
  CHECK_THROWS_AS((void)distance(x, Series{}), Error);
  CHECK_THROWS_AS((void)value_of(Metric::micro_f1, table({{1, 0}, {0, 1}})), Error);
}
