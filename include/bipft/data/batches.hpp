#pragma once
/// Batches: encoded texts, cut into batches of similar length.
///
/// There is no padding (core/ragged.hpp), so lengths cost nothing by differing; they are bucketed
/// all the same, because a batch of one length splits evenly among threads.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <span>
#include <vector>

#include "bipft/core/ragged.hpp"
#include "bipft/core/random.hpp"
#include "bipft/core/sort.hpp"
#include "bipft/core/tensor.hpp"

namespace bipft {

/// A text, or a pair of texts, as ids.
struct EncodedText {
  std::vector<std::int32_t> ids;       ///< [T], with [CLS] and [SEP]
  std::vector<std::int32_t> type_ids;  ///< [T], 1 for the second text of a pair
  std::int32_t label = 0;
  float weight = 1.0F;
  std::vector<float> targets = {};  ///< [K], what the logits shall be, where that is no label
};

/// B texts as one matrix's worth of tokens.
struct Batch {
  IdTensor ids;        ///< [N]
  IdTensor type_ids;   ///< [N]
  IdTensor positions;  ///< [N]  0, 1, 2, ... in each text
  Ragged texts;
  IdTensor labels;  ///< [B]
  Tensor weights;   ///< [B]
  std::vector<std::uint32_t> order;  ///< [B]  which of all texts they are
  Tensor targets;       ///< [B, K], or empty if the texts have none
  IdTensor masked;      ///< [M]  rows of tokens that are hidden from the model, or empty
  IdTensor masked_ids;  ///< [M]  what stood there
};

/// Gathers `texts[order[i]]` for every i.
[[nodiscard]] inline Batch make_batch(std::span<const EncodedText> texts,
                                      std::span<const std::uint32_t> order) {
  Batch batch;
  batch.order.assign(order.begin(), order.end());
  for (const std::uint32_t index : order) batch.texts.append(texts[index].ids.size());
  const Shape tokens{batch.texts.tokens()};
  batch.ids = IdTensor::uninitialized(tokens);
  batch.type_ids = IdTensor::uninitialized(tokens);
  batch.positions = IdTensor::uninitialized(tokens);
  batch.labels = IdTensor(Shape{order.size()});
  batch.weights = Tensor(Shape{order.size()});
  const std::size_t targets = order.empty() ? 0 : texts[order[0]].targets.size();
  if (targets > 0) batch.targets = Tensor(Shape{order.size(), targets});
  std::int32_t* const ids = batch.ids.mutable_data().data();
  std::int32_t* const type_ids = batch.type_ids.mutable_data().data();
  std::int32_t* const positions = batch.positions.mutable_data().data();
  for (std::size_t b = 0; b < order.size(); ++b) {
    const EncodedText& text = texts[order[b]];
    const auto begin = static_cast<std::ptrdiff_t>(batch.texts.begin(b));
    std::copy(text.ids.begin(), text.ids.end(), ids + begin);
    std::copy(text.type_ids.begin(), text.type_ids.end(), type_ids + begin);
    std::iota(positions + begin, positions + begin + static_cast<std::ptrdiff_t>(text.ids.size()),
              0);
    batch.labels.mutable_data()[b] = text.label;
    batch.weights.mutable_data()[b] = text.weight;
    if (text.targets.size() != targets) {
      fail("make_batch: a text of ", text.targets.size(), " targets beside one of ", targets);
    }
    if (targets == 0) continue;
    std::copy(text.targets.begin(), text.targets.end(), batch.targets.mutable_row(b).begin());
  }
  return batch;
}

/// All of `texts` in their own order.
[[nodiscard]] inline Batch make_batch(std::span<const EncodedText> texts) {
  std::vector<std::uint32_t> order(texts.size());
  std::iota(order.begin(), order.end(), 0U);
  return make_batch(texts, order);
}

/// One epoch's batches, as indices: a permutation keyed by (seed, epoch), sorted by length within
/// stretches of 64 batches, the batches then shuffled again. Nothing needs to be remembered to
/// go on in the middle of an epoch but its number.
[[nodiscard]] inline std::vector<std::vector<std::uint32_t>> epoch_batches(
    std::span<const EncodedText> texts, std::size_t batch_size, std::uint64_t seed,
    std::uint64_t epoch) {
  constexpr std::size_t stretch_batches = 64;
  std::vector<std::uint32_t> order = Random(seed, "shuffle texts", epoch).permutation(texts.size());
  const std::size_t stretch = stretch_batches * batch_size;
  for (std::size_t begin = 0; begin < order.size(); begin += stretch) {
    const auto first = order.begin() + static_cast<std::ptrdiff_t>(begin);
    const auto last =
        order.begin() + static_cast<std::ptrdiff_t>(std::min(order.size(), begin + stretch));
    std::vector<std::uint32_t> by_length(first, last);
    sort_by(by_length, [&](std::uint32_t a, std::uint32_t b) {
      return texts[a].ids.size() < texts[b].ids.size();
    });
    std::copy(by_length.begin(), by_length.end(), first);
  }
  std::vector<std::vector<std::uint32_t>> batches;
  for (std::size_t begin = 0; begin < order.size(); begin += batch_size) {
    const std::size_t end = std::min(order.size(), begin + batch_size);
    batches.emplace_back(order.begin() + static_cast<std::ptrdiff_t>(begin),
                         order.begin() + static_cast<std::ptrdiff_t>(end));
  }
  std::vector<std::vector<std::uint32_t>> shuffled(batches.size());
  const auto places = Random(seed, "shuffle batches", epoch).permutation(batches.size());
  for (std::size_t i = 0; i < batches.size(); ++i) shuffled[i] = std::move(batches[places[i]]);
  return shuffled;
}

}  // namespace bipft
