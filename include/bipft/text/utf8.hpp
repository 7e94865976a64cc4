#pragma once
/// UTF-8: bytes to code points and back. Malformed bytes are never an error here; each maximal
/// subpart of an ill-formed sequence counts as one U+FFFD (Unicode 3.9, "U+FFFD substitution").

#include <cstddef>
#include <string>
#include <string_view>

namespace bipft {

inline constexpr char32_t replacement_character = 0xFFFD;

struct CodePoint {
  char32_t value;
  std::size_t size;  ///< bytes that it took, at least 1
  bool valid;        ///< false where `value` stands for malformed bytes
};

/// The code point that starts at byte `at`, which must be inside `text`. Overlong forms, surrogates
/// and values above U+10FFFF are malformed.
[[nodiscard]] constexpr CodePoint decode_utf8(std::string_view text, std::size_t at) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[at + i]); };
  const unsigned char lead = byte(0);
  if (lead < 0x80) return {lead, 1, true};

  const std::size_t more = lead >= 0xF0 ? 3 : lead >= 0xE0 ? 2 : 1;
  unsigned char low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
  unsigned char high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
  if (lead < 0xC2 || lead > 0xF4) return {replacement_character, 1, false};

  char32_t value = lead & (0x3FU >> more);
  for (std::size_t i = 1; i <= more; ++i) {
    if (i >= text.size() - at || byte(i) < low || byte(i) > high) {
      return {replacement_character, i, false};
    }
    value = value << 6U | (byte(i) & 0x3FU);
    low = 0x80;
    high = 0xBF;
  }
  return {value, more + 1, true};
}

/// The first malformed byte of `text`, or npos.
[[nodiscard]] constexpr std::size_t find_malformed_utf8(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    const CodePoint c = decode_utf8(text, at);
    if (!c.valid) return at;
    at += c.size;
  }
  return std::string_view::npos;
}

/// Appends `c`; what is no Unicode scalar value (a surrogate, above U+10FFFF) becomes U+FFFD.
inline void append_utf8(std::string& text, char32_t c) {
  if (c > 0x10FFFF || (c >= 0xD800 && c <= 0xDFFF)) c = replacement_character;
  const auto push = [&](char32_t byte) { text.push_back(static_cast<char>(byte)); };
  if (c < 0x80) return push(c);
  if (c < 0x800) {
    push(0xC0U | c >> 6U);
  } else {
    if (c < 0x10000) {
      push(0xE0U | c >> 12U);
    } else {
      push(0xF0U | c >> 18U);
      push(0x80U | (c >> 12U & 0x3FU));
    }
    push(0x80U | (c >> 6U & 0x3FU));
  }
  push(0x80U | (c & 0x3FU));
}

}  // namespace bipft
