#pragma once
/// A workplace with small data sets and models that were trained on them, for tests of the command.

#include <doctest/doctest.h>

#include <cstddef>
#include <string>
#include <string_view>

#include "support/workplace.hpp"

namespace bipft::test {

inline const std::string demo_folder = BIPFT_SOURCE_DIR "/data";

inline const std::string toy_shape =
    " --layers 1 --hidden 32 --ffn 32 --max-len 16 --vocab-size 120 --batch 8 ";

/// With small.tsv, dev.tsv and a model m.bipft that was trained on them, pairs.tsv and pairs.bipft
/// likewise. Made once.
inline const Workplace& trained() {
  static const Workplace place;
  static const bool made = [] {
    (void)place.sh("head -81 '" + demo_folder + "/demo-train.tsv' > small.tsv; head -41 '" +
                   demo_folder + "/demo-dev.tsv' > dev.tsv; head -41 '" + demo_folder +
                   "/pairs.tsv' > pairs.tsv");
    REQUIRE(place.code("bipft train small.tsv --dev dev.tsv -o m.bipft --epochs 2" + toy_shape) ==
            0);
    REQUIRE(place.code("bipft train pairs.tsv -o pairs.bipft --epochs 1" + toy_shape) == 0);
    return true;
  }();
  (void)made;
  return place;
}

inline std::size_t lines_of(std::string_view text) {
  std::size_t count = 0;
  for (const char c : text) count += c == '\n' ? 1U : 0U;
  return count;
}

}  // namespace bipft::test
