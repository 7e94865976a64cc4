#pragma once
/// Delimited text: TSV, where a quote is only a character, and CSV as RFC 4180 has it.

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "bipft/core/error.hpp"
#include "bipft/data/columns.hpp"
#include "bipft/data/example.hpp"
#include "bipft/data/lines.hpp"

namespace bipft {

/// How fields are parted, and whether a field may stand in double quotes (then it may hold
/// separators and line ends, and a quote written twice).
struct Dialect {
  char separator;
  bool quotes;
};
inline constexpr Dialect tsv_dialect{'\t', false};
inline constexpr Dialect csv_dialect{',', true};

/// Walks over the rows of a delimited text, which must outlive it. Empty lines are passed over.
class DelimitedRows {
 public:
  struct Field {
    std::size_t line;    ///< where it begins, counted from 1
    std::size_t column;  ///< in bytes, counted from 1
  };

  /// Throws Error{Fault::data} as checked_text does.
  DelimitedRows(std::string_view text, std::string name, Dialect dialect)
      : text_(checked_text(text, name)),
        name_(std::move(name)),
        dialect_(dialect),
        end_(line_end_of(text_)) {}

  /// Goes to the next row; false when there is none. Throws Error{Fault::data} for a quote that is
  /// not closed, something after a closed one, or a row beyond `longest_line`.
  [[nodiscard]] bool next() {
    values_.clear();
    fields_.clear();
    for (;;) {
      if (position_ >= text_.size()) return false;
      find_stop();
      if (position_ < stop_) break;
      next_line();
    }

    const std::size_t start = position_;
    line_ = current_line_;
    for (;;) {
      fields_.push_back({current_line_, position_ - line_start_ + 1});
      const bool quoted = dialect_.quotes && position_ < stop_ && text_[position_] == '"';
      quoted ? read_quoted() : read_plain();
      if (position_ - start > longest_line) {
        fail(Fault::data, name_, ':', line_, ": the row is longer than ", longest_line, " bytes; ",
             dialect_.quotes ? "is a quote not closed?" : "is this a text file with line ends?");
      }
      if (position_ >= stop_) break;
      ++position_;  // the separator
    }
    end_column_ = stop_ - line_start_ + 1;
    end_line_ = current_line_;
    next_line();
    return true;
  }

  [[nodiscard]] const std::vector<std::string>& values() const { return values_; }
  [[nodiscard]] std::size_t line() const { return line_; }

  /// "data.csv:17:4", where field `index` begins, or where the row ends if it has no such field.
  [[nodiscard]] std::string place(std::size_t index) const {
    const bool there = index < fields_.size();
    return concat(name_, ':', there ? fields_[index].line : end_line_, ':',
                  there ? fields_[index].column : end_column_);
  }

 private:
  /// Puts the end of the current line, before its CR LF, LF or CR, into stop_.
  void find_stop() {
    line_stop_ = std::min(text_.find(end_, position_), text_.size());
    stop_ = line_stop_;
    if (end_ == '\n' && stop_ > position_ && text_[stop_ - 1] == '\r') --stop_;
  }
  void next_line() {
    position_ = line_stop_ + 1;
    line_start_ = position_;
    ++current_line_;
  }

  void read_plain() {
    const std::string_view rest = text_.substr(position_, stop_ - position_);
    values_.emplace_back(rest.substr(0, rest.find(dialect_.separator)));
    position_ += values_.back().size();
  }

  void read_quoted() {
    const Field opening = fields_.back();
    std::string value;
    for (;;) {
      const std::size_t from = position_ + 1;
      const std::size_t quote = text_.find('"', from);
      if (quote == std::string_view::npos) {
        fail(Fault::data, name_, ':', opening.line, ':', opening.column,
             ": this quote is never closed; a quote inside a quoted field is written twice");
      }
      const std::string_view piece = text_.substr(from, quote - from);
      value += piece;
      for (std::size_t i = piece.find(end_); i != std::string_view::npos;
           i = piece.find(end_, i + 1)) {
        ++current_line_;
        line_start_ = from + i + 1;
      }
      position_ = quote + 1;
      if (position_ >= text_.size() || text_[position_] != '"') break;
      value += '"';
    }
    find_stop();
    if (position_ < stop_ && text_[position_] != dialect_.separator) {
      fail(Fault::data, name_, ':', current_line_, ':', position_ - line_start_ + 1, ": '",
           text_.substr(position_, 1),
           "' follows a closed quote; a quote inside a quoted field is ", "written twice");
    }
    values_.push_back(std::move(value));
  }

  std::string_view text_;
  std::string name_;
  Dialect dialect_;
  char end_;
  std::size_t position_ = 0;
  std::size_t line_start_ = 0;  ///< of the line that holds position_
  std::size_t line_stop_ = 0;   ///< at the byte that ends it
  std::size_t stop_ = 0;        ///< line_stop_, or the CR before it
  std::size_t current_line_ = 1;
  std::size_t line_ = 0;
  std::size_t end_line_ = 0;
  std::size_t end_column_ = 0;
  std::vector<std::string> values_;
  std::vector<Field> fields_;
};

/// The examples of a delimited text that messages call `name`. Of several layouts the first whose
/// columns are there is taken; layouts without a header come last.
///
/// Throws Error{Fault::data} at `name:line:column` for a missing column, a row with other than the
/// first row's number of fields (unless `skip_short_rows`), a label that is empty or not of the
/// columns' kind, a weight that is no positive number; and if there are no rows.
[[nodiscard]] inline Dataset parse_delimited(std::string_view text, const std::string& name,
                                             Dialect dialect,
                                             const std::vector<Columns>& layouts = {Columns{}}) {
  DelimitedRows rows(text, name, dialect);
  if (!rows.next()) fail(Fault::data, name, ": is empty; one example a line is wanted");
  const std::size_t width = rows.values().size();

  Columns columns;
  ColumnMap map;
  for (std::size_t i = 0; i < layouts.size(); ++i) {
    columns = layouts[i];
    try {
      map = find_columns(columns, rows.values(), concat(name, ':', rows.line()));
      break;
    } catch (const Error&) {
      if (i + 1 < layouts.size()) continue;
      // The first layout is the usual one: its complaint helps most.
      (void)find_columns(layouts[0], rows.values(), concat(name, ':', rows.line()));
      throw;
    }
  }

  Dataset dataset;
  dataset.sources.push_back(name);
  dataset.pairs = map.pair.has_value();
  dataset.answer = columns.answer;
  if (columns.header && !map.weight) {
    for (const std::string& title : rows.values()) {
      if (detail::trimmed(title) != "weight") continue;
      dataset.warnings.push_back(concat(name, ": the column 'weight' is not used; --weight weight ",
                                        "makes examples count by it"));
    }
  }
  for (bool more = columns.header ? rows.next() : true; more; more = rows.next()) {
    const std::vector<std::string>& values = rows.values();
    if (values.size() < width && columns.skip_short_rows) {
      ++dataset.skipped;
      continue;
    }
    if (values.size() != width) {
      const bool few = values.size() < width;
      fail(Fault::data, rows.place(width), ": ", values.size(),
           values.size() == 1 ? " field, but the " : " fields, but the ",
           columns.header ? "header has " : "first row has ", width,
           few              ? "; is a separator missing?"
           : dialect.quotes ? "; a text with a comma in it stands in double quotes"
                            : "; a tab inside a text cannot be quoted, write a blank instead");
    }
    Example example;
    example.text = values[map.text];
    if (map.pair) example.pair = values[*map.pair];
    example.label = values[map.label];
    example.line = rows.line();
    detail::check_label(example.label, columns.answer, rows.place(map.label));
    if (map.weight) {
      example.weight = detail::parse_weight(values[*map.weight], rows.place(*map.weight));
    }
    dataset.examples.push_back(std::move(example));
  }
  if (dataset.skipped > 0) {
    dataset.warnings.push_back(
        concat(name, ": ", dataset.skipped, " rows with too few fields were left out"));
  }
  if (dataset.examples.empty()) {
    fail(Fault::data, name, ": has ", columns.header ? "a header but " : "", "no examples");
  }
  return dataset;
}

}  // namespace bipft
