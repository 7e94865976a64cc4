#pragma once
/// AnswerKind: what stands in the label column of a data set, and so what a model answers.

#include <cstddef>
#include <iterator>
#include <optional>
#include <string_view>

namespace bipft {

enum class AnswerKind {
  label,   ///< one of a list: classification
  value,   ///< a number: regression
  labels,  ///< any number of a list, or none: multi-label classification
};

namespace detail {

inline constexpr std::string_view answer_kinds[] = {"label", "value", "labels"};

}  // namespace detail

[[nodiscard]] constexpr std::string_view to_string(AnswerKind kind) {
  return detail::answer_kinds[static_cast<std::size_t>(kind)];
}

/// The kind that to_string calls so, or nothing.
[[nodiscard]] constexpr std::optional<AnswerKind> answer_kind_called(std::string_view name) {
  for (std::size_t i = 0; i < std::size(detail::answer_kinds); ++i) {
    if (detail::answer_kinds[i] == name) return static_cast<AnswerKind>(i);
  }
  return std::nullopt;
}

}  // namespace bipft
