#pragma once
/// Fields: a struct that lists its parts (core/visit.hpp) to and from a JSON object.

#include <concepts>
#include <string>
#include <string_view>
#include <type_traits>

#include "bipft/core/visit.hpp"
#include "bipft/io/json.hpp"

namespace bipft {

namespace detail {

/// Fills one field, of each of the kinds there are; where `json` has no member `name` it keeps its
/// value. One function a type, not one a field.
[[gnu::cold, gnu::noinline]] inline void read_field(const Json& json, std::string_view name,
                                                    bool& value) {
  if (const auto member = json.find(name)) value = member->as_bool();
}
template <std::integral Value>
[[gnu::cold, gnu::noinline]] void read_field(const Json& json, std::string_view name,
                                             Value& value) {
  if (const auto member = json.find(name)) value = static_cast<Value>(member->as_size());
}
template <std::floating_point Value>
[[gnu::cold, gnu::noinline]] void read_field(const Json& json, std::string_view name,
                                             Value& value) {
  if (const auto member = json.find(name)) value = static_cast<Value>(member->as_double());
}
[[gnu::cold, gnu::noinline]] inline void read_field(const Json& json, std::string_view name,
                                                    std::string& value) {
  if (const auto member = json.find(name)) value = member->as_string();
}

/// Whether a field has the value that it is said to have usually.
[[nodiscard]] inline bool is_usual(const auto& value, const auto& about) {
  if constexpr (std::same_as<std::remove_cvref_t<decltype(about)>, Usual>) {
    using Value = std::remove_cvref_t<decltype(value)>;
    if constexpr (std::integral<Value>) {
      return std::to_string(value) == about.value;
    } else if constexpr (std::floating_point<Value>) {
      return Json(value).dump() == about.value;
    } else {
      return value == about.value;
    }
  } else {
    return false;
  }
}

}  // namespace detail

/// {"layers": 2, "activation": "relu", ...}, in the order of the struct's visit, without what is as
/// it usually is.
template <Visitable Node>
[[nodiscard]] Json to_json(Node node) {
  Json json = Json::object();
  node.visit([&json](std::string_view name, const auto& value, const auto&... about) {
    if ((detail::is_usual(value, about) || ...)) return;
    json.set(name, value);
  });
  return json;
}

/// Fills `node` from the members of `json`. A missing one keeps its value; one that the struct does
/// not know is passed over (a later version wrote it).
/// Throws Error of the document's fault if a value is of another type.
template <Visitable Node>
void from_json(const Json& json, Node& node) {
  node.visit([&json](std::string_view name, auto& value, auto...) {
    detail::read_field(json, name, value);
  });
}

}  // namespace bipft
