#pragma once
/// Columns: which column of a table holds the text, the second text, the label and the weight.

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "bipft/core/error.hpp"
#include "bipft/data/answer_kind.hpp"

namespace bipft {

/// Each column by its name or by its number, counted from 1 as in cut(1). A name that the header
/// has wins over a number. `a|b` is the first of these names that the header has. An empty string
/// means the usual names:
///
///   text    text | sentence | sentence1
///   text2   text2 | sentence2 | text_pair      where there is none, the texts are single
///   label   label
///   weight  none in a table, `weight` in JSONL
///
/// Without a header columns have numbers only, and by default two fields are text and label, three
/// are text, text2 and label.
struct Columns {
  std::string text = {};
  std::string text2 = {};
  std::string label = {};
  std::string weight = {};
  bool header = true;
  bool skip_short_rows = false;  ///< leave out (and count) rows with too few fields; else an error
  std::string label_prefix = "__label__";  ///< of fastText lines
  AnswerKind answer = AnswerKind::label;   ///< what the label column holds

  /// These columns, but with those that `wanted` names.
  [[nodiscard]] Columns overridden_by(const Columns& wanted) const {
    Columns result = *this;
    if (!wanted.text.empty()) result.text = wanted.text;
    if (!wanted.text2.empty()) result.text2 = wanted.text2;
    if (!wanted.label.empty()) result.label = wanted.label;
    if (!wanted.weight.empty()) result.weight = wanted.weight;
    result.header = result.header && wanted.header;
    if (wanted.label_prefix != Columns{}.label_prefix) result.label_prefix = wanted.label_prefix;
    return result;
  }
};

namespace detail {

inline constexpr std::string_view usual_text = "text|sentence|sentence1";
inline constexpr std::string_view usual_pair = "text2|sentence2|text_pair";
inline constexpr std::string_view usual_label = "label";

/// "a|b" as its names; the whole of it comes first, should a header really have such a name.
[[nodiscard]] inline std::vector<std::string_view> alternatives(std::string_view names) {
  std::vector<std::string_view> result{names};
  if (names.find('|') == std::string_view::npos) return result;
  for (;;) {
    const std::size_t bar = names.find('|');
    result.push_back(names.substr(0, bar));
    if (bar == std::string_view::npos) return result;
    names.remove_prefix(bar + 1);
  }
}

/// "'a', 'b' or 'c'", or "'a', 'b', 'c'" and how many more there are.
[[nodiscard]] inline std::string quoted_list(std::span<const std::string> names) {
  constexpr std::size_t most = 12;
  constexpr std::size_t longest = 60;
  std::string list;
  for (std::size_t i = 0; i < std::min(most, names.size()); ++i) {
    const std::string_view name = names[i];
    const bool cut = name.size() > longest;
    list += concat(i == 0 ? "'" : ", '", name.substr(0, longest), cut ? "...'" : "'");
  }
  if (names.size() > most) list += concat(" and ", names.size() - most, " more");
  return list;
}

/// `text` as a whole number without sign, or nothing.
[[nodiscard]] inline std::optional<std::size_t> parse_number(std::string_view text) {
  std::size_t number = 0;
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, number);
  if (text.empty() || error != std::errc() || rest != end) return std::nullopt;
  return number;
}

/// The weight that `text` says. Throws Error{Fault::data} unless it is a positive finite number,
/// written with a point whatever the locale.
[[nodiscard]] inline float parse_weight(std::string_view text, std::string_view place) {
  float weight = 0.0F;
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, weight);
  if (error != std::errc() || rest != end || !std::isfinite(weight) || weight <= 0.0F) {
    fail(Fault::data, place, ": the weight '", text.substr(0, 60),
         "' is not a positive finite number such as 0.5");
  }
  return weight;
}

[[nodiscard]] inline std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

/// The number that a label says, finite as a 32-bit float too and written with a point whatever the
/// locale; nothing if it says none. Blanks around it are passed over.
[[nodiscard]] inline std::optional<double> value_in(std::string_view label) {
  const std::string_view text = trimmed(label);
  double value = 0.0;
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, value);
  if (text.empty() || error != std::errc() || rest != end ||
      !(std::abs(value) <= static_cast<double>(std::numeric_limits<float>::max()))) {
    return std::nullopt;
  }
  return value;
}
/// The same. Throws Error{Fault::data} that begins with `place` if it is none.
[[nodiscard]] inline double parse_value(std::string_view label, std::string_view place) {
  if (const std::optional<double> value = value_in(label)) return *value;
  fail(Fault::data, place, ": the label '", label.substr(0, 60),
       "' is not a finite number such as 3.5");
}

/// Throws Error{Fault::data} for a label that a data set of `kind` cannot have: an empty one (but
/// where a text may have no label), or one that is no number where it must be.
inline void check_label(std::string_view label, AnswerKind kind, std::string_view place) {
  if (kind == AnswerKind::labels) return;
  if (trimmed(label).empty()) fail(Fault::data, place, ": the label is empty");
  if (kind == AnswerKind::value) (void)parse_value(label, place);
}

}  // namespace detail

/// Where the columns of a table stand, counted from 0.
struct ColumnMap {
  std::size_t text = 0;
  std::optional<std::size_t> pair = std::nullopt;
  std::size_t label = 0;
  std::optional<std::size_t> weight = std::nullopt;
};

/// Finds `columns` in the first row of a table, its header if it has one.
///
/// Throws Error{Fault::data} that begins with `place` and lists what is there if a column is
/// missing, or if a name stands there twice; Error{Fault::usage} if one column is to be two
/// things.
[[nodiscard]] inline ColumnMap find_columns(const Columns& columns,
                                            std::span<const std::string> first_row,
                                            std::string_view place) {
  const auto find_name = [&](std::string_view name) {
    std::optional<std::size_t> found;
    for (std::size_t i = 0; columns.header && i < first_row.size(); ++i) {
      if (detail::trimmed(first_row[i]) != name) continue;
      if (found) {
        fail(Fault::data, place, ": columns ", *found + 1, " and ", i + 1, " are both called '",
             name, "'; name the column by its number");
      }
      found = i;
    }
    return found;
  };
  const auto find = [&](std::string_view option, const std::string& wanted, std::string_view usual,
                        bool required) -> std::optional<std::size_t> {
    const std::string_view names = wanted.empty() ? usual : std::string_view(wanted);
    for (const std::string_view name : detail::alternatives(names)) {
      if (const auto found = find_name(name)) return found;
    }
    if (const auto number = detail::parse_number(names)) {
      if (*number >= 1 && *number <= first_row.size()) return *number - 1;
      fail(Fault::data, place, ": --", option, " asks for column ", *number, ", but there are ",
           first_row.size(), ", counted from 1");
    }
    if (wanted.empty() && !required) return std::nullopt;
    if (!columns.header) {
      fail(Fault::usage, place, ": --", option, " names the column '", names,
           "', but without a header columns have numbers only, counted from 1");
    }
    std::string text(names);
    for (std::size_t bar = text.find('|'); bar != std::string::npos; bar = text.find('|', bar)) {
      text.replace(bar, 1, "' or '");
    }
    fail(Fault::data, place, ": no column is called '", text, "'; the header has ",
         detail::quoted_list(first_row), ". Name one with --", option,
         " (name or number), or say --no-header if this row is data");
  };

  ColumnMap map;
  const bool named = !columns.text.empty() || !columns.text2.empty() || !columns.label.empty();
  if (!columns.header && !named) {
    if (first_row.size() != 2 && first_row.size() != 3) {
      fail(Fault::data, place, ": ", first_row.size(), " fields and no header; say which are what ",
           "with --text and --label, by number, counted from 1");
    }
    if (first_row.size() == 3) map.pair = 1;
    map.label = first_row.size() - 1;
    map.weight = find("weight", columns.weight, "", false);
  } else {
    map.text = *find("text", columns.text, columns.header ? detail::usual_text : "1", true);
    map.pair = find("text2", columns.text2, detail::usual_pair, false);
    map.label = *find("label", columns.label, detail::usual_label, true);
    map.weight = find("weight", columns.weight, "", false);
  }

  const std::array<std::optional<std::size_t>, 4> all{map.text, map.pair, map.label, map.weight};
  const std::array<std::string_view, 4> options{"--text", "--text2", "--label", "--weight"};
  for (std::size_t i = 0; i < all.size(); ++i) {
    for (std::size_t j = i + 1; j < all.size(); ++j) {
      if (!all[i] || all[i] != all[j]) continue;
      fail(Fault::usage, place, ": ", options[i], " and ", options[j], " both mean column ",
           *all[i] + 1);
    }
  }
  return map;
}

}  // namespace bipft
