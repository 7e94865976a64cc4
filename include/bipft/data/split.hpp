#pragma once
/// Split: sets a part of a data set aside, to measure on what was not learnt.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "bipft/core/error.hpp"
#include "bipft/core/random.hpp"
#include "bipft/core/word_index.hpp"
#include "bipft/data/example.hpp"
#include "bipft/data/labels.hpp"
#include "bipft/data/values.hpp"

namespace bipft {

struct Split {
  Dataset train;
  Dataset dev;
};

namespace detail {

/// The stratum of every example, and their number: its label; of numbers the part of the sorted
/// ones that it is in, of ten parts or fewer, each large enough to give one to dev, and equal ones
/// in one part; where a text has several labels one stratum for all.
struct Strata {
  std::vector<std::uint32_t> of;
  std::size_t count = 1;
};
[[nodiscard]] inline Strata strata_of(const Dataset& dataset, double fraction) {
  Strata strata{std::vector<std::uint32_t>(dataset.size()), 1};
  if (dataset.answer == AnswerKind::label) {
    const std::vector<std::string> labels = labels_of(dataset);
    strata = {label_ids(dataset, labels), labels.size()};
  } else if (dataset.answer == AnswerKind::value) {
    const std::vector<double> values = values_of(dataset);
    std::vector<double> sorted = values;
    std::sort(sorted.begin(), sorted.end());
    const double most = fraction * static_cast<double>(values.size());
    strata.count = static_cast<std::size_t>(std::clamp(most, 1.0, 10.0));
    for (std::size_t i = 0; i < values.size(); ++i) {
      const auto first = std::lower_bound(sorted.begin(), sorted.end(), values[i]);
      const auto rank = static_cast<std::size_t>(first - sorted.begin());
      strata.of[i] = static_cast<std::uint32_t>(rank * strata.count / sorted.size());
    }
  }
  return strata;
}

}  // namespace detail

/// Sets about `fraction` of every label's examples aside as dev, at random but by `seed` alone;
/// where labels are numbers, of the lowest as of the highest, and where a
/// text has several labels, of all texts. Both parts keep the order of the file. Examples that say
/// the same stay together, so that no dev text was learnt; every label keeps an example in train.
///
/// Throws Error{Fault::usage} unless 0 < fraction < 1, Error{Fault::data} if dev would be empty.
[[nodiscard]] inline Split split_dataset(Dataset dataset, double fraction, std::uint64_t seed) {
  if (!(fraction > 0.0 && fraction < 1.0)) {
    fail("a dev split of ", fraction, " is not between 0 and 1; 0.1 sets every tenth text aside");
  }
  struct Group {
    std::vector<std::size_t> members;  ///< examples that say the same
  };
  const detail::Strata strata = detail::strata_of(dataset, fraction);
  std::vector<std::vector<Group>> groups(strata.count);  // by the stratum of their first example
  std::vector<std::size_t> rows(strata.count);
  {
    WordIndex known;
    std::vector<std::size_t> firsts;  // the first example that said it
    std::vector<std::size_t> group(dataset.size());
    for (std::size_t i = 0; i < dataset.size(); ++i) {
      const std::uint32_t key = known.add(key_of(dataset.examples[i]));
      if (key == firsts.size()) firsts.push_back(i);
      const std::size_t first = firsts[key];
      const std::uint32_t stratum = strata.of[first];
      if (first == i) groups[stratum].emplace_back();
      group[i] = first == i ? groups[stratum].size() - 1 : group[first];
      groups[stratum][group[i]].members.push_back(i);
      ++rows[stratum];
    }
  }

  std::vector<std::uint8_t> in_dev(dataset.size());
  std::size_t dev_size = 0;
  for (std::size_t k = 0; k < strata.count; ++k) {
    const auto wanted =
        static_cast<std::size_t>(std::llround(fraction * static_cast<double>(rows[k])));
    std::size_t taken = 0;
    std::size_t left = groups[k].size();
    for (const std::uint32_t g : Random(seed, "dev split", k).permutation(groups[k].size())) {
      const std::vector<std::size_t>& members = groups[k][g].members;
      if (left == 1 || taken + members.size() > wanted) continue;
      for (const std::size_t i : members) in_dev[i] = 1;
      taken += members.size();
      --left;
    }
    dev_size += taken;
  }
  if (dev_size == 0) {
    fail(Fault::data, dataset.sources.empty() ? "the data" : dataset.sources[0],
         ": a dev split of ", fraction, " of ", dataset.size(),
         " examples is empty; take a larger one, or a dev file");
  }

  Split split;
  split.train.pairs = split.dev.pairs = dataset.pairs;
  split.train.answer = split.dev.answer = dataset.answer;
  split.train.sources = split.dev.sources = dataset.sources;
  split.train.warnings = dataset.warnings;
  split.train.skipped = dataset.skipped;
  split.dev.examples.reserve(dev_size);
  split.train.examples.reserve(dataset.size() - dev_size);
  for (std::size_t i = 0; i < dataset.size(); ++i) {
    (in_dev[i] != 0 ? split.dev : split.train).examples.push_back(std::move(dataset.examples[i]));
  }
  return split;
}

}  // namespace bipft
