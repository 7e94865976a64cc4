#pragma once
/// Menu: a closed list of types that answer the same concept, one of which is chosen by name.
///
///   using Schedules = std::variant<LinearSchedule, ConstantSchedule>;       // the menu
///   Schedules schedule = choose<Schedules>("schedule", "linear", options);  // one dish
///
/// Every extension point of bipft is a concept, a menu, and one file per dish. A dish has a
/// `static constexpr std::string_view name` and a constructor taking what `choose` is given.

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "bipft/core/error.hpp"

namespace bipft {

/// The names on the menu, for help and for error messages: "linear, constant".
template <class Menu>
[[nodiscard]] std::string names_of() {
  return []<std::size_t... I>(std::index_sequence<I...>) {
    std::string names;
    ((names.append(I == 0 ? "" : ", ").append(std::variant_alternative_t<I, Menu>::name)), ...);
    return names;
  }
  (std::make_index_sequence<std::variant_size_v<Menu>>{});
}

/// The name of the dish that `menu` holds.
template <class Menu>
[[nodiscard]] std::string_view name_of(const Menu& menu) {
  return std::visit([](const auto& dish) -> std::string_view { return dish.name; }, menu);
}

/// The dish called `name`, constructed from `arguments`. Throws Error, listing the choices, if the
/// menu has none of that name; `kind` says in the message what was being chosen.
template <class Menu, class... Arguments>
[[nodiscard]] Menu choose(std::string_view kind, std::string_view name,
                          const Arguments&... arguments) {
  std::optional<Menu> dish;
  [&]<std::size_t... I>(std::index_sequence<I...>) {
    const auto try_dish = [&]<class Dish>(std::in_place_type_t<Dish>) {
      if (Dish::name == name) dish.emplace(std::in_place_type<Dish>, Dish{arguments...});
    };
    (try_dish(std::in_place_type<std::variant_alternative_t<I, Menu>>), ...);
  }
  (std::make_index_sequence<std::variant_size_v<Menu>>{});
  if (!dish) fail("no ", kind, " is called '", name, "'; choose one of: ", names_of<Menu>());
  return *std::move(dish);
}

}  // namespace bipft
