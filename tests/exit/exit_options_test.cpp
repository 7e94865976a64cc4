#include "bipft/exit/exit_options.hpp"

#include <doctest/doctest.h>

using namespace bipft;

TEST_CASE("exit_layers: all, the last, or a list that ends with it") {
  using Layers = std::vector<std::size_t>;
  CHECK(exit_layers("all", 4) == Layers{1, 2, 3, 4});
  CHECK(exit_layers("last", 4) == Layers{4});
  CHECK(exit_layers("2,4,6", 6) == Layers{2, 4, 6});
  CHECK(exit_layers("2,4", 6) == Layers{2, 4, 6});
  CHECK(exit_layers("3", 3) == Layers{3});
  CHECK(exit_layers("all", 1) == Layers{1});
}

TEST_CASE("exit_layers: refuses what is no layer of the model, or out of order") {
  CHECK_THROWS_WITH_AS((void)exit_layers("2,x", 6),
                       "exits '2,x': 'x' is no layer; write all, last, or layers as in 2,4,6",
                       Error);
  CHECK_THROWS_WITH_AS((void)exit_layers("2,7", 6), "exits '2,7': there is no layer 7 of 6", Error);
  CHECK_THROWS_WITH_AS((void)exit_layers("4,2", 6),
                       "exits '4,2': layer 2 after 4; write them ascending", Error);
  for (const char* text :
       {"", ",", "2,", "0", "-1", "2,2", "1.5", "al", " 2", "99999999999999999999"}) {
    CAPTURE(text);
    CHECK_THROWS_AS((void)exit_layers(text, 6), Error);
  }
}

TEST_CASE("exit_budget: in points of a hundred, or of one") {
  CHECK(exit_budget("0.5%") == 0.005);
  CHECK(exit_budget("0.005") == 0.005);
  CHECK(exit_budget("0") == 0.0);
  CHECK(exit_budget("100%") == 1.0);
  for (const char* text : {"", "%", "-1%", "101%", "0.5 %", "half", "nan", "1.1", "5%%"}) {
    CAPTURE(text);
    CHECK_THROWS_AS((void)exit_budget(text), Error);
  }
}
