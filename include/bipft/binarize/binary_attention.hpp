#pragma once
/// binary_scores and binary_mix: the two products of attention, over bits.
///
/// Both take products of units, which are integers and exact, and multiply once: what a packed
/// model counts in bits and looks up in tables.

#include <cstddef>

#include "bipft/binarize/attention_scale.hpp"
#include "bipft/binarize/binary_var.hpp"
#include "bipft/core/ragged.hpp"

namespace bipft {

/// Forward:    s_ij = ((α_q α_k) / √D) · (units(q)_i · units(k)_j)      for every text and head
/// Backward, with levels q̂ = α_q units(q) and k̂ likewise:
///             dq̂_i = Σ_j ds_ij k̂_j / √D,   dk̂_j = Σ_i ds_ij q̂_i / √D
///
///   q, k: [N, C]   s: [H Σ T²], for each text its [H, T, T]
/// Throws Error if the shapes do not fit.
[[nodiscard]] inline Var binary_scores(const BinaryVar& q, const BinaryVar& k, const Ragged& texts,
                                       std::size_t heads) {
  if (q.shape() != k.shape() || q.shape().rows() != texts.tokens() || heads == 0 ||
      q.shape().cols() % heads != 0) {
    fail("binary_scores: q is ", q.shape(), ", k is ", k.shape(), " for ", texts.tokens(),
         " tokens and ", heads, " heads");
  }
  Device& device = q.device();
  const std::size_t head_size = q.shape().cols() / heads;
  const Tensor products =
      device.scores(q.unit_values(device), k.unit_values(device), texts, heads, 1.0F);
  return q.tape().record(
      device.scale(products, attention_scale(q.rule.scale, k.rule.scale, head_size)),
      {q.levels, k.levels}, [=](Tape& tape, const Tensor& ds) {
        Device& on = tape.device();
        const auto [dq, dk] =
            on.scores_backward(q.level_values(on), k.level_values(on), ds, texts, heads,
                               1.0F / std::sqrt(static_cast<float>(head_size)));
        tape.accumulate(q.levels, dq);
        tape.accumulate(k.levels, dk);
      });
}

/// Forward:    y_i = (α_p α_v) · (Σ_j units(p)_ij units(v)_j)           for every text and head
/// Backward, with levels p̂ = α_p units(p) and v̂ likewise:
///             dp̂_ij = Σ_d dy_id v̂_jd,   dv̂_j = Σ_i p̂_ij dy_i
///
///   p: [H Σ T²]   v, y: [N, C]
/// Throws Error if the shapes do not fit.
[[nodiscard]] inline Var binary_mix(const BinaryVar& p, const BinaryVar& v, const Ragged& texts,
                                    std::size_t heads) {
  if (p.shape().numel() != heads * texts.pairs() || v.shape().rows() != texts.tokens() ||
      heads == 0 || v.shape().cols() % heads != 0) {
    fail("binary_mix: p is ", p.shape(), ", v is ", v.shape(), " for ", texts.tokens(), " tokens, ",
         texts.pairs(), " pairs and ", heads, " heads");
  }
  Device& device = p.device();
  const Tensor counts = device.mix(p.unit_values(device), v.unit_values(device), texts, heads);
  return p.tape().record(device.scale(counts, p.rule.scale * v.rule.scale), {p.levels, v.levels},
                         [=](Tape& tape, const Tensor& dy) {
                           Device& on = tape.device();
                           const auto [dp, dv] = on.mix_backward(
                               p.level_values(on), v.level_values(on), dy, texts, heads);
                           tape.accumulate(p.levels, dp);
                           tape.accumulate(v.levels, dv);
                         });
}

}  // namespace bipft
