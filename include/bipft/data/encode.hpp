#pragma once
/// encode_dataset: examples to ids, once and on all threads.

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "bipft/core/parallel.hpp"
#include "bipft/data/batches.hpp"
#include "bipft/data/example.hpp"
#include "bipft/text/wordpiece.hpp"

namespace bipft {

/// The examples of `dataset` as a model gets them, cut to `max_len` tokens. `labels[i]` is the
/// index of example i's label; none at all for texts without.
/// Throws Error if the number of labels is another.
[[nodiscard]] inline std::vector<EncodedText> encode_dataset(const Dataset& dataset,
                                                             std::span<const std::uint32_t> labels,
                                                             const WordPiece& tokenizer,
                                                             std::size_t max_len) {
  if (!labels.empty() && labels.size() != dataset.size()) {
    fail("encode_dataset: ", labels.size(), " labels for ", dataset.size(), " examples");
  }
  std::vector<EncodedText> texts(dataset.size());
  parallel_for(texts.size(), 64, [&](std::size_t begin, std::size_t end) {
    for (std::size_t i = begin; i < end; ++i) {
      const Example& example = dataset.examples[i];
      Encoding encoding = dataset.pairs ? tokenizer.encode(example.text, example.pair, max_len)
                                        : tokenizer.encode(example.text, max_len);
      texts[i] = {std::move(encoding.ids), std::move(encoding.type_ids),
                  labels.empty() ? 0 : static_cast<std::int32_t>(labels[i]), example.weight};
    }
  });
  return texts;
}

}  // namespace bipft
