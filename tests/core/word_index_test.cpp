#include "bipft/core/word_index.hpp"

#include <doctest/doctest.h>

#include <cstdint>
#include <string>

using namespace bipft;

TEST_CASE("WordIndex: words are numbered in the order in which they first come") {
  WordIndex words;
  CHECK(words.size() == 0);
  CHECK_FALSE(words.contains("good"));
  CHECK(words.add("good") == 0);
  CHECK(words.add("bad") == 1);
  CHECK(words.add("good") == 0);
  CHECK(words.size() == 2);
  CHECK(words[0] == "good");
  CHECK(words[1] == "bad");
  CHECK(words.find("bad") == 1);
  CHECK_FALSE(words.find("goo").has_value());
}

TEST_CASE("WordIndex: a word may be empty, or hold any bytes") {
  WordIndex words;
  const std::string zeros(3, '\0');
  CHECK(words.add("") == 0);
  CHECK(words.add(zeros) == 1);
  CHECK(words.add(std::string(2, '\0')) == 2);
  CHECK(words.add("") == 0);
  CHECK(words[0].empty());
  CHECK(words[1] == zeros);
}

TEST_CASE("WordIndex: many words keep their numbers while the table grows") {
  WordIndex words;
  const auto word = [](std::uint32_t i) { return "word" + std::to_string(i * 7919U); };
  for (std::uint32_t i = 0; i < 5000; ++i) REQUIRE(words.add(word(i)) == i);
  for (std::uint32_t i = 0; i < 5000; ++i) {
    REQUIRE(words.add(word(i)) == i);
    REQUIRE(words[i] == word(i));
    REQUIRE_FALSE(words.contains("word" + std::to_string(i * 7919U + 1)));
  }
  CHECK(words.size() == 5000);
}
