#pragma once
/// tape_network: a network that answers in the form that learns, by float products.
///
/// The reference that a plan is compared with: for a binary model the same bytes of every hidden
/// state, at the speed of floats.

#include <algorithm>
#include <cstddef>
#include <cstdint>
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

  [[nodiscard]] PlanResult operator()(const Batch& batch, bool /*want_hidden*/,
                                      const ExitRequest* exits) const {
    Tape tape(*device, Tape::Mode::inference, Tape::Products::floats);
    if (exits == nullptr || model->exits.size() == 0) {
      const Var hidden = model->encode(tape, batch);
      return {model->classify(hidden, batch.texts).value(), hidden.value()};
    }
    std::vector<Var> doubts;
    const std::vector<Var> each =
        model->exit_logits(model->hidden_states(tape, batch), batch.texts, false, &doubts);
    Tensor told;
    if (!doubts.empty()) told = side_by_side(doubts, batch.texts);
    return exits_of(side_by_side(each, batch.texts), std::move(told), each.size(), batch.texts,
                    *exits);
  }

  /// The rows of several matrices as one.
  [[nodiscard]] static Tensor side_by_side(const std::vector<Var>& each, const Ragged& texts) {
    const std::size_t cols = each[0].value().cols();
    Tensor all = Tensor::uninitialized(Shape{texts.texts(), each.size() * cols});
    for (std::size_t b = 0; b < texts.texts(); ++b) {
      for (std::size_t i = 0; i < each.size(); ++i) {
        const auto row = each[i].value().row(b);
        std::copy(row.begin(), row.end(), all.mutable_row(b).subspan(i * cols).begin());
      }
    }
    return all;
  }

  /// All layers are computed, and what is behind the exit of a text is left out.
  [[nodiscard]] static PlanResult exits_of(Tensor all, Tensor doubts, std::size_t count,
                                           const Ragged& texts, const ExitRequest& exits) {
    if (exits.all) return {std::move(all), {}, {}, std::move(doubts)};
    const std::size_t labels = all.cols() / count;
    PlanResult result;
    result.logits = Tensor::uninitialized(Shape{texts.texts(), labels});
    result.stops = BasicTensor<std::uint32_t>::uninitialized(Shape{texts.texts()});
    for (std::size_t b = 0; b < texts.texts(); ++b) {
      const std::size_t stop = exit_by(exits, texts.length(b), count, all.row(b),
                                       doubts.empty() ? std::span<const float>() : doubts.row(b));
      std::ranges::copy(all.row(b).subspan(stop * labels, labels),
                        result.logits.mutable_row(b).begin());
      result.stops.mutable_data()[b] = static_cast<std::uint32_t>(stop);
    }
    return result;
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
