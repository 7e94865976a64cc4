#pragma once
/// JSONL: one JSON object a line.
///
///   {"text": "a fine film", "label": "positive"}
///   {"text": "a fine film", "text_pair": "a good film", "label": 1, "weight": 0.5}
///   {"text": "a fine film", "label": ["praise", "short"]}

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "bipft/core/error.hpp"
#include "bipft/data/columns.hpp"
#include "bipft/data/example.hpp"
#include "bipft/data/lines.hpp"
#include "bipft/io/json.hpp"

namespace bipft {

namespace detail {

/// The member of `row` that `wanted` (or else `usual`) names, or nothing.
[[nodiscard]] inline std::optional<Json> find_member(const Json& row, const std::string& wanted,
                                                     std::string_view usual) {
  for (const std::string_view key : alternatives(wanted.empty() ? usual : wanted)) {
    if (auto member = row.find(key)) return member;
  }
  return std::nullopt;
}

/// The label that `value` is: a text, true or false, or a number in its shortest form (1.0 is "1").
[[nodiscard]] inline std::string label_of(const Json& value, std::string_view place) {
  switch (value.kind()) {
    case Json::Kind::string:
      return value.as_string();
    case Json::Kind::boolean:
      return value.as_bool() ? "true" : "false";
    case Json::Kind::integer:
      return concat(value.as_int());
    case Json::Kind::number:
      return concat(value.as_double());
    default:
      fail(Fault::data, place, ": the label is not a text, a number, true or false");
  }
}

/// The labels of an array, parted by commas. Throws Error{Fault::data} for one that would read as
/// several, or as none.
[[nodiscard]] inline std::string labels_of(const Json& value, std::string_view place) {
  if (!value.is_array()) return label_of(value, place);
  std::string all;
  for (const Json& element : value.elements()) {
    const std::string label = label_of(element, place);
    if (label.empty() || label.find_first_of(" ,\t") != std::string::npos) {
      fail(Fault::data, place, ": the label '", label.substr(0, 60),
           "' is empty or has a blank or a comma in it, which part labels");
    }
    all += concat(all.empty() ? "" : ",", label);
  }
  return all;
}

}  // namespace detail

/// The examples of a JSONL text that messages call `name`. Keys are those of `columns` or its usual
/// names; other keys are passed over. As JSON demands it, malformed UTF-8 is refused.
///
/// Throws Error{Fault::data} at `name:line:column` for what is not JSON, and at `name:line` for a
/// line that is no object, lacks text or label, has a second text where the first line has none
/// (or none where it has one), a label that is empty or not of the kind that the columns say, or a
/// weight that is no positive finite number; and if there are no lines. Where a text may have
/// several labels, they may stand in an array.
[[nodiscard]] inline Dataset parse_jsonl(std::string_view text, const std::string& name,
                                         const Columns& columns = {}) {
  Dataset dataset;
  dataset.sources.push_back(name);
  dataset.pairs = !columns.text2.empty();
  dataset.answer = columns.answer;
  Lines lines(text, name);
  while (lines.next()) {
    JsonOptions options;
    options.first_line = lines.number();
    const Json row = Json::parse(lines.line(), name, options);
    if (!row.is_object()) {
      fail(Fault::data, lines.place(), ": is not a JSON object; ",
           row.is_array() ? "of an array, make lines: jq -c '.[]'" : "one object a line is wanted");
    }
    const auto member = [&](std::string_view option, const std::string& wanted,
                            std::string_view usual) {
      auto found = detail::find_member(row, wanted, usual);
      if (!found) {
        std::vector<std::string> keys;
        for (const auto& [key, value] : row.members()) keys.emplace_back(key);
        fail(Fault::data, lines.place(), ": there is no key '", wanted.empty() ? usual : wanted,
             "'; the object has ", keys.empty() ? "none" : detail::quoted_list(keys),
             ". Name one with --", option);
      }
      return *std::move(found);
    };

    Example example;
    example.line = lines.number();
    example.text = member("text", columns.text, detail::usual_text).as_string();
    const bool has_pair = detail::find_member(row, columns.text2, detail::usual_pair).has_value();
    if (dataset.examples.empty()) dataset.pairs = dataset.pairs || has_pair;
    if (dataset.pairs) {
      example.pair = member("text2", columns.text2, detail::usual_pair).as_string();
    } else if (has_pair) {
      fail(Fault::data, lines.place(), ": has a second text, but the first line has none");
    }
    const Json label = member("label", columns.label, detail::usual_label);
    example.label = columns.answer == AnswerKind::labels ? detail::labels_of(label, lines.place())
                                                         : detail::label_of(label, lines.place());
    detail::check_label(example.label, columns.answer, lines.place());
    if (!columns.weight.empty()) (void)member("weight", columns.weight, "");
    if (const auto weight = detail::find_member(row, columns.weight, "weight")) {
      example.weight = detail::parse_weight(
          weight->is_number() ? concat(weight->as_double()) : weight->as_string(), lines.place());
    }
    dataset.examples.push_back(std::move(example));
  }
  return dataset;
}

}  // namespace bipft
