#pragma once
/// Outputs of a model that never was: texts of different difficulty, surer from exit to exit.

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "bipft/core/random.hpp"
#include "bipft/tasks/exit_outputs.hpp"

namespace bipft::test {

/// Each text has a label and a depth at which it begins to show; before, and beside it, is noise.
[[nodiscard]] inline ExitOutputs exit_texts(std::size_t texts, std::size_t exits,
                                            std::size_t labels, std::uint64_t seed = 1) {
  ExitOutputs outputs;
  outputs.labels = labels;
  for (std::size_t k = 0; k < exits; ++k) outputs.layers.push_back(2 * k + 2);
  const Random noise(seed, "noise");
  const Random draw(seed, "labels");
  for (std::size_t n = 0; n < texts; ++n) {
    const std::uint64_t label = draw.below(2 * n, labels);
    const float begins = draw.uniform(2 * n + 1) * static_cast<float>(exits);
    outputs.truth.push_back(static_cast<std::uint32_t>(label));
    for (std::size_t k = 0; k < exits; ++k) {
      for (std::size_t c = 0; c < labels; ++c) {
        const float signal = std::max(0.0F, static_cast<float>(k + 1) - begins);
        outputs.logits.push_back(noise.normal(outputs.logits.size()) +
                                 (c == label ? 1.5F * signal : 0.0F));
      }
    }
  }
  return outputs;
}

/// The same texts with numbers for labels: the truth and less and less noise.
[[nodiscard]] inline ExitOutputs exit_numbers(std::size_t texts, std::size_t exits) {
  ExitOutputs outputs;
  outputs.answer = AnswerKind::value;
  outputs.metric = Metric::correlation;
  outputs.labels = 1;
  const Random noise(3, "numbers");
  for (std::size_t k = 0; k < exits; ++k) outputs.layers.push_back(k + 1);
  for (std::size_t n = 0; n < texts; ++n) {
    const float truth = noise.normal(n);
    outputs.values.push_back(static_cast<double>(truth));
    for (std::size_t k = 0; k < exits; ++k) {
      const float off = noise.normal(texts + n * exits + k) / static_cast<float>((k + 1) * (k + 1));
      outputs.logits.push_back(truth + off);
    }
  }
  return outputs;
}

/// Labels that do not exclude each other: each is there where its last logit is, mostly.
[[nodiscard]] inline ExitOutputs exit_sets(std::size_t texts, std::size_t exits,
                                           std::size_t labels) {
  ExitOutputs outputs = exit_texts(texts, exits, labels, 5);
  outputs.answer = AnswerKind::labels;
  outputs.metric = Metric::micro_f1;
  outputs.truth.clear();
  for (std::size_t n = 0; n < texts; ++n) {
    std::vector<std::uint32_t>& set = outputs.sets.emplace_back();
    for (std::size_t c = 0; c < labels; ++c) {
      if (outputs.row(n, exits - 1)[c] + (n % 7 == 0 ? 0.5F : 0.0F) >= 0.0F) {
        set.push_back(static_cast<std::uint32_t>(c));
      }
    }
  }
  return outputs;
}

}  // namespace bipft::test
