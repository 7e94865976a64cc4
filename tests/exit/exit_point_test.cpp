#include "bipft/exit/exit_point.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "exit/support.hpp"

using namespace bipft;

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

ExitPoint only(std::span<const double> logits) {
  return exit_point(ExitAnswer::label, 1, 1, logits, {});
}

/// H(p) of probabilities, term by term.
double plain_entropy(const std::vector<double>& p) {
  double total = 0.0;
  for (const double one : p) total -= one > 0.0 ? one * std::log(one) : 0.0;
  return total;
}

}  // namespace

TEST_CASE("exit_point: entropy and largest probability, by the published vectors") {
  for (const golden::EntropyVector& vector : golden::entropies) {
    const ExitPoint at = only({vector.logits, vector.labels});
    CAPTURE(vector.logits[0]);
    CHECK(at.entropy == doctest::Approx(vector.entropy).epsilon(1e-12));
    CHECK(at.relative_entropy() == doctest::Approx(vector.relative).epsilon(1e-12));
    CHECK(at.best == doctest::Approx(vector.best).epsilon(1e-12));
    CHECK(at.entropy >= 0.0);
    CHECK(at.labels == vector.labels);
  }
}

TEST_CASE("exit_point: entropies of the four traces, of doubles and of floats") {
  for (const golden::ExitTrace& trace : golden::exit_traces) {
    for (std::size_t i = 0; i < trace.exits; ++i) {
      const double* const row = trace.logits + i * trace.labels;
      const std::vector<float> floats(row, row + trace.labels);
      const ExitPoint narrow =
          exit_point(ExitAnswer::label, i + 1, trace.exits, std::span<const float>(floats), {});
      CAPTURE(trace.name);
      CAPTURE(i);
      CHECK(only({row, trace.labels}).entropy == doctest::Approx(trace.entropy[i]).epsilon(1e-12));
      CHECK(narrow.entropy == doctest::Approx(trace.entropy[i]).epsilon(1e-6));
    }
  }
}

TEST_CASE("exit_point: the answer is the first of equal logits, the second the next of them") {
  const std::vector<double> tied{1.0, 3.0, 3.0, 2.0};
  const ExitPoint at = only(tied);
  CHECK(at.top == 1);
  CHECK(at.best == at.second);
  const std::vector<double> three{2.0, 1.0, 0.0};
  CHECK(only(three).top == 0);
  CHECK(only(three).second == doctest::Approx(0.2447284710547976).epsilon(1e-12));
}

TEST_CASE("exit_point: one label is certain") {
  const std::vector<double> one{-3.0};
  const ExitPoint at = only(one);
  CHECK(at.entropy == 0.0);
  CHECK(at.relative_entropy() == 0.0);
  CHECK(at.best == 1.0);
  CHECK(at.second == 0.0);
}

TEST_CASE("exit_point: of logits that are no numbers nothing is known") {
  for (const double bad : {std::nan(""), infinity, -infinity}) {
    const std::vector<double> logits{1.0, bad};
    const ExitPoint at = only(logits);
    CAPTURE(bad);
    CHECK(std::isnan(at.entropy));
    CHECK(std::isnan(at.relative_entropy()));
    CHECK(std::isnan(at.best));
    const std::vector<double> good{1.0, 0.0};
    const ExitPoint after = exit_point<double>(ExitAnswer::label, 2, 3, good, logits);
    CHECK(after.best > 0.7);
    CHECK_FALSE(after.same);
    CHECK(std::isnan(after.change));
  }
  CHECK(std::isnan(only(std::vector<double>{std::nan("")}).relative_entropy()));
}

TEST_CASE("exit_point: the change of labels is the divergence of Jensen and Shannon") {
  const std::vector<double> p_logits{2.0, 1.0, 0.0};
  const std::vector<double> q_logits{0.0, 3.0, 0.5};
  const ExitPoint at = exit_point<double>(ExitAnswer::label, 2, 3, q_logits, p_logits);
  const auto softmax = [](const std::vector<double>& logits) {
    std::vector<double> p;
    double sum = 0.0;
    for (const double z : logits) sum += std::exp(z);
    for (const double z : logits) p.push_back(std::exp(z) / sum);
    return p;
  };
  const std::vector<double> p = softmax(p_logits);
  const std::vector<double> q = softmax(q_logits);
  std::vector<double> middle;
  for (std::size_t c = 0; c < 3; ++c) middle.push_back((p[c] + q[c]) / 2);
  const double expected = plain_entropy(middle) - (plain_entropy(p) + plain_entropy(q)) / 2;
  CHECK(at.change == doctest::Approx(expected).epsilon(1e-12));
  CHECK_FALSE(at.same);

  const ExitPoint equal = exit_point<double>(ExitAnswer::label, 2, 3, q_logits, q_logits);
  CHECK(equal.change == 0.0);
  CHECK(equal.same);
  const ExitPoint without = exit_point<double>(ExitAnswer::label, 2, 3, q_logits, q_logits, false);
  CHECK(std::isnan(without.change));
  CHECK(without.same);
  CHECK(without.entropy == equal.entropy);
  // Apart as far as can be, where one probability is 0 in doubles.
  const std::vector<double> left{2000.0, 0.0};
  const std::vector<double> right{0.0, 2000.0};
  CHECK(exit_point<double>(ExitAnswer::label, 2, 3, left, right).change ==
        doctest::Approx(std::log(2.0)).epsilon(1e-12));
}

TEST_CASE("exit_point: numbers change by their difference, label sets by any label") {
  const std::vector<double> y{1.25};
  const std::vector<double> before{1.0};
  const ExitPoint number = exit_point<double>(ExitAnswer::value, 2, 3, y, before);
  CHECK(number.change == 0.25);
  CHECK(std::isnan(number.entropy));
  CHECK(std::isnan(exit_point<double>(ExitAnswer::value, 1, 3, y, {}).change));

  const std::vector<double> set{1.0, -1.0, 0.0};
  const std::vector<double> alike{0.1, -9.0, 2.0};
  const std::vector<double> other{0.1, 0.1, 2.0};
  CHECK(exit_point<double>(ExitAnswer::labels, 2, 3, set, alike).same);
  CHECK_FALSE(exit_point<double>(ExitAnswer::labels, 2, 3, set, other).same);
  CHECK_FALSE(exit_point<double>(ExitAnswer::labels, 1, 3, set, {}).same);
}

TEST_CASE("exit_point: refuses no logits, and as many as there were not before") {
  const std::vector<double> two{1.0, 2.0};
  const std::vector<double> three{1.0, 2.0, 3.0};
  CHECK_THROWS_AS((void)only({}), Error);
  CHECK_THROWS_WITH_AS((void)exit_point<double>(ExitAnswer::label, 2, 3, two, three),
                       "exit 2: 2 logits after 3", Error);
}
