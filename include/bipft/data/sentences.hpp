#pragma once
/// Sentences: a paragraph cut where sentences seem to end.

#include <cstddef>
#include <string_view>
#include <vector>

namespace bipft {

/// The paragraph in pieces that put together are the paragraph. A sentence ends behind . ! or ?
/// and whatever quotes and brackets close there, if a blank follows and no lower-case Latin letter
/// behind that: "e.g. this" stays whole, "Mr. Smith" does not. No language is known here, and a
/// wrong cut costs little: pieces of text begin and end there.
[[nodiscard]] inline std::vector<std::string_view> sentences_of(std::string_view paragraph) {
  constexpr std::string_view ends = ".!?";
  constexpr std::string_view closers = ".!?\"')]}";
  constexpr std::string_view curly[] = {"\u201D", "\u2019", "\u00BB"};
  const auto is_blank = [](char c) { return c == ' ' || c == '\t'; };
  std::vector<std::string_view> sentences;
  std::size_t begin = 0;
  for (std::size_t at = paragraph.find_first_of(ends); at < paragraph.size();
       at = paragraph.find_first_of(ends, at)) {
    for (bool closed = true; closed;) {
      closed = false;
      for (const std::string_view quote : curly) {
        if (!paragraph.substr(at).starts_with(quote)) continue;
        at += quote.size();
        closed = true;
      }
      while (at < paragraph.size() && closers.find(paragraph[at]) != std::string_view::npos) {
        ++at;
        closed = true;
      }
    }
    std::size_t next = at;
    while (next < paragraph.size() && is_blank(paragraph[next])) ++next;
    if (next == at || next == paragraph.size()) continue;
    if (paragraph[next] >= 'a' && paragraph[next] <= 'z') continue;
    sentences.push_back(paragraph.substr(begin, next - begin));
    begin = at = next;
  }
  if (begin < paragraph.size()) sentences.push_back(paragraph.substr(begin));
  return sentences;
}

}  // namespace bipft
