#include "bipft/exit/knobs.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace bipft;

namespace {

struct Dials {
  enum class Shade : unsigned char { dark, light };
  double level = 0.5;
  std::size_t turns = 3;
  bool loud = false;
  Shade shade = Shade::dark;
  KnobNumbers weights = {};
  void visit(auto&& knob) {
    knob("level", level, Knob{"how much", 0.0, 1.0});
    knob("turns", turns, Knob{"how often", 1.0, 9.0});
    knob("loud", loud, Knob{"aloud"});
    knob("shade", shade, Knob{.help = "of what", .choices = "dark|light"});
    knob("weights", weights, Knob{"of each", -1.0, 8.0});
  }
};

std::vector<std::string> texts_of(Dials dials) {
  std::vector<std::string> texts;
  for (const BoundKnob& knob : knobs_of(dials)) texts.push_back(knob_text(knob));
  return texts;
}

void set(Dials& dials, std::string_view knob, std::string_view text) {
  set_knob("dials", knobs_of(dials), knob, text);
}

std::string refusal(std::string_view knob, std::string_view text) {
  Dials dials;
  try {
    set(dials, knob, text);
  } catch (const Error& error) {
    CHECK(texts_of(dials) == texts_of(Dials()));  // nothing was set
    return error.what();
  }
  return "none";
}

}  // namespace

TEST_CASE("set_knob: sets each kind, and its text sets the same") {
  Dials dials;
  set(dials, "level", "0.1");
  set(dials, "turns", "9");
  set(dials, "loud", "true");
  set(dials, "shade", "light");
  set(dials, "weights", "0.5/8/-1");
  CHECK(dials.level == 0.1);
  CHECK(dials.turns == 9);
  CHECK(dials.loud);
  CHECK(dials.shade == Dials::Shade::light);
  CHECK(std::vector<double>(dials.weights.begin(), dials.weights.end()) ==
        std::vector<double>{0.5, 8.0, -1.0});
  CHECK(texts_of(dials) == std::vector<std::string>{"0.1", "9", "true", "light", "0.5/8/-1"});
  set(dials, "weights", "");
  CHECK(dials.weights.empty());
}

TEST_CASE("set_knob: refuses what a knob may not be, and says what it may") {
  CHECK(refusal("level", "2") == "exit rule dials: level is '2', not a number from 0 to 1");
  CHECK(refusal("turns", "0") == "exit rule dials: turns is '0', not a whole number from 1 to 9");
  CHECK(refusal("loud", "yes") == "exit rule dials: loud is 'yes', not true or false");
  CHECK(refusal("shade", "grey") == "exit rule dials: shade is 'grey', not one of dark|light");
  CHECK(refusal("weights", "1/x") ==
        "exit rule dials: weights is '1/x', not numbers parted by /, each from -1 to 8");
  for (const char* text : {"", " 1", "1 ", "nan", "inf", "-0.1", "0,5", "1e999"}) {
    CAPTURE(text);
    CHECK(refusal("level", text) != "none");
  }
  for (const char* text : {"", "-1", "1.5", "99999999999999999999"}) {
    CAPTURE(text);
    CHECK(refusal("turns", text) != "none");
  }
  for (const char* text : {"", "dark|light", "Dark"}) {
    CAPTURE(text);
    CHECK(refusal("shade", text) != "none");
  }
  for (const char* text : {"/", "1/", "/1", "1//2", "9"}) {
    CAPTURE(text);
    CHECK(refusal("weights", text) != "none");
  }
}

TEST_CASE("set_knob: a knob that is not there is refused with those that are") {
  CHECK(refusal("lewel", "1") ==
        "exit rule dials has no knob 'lewel'; it has: level, turns, loud, shade, weights");
  CHECK_THROWS_WITH_AS(set_knob("silent", {}, "x", "1"),
                       "exit rule silent has no knobs, and no 'x'", Error);
}
