#pragma once
/// tokenizer.json of a Hugging Face BERT: its vocabulary and its rules, where there is no vocab.txt
/// (transformers writes none from version 5 on).

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bipft/core/error.hpp"
#include "bipft/io/json.hpp"
#include "bipft/model/hf_config.hpp"
#include "bipft/text/vocabulary.hpp"
#include "bipft/text/wordpiece.hpp"

namespace bipft {

namespace detail {

/// Refuses any other `type`, by name.
inline void hf_same_type(const Json& json, std::string_view key, std::string_view wanted,
                         std::string_view name) {
  const auto part = hf_member(json, key);
  if (!part) fail(Fault::model, name, ": no ", key, "; this version reads ", wanted);
  const std::string type = (*part)["type"].as_string();
  if (type == wanted) return;
  fail(Fault::model, name, ": its ", key, " is '", type, "'; this version reads ", wanted);
}

}  // namespace detail

/// The rules of a tokenizer.json. Throws Error{Fault::model} if it is not BERT's WordPiece.
[[nodiscard]] inline TokenizerOptions read_hf_rules(const Json& json, std::string_view name) {
  detail::hf_same_type(json, "model", "WordPiece", name);
  detail::hf_same_type(json, "normalizer", "BertNormalizer", name);
  detail::hf_same_type(json, "pre_tokenizer", "BertPreTokenizer", name);
  const Json model = json["model"];
  const auto prefix = detail::hf_member(model, "continuing_subword_prefix");
  if (prefix && prefix->as_view() != continuation_prefix) {
    fail(Fault::model, name, ": pieces go on with '", prefix->as_view(), "', not ",
         continuation_prefix);
  }
  TokenizerOptions rules;
  if (const auto longest = detail::hf_member(model, "max_input_chars_per_word")) {
    rules.max_word = longest->as_size();
  }
  const Json normalizer = json["normalizer"];
  const auto flag = [&](std::string_view key, bool& value) {
    if (const auto member = detail::hf_member(normalizer, key)) value = member->as_bool();
  };
  flag("lowercase", rules.lowercase);
  rules.strip_accents = rules.lowercase;
  flag("strip_accents", rules.strip_accents);
  flag("handle_chinese_chars", rules.split_cjk);
  flag("clean_text", rules.clean);
  return rules;
}

/// Its vocabulary. Throws Error{Fault::model} unless its ids are the numbers from 0, each once.
[[nodiscard]] inline Vocabulary read_hf_vocabulary(const Json& json, std::string_view name) {
  const Json vocab = json["model"]["vocab"];
  std::vector<std::string> pieces(vocab.size());
  for (const auto& [piece, id] : vocab.members()) {
    const std::size_t at = id.as_size();
    if (at >= pieces.size() || !pieces[at].empty()) {
      fail(Fault::model, name, ": id ", at, " of the piece ", detail::quoted(piece), ", among ",
           pieces.size(), " pieces whose ids must be the numbers from 0, each once");
    }
    pieces[at] = piece;
  }
  return Vocabulary(pieces, name);
}

}  // namespace bipft
