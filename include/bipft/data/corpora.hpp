#pragma once
/// Corpora: the pieces of one text or several, in the order in which a training reads them.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "bipft/core/error.hpp"
#include "bipft/data/corpus.hpp"
#include "bipft/data/shuffle.hpp"

namespace bipft {

/// Without weights all texts are one, and every piece is read once an epoch. With weights 3 and 1
/// three pieces of the first come for each of the second, and each text begins again, in another
/// order, when it is at its end. What is read n-th is a function of n and the seed.
class Corpora {
 public:
  /// `weights`: one a text, or none. Throws Error if there is no text, or their number is another,
  /// or a weight is 0.
  Corpora(std::vector<Corpus> corpora, const std::vector<std::size_t>& weights, std::uint64_t seed)
      : corpora_(std::move(corpora)), seed_(seed) {
    if (corpora_.empty()) fail("Corpora: no text");
    if (!weights.empty() && weights.size() != corpora_.size()) {
      fail("Corpora: ", weights.size(), " weights for ", corpora_.size(), " texts");
    }
    for (const Corpus& corpus : corpora_) pieces_ += corpus.pieces();
    for (std::size_t c = 0; c < weights.size(); ++c) {
      if (weights[c] == 0) fail("Corpora: a weight of 0; leave the text out");
      turns_.insert(turns_.end(), weights[c], c);
      weights_.push_back(weights[c]);
    }
  }

  [[nodiscard]] std::span<const Corpus> corpora() const { return corpora_; }
  /// Of all texts: what an epoch reads.
  [[nodiscard]] std::uint64_t pieces() const { return pieces_; }

  struct Place {
    std::size_t corpus, piece;
  };
  /// What is read n-th, from 0 to as far as one likes.
  [[nodiscard]] Place place(std::uint64_t n) const {
    if (turns_.empty()) {
      std::uint64_t at = shuffled(n / pieces_, n % pieces_, pieces_, 0);
      std::size_t c = 0;
      for (; at >= corpora_[c].pieces(); ++c) at -= corpora_[c].pieces();
      return {c, static_cast<std::size_t>(at)};
    }
    const std::size_t turn = n % turns_.size();
    const std::size_t c = turns_[turn];
    std::size_t first = turn;  // of this text's turns
    while (first > 0 && turns_[first - 1] == c) --first;
    const std::uint64_t read = n / turns_.size() * weights_[c] + (turn - first);
    const std::uint64_t size = corpora_[c].pieces();
    return {c, static_cast<std::size_t>(shuffled(read / size, read % size, size, c))};
  }
  [[nodiscard]] Piece piece(const Place& place) const {
    return corpora_[place.corpus].piece(place.piece);
  }

 private:
  [[nodiscard]] std::uint64_t shuffled(std::uint64_t epoch, std::uint64_t at, std::uint64_t size,
                                       std::uint64_t corpus) const {
    return Shuffle(size, Random(seed_, "shuffle pieces", epoch, corpus))(at);
  }

  std::vector<Corpus> corpora_;
  std::uint64_t seed_;
  std::uint64_t pieces_ = 0;
  std::vector<std::size_t> turns_;  // whose turn it is, around and around
  std::vector<std::size_t> weights_;
};

}  // namespace bipft
