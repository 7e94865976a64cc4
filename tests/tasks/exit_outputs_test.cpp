#include "bipft/tasks/exit_outputs.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <functional>

#include "tasks/exit_texts.hpp"

using namespace bipft;

TEST_CASE("ExitOutputs: rows, and the setting for rules") {
  ExitOutputs outputs = test::exit_texts(3, 2, 4);
  outputs.check();
  CHECK(outputs.texts() == 3);
  CHECK(outputs.exits() == 2);
  CHECK(outputs.row(2, 1).size() == 4);
  CHECK(outputs.row(2, 1)[3] == outputs.logits.back());
  CHECK(outputs.row(1, 0)[0] == outputs.logits[8]);
  outputs.macs = {1, 2, 3, 4, 5, 12};
  outputs.check();
  const ExitSetting setting = outputs.setting();
  CHECK(setting.exits == 2);
  CHECK(setting.labels == 4);
  CHECK_FALSE(setting.doubts);
  CHECK(setting.macs == std::vector<double>{3.0, 6.0});
  CHECK(test::exit_numbers(5, 2).texts() == 5);
  CHECK(test::exit_numbers(5, 2).setting().answer == ExitAnswer::value);
  CHECK(test::exit_sets(6, 2, 3).texts() == 6);
  CHECK(test::exit_sets(6, 2, 3).setting().answer == ExitAnswer::labels);
}

TEST_CASE("ExitOutputs: refuses parts that do not fit together") {
  using Break = std::function<void(ExitOutputs&)>;
  const Break breaks[] = {
      [](ExitOutputs& o) { o.truth.clear(); },
      [](ExitOutputs& o) { o.layers.clear(); },
      [](ExitOutputs& o) { o.labels = 0; },
      [](ExitOutputs& o) { o.labels = 3; },
      [](ExitOutputs& o) { o.logits.pop_back(); },
      [](ExitOutputs& o) {
        o.layers = {0, 1};
      },
      [](ExitOutputs& o) {
        o.layers = {2, 2};
      },
      [](ExitOutputs& o) {
        o.layers = {4, 2};
      },
      [](ExitOutputs& o) { o.truth[1] = 4; },
      [](ExitOutputs& o) { o.ms = {1.0}; },
      [](ExitOutputs& o) {
        o.ms = {1.0, -1.0};
      },
      [](ExitOutputs& o) {
        o.ms = {1.0, std::nan("")};
      },
      [](ExitOutputs& o) {
        o.macs = {1.0, 2.0};
      },
      [](ExitOutputs& o) {
        o.doubts = {1.0, 2.0};
      },
      [](ExitOutputs& o) { o.metric = Metric::correlation; },
      [](ExitOutputs& o) { o.metric = Metric::micro_f1; },
      [](ExitOutputs& o) { o.answer = AnswerKind::value; },
      [](ExitOutputs& o) { o.answer = AnswerKind::labels; },
  };
  for (std::size_t i = 0; i < std::size(breaks); ++i) {
    ExitOutputs outputs = test::exit_texts(3, 2, 4);
    breaks[i](outputs);
    CAPTURE(i);
    CHECK_THROWS_AS(outputs.check(), Error);
  }
  ExitOutputs deep = test::exit_texts(1, 256, 2);
  CHECK_THROWS_WITH_AS(deep.check(), "exit outputs: 256 exits; 255 are the most", Error);
  ExitOutputs numbers = test::exit_numbers(4, 2);
  numbers.labels = 2;
  numbers.logits.resize(16);
  CHECK_THROWS_WITH_AS(numbers.check(), "exit outputs: 2 logits for a number", Error);
}
