#pragma once
/// Labels: the list a model learns, in an order that depends on nothing but the labels.

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <system_error>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "bipft/core/error.hpp"
#include "bipft/data/columns.hpp"
#include "bipft/data/example.hpp"

namespace bipft {

/// The distinct labels of a data set: by their value where all are integers, else by their bytes.
[[nodiscard]] inline std::vector<std::string> labels_of(const Dataset& dataset) {
  std::unordered_set<std::string_view> distinct;
  for (const Example& example : dataset.examples) distinct.insert(example.label);
  std::vector<std::string> labels(distinct.begin(), distinct.end());
  std::sort(labels.begin(), labels.end());

  std::vector<std::pair<std::int64_t, std::string>> numbers;
  for (const std::string& label : labels) {
    std::int64_t number = 0;
    const char* const end = label.data() + label.size();
    const auto [rest, error] = std::from_chars(label.data(), end, number);
    if (error != std::errc() || rest != end) return labels;
    numbers.emplace_back(number, label);
  }
  std::sort(numbers.begin(), numbers.end());
  for (std::size_t i = 0; i < labels.size(); ++i) labels[i] = std::move(numbers[i].second);
  return labels;
}

/// The same for a data set to learn from. Throws Error{Fault::data}, naming it, if there is one
/// label alone.
[[nodiscard]] inline std::vector<std::string> labels_to_learn(const Dataset& dataset) {
  std::vector<std::string> labels = labels_of(dataset);
  if (labels.size() >= 2) return labels;
  const std::string source = dataset.sources.empty() ? "the data" : dataset.sources[0];
  if (labels.empty()) fail(Fault::data, source, ": has no examples");
  fail(Fault::data, source, ": every one of the ", dataset.size(), " examples has the label '",
       labels[0], "'; a classifier needs at least two labels. Is --label the right column?");
}

/// The index of every example's label in `labels`. Throws Error{Fault::data}, naming label, place
/// and the known labels, for one that is not there.
[[nodiscard]] inline std::vector<std::uint32_t> label_ids(const Dataset& dataset,
                                                          const std::vector<std::string>& labels) {
  std::unordered_map<std::string_view, std::uint32_t> index;
  for (std::size_t i = 0; i < labels.size(); ++i) {
    index.emplace(labels[i], static_cast<std::uint32_t>(i));
  }
  std::vector<std::uint32_t> ids;
  ids.reserve(dataset.size());
  for (const Example& example : dataset.examples) {
    const auto found = index.find(example.label);
    if (found == index.end()) {
      fail(Fault::data, dataset.place(example), ": the label '", example.label.substr(0, 200),
           "' is unknown; the known labels are ", detail::quoted_list(labels));
    }
    ids.push_back(found->second);
  }
  return ids;
}

/// Adds a warning for each two labels of `dataset` that differ by blanks around them or by the
/// case of ASCII letters alone: they count as two labels, and that is seldom meant.
inline void warn_of_similar_labels(Dataset& dataset) {
  constexpr std::size_t most = 8;
  std::unordered_map<std::string, std::string> first;
  std::size_t found = 0;
  for (const std::string& label : labels_of(dataset)) {
    const std::string_view inner = detail::trimmed(label);
    std::string folded(inner);
    for (char& c : folded) {
      if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + ('a' - 'A'));
    }
    const auto [known, added] = first.emplace(std::move(folded), label);
    if (added || ++found > most) continue;
    const std::string& other = known->second;
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
  std::unordered_set<std::string> seen;
  for (const Example& example : train.examples) seen.insert(key_of(example));
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
