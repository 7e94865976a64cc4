#pragma once
/// Normalisation: text to words, as BERT's basic tokenizer does it. Control characters go, white
/// space separates, accents are stripped, upper case is lowered, ideographs and punctuation stand
/// alone.
///
///   WordReader words("Señor\tLópez: 日本!", options);     // senor | lopez | : | 日 | 本 | !
///   while (words.next()) use(words.word());
///
/// Equal to BertNormalizer and BertPreTokenizer of the `tokenizers` package, code point by code
/// point. Not a general Unicode normaliser: see unicode_tables.hpp.

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "bipft/core/sort.hpp"
#include "bipft/text/unicode_tables.hpp"
#include "bipft/text/utf8.hpp"

namespace bipft {

/// What becomes of a text on its way to ids. The defaults are those of an uncased BERT; a cased one
/// has neither `lowercase` nor `strip_accents`.
struct TokenizerOptions {
  bool lowercase = true;
  bool strip_accents = true;
  bool split_cjk = true;
  bool clean = true;
  bool special = false;
  std::size_t max_word = 100;

  void visit(auto&& option) {
    option("lowercase", lowercase, "lower the case, one code point at a time");
    option("strip_accents", strip_accents, "decompose (NFD) and drop nonspacing marks");
    option("split_cjk", split_cjk, "make a word of every CJK ideograph");
    option("clean", clean, "drop control, format and private-use characters");
    option("special", special, "take a literal [SEP] and its like in a text for the token");
    option("max_word", max_word, "code points above which a word is unknown");
  }
};

/// Reads a text word by word, no further than it is asked to. Time is linear in the bytes read and
/// memory bounded by `max_word`, whatever the bytes are; malformed UTF-8 becomes U+FFFD, which
/// cleaning drops. The text must outlive the reader.
class WordReader {
 public:
  WordReader(std::string_view text, const TokenizerOptions& options)
      : text_(text), options_(options) {}

  /// Goes on with another text. Only where next() found the end of the last one.
  void start(std::string_view text) {
    text_ = text;
    at_ = 0;
  }

  /// Goes to the next word. False at the end of the text.
  [[nodiscard]] bool next() {
    word_.clear();
    length_ = 0;
    for (;;) {
      read_ascii();
      if (!peek()) return length_ > 0;
      has_symbol_ = symbol_.kind == unicode::Kind::punctuation && length_ > 0;
      switch (symbol_.kind) {
        case unicode::Kind::space:
          if (length_ > 0) return true;
          break;
        case unicode::Kind::punctuation:
          if (has_symbol_) return true;  // it is the next word
          append(symbol_.code_point);
          return true;
        default:
          append(symbol_.code_point);
      }
    }
  }

  /// The word that next() found, normalised, as UTF-8; only its start if it is too long.
  [[nodiscard]] std::string_view word() const { return word_; }

  /// Whether the word has more than `max_word` code points.
  [[nodiscard]] bool too_long() const { return length_ > options_.max_word; }

  /// The bytes of the text that have been read.
  [[nodiscard]] std::size_t position() const { return at_; }

 private:
  struct Symbol {
    char32_t code_point;
    unicode::Kind kind;
  };

  static constexpr std::array<unicode::Kind, 128> ascii_kinds = [] {
    std::array<unicode::Kind, 128> kinds{};
    for (char32_t c = 0; c < 128; ++c) kinds[c] = unicode::kind_of(c);
    return kinds;
  }();

  [[gnu::noinline]] void append(char32_t c) {
    if (++length_ <= options_.max_word) append_utf8(word_, c);
  }

  /// Most of most texts: ASCII letters go to the word, spaces before it are passed over.
  void read_ascii() {
    if (has_symbol_ || ready_at_ < ready_.size() || !held_.empty()) return;
    for (; at_ < text_.size(); ++at_) {
      const char32_t c = static_cast<unsigned char>(text_[at_]);
      if (c >= 128) return;
      if (ascii_kinds[c] == unicode::Kind::letter) {
        const bool upper = options_.lowercase && c >= U'A' && c <= U'Z';
        if (++length_ <= options_.max_word) word_.push_back(static_cast<char>(upper ? c + 32 : c));
      } else if (ascii_kinds[c] != unicode::Kind::space || length_ > 0) {
        return;
      }
    }
  }

  /// Makes `symbol_` the next symbol of the normalised text. False at its end.
  [[nodiscard]] bool peek() {
    while (!has_symbol_) {
      if (ready_at_ < ready_.size()) {
        symbol_ = ready_[ready_at_++];
        has_symbol_ = true;
      } else {
        ready_.clear();
        ready_at_ = 0;
        if (at_ < text_.size()) {
          read();
        } else if (!held_.empty()) {
          release();
        } else {
          return false;
        }
      }
    }
    return true;
  }

  /// Takes one code point of the text through cleaning and the splitting of ideographs.
  void read() {
    const CodePoint c = decode_utf8(text_, at_);
    at_ += c.size;
    const unicode::Kind kind = c.value < 128 ? ascii_kinds[c.value] : unicode::kind_of(c.value);
    switch (kind) {
      case unicode::Kind::removed:
        if (!options_.clean) emit({c.value, kind});
        return;
      case unicode::Kind::control_space:
        if (!options_.clean) emit({U' ', unicode::Kind::space});
        return;
      case unicode::Kind::ideograph:
        if (options_.split_cjk) emit({U' ', unicode::Kind::space});
        strip({c.value, kind});
        if (options_.split_cjk) emit({U' ', unicode::Kind::space});
        return;
      default:
        strip({c.value, kind});
    }
  }

  /// Decomposes, drops the marks to be stripped and puts the others in canonical order.
  void strip(Symbol symbol) {
    if (!options_.strip_accents || symbol.kind == unicode::Kind::space) return emit(symbol);
    if (symbol.kind == unicode::Kind::mark) return;
    if (symbol.kind == unicode::Kind::starter_mark) return release();
    if (symbol.code_point < 128) return emit(symbol);
    const unicode::Base base = unicode::base_of(symbol.code_point);
    for (std::size_t i = 0; i < base.size; ++i) {
      const char32_t c = base.code_points[i];
      const unicode::Kind kind = c == symbol.code_point ? symbol.kind : unicode::kind_of(c);
      if (kind != unicode::Kind::combining) {
        emit({c, kind});
      } else if (held_.size() <= options_.max_word) {  // any more, and the word is unknown anyway
        held_.push_back(c);
      }
    }
  }

  /// Ends a run of combining marks: they follow in the order of their classes.
  void release() {
    sort_by(held_, [](char32_t a, char32_t b) {
      return unicode::combining_class(a) < unicode::combining_class(b);
    });
    for (const char32_t c : held_) make_ready({c, unicode::Kind::combining});
    held_.clear();
  }

  void emit(Symbol symbol) {
    if (!held_.empty()) release();
    const bool dotted = options_.lowercase && symbol.code_point == 0x130;  // it becomes two
    if (options_.lowercase) symbol.code_point = unicode::lower_of(symbol.code_point);
    make_ready(symbol);
    if (dotted) make_ready({0x307, unicode::Kind::mark});
  }
  [[gnu::noinline]] void make_ready(Symbol symbol) { ready_.push_back(symbol); }

  std::string_view text_;
  TokenizerOptions options_;
  std::size_t at_ = 0;

  std::vector<std::uint32_t> held_;  // combining marks since the last starter
  std::vector<Symbol> ready_;        // normalised, not yet asked for
  std::size_t ready_at_ = 0;
  Symbol symbol_{};
  bool has_symbol_ = false;

  std::string word_;
  std::size_t length_ = 0;  // of the word, in code points
};

}  // namespace bipft
