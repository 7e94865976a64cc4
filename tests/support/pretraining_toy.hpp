#pragma once
/// A text of letters with a little sense in it, as batches for pre-training.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "bipft/data/pretraining.hpp"
#include "support/temporary_folder.hpp"
#include "support/toy.hpp"

namespace bipft::test {

/// `lines` sentences, each a run of the alphabet: whoever knows a letter knows its neighbours.
[[nodiscard]] inline std::string toy_text(std::size_t lines, std::uint64_t seed = 1) {
  const Random random(seed, "toy text");
  std::string text;
  for (std::size_t i = 0; i < lines; ++i) {
    const std::size_t first = random.below(2 * i, 26);
    const std::size_t length = 4 + random.below(2 * i + 1, 8);
    for (std::size_t t = 0; t < length; ++t) {
      text += static_cast<char>('a' + static_cast<char>((first + t) % 26));
      text += t + 1 == length ? '\n' : ' ';
    }
  }
  return text;
}

[[nodiscard]] inline std::shared_ptr<const Corpora> toy_corpora(const TemporaryFolder& folder,
                                                                std::size_t lines,
                                                                std::uint64_t seed = 1) {
  std::vector<Corpus> corpora;
  corpora.emplace_back(folder.write("toy.txt", toy_text(lines, seed)), folder.path("toy.cache"),
                       WordPiece(toy_vocabulary()), toy_config().max_len);
  return std::make_shared<const Corpora>(std::move(corpora), std::vector<std::size_t>(), 5);
}

[[nodiscard]] inline PretrainingBatches toy_batches(const TemporaryFolder& folder,
                                                    const PieceForm& form = {},
                                                    std::size_t lines = 120) {
  return {toy_corpora(folder, lines), std::make_shared<const Vocabulary>(toy_vocabulary()), form,
          8};
}

}  // namespace bipft::test
