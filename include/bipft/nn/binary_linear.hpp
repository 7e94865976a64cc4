#pragma once
/// BinaryLinear: the fully connected layer whose weights and inputs are one bit each.
///
/// Two forms of one function. BinaryLinear is trained: it keeps latent float weights and lets
/// gradients through. PackedLinear is what ships: bits, and a few floats. Both compute integers and
/// round them alike, so they agree to the last byte.

#include <cstddef>
#include <optional>
#include <string_view>
#include <utility>
#include <variant>

#include "bipft/binarize/binarizers.hpp"
#include "bipft/binarize/binary_linear.hpp"
#include "bipft/binarize/weight_binarizers.hpp"
#include "bipft/core/menu.hpp"
#include "bipft/nn/binary_form.hpp"
#include "bipft/nn/linear.hpp"
#include "bipft/nn/packed_linear.hpp"
#include "bipft/nn/sign_linear.hpp"
#include "bipft/nn/staged_linear.hpp"

namespace bipft {

struct BinaryLinear {
  Binarizers input;         ///< turns x, shifted channel by channel, into two levels
  WeightBinarizers binary;  ///< turns the latent weight into signs and scales
  Parameter weight;         ///< [O, C]  latent
  Parameter bias;           ///< [O]

  /// Normal latent weights, bias and shifts 0.
  BinaryLinear(std::size_t inputs, std::size_t outputs, const BinaryForm& form,
               const Initializer& init)
      : input(choose<Binarizers>("binarizer", form.input, inputs)),
        binary(form.make_weight()),
        weight(init.at("weight").normal(Shape{outputs, inputs})),
        bias(Tensor(Shape{outputs})) {}

  void visit(auto&& part) {
    part("input", input);
    part("weight", weight);
    part("bias", bias);
  }

  /// y = f(levels(x) signs(weight)ᵀ + bias), or without f.   x: [N, C]   y: [N, O]
  [[nodiscard]] Var operator()(const Var& x, std::optional<Activation> f = {}) {
    const BinaryWeight w =
        std::visit([&](const auto& chosen) { return chosen(x.tape().leaf(weight)); }, binary);
    return binary_linear(binarize(input, x), w, x.tape().leaf(bias), f);
  }

  /// A snapshot, which later training does not reach.
  [[nodiscard]] PackedLinear pack(Device& device) const {
    const BitRule rule = rule_of(input);
    SignMatrix signs =
        std::visit([&](const auto& chosen) { return chosen.signs(device, weight.value); }, binary);
    return {std::move(signs.bits),  rule.shift, bias.value,
            std::move(signs.scale), rule.scale, rule.zero_one};
  }
};

/// A linear layer of an encoder, as its config says: binary, not, of a stage between, or binary in
/// its weights alone.
using LinearLayer = std::variant<BinaryLinear, Linear, StagedLinear, SignLinear>;

/// Of bits, or in floats where there is no form for them.
[[nodiscard]] inline LinearLayer make_linear(const std::optional<BinaryForm>& form,
                                             std::size_t inputs, std::size_t outputs,
                                             const Initializer& init) {
  if (form && form->float_inputs()) return SignLinear(inputs, outputs, *form, init);
  if (form) return BinaryLinear(inputs, outputs, *form, init);
  return Linear(inputs, outputs, init);
}

/// f of what the layer makes of x.   x: [N, C], rows of `texts`, which only a stage asks for
[[nodiscard]] inline Var project(LinearLayer& layer, const Var& x, const Ragged& texts,
                                 std::optional<Activation> f = {}) {
  return std::visit(
      [&](auto& chosen) {
        if constexpr (requires { chosen(x, texts, f); }) {
          return chosen(x, texts, f);
        } else {
          return chosen(x, f);
        }
      },
      layer);
}

/// A binary layer as one of a stage, whose inputs have `bits` bits.
inline void make_staged(LinearLayer& layer, std::size_t bits) {
  BinaryLinear from = std::get<BinaryLinear>(std::move(layer));
  const bool both_signs = !rule_of(from.input).zero_one;
  layer = StagedLinear{ElasticBits(from.weight.value.cols(), bits, both_signs), from.binary,
                       std::move(from.weight), std::move(from.bias)};
}

}  // namespace bipft
