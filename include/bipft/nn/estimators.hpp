#pragma once
/// Estimators: what [BiPFT] makes up with for that which bits lose in attention.

#include <cstddef>

#include "bipft/autograd/tape.hpp"
#include "bipft/device/estimates.hpp"
#include "bipft/nn/init.hpp"
#include "bipft/ops/linear.hpp"

namespace bipft {

/// Linear layers in full precision that read a token's hidden state, stacked: m_q, r_q, m_k and r_k
/// of `rank` numbers each, and r_v (device/estimates.hpp says what becomes of them). The biases of
/// m_k and r_k move all scores of a query alike, which a softmax does not see; they are kept, as
/// published checkpoints have them.
struct Estimators {
  Parameter weight;  ///< [4 rank + 1, C]
  Parameter bias;    ///< [4 rank + 1]

  /// Normal weights, bias 0. So it does not begin at no estimates, nor does published code.
  Estimators(std::size_t channels, std::size_t rank, const Initializer& init)
      : weight(init.at("weight").normal(Shape{estimate_columns(rank), channels})),
        bias(Tensor(Shape{estimate_columns(rank)})) {}

  void visit(auto&& part) {
    part("weight", weight);
    part("bias", bias);
  }

  ///   x: [N, C]   result: [N, 4 rank + 1]
  [[nodiscard]] Var operator()(const Var& x) {
    return ordered_linear(x, x.tape().leaf(weight), x.tape().leaf(bias));
  }
};

}  // namespace bipft
