#pragma once
/// tape_network: a network that answers in the form that learns, by float products.
///
/// The reference that a plan is compared with: for a binary model the same bytes of every hidden
/// state, at the speed of floats.

#include <memory>
#include <utility>

#include "bipft/model/model.hpp"
#include "bipft/model/network.hpp"

namespace bipft {

namespace detail {

template <class Model>
struct TapeForm {
  std::unique_ptr<Model> model;  // only read, though its layers are not const
  Device* device;

  [[nodiscard]] PlanResult operator()(const Batch& batch, bool /*want_hidden*/) const {
    Tape tape(*device, Tape::Mode::inference, Tape::Products::floats);
    const Var hidden = model->encode(tape, batch);
    return {model->classify(hidden, batch.texts).value(), hidden.value()};
  }
};

}  // namespace detail

template <class Layer>
[[nodiscard]] Network tape_network(BasicModel<Layer> model, Device& device) {
  using Learnt = BasicModel<Layer>;
  return Network(detail::TapeForm<Learnt>{std::make_unique<Learnt>(std::move(model)), &device});
}

/// The reference form of a packed model.
template <class Layer = EncoderLayer>
[[nodiscard]] Network tape_network(const PackedModel& packed, Device& device) {
  auto model = BasicModel<Layer>::unpack(packed, device);
  model.embedding.binary.reset();  // its words are levels already
  return tape_network(std::move(model), device);
}

}  // namespace bipft
