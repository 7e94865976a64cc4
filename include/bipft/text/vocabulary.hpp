#pragma once
/// Vocabulary: piece <-> id. In a file it is one piece a line, and the id is the line, from 0.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bipft/core/error.hpp"
#include "bipft/text/unicode_tables.hpp"
#include "bipft/text/utf8.hpp"

namespace bipft {

/// Pieces that continue a word are written with this in front.
inline constexpr std::string_view continuation_prefix = "##";

/// All pieces lie in one buffer, and one open-addressing table finds them.
class Vocabulary {
 public:
  static constexpr std::size_t max_size = std::size_t{1} << 20U;  ///< pieces
  static constexpr std::size_t max_piece = 1024;                  ///< bytes

  /// Reads the bytes of a vocab.txt; `name` is what messages call it. A byte order mark is passed
  /// over, and white space at the end of a line, a carriage return too, is no part of the piece.
  /// Throws Error (Fault::model, "name:line: ...") for an empty line, a duplicate, invalid UTF-8, a
  /// piece above `max_piece` bytes, more than `max_size` pieces, or if [PAD], [UNK], [CLS] or [SEP]
  /// is missing.
  [[nodiscard]] static Vocabulary parse(std::string_view bytes, std::string_view name) {
    constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";
    if (bytes.starts_with(byte_order_mark)) bytes.remove_prefix(byte_order_mark.size());
    const std::size_t ends = static_cast<std::size_t>(std::count(bytes.begin(), bytes.end(), '\n'));
    Vocabulary vocabulary(ends + (bytes.ends_with('\n') ? 0 : 1), bytes.size() + 1, name);
    while (!bytes.empty()) {
      const std::size_t end = std::min(bytes.find('\n'), bytes.size());
      vocabulary.add(trimmed(bytes.substr(0, end)), name);
      bytes.remove_prefix(std::min(end + 1, bytes.size()));
    }
    vocabulary.find_special(name);
    return vocabulary;
  }

  /// From pieces in the order of their ids; the same is refused, and white space at an end or a
  /// line feed anywhere, which a file could not hold.
  explicit Vocabulary(const std::vector<std::string>& pieces, std::string_view name = "vocabulary")
      : Vocabulary(pieces.size(), total_size(pieces), name) {
    for (const std::string& piece : pieces) {
      if (trimmed(piece).size() != piece.size() || piece.find('\n') != std::string::npos) {
        refuse(name, size() + 1,
               {"the piece '", shown(piece), "' has a line feed, or white space at its end"});
      }
      add(piece, name);
    }
    find_special(name);
  }

  [[nodiscard]] std::size_t size() const { return ends_.size(); }

  [[nodiscard]] std::optional<std::int32_t> id(std::string_view piece) const {
    const std::int32_t found = find(hash(hash_seed, piece), {}, piece);
    return found >= 0 ? std::optional(found) : std::nullopt;
  }

  /// Throws Error if there is no such id.
  [[nodiscard]] std::string_view piece(std::int32_t id) const {
    if (id < 0 || static_cast<std::size_t>(id) >= size()) {
      fail("Vocabulary: no id ", id, " among ", size(), " pieces");
    }
    return at(static_cast<std::size_t>(id));
  }

  struct Match {
    std::int32_t id = -1;
    std::size_t size = 0;  ///< bytes of the text; 0 where nothing matches
  };

  /// The longest piece that `text`, valid UTF-8, starts with: one that starts a word or, where it
  /// is `inside` a word, one that continues it.
  [[nodiscard]] Match longest_match(std::string_view text, bool inside) const {
    const std::string_view prefix = inside ? continuation_prefix : std::string_view();
    std::uint64_t h = hash(hash_seed, prefix);
    Match best;
    const std::size_t limit = std::min(text.size(), longest_ - prefix.size());
    for (std::size_t i = 0; i < limit;) {
      h = hash(h, text.substr(i, 1));
      ++i;
      const bool within_character = i < text.size() && (text[i] & 0xC0) == 0x80;
      if (within_character) continue;
      const std::int32_t found = find(h, prefix, text.substr(0, i));
      if (found >= 0) best = {found, i};
    }
    return best;
  }

  /// The content of its vocab.txt: every piece and a line feed.
  [[nodiscard]] std::string bytes() const { return bytes_; }

  [[nodiscard]] std::int32_t pad() const { return pad_; }
  [[nodiscard]] std::int32_t unk() const { return unk_; }
  [[nodiscard]] std::int32_t cls() const { return cls_; }
  [[nodiscard]] std::int32_t sep() const { return sep_; }
  [[nodiscard]] std::optional<std::int32_t> mask() const { return id("[MASK]"); }

 private:
  struct Slot {
    std::uint32_t tag = 0;
    std::int32_t id = -1;
  };
  static constexpr std::uint64_t hash_seed = 0xCBF29CE484222325U;
  static constexpr std::size_t max_probes = 250;  // under 100, unless somebody made collisions

  /// An empty one with room for `count` pieces, `byte_count` bytes with their line feeds.
  Vocabulary(std::size_t count, std::size_t byte_count, std::string_view name) {
    if (byte_count <= 1) fail(Fault::model, name, ": the vocabulary is empty");
    if (count > max_size) {
      fail(Fault::model, name, ": ", count, " pieces, but a vocabulary has at most ", max_size,
           "; is it one piece a line?");
    }
    bytes_.reserve(std::min(byte_count, count * (max_piece + 1)));
    ends_.reserve(count);
    std::size_t slots = 16;
    while (slots < 2 * count) slots *= 2;
    slots_.resize(slots);
  }

  [[noreturn, gnu::cold, gnu::noinline]] static void refuse(std::string_view name, std::size_t line,
                                                            detail::Parts parts) {
    detail::raise(Fault::model, concat(name, ":", line, ": "), parts);
  }

  void add(std::string_view piece, std::string_view name) {
    const std::size_t line = size() + 1;
    if (piece.empty()) refuse(name, line, {"empty line, a piece was expected"});
    if (piece.size() > max_piece) {
      refuse(name, line,
             {"a piece of ", piece.size(), " bytes, at most ", max_piece,
              " are allowed; is it one piece a line?"});
    }
    const std::size_t malformed = find_malformed_utf8(piece);
    if (malformed != std::string_view::npos) {
      fail(Fault::model, name, ":", line, ":", malformed + 1, ": invalid UTF-8");
    }

    const std::uint64_t mixed = mix(hash(hash_seed, piece));
    const auto tag = static_cast<std::uint32_t>(mixed);
    for (std::size_t probe = 0; probe < max_probes; ++probe) {
      Slot& slot = slots_[slot_of(mixed, probe)];
      if (slot.id < 0) {
        slot = {tag, static_cast<std::int32_t>(size())};
        bytes_.append(piece).push_back('\n');
        ends_.push_back(static_cast<std::uint32_t>(bytes_.size()));
        longest_ = std::max(longest_, piece.size());
        return;
      }
      if (slot.tag == tag && at(static_cast<std::size_t>(slot.id)) == piece) {
        refuse(name, line, {"'", shown(piece), "' stands in line ", slot.id + 1, " already"});
      }
    }
    refuse(name, line, {"too many pieces with one hash; the file looks forged"});
  }

  void find_special(std::string_view name) {
    pad_ = special("[PAD]", name);
    unk_ = special("[UNK]", name);
    cls_ = special("[CLS]", name);
    sep_ = special("[SEP]", name);
  }
  [[nodiscard]] std::int32_t special(std::string_view piece, std::string_view name) const {
    const std::optional<std::int32_t> found = id(piece);
    if (!found) {
      fail(Fault::model, name, ": ", piece, " is not among its ", size(),
           " pieces; [PAD], [UNK], [CLS] and [SEP] are needed");
    }
    return *found;
  }

  [[nodiscard]] std::string_view at(std::size_t id) const {
    const std::size_t begin = id == 0 ? 0 : ends_[id - 1];
    return std::string_view(bytes_).substr(begin, ends_[id] - begin - 1);
  }

  /// The id of prefix + text, whose hash is h, or -1.
  [[nodiscard]] std::int32_t find(std::uint64_t h, std::string_view prefix,
                                  std::string_view text) const {
    const std::uint64_t mixed = mix(h);
    const auto tag = static_cast<std::uint32_t>(mixed);
    const std::size_t probes = std::min(max_probes, slots_.size());
    for (std::size_t probe = 0; probe < probes; ++probe) {
      const Slot slot = slots_[slot_of(mixed, probe)];
      if (slot.id < 0) break;
      if (slot.tag != tag) continue;
      const std::string_view piece = at(static_cast<std::size_t>(slot.id));
      if (piece.size() == prefix.size() + text.size() && piece.starts_with(prefix) &&
          piece.ends_with(text)) {
        return slot.id;
      }
    }
    return -1;
  }

  [[nodiscard]] std::size_t slot_of(std::uint64_t mixed, std::size_t probe) const {
    return (static_cast<std::size_t>(mixed >> 32U) + probe) & (slots_.size() - 1);
  }

  /// FNV-1a: the hash of a longer text goes on from that of its start.
  [[nodiscard]] static constexpr std::uint64_t hash(std::uint64_t h, std::string_view text) {
    for (const char c : text) h = (h ^ static_cast<unsigned char>(c)) * 0x100000001B3U;
    return h;
  }
  [[nodiscard]] static constexpr std::uint64_t mix(std::uint64_t h) {
    h = (h ^ h >> 32U) * 0x9E3779B97F4A7C15U;
    return h ^ h >> 29U;
  }

  [[nodiscard]] static std::size_t total_size(const std::vector<std::string>& pieces) {
    std::size_t total = 1;
    for (const std::string& piece : pieces) total += piece.size() + 1;
    return total;
  }

  /// Without the white space at its end.
  [[nodiscard, gnu::noinline]] static std::string_view trimmed(std::string_view line) {
    while (!line.empty()) {
      std::size_t start = line.size() - 1;  // of the last code point, at most four bytes long
      while (start > 0 && line.size() - start < 4 && (line[start] & 0xC0) == 0x80) --start;
      const CodePoint last = decode_utf8(line, start);
      if (start + last.size != line.size() || !unicode::is_space(last.value)) break;
      line.remove_suffix(last.size);
    }
    return line;
  }

  /// Fit for a message: no control characters, not long.
  [[nodiscard, gnu::cold, gnu::noinline]] static std::string shown(std::string_view piece) {
    std::string result(piece.substr(0, 40));
    for (char& c : result) {
      if (static_cast<unsigned char>(c) < 32 || c == 127) c = '?';
    }
    return result;
  }

  std::string bytes_;                // every piece and a line feed
  std::vector<std::uint32_t> ends_;  // one past the line feed of each piece
  std::vector<Slot> slots_;          // at most half full, a power of two
  std::size_t longest_ = 0;          // bytes of the longest piece
  std::int32_t pad_ = 0, unk_ = 0, cls_ = 0, sep_ = 0;
};

}  // namespace bipft
