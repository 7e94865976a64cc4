#include "bipft/data/sentences.hpp"

#include <doctest/doctest.h>

#include <string>
#include <string_view>
#include <vector>

using namespace bipft;

TEST_CASE("sentences_of: cuts behind an end and a blank, and loses nothing") {
  const auto cut = [](std::string_view paragraph) {
    std::string shown;
    std::string whole;
    for (const std::string_view sentence : sentences_of(paragraph)) {
      shown += '<' + std::string(sentence) + '>';
      whole += sentence;
    }
    CHECK(whole == paragraph);
    return shown;
  };
  CHECK(cut("") == "");
  CHECK(cut("no end") == "<no end>");
  CHECK(cut("One. Two! Three?") == "<One. ><Two! ><Three?>");
  CHECK(cut("Wait ... What?!  Yes.") == "<Wait ... ><What?!  ><Yes.>");
  CHECK(cut("He said \"no.\" Then (it ended.) 3 came.") ==
        "<He said \"no.\" ><Then (it ended.) ><3 came.>");
  CHECK(cut("\u201CNo.\u201D He left.") == "<\u201CNo.\u201D ><He left.>");
  CHECK(cut("e.g. this, or 3.14 or a.b") == "<e.g. this, or 3.14 or a.b>");
  CHECK(cut("a.\tB. ") == "<a.\t><B. >");
  CHECK(cut("...") == "<...>");
}
