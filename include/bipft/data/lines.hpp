#pragma once
/// Lines: a data file line by line, whatever system wrote it.

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

#include "bipft/core/error.hpp"

namespace bipft {

/// The longest line, or quoted record, of a data file: nobody reads 16 MB as one text, and whoever
/// thinks so has forgotten line ends or a quote.
inline constexpr std::size_t longest_line = std::size_t{16} << 20U;

/// `text` without its byte order mark. Throws Error{Fault::data} if it is UTF-16 or UTF-32, or if
/// there is nothing in it.
[[nodiscard]] inline std::string_view checked_text(std::string_view text, std::string_view name) {
  using namespace std::string_view_literals;
  const auto refuse = [&](std::string_view encoding) {
    fail(Fault::data, name, ": is ", encoding, ", not UTF-8; convert it: iconv -f ", encoding,
         " -t UTF-8 ", name, " > utf8.txt");
  };
  if (text.starts_with("\xFF\xFE\0\0"sv) || text.starts_with("\0\0\xFE\xFF"sv)) refuse("UTF-32");
  if (text.starts_with("\xFF\xFE"sv) || text.starts_with("\xFE\xFF"sv)) refuse("UTF-16");
  // Without a mark: Latin letters with a zero before or after each of them.
  const auto zeros = [&](std::size_t first) {
    for (std::size_t i = 0; i < 8; ++i) {
      if ((text[i] == '\0') != (i % 2 == first)) return false;
    }
    return true;
  };
  if (text.size() >= 8 && zeros(1)) refuse("UTF-16LE");
  if (text.size() >= 8 && zeros(0)) refuse("UTF-16BE");
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  if (text.find_first_not_of("\r\n") == std::string_view::npos) {
    fail(Fault::data, name, ": is empty; one example a line is wanted");
  }
  return text;
}

/// The byte that ends a line of `text`: a line feed (with or without a carriage return before it),
/// or a carriage return where the whole file has no line feed. So one that stands amid the lines
/// of an ordinary file is part of a text, not the end of it.
[[nodiscard]] inline char line_end_of(std::string_view text) {
  return text.find('\n') == std::string_view::npos ? '\r' : '\n';
}

/// Walks over the lines of a text, which must outlive it. Empty lines are passed over.
class Lines {
 public:
  /// Throws Error{Fault::data} as checked_text does.
  Lines(std::string_view text, std::string name)
      : text_(checked_text(text, name)), name_(std::move(name)), end_(line_end_of(text_)) {}

  /// Goes to the next line that is not empty; false when there is none. Throws Error{Fault::data}
  /// for a line beyond `longest_line`.
  [[nodiscard]] bool next() {
    while (position_ < text_.size()) {
      const std::size_t stop = std::min(text_.find(end_, position_), text_.size());
      line_ = text_.substr(position_, stop - position_);
      position_ = stop + 1;
      ++number_;
      if (end_ == '\n' && line_.ends_with('\r')) line_.remove_suffix(1);
      if (line_.size() > longest_line) {
        fail(Fault::data, place(), ": the line is longer than ", longest_line,
             " bytes; is this a text file with line ends? Split long texts into several lines");
      }
      if (!line_.empty()) return true;
    }
    return false;
  }

  [[nodiscard]] std::string_view line() const { return line_; }
  [[nodiscard]] std::size_t number() const { return number_; }  ///< counted from 1

  /// "train.jsonl:17", or with a column, counted in bytes from 1, "train.jsonl:17:4".
  [[nodiscard]] std::string place() const { return concat(name_, ':', number_); }
  [[nodiscard]] std::string place(std::size_t column) const {
    return concat(name_, ':', number_, ':', column);
  }

 private:
  std::string_view text_;
  std::string name_;
  char end_;
  std::size_t position_ = 0;
  std::size_t number_ = 0;
  std::string_view line_;
};

}  // namespace bipft
