#pragma once
/// PretrainingBatches: pieces of text laid out for a model, in pairs or alone, with words masked.
///
/// [BERT] §3.1. Everything random is drawn by the number of the piece among all that are read, so
/// that each epoch has other masks and other pairs, and any step can be made again.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "bipft/core/error.hpp"
#include "bipft/core/random.hpp"
#include "bipft/data/batches.hpp"
#include "bipft/data/corpora.hpp"
#include "bipft/text/vocabulary.hpp"

namespace bipft {

/// How pieces are laid out.
struct PieceForm {
  bool pairs = true;  ///< [CLS] A [SEP] B [SEP] with a label, else [CLS] A [SEP]
  bool masks = true;  ///< replace some of the words
  std::uint64_t seed = 1;
};

/// Whether B follows A in the text, as transformers numbers it.
inline constexpr std::int32_t follows_label = 0;
inline constexpr std::int32_t foreign_label = 1;

/// Some tokens of a text, and what stood there.
struct Masked {
  std::vector<std::uint32_t> places;  ///< ascending
  std::vector<std::int32_t> ids;
};

/// Masks `text`: of its words, special tokens aside, 15 % to the nearest and at least one, drawn
/// without repetition; each of these becomes [MASK] in 8 of 10 cases, any id in one, and stays as
/// it is in one.
/// Throws Error if the vocabulary has no [MASK].
[[nodiscard]] inline Masked mask_words(EncodedText& text, const Vocabulary& vocabulary,
                                       const Random& random) {
  const std::optional<std::int32_t> mask = vocabulary.mask();
  if (!mask) fail(Fault::model, "vocabulary: no [MASK] among its pieces, so no word can be masked");
  std::vector<std::uint32_t> words;
  for (std::size_t t = 0; t < text.ids.size(); ++t) {
    if (text.ids[t] == vocabulary.cls() || text.ids[t] == vocabulary.sep()) continue;
    words.push_back(static_cast<std::uint32_t>(t));
  }
  Masked masked;
  if (words.empty()) return masked;
  const std::size_t count = std::max<std::size_t>(1, (15 * words.size() + 50) / 100);
  for (std::size_t k = 0; k < count; ++k) {
    std::swap(words[k], words[k + random.below(3 * k, words.size() - k)]);
  }
  words.resize(count);
  std::ranges::sort(words);
  for (std::size_t k = 0; k < count; ++k) {
    std::int32_t& id = text.ids[words[k]];
    masked.places.push_back(words[k]);
    masked.ids.push_back(id);
    const std::uint64_t fate = random.below(3 * k + 1, 10);
    if (fate < 8) {
      id = *mask;
    } else if (fate == 8) {
      id = static_cast<std::int32_t>(random.below(3 * k + 2, vocabulary.size()));
    }
  }
  return masked;
}

/// Where a piece falls into two: at the beginning of a sentence drawn by number `draw`, or in the
/// middle of a lone one.
[[nodiscard]] inline std::size_t cut_of(const Piece& piece, const Random& random,
                                        std::uint64_t draw) {
  if (piece.sentences.empty()) return piece.ids.size() / 2;
  return piece.sentences[random.below(draw, piece.sentences.size())];
}

/// The batches of a training, by their number.
class PretrainingBatches {
 public:
  /// Throws Error if `batch` is 0.
  PretrainingBatches(std::shared_ptr<const Corpora> corpora,
                     std::shared_ptr<const Vocabulary> vocabulary, const PieceForm& form,
                     std::size_t batch)
      : corpora_(std::move(corpora)),
        vocabulary_(std::move(vocabulary)),
        form_(form),
        batch_(batch) {
    if (batch == 0) fail("PretrainingBatches: batch is 0");
  }

  /// Pieces of a batch.
  [[nodiscard]] std::size_t batch() const { return batch_; }

  /// Those in which every piece was read once, if there are no weights.
  [[nodiscard]] std::size_t per_epoch() const {
    return static_cast<std::size_t>((corpora_->pieces() + batch_ - 1) / batch_);
  }

  /// Pieces step · batch and on, as many as a batch has and, where there is a `last`, below that.
  [[nodiscard]] Batch operator()(std::uint64_t step,
                                 std::uint64_t last = static_cast<std::uint64_t>(-1)) const {
    std::vector<EncodedText> texts;
    std::vector<std::int32_t> places;
    std::vector<std::int32_t> ids;
    std::size_t begin = 0;
    const std::uint64_t first = step * batch_;
    for (std::uint64_t n = first; n < std::min<std::uint64_t>(first + batch_, last); ++n) {
      EncodedText text = form_.pairs ? pair(n) : single(n);
      if (form_.masks) {
        const Masked masked = mask_words(text, *vocabulary_, Random(form_.seed, "mask", n));
        for (const std::uint32_t place : masked.places) {
          places.push_back(static_cast<std::int32_t>(begin + place));
        }
        ids.insert(ids.end(), masked.ids.begin(), masked.ids.end());
      }
      begin += text.ids.size();
      texts.push_back(std::move(text));
    }
    Batch batch = make_batch(texts);
    if (form_.masks) {
      batch.masked = IdTensor(Shape{places.size()}, places);
      batch.masked_ids = IdTensor(Shape{ids.size()}, ids);
    }
    return batch;
  }

 private:
  [[nodiscard]] EncodedText single(std::uint64_t n) const {
    EncodedText text{{vocabulary_->cls()}, {0}};
    append(text, corpora_->piece(corpora_->place(n)).ids, 0);
    return text;
  }

  /// Two parts of one piece, or the first of one and the second of another of the same corpus.
  [[nodiscard]] EncodedText pair(std::uint64_t n) const {
    const Random random(form_.seed, "pair", n);
    const Corpora::Place place = corpora_->place(n);
    const std::size_t others = corpora_->corpora()[place.corpus].pieces() - 1;
    const Piece piece = corpora_->piece(place);
    const std::size_t cut = cut_of(piece, random, 0);
    std::span<const std::int32_t> second = std::span(piece.ids).subspan(cut);
    const bool foreign = others > 0 && random.below(1, 2) == 1;
    Piece other;
    if (foreign) {
      std::size_t which = random.below(2, others);
      if (which >= place.piece) ++which;
      other = corpora_->piece({place.corpus, which});
      // No longer than what it stands for may be: a piece fits, and so does this.
      const std::size_t room = corpora_->corpora()[place.corpus].room() - cut;
      second = std::span(other.ids).subspan(cut_of(other, random, 3));
      second = second.first(std::min(second.size(), room));
    }
    EncodedText text{{vocabulary_->cls()}, {0}, foreign ? foreign_label : follows_label};
    append(text, std::span(piece.ids).first(cut), 0);
    append(text, second, 1);
    return text;
  }

  void append(EncodedText& text, std::span<const std::int32_t> ids, std::int32_t type) const {
    text.ids.insert(text.ids.end(), ids.begin(), ids.end());
    text.ids.push_back(vocabulary_->sep());
    text.type_ids.resize(text.ids.size(), type);
  }

  std::shared_ptr<const Corpora> corpora_;
  std::shared_ptr<const Vocabulary> vocabulary_;
  PieceForm form_;
  std::size_t batch_;
};

}  // namespace bipft
