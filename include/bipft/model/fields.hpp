#pragma once
/// Fields: a struct that lists its parts (core/visit.hpp) to and from a JSON object.

#include <concepts>
#include <string>
#include <string_view>
#include <type_traits>

#include "bipft/core/visit.hpp"
#include "bipft/io/json.hpp"

namespace bipft {

/// {"layers": 2, "activation": "relu", ...}, in the order of the struct's visit.
template <Visitable Node>
[[nodiscard]] Json to_json(Node node) {
  Json json = Json::object();
  node.visit([&json](std::string_view name, const auto& value, auto...) { json.set(name, value); });
  return json;
}

/// Fills `node` from the members of `json`. A missing one keeps its value; one that the struct does
/// not know is passed over (a later version wrote it).
/// Throws Error of the document's fault if a value is of another type.
template <Visitable Node>
void from_json(const Json& json, Node& node) {
  node.visit([&json](std::string_view name, auto& value, auto...) {
    const auto member = json.find(name);
    if (!member) return;
    using Value = std::remove_cvref_t<decltype(value)>;
    if constexpr (std::same_as<Value, bool>) {
      value = member->as_bool();
    } else if constexpr (std::integral<Value>) {
      value = static_cast<Value>(member->as_size());
    } else if constexpr (std::floating_point<Value>) {
      value = static_cast<Value>(member->as_double());
    } else {
      value = member->as_string();
    }
  });
}

}  // namespace bipft
