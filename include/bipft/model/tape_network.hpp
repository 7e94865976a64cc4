#pragma once
/// tape_network: a network that answers in the form that learns, by float products.
///
/// The reference that a plan is compared with: for a binary model the same bytes of every hidden
/// state, at the speed of floats.

#include <algorithm>
#include <cstddef>
#include <memory>
#include <span>
#include <utility>
#include <vector>

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

/// What every exit of `model` says of every text, the last layer's behind the others:
/// [exit][text][label], computed in the form that learns.
template <class Model>
[[nodiscard]] std::vector<std::vector<std::vector<float>>> tape_exit_logits(
    Model& model, Device& device, std::span<const EncodedText> texts) {
  constexpr std::size_t batch_texts = 64;
  std::vector<std::vector<std::vector<float>>> all(model.exits.size() + 1);
  for (std::size_t begin = 0; begin < texts.size(); begin += batch_texts) {
    const std::size_t count = std::min(batch_texts, texts.size() - begin);
    const Batch batch = make_batch(texts.subspan(begin, count));
    Tape tape(device, Tape::Mode::inference);
    const std::vector<Var> logits =
        model.exit_logits(model.hidden_states(tape, batch), batch.texts);
    for (std::size_t i = 0; i < logits.size(); ++i) {
      for (std::size_t b = 0; b < count; ++b) {
        const auto row = logits[i].value().row(b);
        all[i].emplace_back(row.begin(), row.end());
      }
    }
  }
  return all;
}

}  // namespace bipft
