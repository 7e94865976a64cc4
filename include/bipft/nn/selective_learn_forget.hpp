#pragma once
/// SelectiveGate: what a feed-forward network is to learn and what to forget, channel by channel.
///
/// The gate of the SLFN, [BEExformer]'s feed-forward network: u = gate(x) ⊙ outer(tanh(inner(x))),
/// for all positions at once, where an LSTM's gates go from one to the next.

#include <cstddef>
#include <optional>

#include "bipft/nn/binary_linear.hpp"
#include "bipft/ops/activation.hpp"

namespace bipft {

struct SelectiveGate {
  LinearLayer inner;  ///< [F, C]
  LinearLayer outer;  ///< [C, F]
  GateForm form;

  SelectiveGate(std::size_t channels, std::size_t width, const BinaryForm& bits,
                const Initializer& init)
      : inner(make_linear(bits, channels, width, init.at("inner"))),
        outer(make_linear(bits.with_input(bits.gate), width, channels, init.at("outer"))),
        form(bits.gates) {}

  void visit(auto&& part) {
    part("inner", inner);
    part("outer", outer);
  }

  /// g = outer(sigmoid(inner(x))), which nothing bounds: the form of code that its first
  /// author published for the SLFN. Or g = sigmoid(outer(inner(x))), as gates usually are.
  ///   x: [N, C], rows of `texts`   g: [N, C]
  [[nodiscard]] Var operator()(const Var& x, const Ragged& texts) {
    const Var hidden = project(inner, x, texts);
    if (form == GateForm::hidden_sigmoid) return project(outer, sigmoid(hidden), texts);
    return sigmoid(project(outer, hidden, texts));
  }
};

}  // namespace bipft
