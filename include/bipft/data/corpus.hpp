#pragma once
/// Corpus: plain text, one paragraph a line, tokenised once and cut into pieces that a model reads.
///
///   const Corpus corpus("wiki.txt", "model.corpus", tokenizer, 128);
///   Piece piece = corpus.piece(4711);
///
/// A piece is as many sentences that follow one another as fit, across the ends of paragraphs; a
/// longer sentence is cut. The ids stand in a cache file, one record of a fixed size a piece, which
/// is mapped into memory: neither writing nor reading it takes memory that grows with the text. A
/// cache of another text, vocabulary or length of pieces, or a damaged one, is made anew.

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "bipft/core/error.hpp"
#include "bipft/core/parallel.hpp"
#include "bipft/data/lines.hpp"
#include "bipft/data/sentences.hpp"
#include "bipft/io/file.hpp"
#include "bipft/io/mapped_file.hpp"
#include "bipft/io/sha256.hpp"
#include "bipft/text/wordpiece.hpp"

namespace bipft {

/// The room that [CLS] and two [SEP] leave is for text, also where a piece gets but one [SEP].
inline constexpr std::size_t special_tokens_of_piece = 3;

struct Piece {
  std::vector<std::int32_t> ids;         ///< at least 2, no special tokens
  std::vector<std::uint32_t> sentences;  ///< where sentences begin among them, ascending; not 0
};

namespace detail {

/// Reads a text file of any size line by line, a block at a time.
class BlockReader {
 public:
  explicit BlockReader(const std::string& path) : file_(path, Fault::data) {}

  /// The next lines of the file, whole ones, or nothing at its end.
  [[nodiscard]] std::string_view next() {
    buffer_.erase(0, used_);
    used_ = 0;
    while (!ended_) {
      const std::size_t before = buffer_.size();
      buffer_.resize(before + block);
      const std::size_t got =
          file_.read(std::as_writable_bytes(std::span(buffer_.data() + before, block)));
      buffer_.resize(before + got);
      ended_ = got < block;
      const std::size_t end = buffer_.rfind('\n');
      if (end != std::string::npos && !ended_) {
        used_ = end + 1;
        break;
      }
      if (!ended_ && buffer_.size() > longest_line) {
        fail(Fault::data, file_.path(), ": a line is longer than ", longest_line,
             " bytes; is this a text file with a paragraph a line?");
      }
    }
    if (used_ == 0) used_ = buffer_.size();
    const std::string_view lines = std::string_view(buffer_).substr(0, used_);
    if (first_ && !lines.empty()) {
      first_ = false;
      return checked_text(lines, file_.path());
    }
    return lines;
  }
  [[nodiscard]] const std::string& path() const { return file_.path(); }

 private:
  static constexpr std::size_t block = std::size_t{4} << 20U;

  InputFile file_;
  std::string buffer_;
  std::size_t used_ = 0;  // bytes of it that were handed out
  bool ended_ = false;
  bool first_ = true;
};

[[nodiscard]] inline Sha256::Digest digest_of_file(const std::string& path) {
  InputFile file(path, Fault::data);
  Sha256 sha;
  std::vector<std::byte> block(std::size_t{1} << 20U);
  for (;;) {
    const std::size_t got = file.read(block);
    sha.update(std::span(block).first(got));
    if (got < block.size()) return sha.digest();
  }
}

/// What stands at the end of a cache.
struct CorpusTail {
  static constexpr std::array<char, 16> name{'b', 'i', 'p', 'f', 't', ' ', 'c',  'o',
                                             'r', 'p', 'u', 's', '/', '1', '\n', '\0'};

  std::array<char, 16> magic = name;
  std::uint64_t slots = 0;       ///< of a record: the number of its ids, then these
  std::uint64_t slot_bytes = 0;  ///< 2, or 4 for a large vocabulary
  std::uint64_t pieces = 0;
  std::uint64_t tokens = 0;
  Sha256::Digest corpus{};   ///< of the text
  Sha256::Digest reading{};  ///< of vocabulary and rules
  Sha256::Digest all{};      ///< of everything before this
};
static_assert(sizeof(CorpusTail) == 144);

/// Packs sentences into records, and writes these.
class CorpusWriter {
 public:
  CorpusWriter(const std::string& path, CorpusTail tail)
      : file_(path), tail_(tail), record_(tail.slots * tail.slot_bytes) {}

  /// `slots`: an id each, times 2, and 1 more where a sentence begins.
  void add(std::span<const std::uint32_t> slots) {
    const std::size_t room = tail_.slots - 1;
    if (filled_ + slots.size() > room) flush();
    for (; slots.size() > room; slots = slots.subspan(room)) {
      put(slots.first(room));
      flush();
    }
    put(slots);
  }

  /// The cache is in place. Returns the number of its pieces; where there are none, nothing is.
  [[nodiscard]] std::uint64_t finish() {
    flush();
    if (tail_.pieces == 0) return 0;
    sha_.update(std::as_bytes(std::span(&tail_, 1)).first(offsetof(CorpusTail, all)));
    tail_.all = sha_.digest();
    file_.write(std::as_bytes(std::span(&tail_, 1)));
    file_.commit();
    return tail_.pieces;
  }

 private:
  void put(std::span<const std::uint32_t> slots) {
    for (const std::uint32_t slot : slots) store(++filled_, slot);
  }
  /// A lone token teaches nothing and is left out.
  void flush() {
    if (filled_ >= 2) {
      store(0, static_cast<std::uint32_t>(filled_));
      sha_.update(record_);
      file_.write(record_);
      ++tail_.pieces;
      tail_.tokens += filled_;
    }
    std::ranges::fill(record_, std::byte{0});
    filled_ = 0;
  }
  void store(std::size_t at, std::uint32_t value) {
    const auto narrow = static_cast<std::uint16_t>(value);
    const void* const from = tail_.slot_bytes == 2 ? static_cast<const void*>(&narrow) : &value;
    std::memcpy(record_.data() + at * tail_.slot_bytes, from, tail_.slot_bytes);
  }

  AtomicFile file_;
  CorpusTail tail_;
  Sha256 sha_;
  std::vector<std::byte> record_;
  std::size_t filled_ = 0;
};

}  // namespace detail

class Corpus {
 public:
  /// Told while a text is tokenised: bytes done.
  using OnBytes = std::function<void(std::size_t)>;

  /// The text at `path`, by the cache at `cache`, which is made where it does not fit. A piece and
  /// its special tokens are at most `piece_len`.
  /// Throws Error{Fault::data} for what is no text, {Fault::system} if the cache cannot be written,
  /// {Fault::usage} if there is no room in a piece.
  Corpus(const std::string& path, const std::string& cache, const WordPiece& tokenizer,
         std::size_t piece_len, const OnBytes& on_bytes = {})
      : cache_(cache) {
    if (piece_len < special_tokens_of_piece + 2) {
      fail("Corpus: pieces of ", piece_len, " tokens; ", special_tokens_of_piece,
           " of them are special, and 2 is the least text");
    }
    detail::CorpusTail wanted;
    wanted.slots = piece_len - special_tokens_of_piece + 1;
    vocabulary_ = tokenizer.vocabulary().size();
    wanted.slot_bytes = std::max(vocabulary_ * 2, wanted.slots) <= 65536 ? 2 : 4;
    wanted.corpus = detail::digest_of_file(path);
    wanted.reading = digest_of(tokenizer);
    if (open(wanted)) return;
    build(path, wanted, tokenizer, on_bytes);
    made_ = true;
    if (!open(wanted)) fail(Fault::system, cache, ": was written, and is damaged already");
  }

  [[nodiscard]] std::size_t pieces() const { return static_cast<std::size_t>(tail_.pieces); }
  [[nodiscard]] std::size_t tokens() const { return static_cast<std::size_t>(tail_.tokens); }
  /// The most ids of a piece.
  [[nodiscard]] std::size_t room() const { return static_cast<std::size_t>(tail_.slots) - 1; }
  /// SHA-256 of the text, in hexadecimal.
  [[nodiscard]] std::string digest() const { return hex(tail_.corpus); }
  /// Whether the cache was made just now.
  [[nodiscard]] bool made() const { return made_; }

  /// Piece `i`, below pieces(). Throws Error{Fault::data} if the cache holds no ids there.
  [[nodiscard]] Piece piece(std::size_t i) const {
    if (i >= pieces()) fail("Corpus: no piece ", i, " among ", pieces());
    const std::size_t first = i * tail_.slots;
    const std::uint32_t count = slot(first);
    Piece piece;
    piece.ids.reserve(count);
    for (std::size_t t = 0; t < count && count < tail_.slots; ++t) {
      const std::uint32_t value = slot(first + 1 + t);
      if (value / 2 >= vocabulary_) break;
      if (value % 2 == 1 && t > 0) piece.sentences.push_back(static_cast<std::uint32_t>(t));
      piece.ids.push_back(static_cast<std::int32_t>(value / 2));
    }
    if (piece.ids.size() != count || count < 2) {
      fail(Fault::data, cache_, ": was changed while it was read; remove it and start again");
    }
    return piece;
  }

 private:
  [[nodiscard]] std::uint32_t slot(std::size_t at) const {
    const std::byte* const from = file_.bytes().data() + at * tail_.slot_bytes;
    std::uint16_t narrow = 0;
    std::uint32_t value = 0;
    if (tail_.slot_bytes == 2) {
      std::memcpy(&narrow, from, sizeof narrow);
      return narrow;
    }
    std::memcpy(&value, from, sizeof value);
    return value;
  }

  [[nodiscard]] static Sha256::Digest digest_of(const WordPiece& tokenizer) {
    std::string rules;
    TokenizerOptions options = tokenizer.options();
    options.visit([&rules](std::string_view name, const auto& value, std::string_view /*help*/) {
      rules += concat(name, '=', value, '\n');
    });
    return Sha256::of(rules + tokenizer.vocabulary().bytes());
  }

  /// Whether the cache is there, whole, and what is wanted.
  [[nodiscard]] bool open(const detail::CorpusTail& wanted) {
    struct stat status {};
    if (::stat(cache_.c_str(), &status) != 0) return false;
    MappedFile file(cache_, Fault::system);
    const std::span<const std::byte> bytes = file.bytes();
    if (bytes.size() < sizeof tail_) return false;
    detail::CorpusTail tail;
    std::memcpy(&tail, bytes.last(sizeof tail).data(), sizeof tail);
    const std::size_t records = bytes.size() - sizeof tail;
    const std::size_t record = wanted.slots * wanted.slot_bytes;
    if (tail.magic != wanted.magic || tail.slots != wanted.slots ||
        tail.slot_bytes != wanted.slot_bytes || tail.corpus != wanted.corpus ||
        tail.reading != wanted.reading || tail.pieces == 0 || records % record != 0 ||
        tail.pieces != records / record ||
        Sha256::of(bytes.first(records + offsetof(detail::CorpusTail, all))) != tail.all) {
      return false;
    }
    file_ = std::move(file);
    tail_ = tail;
    return true;
  }

  void build(const std::string& path, const detail::CorpusTail& wanted, const WordPiece& tokenizer,
             const OnBytes& on_bytes) {
    detail::BlockReader reader(path);
    detail::CorpusWriter writer(cache_, wanted);
    std::size_t done = 0;
    std::vector<std::string_view> paragraphs;
    std::vector<std::vector<std::vector<std::uint32_t>>> slots;  // of sentences of paragraphs
    for (;;) {
      const std::string_view block = reader.next();
      if (block.empty()) break;
      paragraphs.clear();
      for (std::string_view rest = block; !rest.empty();) {
        const std::size_t end = std::min(rest.find('\n'), rest.size());
        if (end > 0) paragraphs.push_back(rest.substr(0, end));
        rest.remove_prefix(std::min(end + 1, rest.size()));
      }
      slots.assign(paragraphs.size(), {});
      parallel_for(paragraphs.size(), 16, [&](std::size_t begin, std::size_t end) {
        for (std::size_t i = begin; i < end; ++i) slots[i] = slots_of(paragraphs[i], tokenizer);
      });
      for (const auto& paragraph : slots) {
        for (const std::vector<std::uint32_t>& sentence : paragraph) writer.add(sentence);
      }
      done += block.size();
      if (on_bytes) on_bytes(done);
    }
    if (writer.finish() == 0) {
      fail(Fault::data, path, ": has no text; one paragraph a line is wanted");
    }
  }

  [[nodiscard]] static std::vector<std::vector<std::uint32_t>> slots_of(
      std::string_view paragraph, const WordPiece& tokenizer) {
    std::vector<std::vector<std::uint32_t>> result;
    for (const std::string_view sentence : sentences_of(paragraph)) {
      const Encoding encoding = tokenizer.encode(sentence);
      std::vector<std::uint32_t> slots;
      for (std::size_t t = 1; t + 1 < encoding.ids.size(); ++t) {  // without [CLS] and [SEP]
        slots.push_back(2 * static_cast<std::uint32_t>(encoding.ids[t]) + (t == 1 ? 1U : 0U));
      }
      if (!slots.empty()) result.push_back(std::move(slots));
    }
    return result;
  }

  std::string cache_;
  MappedFile file_;
  detail::CorpusTail tail_;
  std::size_t vocabulary_ = 0;
  bool made_ = false;
};

}  // namespace bipft
