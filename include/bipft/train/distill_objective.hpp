#pragma once
/// DistillObjective: a student learns to say what its teacher says, and to think what it thinks.
///
/// [BiT] §"Multi-distilled binary BERT", or by directions as in [BiBERT]; hidden states of another
/// width as in [TinyBERT]. Square brackets name papers listed in bipft/README.md.

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "bipft/data/batches.hpp"
#include "bipft/nn/attention.hpp"
#include "bipft/nn/init.hpp"
#include "bipft/ops/arithmetic.hpp"
#include "bipft/ops/direction.hpp"
#include "bipft/ops/distillation_losses.hpp"
#include "bipft/train/objective.hpp"

namespace bipft {

/// What a teacher tells of a batch.
enum class Telling { logits, hidden, attention };  ///< each with those before

/// What a teacher says of a batch.
struct Lesson {
  Tensor logits;               ///< [B, K]
  std::vector<Tensor> hidden;  ///< the L + 1 hidden states, [N, C] each; none: logits alone
  std::vector<std::array<Tensor, 3>> attention;  ///< queries, keys and values of the L layers, or
                                                 ///< none
};
using Teacher = std::function<Lesson(Device&, const Batch&)>;

/// A teacher that reads the ids of its student: both have one vocabulary. It is frozen and has no
/// dropout, as in BiT's code for SQuAD and in BiBERT's; BiT's for GLUE leaves the dropout of the
/// teacher on, which comes from the code it was built upon and makes its lessons noise. Binary
/// teachers are read in bits.
template <class Model>
[[nodiscard]] Teacher teacher_of(std::shared_ptr<Model> model, Telling tells = Telling::hidden) {
  return [model = std::move(model), tells](Device& device, const Batch& batch) {
    Tape tape(device, Tape::Mode::inference);
    Lesson lesson;
    std::vector<AttentionInputs> inputs;
    const std::vector<Var> states =
        model->hidden_states(tape, batch, tells == Telling::attention ? &inputs : nullptr);
    lesson.logits = model->classify(states.back(), batch.texts).value();
    if (tells == Telling::logits) return lesson;
    for (const Var& state : states) lesson.hidden.push_back(state.value());
    for (const AttentionInputs& of : inputs) {
      lesson.attention.push_back({of.query.value(), of.key.value(), of.value.value()});
    }
    return lesson;
  };
}

/// A teacher that has read all texts in a vocabulary of its own, before: its logits of each, and
/// nothing about tokens that its student does not have.   logits: [n, K], in the texts' order
[[nodiscard]] inline Teacher teacher_of_logits(Tensor logits) {
  return [logits = std::move(logits)](Device& device, const Batch& batch) {
    IdTensor texts = IdTensor::uninitialized(Shape{batch.order.size()});
    for (std::size_t b = 0; b < batch.order.size(); ++b) {
      texts.mutable_data()[b] = static_cast<std::int32_t>(batch.order[b]);
    }
    return Lesson{device.gather(logits, texts), {}, {}};
  };
}

/// The teacher's hidden state that the student's i-th learns from, of L + 1 each: the first from
/// the embeddings, the last from the last layer, those between evenly, i L_teacher / L_student to
/// the nearest, halves up.
[[nodiscard]] inline std::size_t state_to_learn_from(std::size_t i, std::size_t student_layers,
                                                     std::size_t teacher_layers) {
  return (2 * i * teacher_layers + student_layers) / (2 * student_layers);
}

/// The projection that makes a student's hidden states as wide as its teacher's; none where they
/// are. One for all layers, as [TinyBERT]'s code has it. Random at first, of a deviation that
/// neither widens nor narrows what it is given.
[[nodiscard]] inline std::shared_ptr<Scaffold> make_scaffold(std::size_t student_hidden,
                                                             std::size_t teacher_hidden,
                                                             std::uint64_t seed) {
  auto scaffold = std::make_shared<Scaffold>();
  if (student_hidden == teacher_hidden) return scaffold;
  const float deviation = 1.0F / std::sqrt(static_cast<float>(student_hidden));
  scaffold->projection.emplace(student_hidden, teacher_hidden,
                               Initializer{seed, "scaffold.projection", deviation});
  return scaffold;
}

/// L = SCE(z_S / T, z_T / T) + Σ_l mean (h_l^S - h_l^T)² [+ w CE(z_S, labels)]        [BiT] §3.4
/// over the L + 1 hidden states l of embeddings and layers, each a mean over all its numbers. The
/// sum over layers is BiT's, BiPFT takes the mean. SCE is the mean over B K elements
/// (ops/distillation_losses.hpp). Where logits are no choice of one label, numbers or a label set,
/// it is mean (z_S - z_T)²: published code keeps SCE for a single logit, whose gradient is then 0,
/// so that nothing trains the head of a regression but weight decay.
/// Labels are not used, w = 0; BiBERT's w is 1/2.
/// By directions, [BiBERT]'s way, with d = direction_distance and R = relation (ops/direction.hpp):
/// L = SCE(z_S / T, z_T / T) + w CE(z_S, labels) + Σ_l d(h_l^S, h_l^T)
///     + Σ_l Σ_F∈{Q,K,V} d(R(F_l^S), R(F_l^T))        over the L layers, where the teacher tells F
/// Where states differ in width, h_l^S is scaffold.projection(h_l^S); where they differ in number,
/// state_to_learn_from says which is compared with which.
struct DistillObjective {
  Teacher teacher;
  float temperature = 1.0F;                ///< T
  float hard_labels = 0.0F;                ///< w
  float label_smoothing = 0.0F;            ///< of labels
  bool one_label = true;                   ///< whether logits are a choice among labels
  bool directions = false;                 ///< compared, rather than numbers
  std::optional<ExitTraining> exits = {};  ///< how exits learn: each of them what the last does
  std::shared_ptr<Scaffold> scaffold = std::make_shared<Scaffold>();

  /// Throws Error if student and teacher have logits of other labels.
  template <class Model>
  [[nodiscard]] Outcome operator()(Tape& tape, Model& student, const Batch& batch) const {
    const Lesson lesson = teacher(tape.device(), batch);
    std::vector<AttentionInputs> inputs;
    const std::vector<Var> states = student.hidden_states(
        tape, batch, lesson.attention.empty() ? nullptr : &inputs, exits && exits->balanced());
    if (exits) {
      const auto soft_of = [&](const Var& z) { return with_labels(soft(z, lesson), z, batch); };
      const auto [loss, last] = exit_loss(
          *exits, tape, student, states, batch.texts, soft_of,
          [&] { return targets(lesson, batch); },
          [&](const Tensor& answers) {
            return one_label ? wrong_labels(answers, batch.labels)
                             : wrong_values(answers, lesson.logits);
          });
      const std::size_t right = one_label ? count_right(last.value(), batch.labels) : 0;
      if (exits->frozen(tape.step())) return {loss, right};  // the encoder learns nothing
      return {with_states(loss, student, states, inputs, lesson, batch), right};
    }
    const Var logits = student.classify(states.back(), batch.texts);
    const Var loss = with_states(soft(logits, lesson), student, states, inputs, lesson, batch);
    return {with_labels(loss, logits, batch),
            one_label ? count_right(logits.value(), batch.labels) : 0};
  }

 private:
  /// SCE, or mean (z_S - z_T)².
  [[nodiscard]] Var soft(const Var& logits, const Lesson& lesson) const {
    return one_label ? soft_cross_entropy(logits, lesson.logits, temperature)
                     : mean_squared_error(logits, lesson.logits);
  }
  /// loss + w CE(z_S, labels)
  [[nodiscard]] Var with_labels(const Var& loss, const Var& logits, const Batch& batch) const {
    if (!(hard_labels > 0.0F)) return loss;
    const Var hard = cross_entropy(logits, batch.labels, batch.weights, label_smoothing);
    return add(loss, scale(hard, hard_labels));
  }
  /// Both as distributions. SCE is a K-th of the usual.
  [[nodiscard]] WeighedTargets targets(const Lesson& lesson, const Batch& batch) const {
    if (!one_label) return no_exit_targets();
    const std::size_t labels = lesson.logits.cols();
    WeighedTargets all{
        {exit_targets(lesson.logits, temperature), 1.0F / static_cast<float>(labels)}};
    if (hard_labels > 0.0F) {
      all.emplace_back(exit_targets(batch.labels, batch.weights, labels, label_smoothing),
                       hard_labels);
    }
    return all;
  }
  /// loss + what tells hidden states, and attention's operands, from the teacher's
  template <class Model>
  [[nodiscard]] Var with_states(Var loss, Model& student, const std::vector<Var>& states,
                                const std::vector<AttentionInputs>& inputs, const Lesson& lesson,
                                const Batch& batch) const {
    for (std::size_t l = 0; !lesson.hidden.empty() && l < states.size(); ++l) {
      const std::size_t from = state_to_learn_from(l, states.size() - 1, lesson.hidden.size() - 1);
      std::optional<Linear>& projection = scaffold->projection;
      const Var state = projection ? (*projection)(states[l]) : states[l];
      loss = add(loss, directions ? direction_distance(state, lesson.hidden[from])
                                  : mean_squared_error(state, lesson.hidden[from]));
    }
    for (std::size_t l = 0; l < inputs.size(); ++l) {
      const std::size_t from = state_to_learn_from(l + 1, inputs.size(), lesson.attention.size());
      const std::array<Tensor, 3>& theirs = lesson.attention[std::max<std::size_t>(from, 1) - 1];
      const std::array<Var, 3> ours{inputs[l].query, inputs[l].key, inputs[l].value};
      for (std::size_t f = 0; f < 3; ++f) {
        loss = add(loss, relation_distance(ours[f], theirs[f], batch.texts, student.config.heads));
      }
    }
    return loss;
  }
  /// Whose heads may differ in width, but not in number.
  [[nodiscard]] static Var relation_distance(const Var& ours, const Tensor& theirs,
                                             const Ragged& texts, std::size_t heads) {
    Tape quiet(ours.device(), Tape::Mode::inference);
    const Tensor target = relation(quiet.constant(theirs), texts, heads).value();
    return direction_distance(relation(ours, texts, heads), target);
  }
};

}  // namespace bipft
