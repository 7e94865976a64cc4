#pragma once
/// BinaryForm: how an encoder's numbers become bits.

#include <cstddef>
#include <string_view>

#include "bipft/binarize/binarizers.hpp"
#include "bipft/binarize/weight_binarizers.hpp"
#include "bipft/core/menu.hpp"

namespace bipft {

/// What closes and opens a feed-forward network's gate, if it has one (selective_learn_forget.hpp).
enum class GateForm { none, hidden_sigmoid, output_sigmoid };

/// Names on the menus of binarizers, and what they do not say.
struct BinaryForm {
  std::string_view input = ElasticSign::name;        ///< of linear layers' inputs, and of q, k, v;
                                                     ///< none: they stay floats
  std::string_view inner = ElasticStep::name;        ///< of what follows an activation function
  std::string_view gate = ElasticStep::name;         ///< of what lies in the midst of a gate
  std::string_view probability = ElasticStep::name;  ///< of what mixes values in attention
  std::string_view weight = MeanSign::name;          ///< of the matrices
  SurrogateSign surrogate;                           ///< in that name's place, where it is its own
  GateForm gates = GateForm::none;                   ///< of feed-forward networks
  std::size_t estimators = 0;                        ///< of what they lose in attention: a rank

  [[nodiscard]] bool float_inputs() const { return input.empty(); }
  [[nodiscard]] BinaryForm with_input(std::string_view name) const {
    BinaryForm form = *this;
    if (!float_inputs()) form.input = name;
    return form;
  }
  [[nodiscard]] WeightBinarizers make_weight() const {
    if (weight == SurrogateSign::name) return surrogate;
    return choose<WeightBinarizers>("weight binarizer", weight);
  }
};

}  // namespace bipft
