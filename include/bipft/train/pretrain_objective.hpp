#pragma once
/// PretrainObjective: what a model learns from plain text, by itself or from a teacher.
///
/// [BERT] §3.1 and [BiPFT]. Square brackets name papers listed in bipft/README.md.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "bipft/data/batches.hpp"
#include "bipft/model/config.hpp"
#include "bipft/nn/init.hpp"
#include "bipft/ops/arithmetic.hpp"
#include "bipft/ops/distillation_losses.hpp"
#include "bipft/ops/losses.hpp"
#include "bipft/ops/select.hpp"
#include "bipft/train/distill_objective.hpp"
#include "bipft/train/objective.hpp"

namespace bipft {

/// Which terms a loss is made of. Each may stand alone.
struct PretrainLosses {
  bool words = true;           ///< masked words
  bool next = true;            ///< whether the second text follows the first
  bool taught_next = false;    ///< what the teacher says of that
  bool taught_hidden = false;  ///< the teacher's hidden states

  [[nodiscard]] bool any() const { return words || taught() || next; }
  [[nodiscard]] bool taught() const { return taught_next || taught_hidden; }
  [[nodiscard]] bool pairs() const { return next || taught_next; }
};

/// The heads that `losses` ask for, random, and the projection to a teacher of another width.
[[nodiscard]] inline std::shared_ptr<Scaffold> make_pretrain_scaffold(const PretrainLosses& losses,
                                                                      const ModelConfig& config,
                                                                      std::size_t teacher_hidden,
                                                                      std::uint64_t seed) {
  auto scaffold = std::make_shared<Scaffold>();
  if (losses.taught_hidden) scaffold = make_scaffold(config.hidden, teacher_hidden, seed);
  const Initializer init{seed, "scaffold", initial_deviation(config.hidden)};
  if (losses.words) {
    scaffold->words.emplace(config.hidden, config.vocabulary, config.norm_epsilon,
                            init.at("words"));
  }
  if (losses.pairs()) scaffold->next_sentence.emplace(config.hidden, 2, init.at("next_sentence"));
  return scaffold;
}

/// A teacher of hidden states and, where it has a head for that, of whether texts follow.
template <class Model>
[[nodiscard]] Teacher pretraining_teacher(std::shared_ptr<Model> model,
                                          std::shared_ptr<Linear> next_sentence = nullptr) {
  return [model = std::move(model), head = std::move(next_sentence)](Device& device,
                                                                     const Batch& batch) {
    Tape tape(device, Tape::Mode::inference);
    const std::vector<Var> states = model->hidden_states(tape, batch);
    Lesson lesson;
    if (head) lesson.logits = (*head)(model->pool(states.back(), batch.texts)).value();
    for (const Var& state : states) lesson.hidden.push_back(state.value());
    return lesson;
  };
}

/// The terms of a loss over one batch, those that were asked for, and how well it was guessed.
struct PretrainTerms {
  std::optional<Var> words, next, taught_next, taught_hidden;
  std::size_t words_right = 0;  ///< of batch.masked; counted on request
  std::size_t next_right = 0;   ///< of the texts
};

/// L = CE(masked words) + CE(next) + SCE(next, teacher's)
///     + 1/(L + 1) Σ_l mean (h_l^S - h_l^T)²                                    [BiPFT]'s code
/// over the masked words of a batch, its pairs, and the L + 1 hidden states; each a mean, and all
/// weights 1. SCE is the mean over both logits of a pair (ops/distillation_losses.hpp). States of
/// another width are projected, of another number are mapped, as DistillObjective does.
///
/// Student and teacher read the same masked text. The teacher has no dropout, where [BiPFT]'s has:
/// that makes its lessons noise.
///
/// The word embedding, where masked words are learnt, is also the matrix that tells them: then each
/// of its rows has a gradient at every step, and AdamW updates all of them (train/adamw.hpp), not
/// only those of the batch.
struct PretrainObjective {
  PretrainLosses losses;
  Teacher teacher;  ///< none where nothing is taught
  std::shared_ptr<Scaffold> scaffold;

  template <class Model>
  [[nodiscard]] Outcome operator()(Tape& tape, Model& model, const Batch& batch) const {
    const PretrainTerms terms = terms_of(tape, model, batch);
    std::optional<Var> loss;
    for (const auto& term : {terms.words, terms.next, terms.taught_next, terms.taught_hidden}) {
      if (term) loss = loss ? add(*loss, *term) : *term;
    }
    if (!loss) fail("PretrainObjective: no loss was asked for");
    return {*loss, terms.next_right};
  }

  /// `count_words`: find words_right, a look at every logit.
  /// Throws Error if the batch has nothing masked, or nobody teaches, where that is asked for.
  template <class Model>
  [[nodiscard]] PretrainTerms terms_of(Tape& tape, Model& model, const Batch& batch,
                                       bool count_words = false,
                                       std::vector<Var>* states_out = nullptr) const {
    if (losses.taught() && !teacher) fail("PretrainObjective: a lesson without a teacher");
    const Lesson lesson = losses.taught() ? teacher(tape.device(), batch) : Lesson{};
    const std::vector<Var> states = model.hidden_states(tape, batch);
    // Computed also where nobody asks: so the pooler's binarizers see data, and find their scale.
    const Var pooled = model.pool(states.back(), batch.texts);
    PretrainTerms terms;
    if (losses.words) {
      if (batch.masked.empty()) fail("PretrainObjective: nothing in the batch is masked");
      const Var logits =
          (*scaffold->words)(select_rows(states.back(), batch.masked), model.embedding.word);
      const Tensor ones(batch.masked.shape(), 1.0F);
      terms.words = cross_entropy(logits, batch.masked_ids, ones);
      if (count_words) terms.words_right = count_right(logits.value(), batch.masked_ids);
    }
    if (losses.pairs()) {
      const Var logits = (*scaffold->next_sentence)(pooled);
      terms.next_right = count_right(logits.value(), batch.labels);
      if (losses.next) terms.next = cross_entropy(logits, batch.labels, batch.weights);
      if (losses.taught_next) terms.taught_next = soft_cross_entropy(logits, lesson.logits);
    }
    if (losses.taught_hidden) {
      std::optional<Linear>& projection = scaffold->projection;
      std::optional<Var> sum;
      for (std::size_t l = 0; l < states.size(); ++l) {
        const std::size_t from =
            state_to_learn_from(l, states.size() - 1, lesson.hidden.size() - 1);
        const Var state = projection ? (*projection)(states[l]) : states[l];
        const Var apart = mean_squared_error(state, lesson.hidden[from]);
        sum = sum ? add(*sum, apart) : apart;
      }
      terms.taught_hidden = scale(*sum, 1.0F / static_cast<float>(states.size()));
    }
    if (states_out != nullptr) *states_out = states;
    return terms;
  }
};

}  // namespace bipft
