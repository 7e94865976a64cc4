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
#include <unordered_map>
#include <utility>
#include <vector>

#include "bipft/core/error.hpp"
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

/// Every distinct word of the texts, in the order of its bytes; words that a tokenizer would find
/// too long are left out.
[[nodiscard]] inline std::vector<CountedWord> count_words(std::span<const std::string_view> texts,
                                                          const TokenizerOptions& options) {
  std::unordered_map<std::string, std::uint64_t> counts;
  std::string key;
  for (const std::string_view text : texts) {
    WordReader words(text, options);
    while (words.next()) {
      if (words.too_long()) continue;
      key.assign(words.word());
      ++counts[key];
    }
  }
  std::vector<CountedWord> result;
  result.reserve(counts.size());
  for (auto& [text, count] : counts) result.push_back({text, count, {}});
  std::sort(result.begin(), result.end(),
            [](const CountedWord& a, const CountedWord& b) { return a.text < b.text; });
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
    std::unordered_map<std::string, std::uint64_t> counts;
    std::uint64_t total = 0;
    for (const CountedWord& word : words_) {
      for (std::size_t at = 0; at < word.text.size();) {
        const std::size_t size = decode_utf8(word.text, at).size;
        counts[spelled(word.text.substr(at, size), at > 0)] += word.count;
        total += word.count;
        at += size;
      }
    }
    std::vector<std::pair<std::string, std::uint64_t>> sorted(counts.begin(), counts.end());
    std::sort(sorted.begin(), sorted.end(), [](const auto& a, const auto& b) {
      return a.second != b.second ? a.second > b.second : a.first < b.first;
    });

    std::vector<std::string> characters;
    std::uint64_t covered = 0;
    kept = 0;
    for (auto& [text, count] : sorted) {
      const bool common = covered < total - total / 2000;
      if (kept == characters.size() && kept < room && (common || kept < room / 4)) ++kept;
      covered += count;
      characters.push_back(std::move(text));
    }
    for (std::size_t i = 0; i < kept; ++i) symbol_of(characters[i]);
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
      Pair& pair = pairs_[top.key];
      if (pair.count != top.count) {  // what went up was queued again, what went down was not
        if (pair.count >= min_count && pair.count < top.count) queue_.push({pair.count, top.key});
        continue;
      }
      const std::uint32_t left = static_cast<std::uint32_t>(top.key >> 32U);
      const std::uint32_t right = static_cast<std::uint32_t>(top.key);
      std::string joined =
          texts_[left] + texts_[right].substr(continuation_prefix.size());  // right is inside
      if (joined.size() > Vocabulary::max_piece) {
        pair = {};
        continue;
      }
      const std::size_t before = texts_.size();
      const std::uint32_t symbol = symbol_of(joined);
      const std::vector<std::uint32_t> where = std::exchange(pair.words, {});
      for (const std::uint32_t w : where) replace(w, left, right, symbol);
      queue_up();
      if (texts_.size() > before) return joined;  // else another pair gave this piece already
    }
    return {};
  }

 private:
  static constexpr std::int64_t min_count = 2;

  struct Pair {
    std::int64_t count = 0;
    std::vector<std::uint32_t> words;  // where it occurs or once did
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

  std::uint32_t symbol_of(const std::string& text) {
    const auto [entry, is_new] = symbols_.try_emplace(text, texts_.size());
    if (is_new) texts_.push_back(text);
    return static_cast<std::uint32_t>(entry->second);
  }

  /// A word with a character that was not kept has no symbols.
  void spell(CountedWord& word) {
    for (std::size_t at = 0; at < word.text.size();) {
      const std::size_t size = decode_utf8(word.text, at).size;
      const auto found = symbols_.find(spelled(word.text.substr(at, size), at > 0));
      if (found == symbols_.end()) return word.symbols.clear();
      word.symbols.push_back(static_cast<std::uint32_t>(found->second));
      at += size;
    }
  }

  [[nodiscard]] static std::uint64_t key_of(const CountedWord& word, std::size_t i) {
    return std::uint64_t{word.symbols[i]} << 32U | word.symbols[i + 1];
  }

  void add_pair(std::uint32_t w, std::size_t i) {
    const std::uint64_t key = key_of(words_[w], i);
    Pair& pair = pairs_[key];
    pair.count += static_cast<std::int64_t>(words_[w].count);
    if (pair.words.empty() || pair.words.back() != w) pair.words.push_back(w);
    went_up_.push_back(key);
  }

  /// Writes `symbol` for left right in one word. Only pairs with `symbol` can become commoner.
  void replace(std::uint32_t w, std::uint32_t left, std::uint32_t right, std::uint32_t symbol) {
    CountedWord& word = words_[w];
    const auto count = static_cast<std::int64_t>(word.count);
    for (std::size_t i = 0; i + 1 < word.symbols.size(); ++i) {
      pairs_[key_of(word, i)].count -= count;
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
        pairs_[key_of(word, i)].count += count;
      }
    }
  }

  void queue_up() {
    std::sort(went_up_.begin(), went_up_.end());
    went_up_.erase(std::unique(went_up_.begin(), went_up_.end()), went_up_.end());
    for (const std::uint64_t key : went_up_) {
      const std::int64_t count = pairs_[key].count;
      if (count >= min_count) queue_.push({count, key});
    }
    went_up_.clear();
  }

  std::vector<CountedWord> words_;
  std::vector<std::string> texts_;  // of each symbol
  std::unordered_map<std::string, std::uint64_t> symbols_;
  std::unordered_map<std::uint64_t, Pair> pairs_;
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
  const auto rare = characters.begin() + static_cast<std::ptrdiff_t>(kept);
  pieces.insert(pieces.end(), characters.begin(), rare);
  while (pieces.size() < size) {
    std::string piece = merger.merge();
    if (piece.empty()) break;
    pieces.push_back(std::move(piece));
  }
  const auto left = std::min(size - pieces.size(), characters.size() - kept);
  pieces.insert(pieces.end(), rare, rare + static_cast<std::ptrdiff_t>(left));
  return Vocabulary(pieces, "learned vocabulary");
}

}  // namespace bipft
