#pragma once
/// Labels: the list a model learns, in an order that depends on nothing but the labels.

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "bipft/core/error.hpp"
#include "bipft/core/sort.hpp"
#include "bipft/core/word_index.hpp"
#include "bipft/data/columns.hpp"
#include "bipft/data/example.hpp"

namespace bipft {

/// "praise short, old" in its parts: several labels of one text, which blanks or commas part.
[[nodiscard]] inline std::vector<std::string_view> split_labels(std::string_view text) {
  constexpr std::string_view between = " ,\t";
  std::vector<std::string_view> labels;
  for (;;) {
    text.remove_prefix(std::min(text.find_first_not_of(between), text.size()));
    if (text.empty()) return labels;
    labels.push_back(text.substr(0, text.find_first_of(between)));
    text.remove_prefix(labels.back().size());
  }
}

/// The distinct labels of a data set: by their value where all are integers, else by their bytes.
[[nodiscard]] inline std::vector<std::string> labels_of(const Dataset& dataset) {
  WordIndex distinct;
  for (const Example& example : dataset.examples) {
    if (dataset.answer == AnswerKind::labels) {
      for (const std::string_view label : split_labels(example.label)) distinct.add(label);
    } else {
      distinct.add(example.label);
    }
  }
  std::vector<std::uint32_t> order(distinct.size());
  std::vector<std::int64_t> values(distinct.size());
  bool integers = true;
  for (std::size_t i = 0; i < order.size(); ++i) {
    const std::string_view label = distinct[i];
    const char* const end = label.data() + label.size();
    const auto [rest, error] = std::from_chars(label.data(), end, values[i]);
    integers = integers && error == std::errc() && rest == end;
    order[i] = static_cast<std::uint32_t>(i);
  }
  sort_by(order, [&](std::uint32_t a, std::uint32_t b) {
    if (integers && values[a] != values[b]) return values[a] < values[b];
    return distinct[a] < distinct[b];
  });
  std::vector<std::string> labels;
  for (const std::uint32_t i : order) labels.emplace_back(distinct[i]);
  return labels;
}

/// The indices in `labels` of every example's labels, in ascending order, each once. Throws
/// Error{Fault::data}, naming label, place and the known labels, for one that is not there.
[[nodiscard]] inline std::vector<std::vector<std::uint32_t>> label_sets(
    const Dataset& dataset, const std::vector<std::string>& labels) {
  WordIndex known;
  for (const std::string& label : labels) known.add(label);
  std::vector<std::vector<std::uint32_t>> sets;
  sets.reserve(dataset.size());
  for (const Example& example : dataset.examples) {
    std::vector<std::uint32_t>& set = sets.emplace_back();
    for (const std::string_view label : split_labels(example.label)) {
      const auto found = known.find(label);
      if (!found) {
        fail(Fault::data, dataset.place(example), ": the label '", label.substr(0, 200),
             "' is unknown; the known labels are ", detail::quoted_list(labels));
      }
      set.push_back(*found);
    }
    std::sort(set.begin(), set.end());
    set.erase(std::unique(set.begin(), set.end()), set.end());
  }
  return sets;
}

/// The same for a data set to learn from; of numbers it is one name for all of them, "value".
/// Throws Error{Fault::data}, naming it, if there is one label alone, or if every text has the same
/// labels.
[[nodiscard]] inline std::vector<std::string> labels_to_learn(const Dataset& dataset) {
  const std::string source = dataset.sources.empty() ? "the data" : dataset.sources[0];
  if (dataset.size() == 0) fail(Fault::data, source, ": has no examples");
  if (dataset.answer == AnswerKind::value) return {"value"};
  std::vector<std::string> labels = labels_of(dataset);
  if (dataset.answer == AnswerKind::labels) {
    for (const std::vector<std::uint32_t>& set : label_sets(dataset, labels)) {
      if (set.size() < labels.size()) return labels;
    }
    fail(Fault::data, source, ": every one of the ", dataset.size(), " examples has ",
         labels.empty() ? "no label" : "all labels", "; is --label the right column?");
  }
  if (labels.size() >= 2) return labels;
  fail(Fault::data, source, ": every one of the ", dataset.size(), " examples has the label '",
       labels[0], "'; a classifier needs at least two labels. Is --label the right column?");
}

/// The index of every example's label in `labels`. Throws Error{Fault::data}, naming label, place
/// and the known labels, for one that is not there.
[[nodiscard]] inline std::vector<std::uint32_t> label_ids(const Dataset& dataset,
                                                          const std::vector<std::string>& labels) {
  WordIndex known;
  std::vector<std::uint32_t> first;  // the index of each known label
  for (std::size_t i = 0; i < labels.size(); ++i) {
    if (known.add(labels[i]) == first.size()) first.push_back(static_cast<std::uint32_t>(i));
  }
  std::vector<std::uint32_t> ids;
  ids.reserve(dataset.size());
  for (const Example& example : dataset.examples) {
    const auto found = known.find(example.label);
    if (!found) {
      fail(Fault::data, dataset.place(example), ": the label '", example.label.substr(0, 200),
           "' is unknown; the known labels are ", detail::quoted_list(labels));
    }
    ids.push_back(first[*found]);
  }
  return ids;
}

/// Adds a warning for each two labels of `dataset` that differ by blanks around them or by the
/// case of ASCII letters alone: they count as two labels, and that is seldom meant. Numbers do not.
inline void warn_of_similar_labels(Dataset& dataset) {
  if (dataset.answer == AnswerKind::value) return;
  constexpr std::size_t most = 8;
  WordIndex folded_labels;
  std::vector<std::string> first;  // the label that was folded to each
  std::size_t found = 0;
  for (const std::string& label : labels_of(dataset)) {
    const std::string_view inner = detail::trimmed(label);
    std::string folded(inner);
    for (char& c : folded) {
      if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + ('a' - 'A'));
    }
    const std::uint32_t number = folded_labels.add(folded);
    if (number == first.size()) {
      first.push_back(label);
      continue;
    }
    if (++found > most) continue;
    const std::string& other = first[number];
    dataset.warnings.push_back(concat(dataset.sources.empty() ? "the data" : dataset.sources[0],
                                      ": the labels '", other, "' and '", label, "' differ by ",
                                      detail::trimmed(other) == inner ? "blanks" : "case",
                                      " alone; they count as two"));
  }
  if (found > most) {
    dataset.warnings.push_back(concat("and ", found - most, " more labels like these"));
  }
}

/// How many examples of `dev` say the same as one of `train`. If there are any, `dev` gets a
/// warning: what is measured on them is memory.
inline std::size_t warn_of_overlap(const Dataset& train, Dataset& dev) {
  WordIndex seen;
  for (const Example& example : train.examples) seen.add(key_of(example));
  std::size_t count = 0;
  const Example* first = nullptr;
  for (const Example& example : dev.examples) {
    if (!seen.contains(key_of(example))) continue;
    if (count++ == 0) first = &example;
  }
  if (first != nullptr) {
    dev.warnings.push_back(concat(dev.place(*first), ": ", count, " of the ", dev.size(),
                                  " texts, this one first, are also in the training data"));
  }
  return count;
}

}  // namespace bipft
