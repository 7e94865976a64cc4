#pragma once
/// Data sets from files: TSV, CSV, JSONL or fastText lines, told apart by name and first line.

#include <algorithm>
#include <array>
#include <cstddef>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "bipft/core/error.hpp"
#include "bipft/data/columns.hpp"
#include "bipft/data/delimited.hpp"
#include "bipft/data/example.hpp"
#include "bipft/data/fasttext.hpp"
#include "bipft/data/jsonl.hpp"
#include "bipft/data/labels.hpp"
#include "bipft/data/lines.hpp"
#include "bipft/io/file.hpp"

namespace bipft {

enum class Format { tsv, csv, jsonl, fasttext };

[[nodiscard]] constexpr std::string_view to_string(Format format) {
  constexpr std::array<std::string_view, 4> names{"TSV", "CSV", "JSONL", "fastText"};
  return names[static_cast<std::size_t>(format)];
}

/// The format of a file: `.tsv`, `.csv`, `.jsonl` and `.ndjson` say it, unless the first line
/// begins with the label prefix, which is fastText whatever the name. Elsewhere the first line
/// decides: `{` is JSONL, a tab TSV, a comma CSV. Throws Error{Fault::data} if nothing of it is
/// there.
[[nodiscard]] inline Format format_of(std::string_view name, std::string_view text,
                                      std::string_view label_prefix = Columns{}.label_prefix) {
  text = checked_text(text, name);
  text.remove_prefix(text.find_first_not_of("\r\n"));
  const std::string_view line = text.substr(0, text.find_first_of("\r\n"));
  const auto named = [&](std::string_view extension) {
    if (name.size() < extension.size()) return false;
    return std::equal(extension.rbegin(), extension.rend(), name.rbegin(), [](char a, char b) {
      return a == (b >= 'A' && b <= 'Z' ? static_cast<char>(b + ('a' - 'A')) : b);
    });
  };
  if (named(".jsonl") || named(".ndjson")) return Format::jsonl;
  if (!label_prefix.empty() && detail::trimmed(line).starts_with(label_prefix)) {
    return Format::fasttext;
  }
  if (named(".tsv")) return Format::tsv;
  if (named(".csv")) return Format::csv;
  if (detail::trimmed(line).starts_with('{')) return Format::jsonl;
  if (line.find('\t') != std::string_view::npos) return Format::tsv;
  if (line.find(',') != std::string_view::npos) return Format::csv;
  fail(Fault::data, name,
       ":1: is neither TSV, CSV, JSONL nor fastText's lines: the first line has no ",
       "tab, no comma, no '{' and no ", label_prefix, "; where are the labels?");
}

/// The examples of `text`, which messages call `name`. `layouts` are the columns to look for: the
/// first that fits is taken. Labels that differ by case or blanks alone are warned of.
[[nodiscard]] inline Dataset parse_dataset(std::string_view text, const std::string& name,
                                           const std::vector<Columns>& layouts = {Columns{}}) {
  if (layouts.empty()) fail("parse_dataset: no layouts");
  const auto parse = [&] {
    switch (format_of(name, text, layouts[0].label_prefix)) {
      case Format::tsv:
        return parse_delimited(text, name, tsv_dialect, layouts);
      case Format::csv:
        return parse_delimited(text, name, csv_dialect, layouts);
      case Format::jsonl:
        return parse_jsonl(text, name, layouts[0]);
      case Format::fasttext:
        break;
    }
    return parse_fasttext(text, name, layouts[0]);
  };
  Dataset dataset = parse();
  warn_of_similar_labels(dataset);
  return dataset;
}

/// The examples of several files in a row; `paths` may name pipes and /dev/stdin. Throws
/// Error{Fault::data} if there are none, if one cannot be read, or if one has pairs and another
/// has not.
[[nodiscard]] inline Dataset read_dataset(const std::vector<std::string>& paths,
                                          const std::vector<Columns>& layouts = {Columns{}}) {
  if (paths.empty()) fail("read_dataset: no files");
  Dataset all;
  for (const std::string& path : paths) {
    Dataset one = parse_dataset(read_stream(path, Fault::data), path, layouts);
    if (!all.sources.empty() && one.pairs != all.pairs) {
      fail(Fault::data, path, ": holds ", one.pairs ? "pairs" : "single texts", ", but ",
           all.sources[0], " holds ", all.pairs ? "pairs" : "single texts");
    }
    for (Example& example : one.examples) example.source = all.sources.size();
    all.pairs = one.pairs;
    all.answer = one.answer;
    all.skipped += one.skipped;
    all.sources.push_back(path);
    std::move(one.examples.begin(), one.examples.end(), std::back_inserter(all.examples));
    std::move(one.warnings.begin(), one.warnings.end(), std::back_inserter(all.warnings));
  }
  if (paths.size() > 1) warn_of_similar_labels(all);
  return all;
}

[[nodiscard]] inline Dataset read_dataset(const std::string& path, const Columns& columns = {}) {
  return read_dataset(std::vector<std::string>{path}, std::vector<Columns>{columns});
}

}  // namespace bipft
