#pragma once
/// Values: labels that are numbers.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string>
#include <vector>

#include "bipft/core/error.hpp"
#include "bipft/data/columns.hpp"
#include "bipft/data/example.hpp"
#include "bipft/data/value_scale.hpp"

namespace bipft {

/// Whether all labels of `dataset` are numbers.
[[nodiscard]] inline bool are_values(const Dataset& dataset) {
  return std::ranges::all_of(dataset.examples, [](const Example& example) {
    return detail::value_in(example.label).has_value();
  });
}

/// The labels of `dataset` as numbers. Throws Error{Fault::data}, naming the place, for one that is
/// none.
[[nodiscard]] inline std::vector<double> values_of(const Dataset& dataset) {
  std::vector<double> values;
  values.reserve(dataset.size());
  for (const Example& example : dataset.examples) {
    values.push_back(detail::parse_value(example.label, dataset.place(example)));
  }
  return values;
}

/// The mean of the numbers that label `train`, and their standard deviation (the root of the mean
/// square). Throws Error{Fault::data}, naming the data, if there are none or all are equal.
[[nodiscard]] inline ValueScale scale_of(const Dataset& train) {
  const std::string source = train.sources.empty() ? "the data" : train.sources[0];
  const std::vector<double> values = values_of(train);
  if (values.empty()) fail(Fault::data, source, ": has no examples");
  const auto [low, high] = std::minmax_element(values.begin(), values.end());
  const double n = static_cast<double>(values.size());
  double sum = 0.0;
  double squares = 0.0;
  for (const double value : values) sum += (value - *low) / n;
  const double mean = *low + sum;
  for (const double value : values) squares += (value - mean) * (value - mean) / n;
  const ValueScale scale{static_cast<float>(mean), static_cast<float>(std::sqrt(squares))};
  if (*low == *high) {
    fail(Fault::data, source, ": every one of the ", train.size(), " examples has the label ", *low,
         "; there is nothing to learn. Is --label the right column?");
  }
  if (!(scale.spread > 0.0F) || !std::isfinite(scale.spread)) {
    fail(Fault::data, source, ": the labels lie between ", *low, " and ", *high,
         ", which is more or less than 32-bit floats hold; write them in another unit");
  }
  return scale;
}

}  // namespace bipft
