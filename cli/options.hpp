#pragma once
/// Options: command-line words to a struct, and the struct to its help, both from its `visit`.
///
///   struct RunOptions {
///     std::size_t best = 1;
///     bool keep = false;
///     void visit(auto&& option) {
///       option("k", best, "labels a line", Form{"N", 1, 1000});
///       option("keep", keep, "put the input columns first");
///       option("Everywhere", common);                    // a section: a struct with a visit
///     }
///     static constexpr Later later[] = {{"exit", "early exit"}};
///   };
///
/// A value is a bool (the option takes none), a number, a string, an optional of these (to tell
/// "not given" apart), or a vector of strings (the option may be given again). Of any other option
/// given twice the last one counts.

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <functional>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <type_traits>
#include <utility>
#include <vector>

#include "bipft/core/error.hpp"
#include "bipft/core/visit.hpp"

namespace bipft::cli {

/// How help writes an option's value, and what it may be. "a|b" lists all there is; "[a|b]" may be
/// left out, and then it is the first; anything else is a word for it, such as FILE.
struct Form {
  std::string_view placeholder = {};
  double low = -std::numeric_limits<double>::infinity();
  double high = std::numeric_limits<double>::infinity();
};

/// What a later version will know, "name" or "name=value": refused by name, never ignored.
struct Later {
  std::string_view name;
  std::string_view what;
};

/// Two lists in one.
template <std::size_t M, std::size_t N>
[[nodiscard]] constexpr std::array<Later, M + N> joined(const std::array<Later, M>& first,
                                                        const std::array<Later, N>& second) {
  std::array<Later, M + N> all{};
  std::copy(first.begin(), first.end(), all.begin());
  std::copy(second.begin(), second.end(), all.begin() + M);
  return all;
}

/// A number read in no locale: all of `text`, or nothing.
template <class Number>
[[nodiscard]] std::optional<Number> number_in(std::string_view text) {
  Number number{};
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, number);
  if (text.empty() || error != std::errc() || rest != end) return std::nullopt;
  return number;
}

/// "a|b|c" in its parts.
[[nodiscard]] inline std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  for (;;) {
    const std::size_t end = text.find(separator);
    parts.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

/// How many letters must be added, removed, replaced or swapped with a neighbour to get from one
/// word to the other.
[[nodiscard]] inline std::size_t edits_between(std::string_view a, std::string_view b) {
  std::vector<std::vector<std::size_t>> edits(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
  for (std::size_t i = 0; i <= a.size(); ++i) {
    for (std::size_t j = 0; j <= b.size(); ++j) {
      if (i == 0 || j == 0) {
        edits[i][j] = i + j;
        continue;
      }
      edits[i][j] = std::min({edits[i - 1][j] + 1, edits[i][j - 1] + 1,
                              edits[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0U : 1U)});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        edits[i][j] = std::min(edits[i][j], edits[i - 2][j - 2] + 1);
      }
    }
  }
  return edits[a.size()][b.size()];
}

/// " (did you mean X?)" for the candidate nearest to `word`, or nothing if none is near.
[[nodiscard]] inline std::string suggestion(std::string_view word,
                                            std::span<const std::string> candidates) {
  constexpr std::size_t longest = 40;  // nobody misspells more
  const std::string* best = nullptr;
  std::size_t fewest = std::max<std::size_t>(2, word.size() / 3) + 1;
  for (const std::string& candidate : candidates) {
    if (word.size() > longest) break;
    const bool begun = word.size() >= 3 && candidate.starts_with(word);
    const std::size_t edits = begun ? 1 : edits_between(word, candidate);
    if (edits < std::min(fewest, candidate.size())) {
      fewest = edits;
      best = &candidate;
    }
  }
  return best == nullptr ? "" : concat(" (did you mean ", *best, "?)");
}

/// One option of a verb, its type forgotten.
struct Option {
  std::string_view names;  ///< "k", "epochs", or both spellings: "q,quiet"; empty for a heading
  std::string_view help;
  Form form;
  bool flag = false;        ///< takes no value
  std::string preset = {};  ///< its value as text before anything was parsed; empty for none
  std::function<void(std::string_view)> assign = {};

  [[nodiscard]] bool is(std::string_view name) const {
    return std::ranges::any_of(split(names, ','), [&](auto own) { return own == name; });
  }
  /// "-k", "--epochs", "-q, --quiet"
  [[nodiscard]] std::string spelling() const {
    std::string text;
    for (const std::string_view name : split(names, ',')) {
      text += concat(text.empty() ? "" : ", ", name.size() == 1 ? "-" : "--", name);
    }
    return text;
  }
  [[nodiscard]] bool value_optional() const { return form.placeholder.starts_with('['); }
  /// All that the value may be, or nothing if that is no list.
  [[nodiscard]] std::vector<std::string_view> choices() const {
    std::string_view list = form.placeholder;
    if (value_optional()) list = list.substr(1, list.size() - 2);
    if (list.find('|') == std::string_view::npos) return {};
    return split(list, '|');
  }
};

namespace detail {

template <class T>
constexpr bool is_optional = false;
template <class T>
constexpr bool is_optional<std::optional<T>> = true;

/// What a number between `form.low` and `form.high` is called in a message.
template <class Number>
[[nodiscard]] std::string kind_of_number(const Form& form) {
  std::string text = std::is_integral_v<Number> ? "a whole number" : "a number";
  if (std::isfinite(form.low)) text += concat(" from ", form.low);
  if (std::isfinite(form.high)) text += concat(" to ", form.high);
  return text;
}

template <class Value>
void assign(std::string_view name, const Form& form, std::string_view text, Value& value) {
  if constexpr (is_optional<Value>) {
    assign(name, form, text, value.emplace());
  } else if constexpr (std::is_same_v<Value, std::vector<std::string>>) {
    value.emplace_back(text);
  } else if constexpr (std::is_same_v<Value, std::string>) {
    value = text;
  } else {
    const std::optional<Value> number = number_in<Value>(text);
    const double wide = number ? static_cast<double>(*number) : 0.0;
    if (!number || !std::isfinite(wide) || wide < form.low || wide > form.high) {
      fail(name, ": '", text, "' is not ", kind_of_number<Value>(form));
    }
    value = *number;
  }
}

/// The value as its option would be given it; empty if it stands for "not given".
template <class Value>
[[nodiscard]] std::string text_of(const Value& value) {
  if constexpr (is_optional<Value>) {
    return value ? text_of(*value) : "";
  } else if constexpr (std::is_same_v<Value, bool>) {
    return value ? "on" : "";
  } else if constexpr (std::is_same_v<Value, std::vector<std::string>>) {
    std::string all;
    for (const std::string& one : value) all += concat(all.empty() ? "" : ",", one);
    return all;
  } else {
    return concat(value);
  }
}

}  // namespace detail

/// The options of `options`, bound to it, and the headings of its sections, in order.
template <Visitable Options>
[[nodiscard]] std::vector<Option> options_of(Options& options) {
  std::vector<Option> table;
  options.visit([&](std::string_view name, auto& value, auto... words) {
    if constexpr (Visitable<std::remove_reference_t<decltype(value)>>) {
      table.push_back({.names = {}, .help = name, .form = {}});
      for (Option& option : options_of(value)) table.push_back(std::move(option));
    } else {
      const auto add = [&](std::string_view help, Form form = {}) {
        Option option{.names = name, .help = help, .form = form};
        option.flag = std::is_same_v<std::remove_reference_t<decltype(value)>, bool>;
        option.preset = detail::text_of(value);
        option.assign = [&value, form, spelling = option.spelling()](std::string_view text) {
          if constexpr (std::is_same_v<std::remove_reference_t<decltype(value)>, bool>) {
            (void)form, (void)spelling, (void)text;
            value = true;
          } else {
            detail::assign(spelling, form, text, value);
          }
        };
        table.push_back(std::move(option));
      };
      add(words...);
    }
  });
  return table;
}

/// Hands `words` to the options of `table`, and returns those that are not options, in order.
///   --name value   --name=value   --flag   -k 3   -k3   -- (all that follows is plain)   - (plain)
/// Throws Error{Fault::usage} for an unknown option, a missing value, a value that is not allowed,
/// or anything in `later`.
[[nodiscard]] inline std::vector<std::string> parse(const std::vector<Option>& table,
                                                    std::span<const Later> later,
                                                    std::span<const std::string_view> words) {
  const auto refuse_later = [&](std::string_view name, std::string_view spelling) {
    for (const Later& entry : later) {
      if (entry.name == name) fail(spelling, ": ", entry.what, " is not in this version");
    }
  };
  std::vector<std::string> plain;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::string_view word = words[i];
    if (word == "--") {
      plain.insert(plain.end(), words.begin() + static_cast<std::ptrdiff_t>(i) + 1, words.end());
      break;
    }
    if (!word.starts_with('-') || word == "-") {
      plain.emplace_back(word);
      continue;
    }
    const bool is_long = word.starts_with("--");
    const std::size_t equals = word.find('=');
    std::string_view name = is_long ? word.substr(2, equals - 2) : word.substr(1, 1);
    std::optional<std::string_view> value;
    if (equals != std::string_view::npos) {
      value = word.substr(equals + 1);
    } else if (!is_long && word.size() > 2) {
      value = word.substr(2);
    }
    const auto option = std::ranges::find_if(table, [&](const Option& o) {
      return !o.names.empty() && o.is(name) && (is_long || name.size() == 1);
    });
    const std::string spelling = concat(is_long ? "--" : "-", name);
    refuse_later(name, spelling);
    if (option == table.end()) {
      std::vector<std::string> all;
      for (const Option& o : table) {
        for (const std::string_view own : split(o.names, ',')) {
          if (own.size() > 1) all.push_back(concat("--", own));
        }
      }
      fail("unknown option ", is_long ? spelling : std::string(word),
           suggestion(is_long ? spelling : concat('-', word), all), "; --help lists them all");
    }
    if (option->flag) {
      if (value) fail(spelling, " takes no value");
      option->assign({});
      continue;
    }
    const std::vector<std::string_view> choices = option->choices();
    if (!value && option->value_optional()) {
      const bool follows = i + 1 < words.size() && std::ranges::count(choices, words[i + 1]) > 0;
      value = follows ? words[++i] : choices.front();
    } else if (!value) {
      if (i + 1 == words.size() || words[i + 1].starts_with("--")) {
        fail(spelling, " needs a value: ", spelling, ' ', option->form.placeholder);
      }
      value = words[++i];
    }
    refuse_later(concat(name, '=', *value), concat(spelling, ' ', *value));
    if (!choices.empty() && std::ranges::count(choices, *value) == 0) {
      std::vector<std::string> all(choices.begin(), choices.end());
      std::string list;
      for (const std::string& choice : all) list += concat(list.empty() ? "" : ", ", choice);
      fail(spelling, ": '", *value, "' is not one of: ", list, suggestion(*value, all));
    }
    option->assign(*value);
  }
  return plain;
}

/// The same for a struct of options, which may have a static list `later`.
template <Visitable Options>
[[nodiscard]] std::vector<std::string> parse(Options& options,
                                             std::span<const std::string_view> words) {
  std::span<const Later> later;
  if constexpr (requires { Options::later; }) later = Options::later;
  return parse(options_of(options), later, words);
}

/// Every option with its help and, where it has one, its default.
[[nodiscard]] inline std::string help_of(const std::vector<Option>& table) {
  constexpr std::size_t indent = 30;
  std::string text;
  for (const Option& option : table) {
    if (option.names.empty()) {
      text += concat('\n', option.help, ":\n");
      continue;
    }
    const bool fits = option.form.placeholder.size() <= 16;
    const std::string_view placeholder = fits ? option.form.placeholder : "WHAT";
    std::string line = concat("  ", option.spelling(), option.flag ? "" : " ",
                              option.flag ? std::string_view() : placeholder);
    if (line.size() + 2 > indent) {
      text += line + '\n';
      line.clear();
    }
    line.resize(indent, ' ');
    text += line;
    text += option.help;
    if (!fits) text += concat(": ", option.form.placeholder);
    if (!option.preset.empty()) text += concat(" [", option.preset, ']');
    text += '\n';
  }
  return text;
}

/// A word as a shell takes it back.
[[nodiscard]] inline std::string shell_word(std::string_view word) {
  constexpr std::string_view plain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789@%+=:,./-_";
  if (!word.empty() && word.find_first_not_of(plain) == std::string_view::npos) {
    return std::string(word);
  }
  std::string quoted = "'";
  for (const char c : word) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return quoted + '\'';
}

/// The options whose values are not their defaults, in the order of their list, whatever order they
/// were given in: "--preset mini --lr 0.001".
template <Visitable Options>
[[nodiscard]] std::string given_options(Options options) {
  Options defaults;
  const std::vector<Option> ours = options_of(options);
  const std::vector<Option> theirs = options_of(defaults);
  std::string text;
  for (std::size_t i = 0; i < ours.size(); ++i) {
    if (ours[i].preset == theirs[i].preset) continue;
    if (!text.empty()) text += ' ';
    const std::string_view name = split(ours[i].names, ',').back();
    text += concat(name.size() == 1 ? "-" : "--", name);
    if (!ours[i].flag) text += ' ' + shell_word(ours[i].preset);
  }
  return text;
}

}  // namespace bipft::cli
