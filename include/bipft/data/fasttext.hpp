#pragma once
/// fastText lines: `__label__positive a fine film`.

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

#include "bipft/core/error.hpp"
#include "bipft/data/columns.hpp"
#include "bipft/data/example.hpp"
#include "bipft/data/lines.hpp"

namespace bipft {

/// The examples of a text in fastText's format that messages call `name`: a label, begun by
/// `columns.label_prefix`, then a blank or a tab, then the text. The prefix is not part of the
/// label. Where a text may have several labels, they stand one behind the other.
///
/// Throws Error{Fault::data} at `name:line:column` for a line without a label, with an empty one or
/// one that is not of the kind that the columns say, or with several where one is wanted.
[[nodiscard]] inline Dataset parse_fasttext(std::string_view text, const std::string& name,
                                            const Columns& columns = {}) {
  const std::string_view prefix = columns.label_prefix;
  Dataset dataset;
  dataset.sources.push_back(name);
  dataset.answer = columns.answer;
  Lines lines(text, name);
  while (lines.next()) {
    const std::string_view line = lines.line();
    const std::size_t size = line.size();
    const std::size_t begin = std::min(line.find_first_not_of(" \t"), size);
    if (!line.substr(begin).starts_with(prefix)) {
      fail(Fault::data, lines.place(begin + 1), ": no label; a line begins with ", prefix, "NAME");
    }
    Example example;
    example.line = lines.number();
    std::size_t rest = begin;
    while (line.substr(rest).starts_with(prefix)) {
      if (rest != begin && columns.answer != AnswerKind::labels) {
        fail(Fault::data, lines.place(rest + 1),
             ": a second label; --multi-label reads several labels a text");
      }
      const std::size_t end = std::min(line.find_first_of(" \t", rest), size);
      const std::string_view label = line.substr(rest + prefix.size(), end - rest - prefix.size());
      if (label.empty()) fail(Fault::data, lines.place(rest + 1), ": the label is empty");
      detail::check_label(label, columns.answer, lines.place(rest + 1));
      example.label += concat(example.label.empty() ? "" : " ", label);
      rest = std::min(line.find_first_not_of(" \t", end), size);
    }
    example.text = line.substr(rest);
    dataset.examples.push_back(std::move(example));
  }
  return dataset;
}

}  // namespace bipft
