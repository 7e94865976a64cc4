#pragma once
/// Embedding: ids to the first hidden state, layer_norm(word + position + token type).

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <variant>

#include "bipft/binarize/weight_binarizers.hpp"
#include "bipft/core/menu.hpp"
#include "bipft/nn/init.hpp"
#include "bipft/nn/layer_norm.hpp"
#include "bipft/ops/arithmetic.hpp"
#include "bipft/ops/embedding.hpp"

namespace bipft {

/// Position and token type embeddings are never binarized, in none of the methods; they are small.
struct Embedding {
  static constexpr std::size_t token_types = 2;

  Parameter word;      ///< [V, C]  latent, if binary
  Parameter position;  ///< [P, C]
  Parameter type;      ///< [2, C]
  LayerNorm norm;
  std::optional<TableBinarizers> binary;  ///< none: words are looked up in floats

  /// `words` names the binarizer of words, on its menu; it is empty for floats.
  Embedding(std::size_t vocabulary, std::size_t positions, std::size_t channels,
            std::string_view words, double norm_epsilon, const Initializer& init)
      : word(init.at("word").normal(Shape{vocabulary, channels})),
        position(init.at("position").normal(Shape{positions, channels})),
        type(init.at("type").normal(Shape{token_types, channels})),
        norm(channels, norm_epsilon) {
    if (!words.empty()) binary = choose<TableBinarizers>("table binarizer", words);
  }

  void visit(auto&& part) {
    part("word", word);
    part("position", position);
    part("type", type);
    part("norm", norm);
  }

  /// The sums are taken in this order, here as in a packed model.
  ///   ids, type_ids, positions: [N]   result: [N, C]
  /// Throws Error if an id is outside its table.
  [[nodiscard]] Var operator()(Tape& tape, const IdTensor& ids, const IdTensor& type_ids,
                               const IdTensor& positions) {
    constexpr std::int32_t none = -1;
    Var words = embedding(tape, word, ids);
    if (binary) {
      words = std::visit([&](const auto& chosen) { return chosen(words, word.value); }, *binary);
    }
    const Var placed = add(words, embedding(tape, position, positions, none));
    return norm(add(placed, embedding(tape, type, type_ids, none)));
  }
};

}  // namespace bipft
