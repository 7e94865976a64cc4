#include "answers.hpp"

#include <doctest/doctest.h>

#include <limits>
#include <string>
#include <vector>

using namespace bipft;
using namespace bipft::cli;

namespace {

const std::vector<std::string> labels{"good", "so \"so\", no", "bad\tor\nworse"};
const std::vector<float> probabilities{0.25F, 0.125F, 0.625F};

std::string answer(AnswerFormat format, const Choice& choice,
                   const std::vector<float>& values = probabilities) {
  std::string out;
  Row row(out, format);
  write_labels(row, format, choice, labels, values);
  row.end();
  return out;
}

std::string kept(AnswerFormat format, std::string_view line, bool pairs) {
  std::string out;
  Row row(out, format);
  write_input(row, format, line, pairs);
  row.number("x", 0.5F);
  row.end();
  return out;
}

}  // namespace

TEST_CASE("answers: label and probability in every format, one line each") {
  CHECK(answer(AnswerFormat::tsv, {}) == "bad or worse\t0.625\n");
  CHECK(answer(AnswerFormat::csv, {}) == "\"bad\tor worse\",0.625\n");
  CHECK(answer(AnswerFormat::jsonl, {}) ==
        "{\"label\":\"bad\\tor\\nworse\",\"probability\":0.625}\n");
  CHECK(answer(AnswerFormat::fasttext, {}) == "__label__bad_or_worse 0.625\n");
}

TEST_CASE("answers: the best N, the most probable first and never more than there are") {
  CHECK(answer(AnswerFormat::tsv, {.best = 2}) == "bad or worse\t0.625\tgood\t0.25\n");
  CHECK(answer(AnswerFormat::csv, {.best = 9}) ==
        "\"bad\tor worse\",0.625,good,0.25,\"so \"\"so\"\", no\",0.125\n");
  CHECK(answer(AnswerFormat::jsonl, {.best = 2}) ==
        "{\"label\":\"bad\\tor\\nworse\",\"probability\":0.625,\"best\":[{\"label\":"
        "\"bad\\tor\\nworse\","
        "\"probability\":0.625},{\"label\":\"good\",\"probability\":0.25}]}\n");
  CHECK(answer(AnswerFormat::fasttext, {.best = 2}) ==
        "__label__bad_or_worse 0.625 __label__good 0.25\n");
  CHECK(best_of(std::vector<float>{0.5F, 0.5F}, 1) == std::vector<std::size_t>{0});
}

TEST_CASE("answers: below the threshold there is the other label, beside the best probability") {
  CHECK(answer(AnswerFormat::tsv, {.best = 3, .threshold = 0.2}) ==
        "bad or worse\t0.625\tgood\t0.25\n");
  CHECK(answer(AnswerFormat::tsv, {.threshold = 0.625}) == "bad or worse\t0.625\n");
  CHECK(answer(AnswerFormat::tsv, {.threshold = 0.7, .otherwise = "unsure"}) == "unsure\t0.625\n");
  CHECK(answer(AnswerFormat::tsv, {.threshold = 0.7}) == "\t0.625\n");
}

TEST_CASE("answers: probabilities are the shortest digits that read back, and never above 1") {
  CHECK(answer(AnswerFormat::tsv, {}, {0.1F, 0.0F, 0.9F}) == "bad or worse\t0.9\n");
  CHECK(answer(AnswerFormat::tsv, {}, {1.0000001F, 0.0F, 0.0F}) == "good\t1\n");
}

TEST_CASE("answers: the input's columns can stand first") {
  CHECK(kept(AnswerFormat::tsv, "a, \"b\"\tc", false) == "a, \"b\"\tc\t0.5\n");
  CHECK(kept(AnswerFormat::csv, "a, \"b\"\tc", false) == "\"a, \"\"b\"\"\",c,0.5\n");
  CHECK(kept(AnswerFormat::jsonl, "a\tb\xFF", true) ==
        "{\"text\":\"a\",\"text2\":\"b\xEF\xBF\xBD\",\"x\":0.5}\n");
  CHECK(kept(AnswerFormat::jsonl, "a\tb", false) == "{\"text\":\"a\\tb\",\"x\":0.5}\n");
}

TEST_CASE("answers: lists of numbers, with nine digits where they are asked for") {
  const std::vector<float> values{1.0F / 3.0F, -2.0F, std::numeric_limits<float>::quiet_NaN()};
  std::string out;
  Row row(out, AnswerFormat::tsv);
  row.numbers<float>("logits", std::span(values).first(2), 9);
  row.end();
  CHECK(out == "0.333333343\t-2\n");
  std::string json;
  Row object(json, AnswerFormat::jsonl);
  object.numbers<float>("embedding", values);
  object.numbers<std::int32_t>("tokens", std::vector<std::int32_t>{101, 102});
  object.nothing("none");
  object.end();
  CHECK(json == "{\"embedding\":[0.33333334,-2,null],\"tokens\":[101,102],\"none\":null}\n");
}

TEST_CASE("answers: an npy file has the header that NumPy wants, and little-endian floats") {
  const std::string file = npy_of(std::vector<float>{1.0F, -2.0F, 0.5F, 0.0F}, 2);
  CHECK(file.size() == 64 + 64 + 16);
  CHECK(file.substr(0, 8) == std::string("\x93NUMPY\x01\0", 8));
  CHECK(static_cast<unsigned char>(file[8]) + 10U == 128U);
  CHECK(file.find("'shape': (2, 2)") != std::string::npos);
  CHECK(file[127] == '\n');
  CHECK(file.substr(128, 4) == std::string("\0\0\x80\x3F", 4));
}
