#pragma once
/// Losses over all exits of a model at once, weighed by how sure each of them is.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>
#include <vector>

#include "bipft/autograd/tape.hpp"
#include "bipft/core/error.hpp"
#include "bipft/ops/arithmetic.hpp"
#include "bipft/ops/losses.hpp"

namespace bipft {

/// What every exit shall say of B texts: distributions over labels, a hard label's or a teacher's.
struct ExitTargets {
  Tensor targets;            ///< [B, C]  t, rows that add up to 1
  Tensor weights;            ///< [B]     of texts, w
  float temperature = 1.0F;  ///< T: logits are divided by it where they meet targets
};

namespace detail {

/// One softmax, with what is asked of it.
struct ExitSoftmax {
  std::vector<double> p;  ///< [C]
  std::vector<double> log_p;
};

[[nodiscard]] inline ExitSoftmax exit_softmax(std::span<const float> logits, double temperature) {
  ExitSoftmax result;
  const double most = static_cast<double>(*std::max_element(logits.begin(), logits.end()));
  double sum = 0.0;
  for (const float z : logits) {
    result.log_p.push_back((static_cast<double>(z) - most) / temperature);
    sum += std::exp(result.log_p.back());
  }
  const double log_sum = std::log(sum);
  for (double& one : result.log_p) {
    one -= log_sum;
    result.p.push_back(std::exp(one));
  }
  return result;
}

/// One text at its K exits: from entropies and losses to the loss, and its derivatives.
struct ExitMixture {
  std::vector<double> entropy, loss;       ///< [K], given
  std::vector<double> weight, by_entropy;  ///< [K], found: dL/dloss and dL/dentropy
  double total = 0.0;                      ///< L, found
};

/// Σ_b w_b L(H_b, CE_b) / Σ_b w_b, where `mix` says what L is.
template <class Mix>
[[nodiscard]] Var mixed_exit_loss(const char* op, std::span<const Var> logits,
                                  const ExitTargets& about, const Mix& mix) {
  if (logits.empty()) fail(op, ": no exits");
  const Shape& shape = logits[0].shape();
  const bool alike = std::all_of(logits.begin(), logits.end(),
                                 [&](const Var& one) { return one.shape() == shape; });
  if (!alike || logits[0].value().empty() || about.targets.shape() != shape ||
      about.weights.shape() != Shape{shape.rows()}) {
    fail(op, ": logits of the first exit are ", shape, ", targets are ", about.targets.shape(),
         ", weights are ", about.weights.shape());
  }
  if (!(about.temperature > 0.0F)) fail(op, ": a temperature of ", about.temperature);
  const double all = total_weight(op, about.weights);
  const auto temperature = static_cast<double>(about.temperature);
  const std::size_t labels = shape.cols();
  std::vector<Tensor> gradients;
  for (std::size_t k = 0; k < logits.size(); ++k) gradients.emplace_back(shape);
  double total = 0.0;
  for (std::size_t b = 0; b < shape.rows(); ++b) {
    const auto target = about.targets.row(b);
    ExitMixture text;
    std::vector<ExitSoftmax> plain, soft;
    for (const Var& one : logits) {
      plain.push_back(exit_softmax(one.value().row(b), 1.0));
      soft.push_back(exit_softmax(one.value().row(b), temperature));
      double entropy = 0.0;
      double loss = 0.0;
      for (std::size_t c = 0; c < labels; ++c) {
        if (plain.back().p[c] > 0.0) entropy -= plain.back().p[c] * plain.back().log_p[c];
        loss -= static_cast<double>(target[c]) * soft.back().log_p[c];
      }
      text.entropy.push_back(entropy);
      text.loss.push_back(loss);
    }
    text.weight.assign(logits.size(), 0.0);
    text.by_entropy.assign(logits.size(), 0.0);
    mix(text);
    const double share = static_cast<double>(about.weights.data()[b]) / all;
    total += share * text.total;
    for (std::size_t k = 0; k < logits.size(); ++k) {
      const auto gradient = gradients[k].mutable_row(b);
      for (std::size_t c = 0; c < labels; ++c) {
        const double p = plain[k].p[c];
        const double by_loss = (soft[k].p[c] - static_cast<double>(target[c])) / temperature;
        const double by_entropy = p > 0.0 ? -p * (plain[k].log_p[c] + text.entropy[k]) : 0.0;
        gradient[c] = static_cast<float>(
            share * (text.weight[k] * by_loss + text.by_entropy[k] * by_entropy));
      }
    }
  }
  Var loss = record_loss(logits[0], total, gradients[0]);
  for (std::size_t k = 1; k < logits.size(); ++k) {
    loss = add(loss, record_loss(logits[k], 0.0, gradients[k]));
  }
  return loss;
}

}  // namespace detail

/// Forward:    loss = Σ_b w_b Σ_i ω_bi CE_bi / Σ_b w_b,   ω_b = softmax_i(-H_bi),
///             CE_bi = -Σ_c t_bc log softmax(z_bi / T)_c,  H_bi the entropy of softmax(z_bi)
/// Backward:   dz_bi = w_b ω_bi (softmax(z_bi / T) - t_b) / (T Σ_b w_b): ω is no path for it
///
/// A literal reading of [BEExformer]'s "soft routing", whose equation could not be read.
///   logits: one [B, C] for each of the K exits   loss: [1]
/// Throws Error if shapes do not fit, T is not positive, or the weights are not finite, not
/// negative and of a positive sum.
[[nodiscard]] inline Var softmax_entropy_loss(std::span<const Var> logits,
                                              const ExitTargets& about) {
  return detail::mixed_exit_loss(
      "softmax_entropy_loss", logits, about, [](detail::ExitMixture& text) {
        const double least = *std::min_element(text.entropy.begin(), text.entropy.end());
        double sum = 0.0;
        for (const double entropy : text.entropy) sum += std::exp(least - entropy);
        for (std::size_t k = 0; k < text.loss.size(); ++k) {
          text.weight[k] = std::exp(least - text.entropy[k]) / sum;
          text.total += text.weight[k] * text.loss[k];
        }
      });
}

/// Forward:    loss = Σ_b w_b Σ_i P_bi CE_bi / Σ_b w_b,   P_i = q_i Π_{j<i} (1 - q_j),
///             q_i = σ((δ - R_i) / τ),  R_i = (H_{i-1} - H_i) / H_{i-1},  q_1 = 0,  q_K = 1
/// Backward:   through CE and through the entropies as well: with V_K = CE_K,
///             V_i = q_i CE_i + (1 - q_i) V_{i+1},   dq_i = Π_{j<i} (1 - q_j) (CE_i - V_{i+1})
///
/// The loss where a text stops, were [BEExformer]'s rule drawn by lot: the probability to stop at
/// exit i is P_i. CE and H are as above; where H_{i-1} < 1e-12, R_i is 0.
/// Throws as softmax_entropy_loss does, and unless τ is above 0.
[[nodiscard]] inline Var expected_exit_loss(std::span<const Var> logits, const ExitTargets& about,
                                            double delta = 0.05, double tau = 0.05) {
  if (!(tau > 0.0)) fail("expected_exit_loss: tau is ", tau);
  return detail::mixed_exit_loss(
      "expected_exit_loss", logits, about, [delta, tau](detail::ExitMixture& text) {
        constexpr double certain = 1e-12;
        const std::size_t exits = text.loss.size();
        std::vector<double> q(exits, 0.0);
        for (std::size_t i = 1; i + 1 < exits; ++i) {
          const double before = text.entropy[i - 1];
          const double drop = before < certain ? 0.0 : (before - text.entropy[i]) / before;
          q[i] = 1.0 / (1.0 + std::exp((drop - delta) / tau));
        }
        q[exits - 1] = 1.0;
        std::vector<double> behind(exits);  // V_{i+1}
        double value = 0.0;
        for (std::size_t i = exits; i-- > 0;) {
          behind[i] = value;
          value = q[i] * text.loss[i] + (1.0 - q[i]) * value;
        }
        text.total = value;
        double reached = 1.0;
        for (std::size_t i = 0; i < exits; ++i) {
          text.weight[i] = q[i] * reached;
          const double before = i == 0 ? 0.0 : text.entropy[i - 1];
          if (i > 0 && i + 1 < exits && before >= certain) {
            const double by_drop =
                -reached * (text.loss[i] - behind[i]) * q[i] * (1.0 - q[i]) / tau;
            text.by_entropy[i] -= by_drop / before;
            text.by_entropy[i - 1] += by_drop * text.entropy[i] / (before * before);
          }
          reached *= 1.0 - q[i];
        }
      });
}

}  // namespace bipft
