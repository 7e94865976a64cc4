#pragma once
/// ExitLoss: the losses of all exits as one, the ways that papers know.

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "bipft/core/error.hpp"
#include "bipft/ops/activation.hpp"
#include "bipft/ops/arithmetic.hpp"
#include "bipft/ops/distillation_losses.hpp"
#include "bipft/ops/exit_losses.hpp"

namespace bipft {

/// With L_i the loss of exit i of K, i from 1:
enum class ExitLoss {
  sum,              ///< Σ L_i
  mean,             ///< Σ L_i / K
  depth,            ///< Σ i L_i / Σ i                                                    [PABEE]
  softmax_entropy,  ///< weighed by how sure each exit is (ops/exit_losses.hpp)
  expected,         ///< where texts would stop, likewise
  equilibrium,      ///< Σ L_i, each layer getting the mean of the gradients  [ElasticBERT]
  two_stage,        ///< L_K, then the inner heads alone with Σ_{i<K} L_i              [DeeBERT]
  self_distill,     ///< L_K, then the inner heads alone with Σ_{i<K} KL(p_K, p_i)    [FastBERT]
  alternate,        ///< L_K in even steps, counted from 0, and Σ L_i in odd ones      [BERxiT]
  last,             ///< L_K: exits learn nothing
};

inline constexpr std::array<std::string_view, 10> exit_loss_names{
    "sum",         "mean",      "depth",        "softmax_entropy", "expected",
    "equilibrium", "two_stage", "self_distill", "alternate",       "last"};

/// Throws Error{Fault::usage}, with the list, if there is none of that name.
[[nodiscard]] inline ExitLoss exit_loss_called(std::string_view name) {
  std::string all;
  for (std::size_t i = 0; i < exit_loss_names.size(); ++i) {
    if (exit_loss_names[i] == name) return static_cast<ExitLoss>(i);
    all += concat(all.empty() ? "" : ", ", exit_loss_names[i]);
  }
  fail("no loss of exits is called '", name, "'; choose one of: ", all);
}

/// How a model with exits learns. What a step does depends on its number alone, so that a training
/// goes on as it would have.
struct ExitTraining {
  ExitLoss loss = ExitLoss::sum;
  std::size_t steps = 0;  ///< of the whole training, of which stages take a half each
  bool one_label = true;  ///< whether logits are a choice among labels

  [[nodiscard]] bool in_stages() const {
    return loss == ExitLoss::two_stage || loss == ExitLoss::self_distill;
  }
  [[nodiscard]] bool balanced() const { return loss == ExitLoss::equilibrium; }
  /// Goes by entropies, so that it is for texts with one label each.
  [[nodiscard]] bool by_entropy() const {
    return loss == ExitLoss::softmax_entropy || loss == ExitLoss::expected;
  }
  /// Whether in this step only the inner heads learn: nothing else has a gradient, and so the
  /// optimizer leaves it alone.
  [[nodiscard]] bool frozen(std::uint64_t step) const { return in_stages() && 2 * step >= steps; }

  /// [K]: what each L_i is multiplied by in this step; 0 of those that do not count.
  [[nodiscard]] std::vector<float> coefficients(std::size_t exits, std::uint64_t step) const {
    std::vector<float> all(exits, 1.0F);
    const auto count = static_cast<float>(exits);
    const auto last_alone = [&] {
      for (std::size_t i = 0; i + 1 < exits; ++i) all[i] = 0.0F;
    };
    switch (loss) {
      case ExitLoss::sum:
      case ExitLoss::softmax_entropy:
      case ExitLoss::expected:
      case ExitLoss::equilibrium:
        break;
      case ExitLoss::mean:
        all.assign(exits, 1.0F / count);
        break;
      case ExitLoss::depth:
        for (std::size_t i = 0; i < exits; ++i) {
          all[i] = 2.0F * static_cast<float>(i + 1) / (count * (count + 1.0F));
        }
        break;
      case ExitLoss::two_stage:
      case ExitLoss::self_distill:
        frozen(step) ? static_cast<void>(all.back() = 0.0F) : last_alone();
        break;
      case ExitLoss::alternate:
        if (step % 2 == 0) last_alone();
        break;
      case ExitLoss::last:
        last_alone();
        break;
    }
    return all;
  }
};

/// Labels as distributions: 1 - smoothing, and smoothing / K for every label.   labels: [B]
[[nodiscard]] inline ExitTargets exit_targets(const IdTensor& labels, const Tensor& weights,
                                              std::size_t classes, float smoothing) {
  ExitTargets about{Tensor(Shape{labels.numel(), classes}), weights};
  for (std::size_t b = 0; b < labels.numel(); ++b) {
    const auto row = about.targets.mutable_row(b);
    for (float& one : row) one = smoothing / static_cast<float>(classes);
    row[static_cast<std::size_t>(labels.data()[b])] += 1.0F - smoothing;
  }
  return about;
}

/// What a teacher says as distributions, softened by its temperature.   logits: [B, K]
[[nodiscard]] inline ExitTargets exit_targets(const Tensor& logits, float temperature) {
  ExitTargets about{Tensor(logits.shape()), Tensor(Shape{logits.rows()}, 1.0F), temperature};
  for (std::size_t b = 0; b < logits.rows(); ++b) {
    const auto soft = detail::exit_softmax(logits.row(b), static_cast<double>(temperature));
    const auto row = about.targets.mutable_row(b);
    for (std::size_t k = 0; k < row.size(); ++k) row[k] = static_cast<float>(soft.p[k]);
  }
  return about;
}
/// Targets, and how much they count.
using WeighedTargets = std::vector<std::pair<ExitTargets, float>>;

/// Of numbers and label sets, which no softmax tells apart.
[[nodiscard]] inline WeighedTargets no_exit_targets() {
  fail("this loss of exits goes by the probabilities of labels that exclude each other");
}

/// How wrong answers are, [B, 1]: 1 where it is another label.   logits: [B, K]   labels: [B]
[[nodiscard]] inline Tensor wrong_labels(const Tensor& logits, const IdTensor& labels) {
  Tensor wrong(Shape{logits.rows(), 1});
  for (std::size_t b = 0; b < logits.rows(); ++b) {
    const auto row = logits.row(b);
    const auto best = std::max_element(row.begin(), row.end()) - row.begin();
    wrong.mutable_data()[b] = best == labels.data()[b] ? 0.0F : 1.0F;
  }
  return wrong;
}
/// The same of numbers, |tanh(z - target)| [BERxiT], the largest of a row.   both: [B, K]
[[nodiscard]] inline Tensor wrong_values(const Tensor& logits, const Tensor& targets) {
  Tensor wrong(Shape{logits.rows(), 1});
  for (std::size_t b = 0; b < logits.rows(); ++b) {
    float& worst = wrong.mutable_data()[b];
    for (std::size_t k = 0; k < logits.cols(); ++k) {
      const double apart = static_cast<double>(logits.row(b)[k] - targets.row(b)[k]);
      worst = std::max(worst, static_cast<float>(std::abs(std::tanh(apart))));
    }
  }
  return wrong;
}
/// The same of label sets: 1 where a label is missing, or one too many.   both: [B, K]
[[nodiscard]] inline Tensor wrong_sets(const Tensor& logits, const Tensor& targets) {
  Tensor wrong(Shape{logits.rows(), 1});
  for (std::size_t b = 0; b < logits.rows(); ++b) {
    for (std::size_t k = 0; k < logits.cols(); ++k) {
      const bool same = (logits.row(b)[k] >= 0.0F) == (targets.row(b)[k] > 0.5F);
      if (!same) wrong.mutable_data()[b] = 1.0F;
    }
  }
  return wrong;
}

/// KL(p_K, p_i) but for the entropy of p_K, which does not change; of what is no choice among
/// labels mean (z_i - z_K)².   z_i, z_K: [B, K]
[[nodiscard]] inline Var exit_distance(const Var& logits, const Tensor& last, bool one_label) {
  if (!one_label) return mean_squared_error(logits, last);
  return scale(soft_cross_entropy(logits, last), static_cast<float>(last.cols()));
}

/// The loss of all exits of a model over one batch, and the logits of its last. Heads that do not
/// count in this step are computed all the same: so their binarizers see data, and find their
/// scale.
///   states: of hidden_states, as balanced as `how` is
///   loss_of(logits): L_i, a Var   targets_of(): WeighedTargets, the same as distributions; losses
///   that go by entropies alone ask for them   wrong_of(logits): [B, 1], how wrong they are, to 1
/// Where a head tells doubts there is besides, for that head alone, Σ_{i<K} mean (u_i - wrong_i)²,
/// in every step. [BERxiT]'s code leaves it out of some steps by a slip.
/// [FastBERT]'s rate in its second stage is ten times that of the first; here it is the schedule's.
template <class Model, class LossOf, class TargetsOf, class WrongOf>
[[nodiscard]] std::pair<Var, Var> exit_loss(const ExitTraining& how, Tape& tape, Model& model,
                                            std::vector<Var> states, const Ragged& texts,
                                            const LossOf& loss_of, const TargetsOf& targets_of,
                                            const WrongOf& wrong_of) {
  const bool frozen = how.frozen(tape.step());
  if (frozen) {
    for (Var& state : states) state = tape.constant(state.value());
  }
  std::vector<Var> doubts;
  const std::vector<Var> logits = model.exit_logits(states, texts, how.balanced(), &doubts);
  std::vector<Var> terms;
  if (how.by_entropy()) {
    for (const auto& [targets, factor] : targets_of()) {
      const Var term = how.loss == ExitLoss::expected ? expected_exit_loss(logits, targets)
                                                      : softmax_entropy_loss(logits, targets);
      terms.push_back(factor == 1.0F ? term : scale(term, factor));
    }
  } else {
    const std::vector<float> share = how.coefficients(logits.size(), tape.step());
    for (std::size_t i = 0; i < logits.size(); ++i) {
      if (share[i] == 0.0F) continue;
      if (frozen && how.loss == ExitLoss::self_distill) {
        terms.push_back(exit_distance(logits[i], logits.back().value(), how.one_label));
        continue;
      }
      const Var term = loss_of(logits[i]);
      terms.push_back(share[i] == 1.0F ? term : scale(term, share[i]));
    }
  }
  for (std::size_t i = 0; i < doubts.size(); ++i) {
    terms.push_back(mean_squared_error(sigmoid(doubts[i]), wrong_of(logits[i].value())));
  }
  if (terms.empty()) fail("exit loss: stages for a model without inner exits");
  Var loss = terms.front();
  for (std::size_t i = 1; i < terms.size(); ++i) loss = add(loss, terms[i]);
  return {loss, logits.back()};
}

}  // namespace bipft
