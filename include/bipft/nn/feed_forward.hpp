#pragma once
/// FeedForward: outer(activation(inner(x))), token by token; times a gate, if there is one.

#include <cstddef>
#include <optional>

#include "bipft/nn/binary_linear.hpp"
#include "bipft/nn/selective_learn_forget.hpp"
#include "bipft/ops/arithmetic.hpp"

namespace bipft {

struct FeedForward {
  LinearLayer inner;                  ///< [F, C]
  LinearLayer outer;                  ///< [C, F]
  std::optional<SelectiveGate> gate;  ///< of the same width
  Activation activation;

  /// What follows a ReLU is never negative: [BiT] makes it 0/1. [BiBERT]'s GELU has both signs.
  FeedForward(std::size_t channels, std::size_t width, const std::optional<BinaryForm>& form,
              Activation function, const Initializer& init)
      : inner(make_linear(form, channels, width, init.at("inner"))),
        outer(make_linear(form ? form->with_input(form->inner) : form, width, channels,
                          init.at("outer"))),
        activation(function) {
    if (form && form->gates != GateForm::none)
      gate.emplace(channels, width, *form, init.at("gate"));
  }

  void visit(auto&& part) {
    part("inner", inner);
    part("outer", outer);
    part("gate", gate);
  }

  ///   x: [N, C], rows of `texts`   result: [N, C]
  [[nodiscard]] Var operator()(const Var& x, const Ragged& texts) {
    const Var y = project(outer, project(inner, x, texts, activation), texts);
    return gate ? multiply((*gate)(x, texts), y) : y;
  }
};

}  // namespace bipft
