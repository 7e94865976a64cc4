#include "bipft/exit/exit_grid.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

using namespace bipft;

TEST_CASE("exit_grid: every rule that can work, with knobs that can be written and read back") {
  const ExitRules fitted[] = {exit_rule("classifier:margin=3,bias=-1")};
  for (const ExitSetting& setting :
       {ExitSetting{.exits = 6, .labels = 3, .doubts = true, .macs = {1, 2, 3, 4, 5, 6}},
        ExitSetting{.exits = 12}, ExitSetting{.exits = 1}, ExitSetting{.exits = 2, .labels = 77},
        ExitSetting{.answer = ExitAnswer::value, .exits = 3, .labels = 1}}) {
    const bool classes = setting.answer == ExitAnswer::label;
    const std::vector<ExitRules> all =
        exit_grid(setting, std::span<const ExitRules>(fitted, classes ? 1 : 0));
    CHECK(name_of(all.front()) == "never");
    std::set<std::string> texts;
    for (const ExitRules& rule : all) {
      CHECK(texts.insert(to_string(rule)).second);  // each once
      CHECK_NOTHROW(check_exit_rule(rule, setting));
      CHECK(to_string(exit_rule(to_string(rule))) == to_string(rule));
    }
    if (setting.exits != 6) continue;
    for (const auto& dish : exit_menu) {
      CAPTURE(dish.name);
      CHECK(std::ranges::any_of(all, [&](const auto& one) { return name_of(one) == dish.name; }));
    }
  }
}

TEST_CASE("in_digits: as people write a number") {
  CHECK(detail::in_digits(0.1386294361119891) == 0.139);
  CHECK(detail::in_digits(1.0) == 1.0);
  CHECK(detail::in_digits(0.00099999) == 0.001);
  CHECK(detail::in_digits(123456.0) == 123000.0);
  CHECK(detail::in_digits(0.0) == 0.0);
  CHECK(detail::in_digits(-0.98617, 4) == -0.9862);
}
