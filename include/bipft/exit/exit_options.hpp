#pragma once
/// Exit options: what the words of `--exits` and `--exit-budget` mean.

#include <charconv>
#include <cstddef>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "bipft/core/error.hpp"

namespace bipft {

/// The layers, from 1, after which a model of `layers` can stop: "all", "last", or a list,
/// "2,4,6", to which the last layer is added if it is not there.
/// Throws Error{Fault::usage} for anything else, a layer that there is not, and one out of order.
[[nodiscard, gnu::cold]] inline std::vector<std::size_t> exit_layers(std::string_view text,
                                                                     std::size_t layers) {
  std::vector<std::size_t> chosen;
  if (text == "all") {
    for (std::size_t layer = 1; layer < layers; ++layer) chosen.push_back(layer);
  } else if (text != "last") {
    for (std::string_view rest = text;;) {
      const std::size_t comma = rest.find(',');
      const std::string_view word = rest.substr(0, comma);
      std::size_t layer = 0;
      const char* const end = word.data() + word.size();
      const auto [stopped, error] = std::from_chars(word.data(), end, layer);
      if (word.empty() || error != std::errc() || stopped != end) {
        fail("exits '", text, "': '", word,
             "' is no layer; write all, last, or layers as in 2,4,6");
      }
      if (layer < 1 || layer > layers) {
        fail("exits '", text, "': there is no layer ", layer, " of ", layers);
      }
      if (!chosen.empty() && layer <= chosen.back()) {
        fail("exits '", text, "': layer ", layer, " after ", chosen.back(),
             "; write them ascending");
      }
      chosen.push_back(layer);
      if (comma == std::string_view::npos) break;
      rest.remove_prefix(comma + 1);
    }
  }
  if (chosen.empty() || chosen.back() != layers) chosen.push_back(layers);
  return chosen;
}

/// How much of a score in 0 ... 1 may be lost, "0.5%" or "0.005": half a point in a hundred.
/// Throws Error{Fault::usage} unless it is a number in 0 ... 1.
[[nodiscard, gnu::cold]] inline double exit_budget(std::string_view text) {
  std::string_view number = text;
  const bool percent = number.ends_with('%');
  if (percent) number.remove_suffix(1);
  double budget = 0.0;
  const char* const end = number.data() + number.size();
  const auto [stopped, error] = std::from_chars(number.data(), end, budget);
  if (percent) budget /= 100.0;
  if (number.empty() || error != std::errc() || stopped != end ||
      !(budget >= 0.0 && budget <= 1.0)) {
    fail("exit budget '", text,
         "' is no share of the score to lose; write one as in 0.5% or 0.005");
  }
  return budget;
}

}  // namespace bipft
