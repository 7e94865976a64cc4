#!/usr/bin/env python3
"""Writes include/bipft/text/unicode_tables.hpp and tests/golden/tokenizer-code-points.txt.

Usage:  python3 -m pip install tokenizers && python3 tests/oracles/make_unicode_tables.py

Nothing is taken from a Unicode data file: every code point is shown to the real normalizer, and
what it does is written down. That way the tables hold what BERT checkpoints were made with,
including the places where that differs from every single version of Unicode.
"""

import pathlib

import tokenizers
from tokenizers.normalizers import NFD, BertNormalizer
from tokenizers.pre_tokenizers import BertPreTokenizer

ROOT = pathlib.Path(__file__).resolve().parents[2]
CODE_POINTS = [c for c in range(0x110000) if not 0xD800 <= c < 0xE000]


def normalizer(**only):
    steps = dict(clean_text=False, handle_chinese_chars=False, strip_accents=False, lowercase=False)
    return BertNormalizer(**{**steps, **only}).normalize_str


clean = normalizer(clean_text=True)
split_ideographs = normalizer(handle_chinese_chars=True)
strip = normalizer(strip_accents=True)
lower = normalizer(lowercase=True)
decompose = NFD().normalize_str
split = BertPreTokenizer().pre_tokenize_str


def between(function, c):
    """What `function` makes of c between two letters."""
    text = function("a" + chr(c) + "b")
    assert text[0] == "a" and text[-1] == "b"
    return text[1:-1]


def swaps(first, second):
    return first != second and decompose("a" + first + second) == "a" + second + first


# One mark of each canonical combining class, as reference points to compare others with.
REFERENCES = {}
for _class, _mark in [
    (1, 0x334), (7, 0x93C), (8, 0x3099), (9, 0x94D), (202, 0x321), (216, 0x31B), (218, 0x302A),
    (220, 0x316), (222, 0x59A), (224, 0x302E), (226, 0x1D16D), (228, 0x302B), (230, 0x300),
    (232, 0x315), (233, 0x35C), (234, 0x35D), (240, 0x345),
]:
    REFERENCES[_class] = chr(_mark)


def is_nonstarter(c):
    return decompose(chr(c)) == chr(c) and (swaps(chr(c), "\u0334") or swaps("\u0345", chr(c)))


def combining_class(c):
    for value, mark in REFERENCES.items():
        if not swaps(chr(c), mark) and not swaps(mark, chr(c)):
            return value
    raise AssertionError(f"U+{c:04X} has a combining class without a reference")


def lets_pass(c):
    """Whether marks on both sides of c, a mark that is stripped, change places."""
    high, low = "\U0001D165", "\uA953"  # classes 216 and 9, both kept
    return strip("a" + high + chr(c) + low) == "a" + low + high


def probe():
    kinds, bases, long_bases, lowers, classes = {}, {}, {}, {}, {}
    for c in CODE_POINTS:
        cleaned, stripped = between(clean, c), between(strip, c)
        spaced = between(split_ideographs, c)
        words = [word for word, _ in split("a" + chr(c) + "b")]
        found = []
        if words == ["a", "b"]:
            found.append("control_space" if cleaned == "" else "space")
            assert cleaned in ("", " ")
        elif cleaned == "":
            found.append("removed")
        elif len(words) == 3:
            found.append("punctuation")
        if spaced != chr(c):
            assert spaced == f" {chr(c)} "
            found.append("ideograph")
        if stripped == "":
            found.append("mark" if lets_pass(c) else "starter_mark")
        elif is_nonstarter(c):
            found.append("combining")
            classes[c] = combining_class(c)
        assert len(found) <= 1, (hex(c), found)
        if found:
            kinds[c] = found[0]
        if stripped not in ("", chr(c)) and not 0xAC00 <= c <= 0xD7A3:
            if len(stripped) == 1:
                bases[c] = ord(stripped)
            else:
                long_bases[c] = [ord(s) for s in stripped]
        lowered = between(lower, c)
        if c == 0x130:  # the only one that becomes two; the header's code knows it
            assert lowered == "i\u0307"
        elif lowered != chr(c):
            lowers[c] = ord(lowered)
    return kinds, bases, long_bases, lowers, classes


def value_ranges(mapping):
    """[first, last, value] for runs of code points with one value."""
    result = []
    for c in sorted(mapping):
        if result and result[-1][1] == c - 1 and result[-1][2] == mapping[c]:
            result[-1][1] = c
        else:
            result.append([c, c, mapping[c]])
    return result


def shift_ranges(mapping):
    """[first, last, step, shift] for runs of every step-th code point moved by one shift."""
    result = []
    keys = sorted(mapping)
    i = 0
    while i < len(keys):
        best = (1, 1)
        for step in (1, 2):
            n = 1
            while (i + n < len(keys) and keys[i + n] == keys[i] + n * step
                   and mapping[keys[i + n]] - keys[i + n] == mapping[keys[i]] - keys[i]):
                n += 1
            if n > best[0]:
                best = (n, step)
        n, step = best
        result.append([keys[i], keys[i + n - 1], step, mapping[keys[i]] - keys[i]])
        i += n
    return result


def runs(mapping):
    """[first, last, start] for runs of neighbours, and the values, 0 in a gap, from start on."""
    result, values = [], []
    for c in sorted(mapping):
        if result and c - result[-1][1] <= 3:
            values += [0] * (c - result[-1][1] - 1)
            result[-1][1] = c
        else:
            result.append([c, c, len(values)])
        values.append(mapping[c])
    return result, values


def table(doc, declaration, entries):
    lines = [f"/// {line}" for line in doc] + [f"inline constexpr {declaration}[] = {{"]
    line = "   "
    for entry in entries:
        if len(line) + len(entry) + 2 > 100:
            lines.append(line)
            line = "   "
        line += f" {entry},"
    return lines + [line, "};", ""]


def header(kinds, bases, long_bases, lowers, classes):
    out = f'''#pragma once
/// Unicode tables: what BERT's normalisation does with each code point.
///
/// Generated by tests/oracles/make_unicode_tables.py, which asks the `tokenizers` package (it was
/// version {tokenizers.__version__}) about every code point; do not edit.
///
/// That package mixes versions of Unicode: categories of 8.0, decompositions of 9.0, lower case of
/// 17.0, and one of its ideograph ranges starts 256 too late. Checkpoints were made with it, so it
/// is matched, not corrected.

#include <cstddef>
#include <cstdint>
#include <iterator>

namespace bipft::unicode {{

/// What a code point is to the normaliser; each is exactly one of these.
enum class Kind : std::uint8_t {{
  letter,         ///< anything that is none of the others: digits, symbols and emoji too
  removed,        ///< dropped by cleaning: control, format, private use, U+0000, U+FFFD
  space,          ///< separates words
  control_space,  ///< dropped by cleaning; separates words where nothing is cleaned
  ideograph,      ///< a word of its own: CJK
  punctuation,    ///< a word of its own: ASCII symbols too
  mark,           ///< an accent, to be stripped
  starter_mark,   ///< likewise; marks on its two sides do not change places
  combining,      ///< a mark that is not stripped but put in canonical order
}};

struct KindRange {{
  char32_t first, last;
  Kind kind;
}};

/// Every `step`-th code point of first ... last, moved by `shift`.
struct ShiftRange {{
  char32_t first, last;
  std::uint32_t step;
  std::int32_t shift;
}};

struct BaseRange {{
  char32_t first, last;
  std::uint32_t start;
}};

struct ClassRange {{
  char32_t first, last;
  std::uint8_t combining_class;
}};

/// Of one code point (first and last are equal), two or three, the third then 0.
struct LongBase {{
  char32_t first, last, to[3];
}};

namespace detail {{

using enum Kind;

'''.split("\n")[:-1]
    out += table(["Every code point that is not a letter."], "KindRange kinds",
                 [f"{{0x{a:X}, 0x{b:X}, {kind}}}" for a, b, kind in value_ranges(kinds)])
    base_runs, base_values = runs(bases)
    out += table(["Canonical decomposition less the marks to be stripped, where one code point is",
                  "left: of first ... last it is base_values[start] and on, 0 for its own base."],
                 "BaseRange bases", [f"{{0x{a:X}, 0x{b:X}, {start}}}" for a, b, start in base_runs])
    out += table([], "char32_t base_values", [str(v) if v < 1000 else f"0x{v:X}" for v in base_values])
    out += table(["The same, where more than one is left."], "LongBase long_bases",
                 ["{0x%X, 0x%X, {%s}}" % (c, c, ", ".join(f"0x{x:X}" for x in to))
                  for c, to in sorted(long_bases.items())])
    out += table(["Lower case of one code point; U+0130, which becomes two, is not here."],
                 "ShiftRange lowers",
                 [f"{{0x{a:X}, 0x{b:X}, {s}, {d}}}" for a, b, s, d in shift_ranges(lowers)])
    out += table(["Canonical combining classes of Kind::combining."], "ClassRange classes",
                 [f"{{0x{a:X}, 0x{b:X}, {v}}}" for a, b, v in value_ranges(classes)])
    out += '''/// The index of the range that holds c, or N.
template <class Range, std::size_t N>
[[nodiscard]] constexpr std::size_t find(const Range (&ranges)[N], char32_t c) {
  std::size_t low = 0;
  std::size_t high = N;
  while (low < high) {
    const std::size_t middle = low + (high - low) / 2;
    if (ranges[middle].last < c) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low < N && ranges[low].first <= c ? low : N;
}

}  // namespace detail

[[nodiscard]] constexpr Kind kind_of(char32_t c) {
  const std::size_t i = detail::find(detail::kinds, c);
  return i < std::size(detail::kinds) ? detail::kinds[i].kind : Kind::letter;
}

/// Whether c separates words: the property White_Space.
[[nodiscard]] constexpr bool is_space(char32_t c) {
  const Kind kind = kind_of(c);
  return kind == Kind::space || kind == Kind::control_space;
}

/// The lower case of c; of U+0130, "i" and a dot above, only the "i".
[[nodiscard]] constexpr char32_t lower_of(char32_t c) {
  if (c == 0x130) return U'i';
  const std::size_t i = detail::find(detail::lowers, c);
  if (i == std::size(detail::lowers)) return c;
  const ShiftRange& range = detail::lowers[i];
  if ((c - range.first) % range.step != 0) return c;
  return static_cast<char32_t>(static_cast<std::int32_t>(c) + range.shift);
}

/// The canonical combining class of a Kind::combining; 0 for all others.
[[nodiscard]] constexpr std::uint8_t combining_class(char32_t c) {
  const std::size_t i = detail::find(detail::classes, c);
  return i < std::size(detail::classes) ? detail::classes[i].combining_class : std::uint8_t{0};
}

struct Base {
  char32_t code_points[3];
  std::size_t size;
};

/// The canonical decomposition of c (NFD) less the marks to be stripped: c itself for most, and
/// otherwise 1 to 3 code points. A mark that is to be stripped is returned as it is.
[[nodiscard]] constexpr Base base_of(char32_t c) {
  if (c >= 0xAC00 && c <= 0xD7A3) {  // a Hangul syllable: lead, vowel and perhaps a tail
    const char32_t index = c - 0xAC00;
    const char32_t tail = index % 28;
    return {{0x1100 + index / 588, 0x1161 + index % 588 / 28, 0x11A7 + tail}, tail == 0 ? 2U : 3U};
  }
  const std::size_t i = detail::find(detail::bases, c);
  if (i < std::size(detail::bases)) {
    const BaseRange& range = detail::bases[i];
    const char32_t base = detail::base_values[range.start + (c - range.first)];
    if (base != 0) return {{base, 0, 0}, 1};
  }
  const std::size_t j = detail::find(detail::long_bases, c);
  if (j == std::size(detail::long_bases)) return {{c, 0, 0}, 1};
  const LongBase& found = detail::long_bases[j];
  return {{found.to[0], found.to[1], found.to[2]}, found.to[2] == 0 ? 2U : 3U};
}

}  // namespace bipft::unicode
'''.split("\n")
    return "\n".join(out)


def contexts(c):
    return chr(c), "a" + chr(c) + "b", "E" + chr(c) + "\u0301" + chr(c) + "\U0001D165\u0323Z"


def digests():
    """One line for each 4,096 code points: the first, and FNV-1a over all their words."""
    yield "# block, FNV-1a (64 bit) over the words of each code point in 3 contexts: c, acb and"
    yield "# Ec U+0301 c U+1D165 U+0323 Z; a line feed after each word and an extra one after each"
    yield "# text. Made by tests/oracles/make_unicode_tables.py with the package `tokenizers`,"
    yield f"# version {tokenizers.__version__}."
    for lowercase, strip_accents in (True, True), (False, False), (True, False):
        normalize = BertNormalizer(
            lowercase=lowercase, strip_accents=strip_accents).normalize_str
        yield f"lowercase {lowercase:d} strip_accents {strip_accents:d}"
        # Only letters of the first two planes have cases and accents.
        for start in range(0, 0x110000 if lowercase and strip_accents else 0x20000, 0x1000):
            digest, blob = 0xCBF29CE484222325, bytearray()
            for c in range(start, start + 0x1000):
                if 0xD800 <= c < 0xE000:
                    continue
                for text in contexts(c):
                    for word, _ in split(normalize(text)):
                        blob += word.encode() + b"\n"
                    blob += b"\n"
            for byte in blob:
                digest = (digest ^ byte) * 0x100000001B3 & 0xFFFFFFFFFFFFFFFF
            yield f"{start:06X} {digest:016X}"


if __name__ == "__main__":
    tables = header(*probe())
    for line in tables.split("\n"):
        assert len(line) <= 100, line
    path = ROOT / "include/bipft/text/unicode_tables.hpp"
    path.write_text(tables)
    print(path, len(tables.split("\n")) - 1, "lines", len(tables), "bytes")
    path = ROOT / "tests/golden/tokenizer-code-points.txt"
    path.write_text("\n".join(digests()) + "\n")
    print(path)
