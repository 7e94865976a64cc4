#include "bipft/core/menu.hpp"

#include <doctest/doctest.h>

using namespace bipft;

namespace {

struct Soup {
  static constexpr std::string_view name = "soup";
  int spoons;
};
struct Salad {
  static constexpr std::string_view name = "salad";
  int forks;
};
using Starters = std::variant<Soup, Salad>;

}  // namespace

TEST_CASE("choose: builds the dish that was named, and lists the menu if there is none") {
  const auto starter = choose<Starters>("starter", "salad", 2);
  CHECK(std::get<Salad>(starter).forks == 2);
  CHECK(name_of(starter) == "salad");
  CHECK(names_of<Starters>() == "soup, salad");
  CHECK_THROWS_WITH_AS((void)choose<Starters>("starter", "pie", 2),
                       "no starter is called 'pie'; choose one of: soup, salad", Error);
  CHECK_THROWS_AS((void)choose<Starters>("starter", "", 2), Error);
  CHECK_THROWS_AS((void)choose<Starters>("starter", "Soup", 2), Error);
}
