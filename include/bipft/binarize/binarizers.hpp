#pragma once
/// The menu of binarizers. Adding one: write binarize/<name>.hpp, add its two lines here.
/// ElasticBits is none of them: what it makes of activations are no bits.

#include <cstddef>
#include <string>
#include <utility>
#include <variant>

#include "bipft/binarize/approx_sign.hpp"
#include "bipft/binarize/approx_step.hpp"
#include "bipft/binarize/bool_attention.hpp"
#include "bipft/binarize/elastic_bits.hpp"
#include "bipft/binarize/elastic_sign.hpp"
#include "bipft/binarize/elastic_step.hpp"
#include "bipft/binarize/plain_sign.hpp"
#include "bipft/core/visit.hpp"

namespace bipft {

using Binarizers = std::variant<ElasticSign,    //
                                ElasticStep,    //
                                PlainSign,      //
                                BoolAttention,  //
                                ApproxSign,     //
                                ApproxStep>;

/// What the chosen binarizer makes of x.
[[nodiscard]] inline BinaryVar binarize(Binarizers& binarizer, const Var& x) {
  return std::visit([&x](auto& chosen) { return chosen(x); }, binarizer);
}

[[nodiscard]] inline BitRule rule_of(const Binarizers& binarizer) {
  return std::visit([](const auto& chosen) { return chosen.rule(); }, binarizer);
}

/// Clamps every binarizer below `node`: to be called after each update of its parameters.
template <class Node>
void clamp_binarizers(Node& node) {
  [&]<std::size_t... I>(std::index_sequence<I...>) {
    (for_each<std::variant_alternative_t<I, Binarizers>>(
         node, [](const std::string&, auto& binarizer) { binarizer.clamp(); }),
     ...);
  }
  (std::make_index_sequence<std::variant_size_v<Binarizers>>{});
  for_each<ElasticBits>(node, [](const std::string&, auto& binarizer) { binarizer.clamp(); });
}

}  // namespace bipft
