#pragma once
/// FeedForward: outer(activation(inner(x))), token by token.

#include <cstddef>
#include <string_view>

#include "bipft/nn/binary_linear.hpp"

namespace bipft {

struct FeedForward {
  LinearLayer inner;  ///< [F, C]
  LinearLayer outer;  ///< [C, F]
  Activation activation;

  /// `levels` of the outer layer's input: elastic_step after a ReLU [BiT], as it is never negative.
  FeedForward(std::size_t channels, std::size_t width, bool is_binary, Activation function,
              std::string_view levels, const Initializer& init)
      : inner(make_linear(is_binary, channels, width, ElasticSign::name, init.at("inner"))),
        outer(make_linear(is_binary, width, channels, levels, init.at("outer"))),
        activation(function) {}

  void visit(auto&& part) {
    part("inner", inner);
    part("outer", outer);
  }

  ///   x: [N, C], rows of `texts`   result: [N, C]
  [[nodiscard]] Var operator()(const Var& x, const Ragged& texts) {
    return project(outer, project(inner, x, texts, activation), texts);
  }
};

}  // namespace bipft
