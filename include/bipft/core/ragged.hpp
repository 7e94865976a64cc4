#pragma once
/// Ragged: where each text of a batch begins in a matrix of all their tokens.
///
/// bipft knows no padding: a batch of texts of 5, 9 and 3 tokens is a matrix of 17 rows and the
/// offsets 0, 5, 14, 17. So nothing is computed for tokens that do not exist, no mask is ever
/// needed, and a text's results cannot depend on its neighbours in the batch.

#include <cstddef>
#include <vector>

#include "bipft/core/error.hpp"

namespace bipft {

class Ragged {
 public:
  Ragged() = default;

  /// From the number of tokens of each text.
  explicit Ragged(const std::vector<std::size_t>& lengths) {
    for (const std::size_t length : lengths) append(length);
  }

  void append(std::size_t length) {
    if (length == 0) fail("Ragged: a text without tokens");
    offsets_.push_back(offsets_.back() + length);
    pairs_.push_back(pairs_.back() + length * length);
  }
  void clear() {
    offsets_.resize(1);
    pairs_.resize(1);
  }

  [[nodiscard]] std::size_t texts() const { return offsets_.size() - 1; }
  /// N, the tokens of all texts.
  [[nodiscard]] std::size_t tokens() const { return offsets_.back(); }
  /// The row of text b's first token; `begin(texts())` is N.
  [[nodiscard]] std::size_t begin(std::size_t b) const { return offsets_[b]; }
  [[nodiscard]] std::size_t length(std::size_t b) const { return offsets_[b + 1] - offsets_[b]; }

  /// Σ T², the (query, key) pairs of all texts: attention of H heads has H times as many scores.
  /// They lie as [H, T, T] of text 0, then of text 1, and so on.
  [[nodiscard]] std::size_t pairs() const { return pairs_.back(); }
  [[nodiscard]] std::size_t pairs_begin(std::size_t b) const { return pairs_[b]; }

 private:
  std::vector<std::size_t> offsets_{0};
  std::vector<std::size_t> pairs_{0};
};

}  // namespace bipft
