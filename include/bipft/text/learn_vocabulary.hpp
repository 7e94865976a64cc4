#pragma once
/// learn_vocabulary: a WordPiece vocabulary from texts, by merging the commonest pair of pieces
/// again and again (byte-pair encoding, Sennrich et al. 2016, on words as WordPiece spells them).

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <queue>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "bipft/core/error.hpp"
#include "bipft/core/sort.hpp"
#include "bipft/core/word_index.hpp"
#include "bipft/text/normalize.hpp"
#include "bipft/text/vocabulary.hpp"

namespace bipft {

namespace detail {

/// A word as a row of symbols, and how often the texts have it.
struct CountedWord {
  std::string text;
  std::uint64_t count = 0;
  std::vector<std::uint32_t> symbols;
};

/// Distinct words, and how often each was met.
struct CountedWords {
  WordIndex words;
  std::vector<std::uint64_t> counts;

  void add(std::string_view word, std::uint64_t count) {
    const std::uint32_t number = words.add(word);
    if (number == counts.size()) counts.push_back(0);
    counts[number] += count;
  }

  /// Their numbers, in the order that before(a, b) gives.
  template <class Before>
  [[nodiscard]] std::vector<std::uint32_t> sorted(const Before& before) const {
    std::vector<std::uint32_t> order(counts.size());
    for (std::size_t i = 0; i < order.size(); ++i) order[i] = static_cast<std::uint32_t>(i);
    sort_by(order, before);
    return order;
  }
};

/// Every distinct word of the texts, in the order of its bytes; words that a tokenizer would find
/// too long are left out.
[[nodiscard]] inline std::vector<CountedWord> count_words(std::span<const std::string_view> texts,
                                                          const TokenizerOptions& options) {
  CountedWords counted;
  for (const std::string_view text : texts) {
    WordReader words(text, options);
    while (words.next()) {
      if (!words.too_long()) counted.add(words.word(), 1);
    }
  }
  const std::vector<std::uint32_t> order = counted.sorted(
      [&](std::uint32_t a, std::uint32_t b) { return counted.words[a] < counted.words[b]; });
  std::vector<CountedWord> result(order.size());
  for (std::size_t i = 0; i < order.size(); ++i) {
    result[i].text = counted.words[order[i]];
    result[i].count = counted.counts[order[i]];
  }
  return result;
}

/// The pieces so far, and every pair of neighbours in the words with its count.
class PairMerger {
 public:
  explicit PairMerger(std::vector<CountedWord> words) : words_(std::move(words)) {}

  /// Splits the words into characters. Returns them as pieces, the commonest first; the first
  /// `kept` may be merged. Those cover 99.95 % of the texts or fill a quarter of `room`, whichever
  /// is more, but never exceed it: a word with a character that is no piece is unknown altogether,
  /// while a missing merge only costs ids.
  [[nodiscard]] std::vector<std::string> split(std::size_t room, std::size_t& kept) {
    CountedWords counted;
    std::uint64_t total = 0;
    for (const CountedWord& word : words_) {
      for (std::size_t at = 0; at < word.text.size();) {
        const std::size_t size = decode_utf8(word.text, at).size;
        counted.add(spelled(std::string_view(word.text).substr(at, size), at > 0), word.count);
        total += word.count;
        at += size;
      }
    }
    const WordIndex& texts = counted.words;
    const std::vector<std::uint64_t>& counts = counted.counts;
    const std::vector<std::uint32_t> order = counted.sorted([&](std::uint32_t a, std::uint32_t b) {
      return counts[a] != counts[b] ? counts[a] > counts[b] : texts[a] < texts[b];
    });

    std::vector<std::string> characters;
    std::uint64_t covered = 0;
    kept = 0;
    for (const std::uint32_t i : order) {
      const bool common = covered < total - total / 2000;
      if (kept == characters.size() && kept < room && (common || kept < room / 4)) ++kept;
      covered += counts[i];
      characters.emplace_back(texts[i]);
    }
    for (std::size_t i = 0; i < kept; ++i) symbols_.add(characters[i]);
    for (std::uint32_t w = 0; w < words_.size(); ++w) {
      spell(words_[w]);
      for (std::size_t i = 0; i + 1 < words_[w].symbols.size(); ++i) add_pair(w, i);
    }
    queue_up();
    return characters;
  }

  /// Merges the commonest pair everywhere, of equally common ones that whose pieces came first.
  /// Returns the new piece, or "" once no pair occurs twice.
  [[nodiscard]] std::string merge() {
    while (!queue_.empty()) {
      const Candidate top = queue_.top();
      queue_.pop();
      Pair& pair = pair_of(top.key);
      if (pair.count != top.count) {  // what went up was queued again, what went down was not
        if (pair.count >= min_count && pair.count < top.count) queue_.push({pair.count, top.key});
        continue;
      }
      const std::uint32_t left = static_cast<std::uint32_t>(top.key >> 32U);
      const std::uint32_t right = static_cast<std::uint32_t>(top.key);
      std::string joined(symbols_[left]);
      joined += symbols_[right].substr(continuation_prefix.size());  // right is inside
      if (joined.size() > Vocabulary::max_piece) {
        pair = {};
        continue;
      }
      const std::size_t before = symbols_.size();
      const std::uint32_t symbol = symbols_.add(joined);
      const std::vector<std::uint32_t> where = std::exchange(pair.words, {});
      for (const std::uint32_t w : where) replace(w, left, right, symbol);
      queue_up();
      if (symbols_.size() > before) return joined;  // else another pair gave this piece already
    }
    return {};
  }

 private:
  static constexpr std::int64_t min_count = 2;

  struct Pair {
    std::int64_t count = 0;
    std::vector<std::uint32_t> words;  // where it occurs or once did
    bool went_up = false;              // since it was last queued
  };
  struct Candidate {
    std::int64_t count;
    std::uint64_t key;  // left symbol, right symbol
    [[nodiscard]] bool operator<(const Candidate& other) const {
      return count != other.count ? count < other.count : key > other.key;
    }
  };

  [[nodiscard]] static std::string spelled(std::string_view text, bool inside) {
    return std::string(inside ? continuation_prefix : std::string_view()).append(text);
  }

  [[nodiscard]] Pair& pair_of(std::uint64_t key) {
    const std::uint32_t number = pair_keys_.add({reinterpret_cast<const char*>(&key), sizeof key});
    if (number == pairs_.size()) pairs_.emplace_back();
    return pairs_[number];
  }

  /// A word with a character that was not kept has no symbols.
  void spell(CountedWord& word) {
    for (std::size_t at = 0; at < word.text.size();) {
      const std::size_t size = decode_utf8(word.text, at).size;
      const auto found =
          symbols_.find(spelled(std::string_view(word.text).substr(at, size), at > 0));
      if (!found) return word.symbols.clear();
      word.symbols.push_back(*found);
      at += size;
    }
  }

  [[nodiscard]] static std::uint64_t key_of(const CountedWord& word, std::size_t i) {
    return std::uint64_t{word.symbols[i]} << 32U | word.symbols[i + 1];
  }

  void add_pair(std::uint32_t w, std::size_t i) {
    const std::uint64_t key = key_of(words_[w], i);
    Pair& pair = pair_of(key);
    pair.count += static_cast<std::int64_t>(words_[w].count);
    if (pair.words.empty() || pair.words.back() != w) pair.words.push_back(w);
    if (!std::exchange(pair.went_up, true)) went_up_.push_back(key);
  }

  /// Writes `symbol` for left right in one word. Only pairs with `symbol` can become commoner.
  void replace(std::uint32_t w, std::uint32_t left, std::uint32_t right, std::uint32_t symbol) {
    CountedWord& word = words_[w];
    const auto count = static_cast<std::int64_t>(word.count);
    for (std::size_t i = 0; i + 1 < word.symbols.size(); ++i) {
      pair_of(key_of(word, i)).count -= count;
    }

    std::size_t size = 0;
    for (std::size_t i = 0; i < word.symbols.size(); ++i) {
      const bool here =
          word.symbols[i] == left && i + 1 < word.symbols.size() && word.symbols[i + 1] == right;
      word.symbols[size++] = here ? symbol : word.symbols[i];
      if (here) ++i;
    }
    word.symbols.resize(size);

    for (std::size_t i = 0; i + 1 < size; ++i) {
      if (word.symbols[i] == symbol || word.symbols[i + 1] == symbol) {
        add_pair(w, i);
      } else {
        pair_of(key_of(word, i)).count += count;
      }
    }
  }

  void queue_up() {
    for (const std::uint64_t key : went_up_) {
      Pair& pair = pair_of(key);
      pair.went_up = false;
      if (pair.count >= min_count) queue_.push({pair.count, key});
    }
    went_up_.clear();
  }

  std::vector<CountedWord> words_;
  WordIndex symbols_;  // their texts
  WordIndex pair_keys_;
  std::vector<Pair> pairs_;
  std::priority_queue<Candidate> queue_;
  std::vector<std::uint64_t> went_up_;
};

}  // namespace detail

/// At most `size` pieces: [PAD] [UNK] [CLS] [SEP] [MASK] (ids 0 to 4), characters, the commonest
/// first, merged pieces in the order of their merges, and where the texts have no pair left that
/// occurs twice, the rarest characters. Fewer than `size` if the texts have no more.
///
/// A function of the counts of the words alone: neither the order of the texts nor the machine
/// matters. Time grows with the distinct words, not with the texts, once they are counted.
/// Throws Error if `size` leaves no room beside the special tokens.
[[nodiscard]] inline Vocabulary learn_vocabulary(std::span<const std::string_view> texts,
                                                 std::size_t size,
                                                 const TokenizerOptions& options = {}) {
  std::vector<std::string> pieces = {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"};
  if (size <= pieces.size() || size > Vocabulary::max_size) {
    fail("learn_vocabulary: ", size, " pieces asked for; choose ", pieces.size() + 1, " to ",
         Vocabulary::max_size);
  }
  detail::PairMerger merger(detail::count_words(texts, options));
  std::size_t kept = 0;
  const std::vector<std::string> characters = merger.split(size - pieces.size(), kept);
  for (std::size_t i = 0; i < kept; ++i) pieces.push_back(characters[i]);
  while (pieces.size() < size) {
    std::string piece = merger.merge();
    if (piece.empty()) break;
    pieces.push_back(std::move(piece));
  }
  for (std::size_t i = kept; i < characters.size() && pieces.size() < size; ++i) {
    pieces.push_back(characters[i]);
  }
  return Vocabulary(pieces, "learned vocabulary");
}

}  // namespace bipft
