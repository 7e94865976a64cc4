#pragma once
/// The parser behind Json (`io/json.hpp`, which says what is refused): text into a flat document.

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "bipft/core/error.hpp"
#include "bipft/core/sort.hpp"

namespace bipft {

/// What a parser may be asked to swallow, and how its errors are meant.
struct JsonOptions {
  Fault fault = Fault::data;
  std::size_t max_depth = 32;                       ///< arrays and objects within each other
  std::size_t max_bytes = std::size_t{256} << 20U;  ///< of text
  std::size_t max_values = std::size_t{16} << 20U;  ///< all values together, 32 bytes each
  std::size_t first_line = 1;                       ///< the line of a JSONL file this text is
};

namespace detail {

enum class JsonKind : std::uint8_t { null, boolean, integer, number, string, array, object };

[[nodiscard]] constexpr std::string_view to_string(JsonKind kind) {
  constexpr std::string_view names[] = {"null",     "true or false", "an integer", "a number",
                                        "a string", "an array",      "an object"};
  return names[static_cast<std::size_t>(kind)];
}

/// A piece of the document's text.
struct JsonSlice {
  std::uint32_t begin;
  std::uint32_t size;
};

/// One value. Children follow their parent as a linked list of siblings.
struct JsonNode {
  std::uint32_t next = 0;  ///< the next sibling; 0, the root, for none
  JsonSlice key{};         ///< the name within an object
  std::uint32_t line = 0;  ///< where it began; 0 if it was not parsed
  std::uint32_t column = 0;
  JsonKind kind = JsonKind::null;
  union {
    std::int64_t integer = 0;
    double number;
    bool boolean;
    JsonSlice string;
    std::uint32_t first;  ///< the first child; 0 for none
  };
};

struct JsonDocument {
  std::string text;  ///< all strings and keys, unescaped, in a row
  std::vector<JsonNode> nodes;
  std::uint32_t last = 0;  ///< the root's last child, where the next one is hung
  std::string name;
  Fault fault = Fault::usage;

  [[nodiscard]] std::string_view view(JsonSlice slice) const {
    return {text.data() + slice.begin, slice.size};
  }
  [[nodiscard]] JsonSlice keep(std::string_view piece) {
    constexpr std::size_t most = std::numeric_limits<std::uint32_t>::max();
    if (piece.size() > most - text.size()) fail(fault, name, ": more than 4 GB of JSON strings");
    const JsonSlice slice{static_cast<std::uint32_t>(text.size()),
                          static_cast<std::uint32_t>(piece.size())};
    text.append(piece);
    return slice;
  }
  /// Appends `node`, as the next sibling after `previous` or the first child of `parent`.
  std::uint32_t hang(const JsonNode& node, std::uint32_t parent, std::uint32_t previous) {
    const auto at = static_cast<std::uint32_t>(nodes.size());
    nodes.push_back(node);
    if (previous != 0) {
      nodes[previous].next = at;
    } else if (at != 0) {
      nodes[parent].first = at;
    }
    return at;
  }
};

/// The length of the well-formed UTF-8 sequence at `at`, or 0: not overlong, no surrogate, at most
/// U+10FFFF (table 3-7 of the Unicode standard).
[[nodiscard]] inline std::size_t utf8_length(std::string_view text, std::size_t at) {
  const auto byte = [&](std::size_t i) -> unsigned {
    return at + i < text.size() ? static_cast<unsigned char>(text[at + i]) : 0U;
  };
  const auto within = [&](std::size_t i, unsigned low, unsigned high) {
    return byte(i) >= low && byte(i) <= high;
  };
  const unsigned lead = byte(0);
  if (lead < 0x80) return 1;
  if (lead < 0xC2 || lead > 0xF4) return 0;
  if (lead < 0xE0) return within(1, 0x80, 0xBF) ? 2 : 0;
  const unsigned low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
  const unsigned high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
  if (!within(1, low, high) || !within(2, 0x80, 0xBF)) return 0;
  if (lead < 0xF0) return 3;
  return within(3, 0x80, 0xBF) ? 4 : 0;
}

/// Appends `text` as a JSON string. Bytes that are no UTF-8 become U+FFFD.
inline void print_json_string(std::string& out, std::string_view text) {
  constexpr std::string_view hex_digits = "0123456789abcdef";
  constexpr std::string_view special = "\"\\\b\f\n\r\t";
  constexpr std::string_view letters = "\"\\bfnrt";
  out += '"';
  for (std::size_t i = 0; i < text.size();) {
    const auto c = static_cast<unsigned char>(text[i]);
    const std::size_t length = utf8_length(text, i);
    std::string_view written = text.substr(i, length);
    char escape[] = {'\\', 'u', '0', '0', hex_digits[c >> 4U], hex_digits[c & 15U]};
    if (const std::size_t s = special.find(text[i]); s != std::string_view::npos) {
      escape[1] = letters[s];
      written = {escape, 2};
    } else if (c < 0x20) {
      written = {escape, sizeof escape};
    } else if (length == 0) {
      written = "\xEF\xBF\xBD";
    }
    out.append(written);
    i += std::max<std::size_t>(length, 1);
  }
  out += '"';
}

/// A foreign name in a message: short, and without bytes that steer a terminal.
[[nodiscard, gnu::cold]] inline std::string quoted(std::string_view text) {
  constexpr std::size_t most = 80;
  std::string out;
  print_json_string(out, text.substr(0, most));
  return text.size() > most ? out + "..." : out;
}

class JsonParser {
 public:
  JsonParser(std::string_view text, std::string_view name, const JsonOptions& options)
      : text_(text), options_(options), line_(options.first_line) {
    document_->name = name;
    document_->fault = options.fault;
  }

  [[nodiscard]] std::shared_ptr<JsonDocument> parse() {
    if (text_.size() > std::min<std::size_t>(options_.max_bytes, UINT32_MAX - 1)) {
      refuse({"the text has ", text_.size(), " bytes, more than the ", options_.max_bytes,
              " allowed"});
    }
    if (text_.starts_with("\xEF\xBB\xBF")) refuse({"a byte order mark; save it without one"});
    reserve();
    skip_space();
    for (;;) {  // a value begins here
      if (open_container()) continue;
      if (!after_value()) break;
    }
    if (at_ != text_.size()) refuse({"text after the end of the value"});
    document_->last = last_of_root_;
    return std::move(document_);
  }

 private:
  struct Level {
    std::uint32_t node;
    std::uint32_t last;  ///< its last child so far
    bool object;
  };

  [[noreturn, gnu::cold, gnu::noinline]] void refuse(Parts parts) const {
    raise(options_.fault, place(line_, at_ - line_begin_ + 1), parts);
  }
  [[nodiscard]] std::string place(std::size_t line, std::size_t column) const {
    return joined({document_->name, ':', line, ':', column, ": "});
  }

  [[nodiscard]] char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }

  /// "'x'", or what stands for it where nothing printable is.
  [[nodiscard, gnu::cold, gnu::noinline]] std::string seen() const {
    if (at_ >= text_.size()) return "the text ends";
    const auto c = static_cast<unsigned char>(text_[at_]);
    if (c > 0x20 && c < 0x7F) return concat('\'', text_[at_], "' stands");
    return concat("byte ", static_cast<unsigned>(c), " stands");
  }

  /// One allocation each for strings and values: no text needs more of either than is counted here.
  void reserve() {
    std::size_t values = 1;
    for (const char c : text_) {
      values += static_cast<std::size_t>((c == ',') | (c == '[') | (c == '{'));
    }
    document_->nodes.reserve(std::min(values, options_.max_values));
    document_->text.reserve(text_.size());
  }

  void skip_space() {
    for (; at_ < text_.size(); ++at_) {
      switch (text_[at_]) {
        case '\n':
          ++line_;
          line_begin_ = at_ + 1;
          break;
        case ' ':
        case '\t':
        case '\r':
          break;
        default:
          return;
      }
    }
  }

  /// Hangs a new value below the innermost container.
  std::uint32_t add(JsonNode node) {
    std::vector<JsonNode>& nodes = document_->nodes;
    if (nodes.size() >= options_.max_values) {
      refuse({"more than the ", options_.max_values, " values allowed"});
    }
    constexpr std::size_t most = std::numeric_limits<std::uint32_t>::max();
    node.line = static_cast<std::uint32_t>(std::min(line_, most));
    node.column = static_cast<std::uint32_t>(at_ - line_begin_ + 1);
    if (levels_.empty()) return document_->hang(node, 0, 0);
    Level& level = levels_.back();
    node.key = key_;
    level.last = document_->hang(node, level.node, level.last);
    return level.last;
  }

  /// Reads a scalar, or the opening of a container; true if a value of that container comes next.
  [[nodiscard]] bool open_container() {
    JsonNode node;
    const char c = peek();
    switch (c) {
      case '{':
      case '[': {
        if (levels_.size() >= options_.max_depth) {
          refuse({"nested deeper than the ", options_.max_depth, " levels allowed"});
        }
        node.kind = c == '{' ? JsonKind::object : JsonKind::array;
        node.first = 0;
        const std::uint32_t at = add(node);
        levels_.push_back({at, 0, c == '{'});
        ++at_;
        skip_space();
        if (peek() == (c == '{' ? '}' : ']')) return false;
        if (c == '{') read_key();
        return true;
      }
      case '"': {
        const std::uint32_t at = add(node);
        document_->nodes[at].kind = JsonKind::string;
        document_->nodes[at].string = read_string();
        return false;
      }
      case 't':
        return word("true", JsonKind::boolean, true);
      case 'f':
        return word("false", JsonKind::boolean, false);
      case 'n':
        return word("null", JsonKind::null, false);
      default:
        read_number();
        return false;
    }
  }

  /// After a value: closes what ends here and moves to the next value; false at the end of the
  /// text.
  [[nodiscard]] bool after_value() {
    for (;;) {
      if (levels_.empty()) {
        skip_space();
        return false;
      }
      const Level level = levels_.back();
      skip_space();
      if (peek() == (level.object ? '}' : ']')) {
        if (level.object) refuse_duplicates(level);
        if (levels_.size() == 1) last_of_root_ = level.last;
        levels_.pop_back();
        ++at_;
        continue;
      }
      if (peek() != ',') {
        refuse({seen(), " where ',' or '", level.object ? '}' : ']', "' should"});
      }
      ++at_;
      skip_space();
      if (level.object) read_key();
      return true;
    }
  }

  void read_key() {
    if (peek() != '"') refuse({seen(), " where a key in double quotes should"});
    key_ = read_string();
    skip_space();
    if (peek() != ':') refuse({seen(), " where ':' should"});
    ++at_;
    skip_space();
  }

  [[nodiscard]] bool word(std::string_view spelling, JsonKind kind, bool value) {
    if (text_.substr(at_, spelling.size()) != spelling) refuse({seen(), " where a value should"});
    JsonNode node;
    node.kind = kind;
    node.boolean = value;
    (void)add(node);
    at_ += spelling.size();
    return false;
  }

  void read_number() {
    const std::size_t begin = at_;
    std::size_t end = at_;
    const auto digit = [&] { return end < text_.size() && text_[end] >= '0' && text_[end] <= '9'; };
    const auto have = [&](std::string_view set) {
      return end < text_.size() && set.find(text_[end]) != std::string_view::npos;
    };
    const auto digits = [&] {
      if (!digit()) {
        at_ = end;
        refuse({seen(), end == begin ? " where a value should" : " where a digit should"});
      }
      while (digit()) ++end;
    };
    if (have("-")) ++end;
    if (have("0")) {
      ++end;
    } else {
      digits();
    }
    bool integer = true;
    if (have(".")) {
      integer = false;
      ++end;
      digits();
    }
    if (have("eE")) {
      integer = false;
      ++end;
      if (have("+-")) ++end;
      digits();
    }

    JsonNode node;
    const char* const first = text_.data() + begin;
    const char* const last = text_.data() + end;
    node.kind = JsonKind::integer;
    const bool negative_zero = end - begin == 2 && first[0] == '-' && first[1] == '0';
    if (!integer || negative_zero || std::from_chars(first, last, node.integer).ec != std::errc()) {
      double value = 0.0;
      if (std::from_chars(first, last, value).ec != std::errc()) {
        refuse({text_.substr(begin, std::min<std::size_t>(end - begin, 40)),
                " is a number that no double can hold"});
      }
      node.kind = JsonKind::number;
      node.number = value;
    }
    (void)add(node);
    at_ = end;
  }

  [[nodiscard]] JsonSlice read_string() {
    std::string& out = document_->text;
    const std::size_t begin = out.size();
    ++at_;
    for (;;) {
      const std::size_t plain = at_;
      while (at_ < text_.size()) {  // the usual: a run that means itself
        const auto c = static_cast<unsigned char>(text_[at_]);
        if (c == '"' || c == '\\' || c < 0x20) break;
        if (c < 0x80) {
          ++at_;
        } else if (const std::size_t length = utf8_length(text_, at_); length > 0) {
          at_ += length;
        } else {
          refuse({"malformed UTF-8 (byte ", static_cast<unsigned>(c), ')'});
        }
      }
      out.append(text_, plain, at_ - plain);
      if (peek() == '"' && at_ < text_.size()) break;
      if (at_ >= text_.size()) refuse({"the text ends within a string"});
      if (text_[at_] != '\\') refuse({seen(), " in a string; write it as an escape"});
      read_escape(out);
    }
    ++at_;
    return {static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(out.size() - begin)};
  }

  void read_escape(std::string& out) {
    constexpr std::string_view from = "\"\\/bfnrt";
    constexpr std::string_view to = "\"\\/\b\f\n\r\t";
    const char c = at_ + 1 < text_.size() ? text_[at_ + 1] : '\0';
    if (const std::size_t i = from.find(c); i != std::string_view::npos) {
      out += to[i];
      at_ += 2;
      return;
    }
    if (c != 'u') refuse({"an escape that JSON does not have"});
    std::uint32_t code = read_hex4(at_ + 2);
    if (code >= 0xDC00 && code <= 0xDFFF) refuse({"the second half of a surrogate pair alone"});
    std::size_t length = 6;
    if (code >= 0xD800 && code <= 0xDBFF) {
      const std::uint32_t low = text_.substr(at_ + 6, 2) == "\\u" ? read_hex4(at_ + 8) : 0;
      if (low < 0xDC00 || low > 0xDFFF) refuse({"the first half of a surrogate pair alone"});
      code = 0x10000 + ((code - 0xD800) << 10U) + (low - 0xDC00);
      length = 12;
    }
    at_ += length;
    const auto put = [&](std::uint32_t byte) { out += static_cast<char>(byte); };
    if (code < 0x80) return put(code);
    if (code < 0x800) {
      put(0xC0U | (code >> 6U));
    } else {
      if (code < 0x10000) {
        put(0xE0U | (code >> 12U));
      } else {
        put(0xF0U | (code >> 18U));
        put(0x80U | ((code >> 12U) & 0x3FU));
      }
      put(0x80U | ((code >> 6U) & 0x3FU));
    }
    put(0x80U | (code & 0x3FU));
  }

  [[nodiscard]] std::uint32_t read_hex4(std::size_t at) const {
    std::uint32_t value = 0;
    for (std::size_t i = at; i < at + 4; ++i) {
      const auto c = static_cast<unsigned char>(i < text_.size() ? text_[i] : '\0');
      const unsigned letter = (c | 0x20U) - 'a';
      const bool digit = c >= '0' && c <= '9';
      if (!digit && letter > 5) refuse({"\\u needs four hexadecimal digits"});
      value = value * 16 + (digit ? c - unsigned{'0'} : letter + 10);
    }
    return value;
  }

  /// Sorted by hash and then by key, so that no choice of keys makes it slow.
  [[gnu::noinline]] void refuse_duplicates(const Level& level) const {
    const std::vector<JsonNode>& nodes = document_->nodes;
    const auto key = [&](std::uint32_t node) { return document_->view(nodes[node].key); };
    const std::uint32_t first = nodes[level.node].first;
    std::size_t count = 0;
    for (std::uint32_t i = first; i != 0; i = nodes[i].next) ++count;
    std::uint32_t twice = 0;
    if (count <= 8) {
      for (std::uint32_t i = first; i != 0; i = nodes[i].next) {
        for (std::uint32_t j = nodes[i].next; j != 0; j = nodes[j].next) {
          if (key(i) == key(j)) twice = j;
        }
      }
    } else {
      struct Entry {
        std::uint64_t hash;
        std::uint32_t node;
      };
      std::vector<Entry> entries(count);
      std::vector<std::uint32_t> order(count);
      count = 0;
      for (std::uint32_t i = first; i != 0; i = nodes[i].next) {
        std::uint64_t hash = 0xCBF29CE484222325U;  // FNV-1a
        for (const char c : key(i)) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001B3U;
        order[count] = static_cast<std::uint32_t>(count);
        entries[count++] = {hash, i};
      }
      sort_by(order, [&](std::uint32_t a, std::uint32_t b) {
        if (entries[a].hash != entries[b].hash) return entries[a].hash < entries[b].hash;
        return key(entries[a].node) < key(entries[b].node);
      });
      for (std::size_t i = 1; i < count; ++i) {
        const std::uint32_t node = entries[order[i]].node;
        if (key(node) == key(entries[order[i - 1]].node)) twice = node;
      }
    }
    if (twice == 0) return;
    raise(options_.fault, place(nodes[twice].line, nodes[twice].column),
          {"the key ", quoted(key(twice)), " occurs twice"});
  }

  std::string_view text_;
  JsonOptions options_;
  std::shared_ptr<JsonDocument> document_ = std::make_shared<JsonDocument>();
  std::vector<Level> levels_;
  JsonSlice key_{};
  std::size_t at_ = 0;
  std::size_t line_;
  std::size_t line_begin_ = 0;
  std::uint32_t last_of_root_ = 0;
};

}  // namespace detail

}  // namespace bipft
