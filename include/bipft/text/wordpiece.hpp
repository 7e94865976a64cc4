#pragma once
/// WordPiece: text to ids, greedily by the longest piece, as BERT does it.
///
///   const WordPiece tokenizer(Vocabulary::parse(bytes, "vocab.txt"));
///   const Encoding e = tokenizer.encode("Not bad at all.", 128);  // [CLS] not bad at all . [SEP]
///
/// Equal to Hugging Face's fast BertTokenizer, id by id, where `special` is set; without it, text
/// cannot bring special tokens in. One thing its own versions do not agree on: which of two texts
/// that both exceed max_len keeps one id more. Here as in 0.23.1 and 0.23.2, which need not read
/// either to its end to know.

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "bipft/text/normalize.hpp"
#include "bipft/text/vocabulary.hpp"

namespace bipft {

/// What a model is given. Both are equally long; the attention mask is all ones until a batch pads.
struct Encoding {
  std::vector<std::int32_t> ids;
  std::vector<std::int32_t> type_ids;  ///< 0 in the first text and its [CLS] and [SEP], 1 after it
};

namespace detail {

/// How many ids of two texts are kept where both together have `room`: "longest first" of the
/// `tokenizers` package. If both exceed half of it, each gets half and the longer one the odd
/// place; of two that are equally long, the second.
[[nodiscard]] constexpr std::pair<std::size_t, std::size_t> kept_sizes(std::size_t a, std::size_t b,
                                                                       std::size_t room) {
  if (a <= room && b <= room - a) return {a, b};
  const std::size_t half = room / 2;
  if (a <= half) return {a, room - a};
  if (b <= half) return {room - b, b};
  return a > b ? std::pair{room - half, half} : std::pair{half, room - half};
}

}  // namespace detail

/// A vocabulary and the rules by which it is applied. Const and safe to share among threads.
class WordPiece {
 public:
  explicit WordPiece(Vocabulary vocabulary, TokenizerOptions options = {})
      : vocabulary_(std::move(vocabulary)), options_(options) {}

  [[nodiscard]] const Vocabulary& vocabulary() const { return vocabulary_; }
  [[nodiscard]] const TokenizerOptions& options() const { return options_; }

  /// [CLS] text [SEP], at most `max_len` ids (0: any number), the end of the text cut first. Never
  /// fails, whatever the bytes; a word without pieces is one [UNK]. The text is read only until
  /// enough ids exist. Where max_len leaves no room for both special tokens, only the first stays.
  [[nodiscard]] Encoding encode(std::string_view text, std::size_t max_len = 0) const {
    constexpr std::size_t special_tokens = 2;
    const std::size_t room = room_beside(special_tokens, max_len);
    Pieces pieces(*this, text);
    while (pieces.ids.size() < room && pieces.read_word()) {
    }
    return assemble({kept(pieces, room)}, max_len);
  }

  /// [CLS] a [SEP] b [SEP], the longer text cut first, as `kept_sizes` says. Each is read only
  /// until it has max_len ids, to the end of the word, and counts as that long. Where max_len is
  /// below 3, only the first of the special tokens stay.
  [[nodiscard]] Encoding encode(std::string_view a, std::string_view b,
                                std::size_t max_len = 0) const {
    constexpr std::size_t special_tokens = 3;
    const std::size_t room = room_beside(special_tokens, max_len);
    const std::size_t enough = max_len == 0 ? room : max_len;
    Pieces first(*this, a);
    Pieces second(*this, b);
    while (first.ids.size() < enough && first.read_word()) {
    }
    while (second.ids.size() < enough && second.read_word()) {
    }
    const auto [first_size, second_size] =
        detail::kept_sizes(first.ids.size(), second.ids.size(), room);
    return assemble({kept(first, first_size), kept(second, second_size)}, max_len);
  }

  /// The pieces as text: words apart by a space, continuations glued on, and no [PAD], [CLS] or
  /// [SEP]. What normalisation took away stays away, and English contractions are not guessed at.
  /// Throws Error if an id is not in the vocabulary.
  [[nodiscard]] std::string decode(std::span<const std::int32_t> ids) const {
    std::string text;
    for (const std::int32_t id : ids) {
      std::string_view piece = vocabulary_.piece(id);
      if (id == vocabulary_.pad() || id == vocabulary_.cls() || id == vocabulary_.sep()) continue;
      if (piece.starts_with(continuation_prefix) && !text.empty()) {
        piece.remove_prefix(continuation_prefix.size());
      } else if (!text.empty()) {
        text.push_back(' ');
      }
      text.append(piece);
    }
    return text;
  }

 private:
  static constexpr std::array<std::string_view, 5> special_pieces = {"[PAD]", "[UNK]", "[CLS]",
                                                                     "[SEP]", "[MASK]"};

  /// The ids of one text, made word by word as they are asked for.
  class Pieces {
   public:
    std::vector<std::int32_t> ids;

    Pieces(const WordPiece& tokenizer, std::string_view text)
        : tokenizer_(tokenizer), rest_(text), words_(next_part(), tokenizer.options_) {}

    /// Appends the ids of one more word or special token. False at the end of the text.
    [[nodiscard]] bool read_word() {
      while (!words_.next()) {
        if (special_id_ < 0) return false;
        ids.push_back(std::exchange(special_id_, -1));
        words_.start(next_part());
        return true;
      }
      tokenizer_.append_word(words_, ids);
      return true;
    }

   private:
    /// Cuts off what lies before the next special token, whose id goes to `special_id_`, and both
    /// from `rest_`.
    [[nodiscard]] std::string_view next_part() {
      if (tokenizer_.options_.special) {
        for (std::size_t at = rest_.find('['); at < rest_.size(); at = rest_.find('[', at + 1)) {
          const std::string_view here = rest_.substr(at);
          for (const std::string_view piece : special_pieces) {
            if (!here.starts_with(piece)) continue;
            const auto id = tokenizer_.vocabulary_.id(piece);
            if (!id) continue;
            special_id_ = *id;
            const std::string_view part = rest_.substr(0, at);
            rest_ = here.substr(piece.size());
            return part;
          }
        }
      }
      return std::exchange(rest_, {});
    }

    const WordPiece& tokenizer_;
    std::string_view rest_;
    std::int32_t special_id_ = -1;
    WordReader words_;
  };

  void append_word(const WordReader& words, std::vector<std::int32_t>& ids) const {
    const std::size_t before = ids.size();
    bool known = !words.too_long();
    for (std::string_view rest = words.word(); known && !rest.empty();) {
      const Vocabulary::Match match = vocabulary_.longest_match(rest, ids.size() > before);
      known = match.size > 0;
      if (known) ids.push_back(match.id);
      rest.remove_prefix(match.size);
    }
    if (!known) {
      ids.erase(ids.begin() + static_cast<std::ptrdiff_t>(before), ids.end());
      ids.push_back(vocabulary_.unk());
    }
  }

  [[nodiscard]] static std::size_t room_beside(std::size_t special_tokens, std::size_t max_len) {
    if (max_len == 0) return static_cast<std::size_t>(-1) - special_tokens;
    return max_len > special_tokens ? max_len - special_tokens : 0;
  }

  [[nodiscard]] static std::span<const std::int32_t> kept(const Pieces& pieces, std::size_t size) {
    return std::span(pieces.ids).first(std::min(size, pieces.ids.size()));
  }

  /// [CLS], and every text with a [SEP] behind it; no more than max_len ids of that.
  [[nodiscard, gnu::noinline]] Encoding assemble(
      std::initializer_list<std::span<const std::int32_t>> texts, std::size_t max_len) const {
    std::size_t size = 1;
    for (const std::span<const std::int32_t> text : texts) size += text.size() + 1;
    std::vector<std::int32_t> ids(size, vocabulary_.sep());
    std::vector<std::int32_t> type_ids(size, 0);
    ids[0] = vocabulary_.cls();
    std::size_t at = 1;
    std::int32_t type = 0;
    for (const std::span<const std::int32_t> text : texts) {
      for (const std::int32_t id : text) {
        ids[at] = id;
        type_ids[at++] = type;
      }
      type_ids[at++] = type++;  // of the [SEP]
    }
    if (max_len != 0 && size > max_len) {
      ids.erase(ids.begin() + static_cast<std::ptrdiff_t>(max_len), ids.end());
      type_ids.erase(type_ids.begin() + static_cast<std::ptrdiff_t>(max_len), type_ids.end());
    }
    return {std::move(ids), std::move(type_ids)};
  }

  Vocabulary vocabulary_;
  TokenizerOptions options_;
};

}  // namespace bipft
