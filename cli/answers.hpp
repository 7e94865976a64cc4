#pragma once
/// Answers: what `bipft run` writes for a line, in every format.

#include <algorithm>
#include <bit>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "bipft/core/error.hpp"
#include "bipft/io/json.hpp"
#include "options.hpp"

namespace bipft::cli {

enum class AnswerFormat { tsv, csv, jsonl, fasttext, npy };

[[nodiscard]] inline AnswerFormat format_called(std::string_view name) {
  constexpr std::string_view names[] = {"tsv", "csv", "jsonl", "fasttext", "npy"};
  const auto at = std::ranges::find(names, name);
  if (at == std::end(names)) fail("no format is called '", name, '\'');
  return static_cast<AnswerFormat>(at - std::begin(names));
}

/// One line of output, made of named fields. Whatever stands in a field, it stays one line:
///
///   tsv       fields parted by tabs; tabs and line ends within one become blanks
///   csv       RFC 4180, without a header; line ends become blanks
///   jsonl     an object; bytes that are no UTF-8 become U+FFFD
///   fasttext  fields parted by blanks; blanks within one become _
class Row {
 public:
  Row(std::string& out, AnswerFormat format) : out_(out), format_(format) {
    if (format == AnswerFormat::jsonl) out_ += '{';
  }

  void text(std::string_view name, std::string_view value) {
    begin(name);
    if (format_ == AnswerFormat::jsonl) {
      out_ += Json(value).dump();
      return;
    }
    const bool quoted =
        format_ == AnswerFormat::csv && value.find_first_of(",\"\r\n") != std::string_view::npos;
    if (quoted) out_ += '"';
    for (const char c : value) {
      if (quoted && c == '"') out_ += '"';
      const bool ends_line = c == '\n' || c == '\r';
      const bool blank = ends_line || c == '\t' || c == ' ';
      if (format_ == AnswerFormat::fasttext && blank) {
        out_ += '_';
      } else {
        out_ += ends_line || (c == '\t' && format_ == AnswerFormat::tsv) ? ' ' : c;
      }
    }
    if (quoted) out_ += '"';
  }

  /// The shortest digits that read back as `value`, or `digits` significant ones; in jsonl, null
  /// for what is no number.
  void number(std::string_view name, float value, int digits = 0) {
    begin(name);
    append(value, digits);
  }
  template <class Number>
  void numbers(std::string_view name, std::span<const Number> values, int digits = 0) {
    if (format_ == AnswerFormat::jsonl) {
      begin(name);
      out_ += '[';
    }
    for (const Number value : values) {
      format_ == AnswerFormat::jsonl ? comma_after('[') : begin(name);
      append(value, digits);
    }
    if (format_ == AnswerFormat::jsonl) out_ += ']';
  }
  void nothing(std::string_view name) {
    begin(name);
    if (format_ == AnswerFormat::jsonl) out_ += "null";
  }
  /// Goes on with fields that were made elsewhere, as they are.
  void raw(std::string_view name, std::string_view fields) {
    begin(name);
    out_ += fields;
  }
  void end() { out_ += format_ == AnswerFormat::jsonl ? "}\n" : "\n"; }

 private:
  void begin(std::string_view name) {
    if (format_ == AnswerFormat::jsonl) {
      comma_after('{');
      out_ += concat(Json(name).dump(), ':');
    } else if (fields_++ > 0) {
      out_ += format_ == AnswerFormat::csv ? ',' : format_ == AnswerFormat::fasttext ? ' ' : '\t';
    }
  }
  void comma_after(char opening) {
    if (out_.back() != opening) out_ += ',';
  }
  template <class Number>
  void append(Number value, int digits) {
    char text[64];
    std::to_chars_result end{};
    if constexpr (std::is_floating_point_v<Number>) {
      if (format_ == AnswerFormat::jsonl && !(value - value == 0)) {
        out_ += "null";
        return;
      }
      end = digits == 0 ? std::to_chars(text, text + sizeof text, value)
                        : std::to_chars(text, text + sizeof text, value, std::chars_format::general,
                                        digits);
    } else {
      end = std::to_chars(text, text + sizeof text, value);
    }
    out_.append(text, end.ptr);
  }

  std::string& out_;
  AnswerFormat format_;
  std::size_t fields_ = 0;
};

/// Which labels of a prediction are written.
struct Choice {
  std::size_t best = 1;                  ///< this many, the most probable first
  std::optional<double> threshold = {};  ///< none less probable than this
  std::string otherwise = {};            ///< the label where there is none
  bool several = false;                  ///< a text may have several, so that none is one too many
};

/// The indices of the `best` greatest values, greatest first; of equal ones the first.
[[nodiscard]] inline std::vector<std::size_t> best_of(std::span<const float> values,
                                                      std::size_t best) {
  std::vector<std::size_t> order(values.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  best = std::min(best, order.size());
  std::partial_sort(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(best), order.end(),
                    [&](std::size_t a, std::size_t b) {
                      return values[a] != values[b] ? values[a] > values[b] : a < b;
                    });
  order.resize(best);
  return order;
}

/// Writes the chosen labels and their probabilities. Where the threshold leaves none, `otherwise`
/// stands beside the highest probability.
inline void write_labels(Row& row, AnswerFormat format, const Choice& choice,
                         std::span<const std::string> labels,
                         std::span<const float> probabilities) {
  std::vector<std::size_t> best = best_of(probabilities, choice.best);
  const float highest = probabilities[best.front()];
  if (choice.threshold) {
    std::erase_if(best, [&](std::size_t k) {
      return static_cast<double>(probabilities[k]) < *choice.threshold;
    });
  }
  const auto one = [&](Row& into, std::string_view label, float probability) {
    into.text("label",
              format == AnswerFormat::fasttext ? concat("__label__", label) : std::string(label));
    into.number("probability", std::min(probability, 1.0F));
  };
  const auto list = [&] {
    std::string all = "[";
    for (const std::size_t k : best) {
      std::string element;
      Row inner(element, format);
      one(inner, labels[k], probabilities[k]);
      all += concat(all.size() == 1 ? "" : ",", element, '}');
    }
    return all + ']';
  };
  if (choice.several && format == AnswerFormat::jsonl) {
    if (best.empty() && !choice.otherwise.empty()) one(row, choice.otherwise, highest);
    return row.raw("labels", list());
  }
  if (best.empty()) return one(row, choice.otherwise, highest);
  one(row, labels[best.front()], probabilities[best.front()]);
  if (format == AnswerFormat::jsonl && choice.best > 1) return row.raw("best", list());
  for (std::size_t i = 1; i < best.size(); ++i) one(row, labels[best[i]], probabilities[best[i]]);
}

/// Writes the columns of an input line, for --keep: as they are in tsv and fasttext, each quoted
/// where need be in csv, by name in jsonl.
inline void write_input(Row& row, AnswerFormat format, std::string_view line, bool pairs) {
  if (format == AnswerFormat::tsv || format == AnswerFormat::fasttext) return row.raw("text", line);
  if (format == AnswerFormat::csv) {
    for (const std::string_view field : split(line, '\t')) row.text("text", field);
    return;
  }
  const std::size_t tab = pairs ? line.find('\t') : std::string_view::npos;
  row.text("text", line.substr(0, tab));
  if (tab != std::string_view::npos) row.text("text2", line.substr(tab + 1));
}

/// Numbers as NumPy stores an array, version 1.0: the header says how many rows there are, so it
/// can be written only when all are known.
[[nodiscard]] inline std::string npy_of(std::span<const float> values, std::size_t columns) {
  const std::size_t rows = columns == 0 ? 0 : values.size() / columns;
  std::string header =
      concat("{'descr': '<f4', 'fortran_order': False, 'shape': (", rows, ", ", columns, "), }");
  constexpr std::size_t magic = 10;
  header.resize((magic + header.size() + 1 + 63) / 64 * 64 - magic - 1, ' ');
  header += '\n';
  std::string out = "\x93NUMPY";
  out += '\x01';
  out += '\0';
  out += static_cast<char>(header.size() & 0xFFU);
  out += static_cast<char>(header.size() >> 8U);
  out += header;
  for (const float value : values) {
    const auto bits = std::bit_cast<std::uint32_t>(value);
    for (unsigned shift = 0; shift < 32; shift += 8) {
      out += static_cast<char>((bits >> shift) & 0xFFU);
    }
  }
  return out;
}

}  // namespace bipft::cli
