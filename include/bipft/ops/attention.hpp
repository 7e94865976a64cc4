#pragma once
/// scores and mix: the two products of attention, text by text and head by head.
///
/// [Transformer] eq. 1 is mix(softmax(scores(q, k)), v). Heads are column blocks of D = C/H; texts
/// are ragged, so no key is ever masked and no query sees another text. Square brackets name papers
/// listed in bipft/README.md.

#include <cstddef>

#include "bipft/autograd/tape.hpp"
#include "bipft/core/ragged.hpp"

namespace bipft {

/// Forward:    s_ij = scale · Σ_d q_id k_jd            for every text and head
/// Backward:   dq_i = scale · Σ_j ds_ij k_j,   dk_j = scale · Σ_i ds_ij q_i
///
///   q, k: [N, C]   s: [H Σ T²], for each text its [H, T, T]   plain: fuse nothing on the way there
/// Throws Error if the shapes do not fit.
[[nodiscard]] inline Var scores(const Var& q, const Var& k, const Ragged& texts, std::size_t heads,
                                float scale, bool plain = false) {
  if (q.shape() != k.shape() || q.value().rows() != texts.tokens() || heads == 0 ||
      q.value().cols() % heads != 0) {
    fail("scores: q is ", q.shape(), ", k is ", k.shape(), " for ", texts.tokens(), " tokens and ",
         heads, " heads");
  }
  Device& device = q.device();
  return q.tape().record(plain ? device.plain_scores(q.value(), k.value(), texts, heads, scale)
                               : device.scores(q.value(), k.value(), texts, heads, scale),
                         {q, k}, [=](Tape& tape, const Tensor& ds) {
                           const auto [dq, dk] = tape.device().scores_backward(
                               q.value(), k.value(), ds, texts, heads, scale);
                           tape.accumulate(q, dq);
                           tape.accumulate(k, dk);
                         });
}

/// Forward:    y_i = Σ_j p_ij v_j                      for every text and head
/// Backward:   dp_ij = Σ_d dy_id v_jd,   dv_j = Σ_i p_ij dy_i
///
///   p: [H Σ T²]   v, y: [N, C]   plain: fuse nothing on the way there
/// Throws Error if the shapes do not fit.
[[nodiscard]] inline Var mix(const Var& p, const Var& v, const Ragged& texts, std::size_t heads,
                             bool plain = false) {
  if (p.value().numel() != heads * texts.pairs() || v.value().rows() != texts.tokens() ||
      heads == 0 || v.value().cols() % heads != 0) {
    fail("mix: p is ", p.shape(), ", v is ", v.shape(), " for ", texts.tokens(), " tokens, ",
         texts.pairs(), " pairs and ", heads, " heads");
  }
  Device& device = p.device();
  return p.tape().record(plain ? device.plain_mix(p.value(), v.value(), texts, heads)
                               : device.mix(p.value(), v.value(), texts, heads),
                         {p, v}, [=](Tape& tape, const Tensor& dy) {
                           const auto [dp, dv] =
                               tape.device().mix_backward(p.value(), v.value(), dy, texts, heads);
                           tape.accumulate(p, dp);
                           tape.accumulate(v, dv);
                         });
}

}  // namespace bipft
