#pragma once
/// binary_attention: attention over bits; and its two products, binary_scores and binary_mix.
///
/// Products are of units, which are integers and exact, and are multiplied once: what a packed
/// model counts in bits and looks up in tables.

#include <cmath>
#include <cstddef>
#include <optional>
#include <utility>

#include "bipft/binarize/attention_scale.hpp"
#include "bipft/binarize/binary_var.hpp"
#include "bipft/binarize/bool_attention.hpp"
#include "bipft/binarize/elastic_step.hpp"
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

namespace detail {

/// What there is to say before its window is known. Takes a random stream, if it drops.
[[nodiscard]] inline BinaryAttention attention_of(const BinaryVar& q, const BinaryVar& k,
                                                  const BinaryVar& v, const Ragged& texts,
                                                  std::size_t heads, float dropout_rate) {
  if (q.shape() != k.shape() || q.shape() != v.shape() || q.shape().rows() != texts.tokens() ||
      heads == 0 || q.shape().cols() % heads != 0) {
    fail("binary_attention: q is ", q.shape(), ", k is ", k.shape(), ", v is ", v.shape(), " for ",
         texts.tokens(), " tokens and ", heads, " heads");
  }
  if (!(dropout_rate >= 0.0F && dropout_rate < 1.0F)) {
    fail("binary_attention: dropout is ", dropout_rate, "; it must be at least 0 and below 1");
  }
  Tape& tape = q.tape();
  const std::size_t head_size = q.shape().cols() / heads;
  const bool drops = tape.training() && dropout_rate != 0.0F;
  return {.q = q.bits,
          .k = k.bits,
          .v = v.bits,
          .q_scale = q.rule.scale,
          .k_scale = k.rule.scale,
          .v_scale = v.rule.scale,
          .texts = texts,
          .heads = heads,
          .score_scale = attention_scale(q.rule.scale, k.rule.scale, head_size),
          .gradient_scale = 1.0F / std::sqrt(static_cast<float>(head_size)),
          .random = drops ? tape.next_random() : Random(0, ""),
          .dropout = drops ? dropout_rate : 0.0F,
          .window = {},
          .p_scale = 1.0F,
          .estimates = {}};
}

}  // namespace detail

/// Forward:    s = binary_scores(q, k),  p = dropout(softmax(s)),
///             y = binary_mix(probability(p), v)
///             A device may do it text by text and head by head, and keep none of the squares.
/// Backward:   that of these operations in turn, with the same bytes but for dα of `probability`,
///             whose sum may be taken in another order.
/// On the first training batch first sets α of `probability`, as ElasticStep does.
///
/// With [BiPFT]'s estimates (device/estimates.hpp), m and r of every token:
/// Forward:    p = dropout(softmax(s + E / √D)),  E_ij = m_q,i r_k,j + r_q,i m_k,j + r_q,i r_k,j
///             y_i = binary_mix(p̂, v)_i + Σ_j p̂_ij r_v,j      p̂ = probability(p)
/// Backward, with dE = Σ ds / √D over the heads:
///             dm_q = dE r_k,   dr_q = dE (m_k + r_k),   dm_k = dEᵀ r_q,   dr_k = dEᵀ (m_q + r_q)
///             dr_v,j = Σ p̂_ij dy_ic over heads, i and c,   dp̂_ij = Σ_c dy_ic (v̂_jc + r_v,j)
///
///   q, k, v, y: [N, C], of units ±1   estimates: [N, 4 rank + 1], or none
/// Throws Error if the shapes do not fit, or unless 0 <= dropout < 1.
[[nodiscard]] inline Var binary_attention(const BinaryVar& q, const BinaryVar& k,
                                          const BinaryVar& v, ElasticStep& probability,
                                          const Ragged& texts, std::size_t heads,
                                          float dropout_rate,
                                          const std::optional<Var>& estimates = {}) {
  BinaryAttention of = detail::attention_of(q, k, v, texts, heads, dropout_rate);
  Tape& tape = q.tape();
  if (estimates) of.estimates = estimates->value();
  if (tape.training() && !probability.calibrated.value && texts.tokens() != 0) {
    probability.calibrate(tape.device().binary_attention_mean(of));
  }
  of.window = probability.window();
  of.p_scale = probability.scale();
  // Without estimates binary_scores and binary_mix are the form by floats.
  const bool by_bits = tape.products() == Tape::Products::bits || !estimates;
  Tensor y =
      by_bits ? tape.device().binary_attention(of) : tape.device().Device::binary_attention(of);
  const Slot of_alpha = tape.leaf(probability.alpha);
  const Slot of_estimates = estimates ? Slot(*estimates) : of_alpha;
  return tape.record(std::move(y), {q.levels, k.levels, v.levels, of_alpha, of_estimates},
                     [of = std::move(of), of_q = q.levels, of_k = k.levels, of_v = v.levels,
                      of_alpha, of_estimates, by_bits](Tape& on, const Tensor& dy) {
                       Device& device = on.device();
                       BinaryAttentionGrad grad =
                           by_bits ? device.binary_attention_backward(of, dy)
                                   : device.Device::binary_attention_backward(of, dy);
                       if (!of.estimates.empty()) {
                         on.accumulate(of_estimates, std::move(grad.destimates));
                       }
                       on.accumulate(of_q, std::move(grad.dq));
                       on.accumulate(of_k, std::move(grad.dk));
                       on.accumulate(of_v, std::move(grad.dv));
                       const float dalpha = ElasticStep::dalpha(grad.units, grad.inside, of.p_scale,
                                                                of.heads * of.texts.pairs());
                       on.accumulate(of_alpha, Tensor(Shape{1}, dalpha));
                     });
}

/// Forward:    s = binary_scores(q, k),  p = dropout(s),  y = binary_mix(positive(p), v)
///             A device may do it as above.
/// Backward:   that of these operations in turn, with the same bytes.
///
///   q, k, v, y: [N, C], of units ±1
/// Throws Error if the shapes do not fit, or unless 0 <= dropout < 1.
[[nodiscard]] inline Var binary_attention(const BinaryVar& q, const BinaryVar& k,
                                          const BinaryVar& v, const BoolAttention& positive,
                                          const Ragged& texts, std::size_t heads,
                                          float dropout_rate) {
  BinaryAttention of = detail::attention_of(q, k, v, texts, heads, dropout_rate);
  of.softmax = false;
  of.window = positive.window();
  Tape& tape = q.tape();
  Tensor y = tape.device().binary_attention(of);
  return tape.record(std::move(y), {q.levels, k.levels, v.levels},
                     [of = std::move(of), of_q = q.levels, of_k = k.levels, of_v = v.levels](
                         Tape& on, const Tensor& dy) {
                       BinaryAttentionGrad grad = on.device().binary_attention_backward(of, dy);
                       on.accumulate(of_q, std::move(grad.dq));
                       on.accumulate(of_k, std::move(grad.dk));
                       on.accumulate(of_v, std::move(grad.dv));
                     });
}

}  // namespace bipft
