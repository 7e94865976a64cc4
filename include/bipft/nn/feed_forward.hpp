#pragma once
/// FeedForward: outer(activation(inner(x))), token by token.

#include <cstddef>
#include <optional>

#include "bipft/nn/binary_linear.hpp"

namespace bipft {

struct FeedForward {
  LinearLayer inner;  ///< [F, C]
  LinearLayer outer;  ///< [C, F]
  Activation activation;

  /// What follows a ReLU is never negative: [BiT] makes it 0/1. [BiBERT]'s GELU has both signs.
  FeedForward(std::size_t channels, std::size_t width, const std::optional<BinaryForm>& form,
              Activation function, const Initializer& init)
      : inner(make_linear(form, channels, width, init.at("inner"))),
        outer(make_linear(form ? form->with_input(form->inner) : form, width, channels,
                          init.at("outer"))),
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
