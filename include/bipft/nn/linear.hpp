#pragma once
/// Linear: the fully connected layer in full precision.

#include <cstddef>
#include <optional>

#include "bipft/nn/init.hpp"
#include "bipft/ops/activation.hpp"
#include "bipft/ops/linear.hpp"

namespace bipft {

struct Linear {
  Parameter weight;  ///< [O, C]
  Parameter bias;    ///< [O]

  /// Normal weights, bias 0.
  Linear(std::size_t inputs, std::size_t outputs, const Initializer& init)
      : weight(init.at("weight").normal(Shape{outputs, inputs})), bias(Tensor(Shape{outputs})) {}

  void visit(auto&& part) {
    part("weight", weight);
    part("bias", bias);
  }

  /// y = f(x weightᵀ + bias), or without f.   x: [N, C]   y: [N, O]
  [[nodiscard]] Var operator()(const Var& x, std::optional<Activation> f = {}) {
    const Var y = linear(x, x.tape().leaf(weight), x.tape().leaf(bias));
    return f ? activate(*f, y) : y;
  }
};

}  // namespace bipft
