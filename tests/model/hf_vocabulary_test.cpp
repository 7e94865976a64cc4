#include "bipft/model/hf_vocabulary.hpp"

#include <doctest/doctest.h>

#include <cstdio>
#include <string>

#include "support/hf_toy.hpp"

using namespace bipft;

namespace {

/// tokenizer.json of the toys' vocabulary, with parts of it replaced.
Json tokenizer(const Json& vocab, const std::string& kind = "WordPiece",
               const std::string& normalizer = "BertNormalizer") {
  return Json::object()
      .set("model",
           Json::object().set("type", kind).set("vocab", vocab).set("max_input_chars_per_word", 50))
      .set("normalizer", Json::object()
                             .set("type", normalizer)
                             .set("lowercase", false)
                             .set("strip_accents", Json())
                             .set("clean_text", false))
      .set("pre_tokenizer", Json::object().set("type", "BertPreTokenizer"));
}
Json toy_vocab(std::size_t shift = 0) {
  const Vocabulary vocabulary = test::toy_vocabulary();
  Json vocab = Json::object();
  for (std::size_t i = vocabulary.size(); i-- > 0;) {
    vocab.set(vocabulary.piece(static_cast<std::int32_t>(i)), i + (i == 7 ? shift : 0));
  }
  return vocab;
}
std::string vocabulary_complaint(const Json& json) {
  try {
    (void)read_hf_rules(json, "t.json");
    (void)read_hf_vocabulary(Json::parse(json.dump(), "t.json", JsonOptions{.fault = Fault::model}),
                             "t.json");
  } catch (const Error& error) {
    CHECK(error.fault() == Fault::model);
    return error.what();
  }
  return {};
}

}  // namespace

TEST_CASE("Hf vocabulary: pieces stand by their ids, and the rules beside them") {
  const Json json = tokenizer(toy_vocab());
  CHECK(vocabulary_complaint(json) == "");
  CHECK(read_hf_vocabulary(json, "t.json").bytes() == test::toy_vocabulary().bytes());
  const TokenizerOptions rules = read_hf_rules(json, "t.json");
  CHECK_FALSE(rules.lowercase);
  CHECK_FALSE(rules.strip_accents);
  CHECK_FALSE(rules.clean);
  CHECK(rules.split_cjk);
  CHECK(rules.max_word == 50);
}

TEST_CASE("Hf vocabulary: other tokenizers, and ids with holes, are refused") {
  const auto says = [](const std::string& text, const char* part) {
    return text.find(part) != std::string::npos;
  };
  CHECK(says(vocabulary_complaint(tokenizer(toy_vocab(), "BPE")), "its model is 'BPE'"));
  CHECK(says(vocabulary_complaint(tokenizer(toy_vocab(), "WordPiece", "NFC")),
             "its normalizer is 'NFC'"));
  CHECK(says(vocabulary_complaint(tokenizer(toy_vocab(1))), "id 8"));
  CHECK(says(vocabulary_complaint(tokenizer(toy_vocab(100))), "id 107"));
  CHECK(says(vocabulary_complaint(tokenizer(Json::object().set("[PAD]", 0))), "[UNK]"));
}

TEST_CASE("Hf vocabulary: a folder without vocab.txt has it of tokenizer.json") {
  const test::HfToy toy;
  const std::string folder = toy.write();
  REQUIRE(std::remove(toy.folder.path("vocab.txt").c_str()) == 0);
  (void)toy.folder.write("tokenizer.json", tokenizer(toy_vocab()).dump());
  const ModelFile with = read_hf_folder(folder).model;
  CHECK(with.vocabulary.bytes() == toy.vocabulary);
  CHECK(with.card.tokenizer.lowercase);  // tokenizer_config.json says so
  CHECK(with.card.tokenizer.max_word == 50);
  REQUIRE(std::remove(toy.folder.path("tokenizer_config.json").c_str()) == 0);
  CHECK_FALSE(read_hf_folder(folder).model.card.tokenizer.lowercase);
}
