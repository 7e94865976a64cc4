#include "bipft/text/unicode_tables.hpp"

#include <doctest/doctest.h>

#include <cstddef>

using namespace bipft;

namespace {

template <class Range, std::size_t N>
bool in_order(const Range (&ranges)[N]) {
  for (std::size_t i = 0; i < N; ++i) {
    if (ranges[i].first > ranges[i].last) return false;
    if (i > 0 && ranges[i - 1].last >= ranges[i].first) return false;
  }
  return true;
}

}  // namespace

TEST_CASE("unicode tables: ranges are in order and apart, as the search needs them") {
  CHECK(in_order(unicode::detail::kinds));
  CHECK(in_order(unicode::detail::bases));
  CHECK(in_order(unicode::detail::lowers));
  CHECK(in_order(unicode::detail::classes));
}

TEST_CASE("unicode tables: what normalisation takes for granted") {
  std::size_t broken = 0;
  for (char32_t c = 0; c < 0x110000; ++c) {
    const unicode::Kind kind = unicode::kind_of(c);
    // A kind is looked up before the case is lowered, so lowering must not change it.
    if (kind == unicode::Kind::letter) broken += unicode::kind_of(unicode::lower_of(c)) != kind;
    if (kind == unicode::Kind::combining) broken += unicode::combining_class(c) == 0;
    if (kind != unicode::Kind::combining) broken += unicode::combining_class(c) != 0;
    // Decompositions are complete: nothing in one decomposes further.
    const unicode::Base base = unicode::base_of(c);
    for (std::size_t i = 0; i < base.size; ++i) {
      const char32_t part = base.code_points[i];
      if (part != c) broken += unicode::base_of(part).code_points[0] != part;
    }
  }
  CHECK(broken == 0);
}

TEST_CASE("unicode tables: single code points") {
  CHECK(unicode::kind_of(U'a') == unicode::Kind::letter);
  CHECK(unicode::kind_of(U'$') == unicode::Kind::punctuation);
  CHECK(unicode::kind_of(0x2B81F) == unicode::Kind::ideograph);
  CHECK(unicode::kind_of(0x2B820) == unicode::Kind::letter);  // the range that starts too late
  CHECK(unicode::kind_of(0x2B920) == unicode::Kind::ideograph);
  CHECK(unicode::is_space(0x85));
  CHECK(unicode::lower_of(0x3A3) == 0x3C3);  // sigma, the final one too
  CHECK(unicode::base_of(0xE9).code_points[0] == U'e');
  const unicode::Base han = unicode::base_of(0xD55C);
  REQUIRE(han.size == 3);
  CHECK(han.code_points[0] == 0x1112);
  CHECK(han.code_points[1] == 0x1161);
  CHECK(han.code_points[2] == 0x11AB);
}
