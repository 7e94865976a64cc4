#include "bipft/core/one_of.hpp"

#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <vector>

using namespace bipft;

namespace {

struct Tea {
  std::string sort;
};
struct Water {};
struct Counted {
  std::shared_ptr<int> count;
};
using Drink = OneOf<Tea, Water, Counted>;

struct Names {
  std::string said;

  void operator()(const Tea& tea) { said += tea.sort; }
  void operator()(const Water& /*water*/) { said += "water"; }
  void operator()(const Counted& counted) { said += std::to_string(*counted.count); }
};

}  // namespace

TEST_CASE("one of: holds what it was given, and is visited as that") {
  std::vector<Drink> drinks = {Tea{"green"}, Water{}, Counted{std::make_shared<int>(3)}};
  CHECK(drinks[0].index() == 0);
  CHECK(drinks[2].index() == 2);
  CHECK(get<Tea>(drinks[0]).sort == "green");
  CHECK(get_if<Water>(&drinks[0]) == nullptr);
  CHECK(get_if<Water>(&drinks[1]) != nullptr);
  Names names;
  for (const Drink& drink : drinks) visit(names, drink);
  CHECK(names.said == "greenwater3");
}

TEST_CASE("one of: a copy is its own, a move leaves nothing, and all is destroyed once") {
  const auto count = std::make_shared<int>(0);
  {
    Drink one = Counted{count};
    Drink two = one;
    CHECK(count.use_count() == 3);
    two = Tea{"black"};
    CHECK(count.use_count() == 2);
    const Drink three = std::move(one);
    CHECK(count.use_count() == 2);
    CHECK(get<Counted>(three).count == count);
    one = three;
    get<Counted>(one).count.reset();
    CHECK(count.use_count() == 2);
    const Drink& same = two;
    two = same;
    CHECK(get<Tea>(two).sort == "black");
  }
  CHECK(count.use_count() == 1);
}
