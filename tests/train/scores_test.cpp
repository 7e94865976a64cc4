#include "bipft/train/scores.hpp"

#include <doctest/doctest.h>

#include <limits>
#include <vector>

using namespace bipft;

namespace {

using Rows = std::vector<std::vector<float>>;

}  // namespace

TEST_CASE("scores: each kind of answer by its own metric") {
  std::vector<EncodedText> texts(4);
  texts[1].label = texts[2].label = 1;
  const Rows labels{{1, 0}, {0, 1}, {1, 0}, {2, 1}};
  CHECK(LabelScore{}(labels, texts) == 0.75);
  CHECK(LabelScore{Metric::matthews}(labels, texts) == doctest::Approx(0.577350269));

  for (std::size_t i = 0; i < 4; ++i) texts[i].targets = {static_cast<float>(i)};
  CHECK(ValueScore{}(Rows{{1}, {2}, {3}, {4}}, texts) == doctest::Approx(1.0));
  CHECK(ValueScore{}(Rows{{4}, {3}, {2}, {1}}, texts) == doctest::Approx(-1.0));
  const float nan = std::numeric_limits<float>::quiet_NaN();
  CHECK(ValueScore{}(Rows{{nan}, {2}, {3}, {4}}, texts) == -1.0);

  for (EncodedText& text : texts) text.targets = {1, 0};
  CHECK(LabelSetScore{}(Rows{{1, -1}, {1, -1}, {1, 1}, {-1, -1}}, texts) == 0.75);
}

TEST_CASE("scores: of no texts 0") {
  CHECK(LabelScore{}({}, {}) == 0.0);
  CHECK(ValueScore{}({}, {}) == 0.0);
  CHECK(LabelSetScore{}({}, {}) == 0.0);
}
