#include "bipft/tasks/label_set_metrics.hpp"

#include <doctest/doctest.h>

#include <vector>

using namespace bipft;

namespace {

using Ids = std::vector<std::uint32_t>;

}  // namespace

TEST_CASE("LabelSetCounts: three texts, worked by hand") {
  LabelSetCounts counts(3);
  counts.add(Ids{0, 1}, Ids{0});
  counts.add(Ids{}, Ids{});
  counts.add(Ids{2}, Ids{1, 2});
  CHECK(counts.texts() == 3);
  CHECK(counts.accuracy() == doctest::Approx(1.0 / 3).epsilon(1e-12));
  CHECK(counts.micro_f1() == doctest::Approx(4.0 / 6).epsilon(1e-12));
  CHECK(counts.macro_f1() == doctest::Approx((1.0 + 0.0 + 1.0) / 3).epsilon(1e-12));
  CHECK(counts.scores(1).support == 1);
  CHECK(counts.scores(1).precision == 0.0);
  CHECK(counts.scores(1).recall == 0.0);
  CHECK_THROWS_AS(counts.add(Ids{3}, Ids{}), Error);
}

TEST_CASE("LabelSetCounts: of nothing everything is 0, and a label that never occurs is left out") {
  CHECK(LabelSetCounts(2).micro_f1() == 0.0);
  CHECK(LabelSetCounts(2).macro_f1() == 0.0);
  CHECK(LabelSetCounts(2).accuracy() == 0.0);
  LabelSetCounts counts(2);
  counts.add(Ids{0}, Ids{0});
  CHECK(counts.macro_f1() == 1.0);
}

TEST_CASE("answered_labels: a probability of a half is enough") {
  CHECK(answered_labels(std::vector<float>{0.0F, -0.1F, 2.0F}) == Ids{0, 2});
}
