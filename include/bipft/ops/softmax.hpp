#pragma once
/// softmax: attention scores to probabilities, query by query.

#include <cstddef>

#include "bipft/autograd/tape.hpp"
#include "bipft/core/ragged.hpp"

namespace bipft {

/// Forward:    p_ij = exp(s_ij - max_j s_ij) / Σ_j exp(s_ij - max_j s_ij)
/// Backward:   ds_ij = p_ij (dp_ij - Σ_j p_ij dp_ij)
///
///   s, p: [H Σ T²], as `scores` returns
/// Throws Error if s does not fit the texts.
[[nodiscard]] inline Var softmax(const Var& s, const Ragged& texts, std::size_t heads) {
  if (s.value().numel() != heads * texts.pairs()) {
    fail("softmax: s is ", s.shape(), " for ", texts.pairs(), " pairs and ", heads, " heads");
  }
  const Tensor p = s.device().softmax(s.value(), texts, heads);
  return s.tape().record(p, {s}, [=, to = Slot(s)](Tape& tape, const Tensor& dp) {
    tape.accumulate(to, tape.device().softmax_backward(p, dp, texts, heads));
  });
}

}  // namespace bipft
