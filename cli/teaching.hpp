#pragma once
/// Teaching: the objective of a student, made of its teacher's file.

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "any_model.hpp"
#include "bipft/core/error.hpp"
#include "bipft/device/devices.hpp"
#include "bipft/device/runners.hpp"
#include "bipft/model/model.hpp"
#include "bipft/model/model_file.hpp"
#include "bipft/model/network.hpp"
#include "bipft/model/tape_network.hpp"
#include "bipft/train/distill_objective.hpp"
#include "bipft/train/fit.hpp"
#include "console.hpp"
#include "train_options.hpp"
#include "training_data.hpp"

namespace bipft::cli {

struct Teaching {
  Trainer::Objective objective;
  std::shared_ptr<Scaffold> scaffold;
};

/// The teacher's network as it answers, on the tape.
[[nodiscard]] inline std::shared_ptr<Model> teacher_model(const ModelFile& file) {
  if (!file.packed) return std::make_shared<Model>(*file.latent);
  auto model = std::make_shared<Model>(Model::unpack(*file.packed, active_device()));
  model->embedding.binary.reset();  // its words are levels already
  return model;
}

/// How a student of `card` learns the texts of `data` from `teacher`, whose labels it has. Says
/// what is compared with what.
/// Throws Error{Fault::usage} where the student reads longer texts than its teacher.
[[nodiscard]] inline Teaching learn_from(const ModelFile& teacher, const ModelCard& card,
                                         const Vocabulary& vocabulary, const TrainingData& data,
                                         const Recipe& recipe,
                                         const std::optional<ExitTraining>& exits,
                                         Console& console) {
  const DistillOptions& options = recipe.distill;
  const ModelConfig& theirs = teacher.card.config;
  const ModelConfig& ours = card.config;
  const bool bibert = card.method == "bibert";
  const bool one_label = card.answer == AnswerKind::label;
  if (options.hard_labels.value_or(0) > 0 && !one_label) {
    fail("--hard-labels: is for texts of one label each; leave it out");
  }
  const double hard_labels = options.hard_labels.value_or(bibert && one_label ? 0.5 : 0.0);
  DistillObjective objective{.teacher = {},
                             .temperature = static_cast<float>(options.temperature),
                             .hard_labels = static_cast<float>(hard_labels),
                             .label_smoothing = static_cast<float>(recipe.learn.label_smoothing),
                             .one_label = one_label,
                             .directions = bibert,
                             .exits = exits};
  const bool one_vocabulary =
      teacher.vocabulary.bytes() == vocabulary.bytes() &&
      to_json(teacher.card.tokenizer).dump() == to_json(card.tokenizer).dump();
  if (!one_vocabulary) {
    console.say("teacher: another vocabulary, so its logits alone are learnt");
    const WordPiece tokenizer(teacher.vocabulary, teacher.card.tokenizer);
    const std::vector<double> ones(data.labels.size(), 1.0);
    const std::vector<EncodedText> texts =
        encode_all(data.train, data.labels, ones, tokenizer, theirs.max_len, card.scale);
    Tensor logits(Shape{texts.size(), theirs.labels});
    std::size_t row = 0;
    for (const std::vector<float>& of_text : network_of(teacher).logits(texts)) {
      std::ranges::copy(of_text, logits.mutable_row(row++).begin());
    }
    objective.teacher = teacher_of_logits(std::move(logits));
    return {objective, objective.scaffold};
  }
  if (ours.max_len > theirs.max_len) {
    fail("--max-len ", ours.max_len, ": the teacher reads texts of at most ", theirs.max_len,
         " tokens");
  }
  const bool attention = bibert && ours.heads == theirs.heads;
  objective.teacher = teacher_of(teacher_model(teacher), options.logits_only ? Telling::logits
                                                         : attention         ? Telling::attention
                                                                             : Telling::hidden);
  if (options.logits_only) return {objective, objective.scaffold};
  if (bibert) {
    console.say("teacher: directions are compared, of hidden states",
                attention ? ", queries, keys and values"
                          : " alone, as the teacher has another number of heads");
  }
  objective.scaffold = make_scaffold(ours.hidden, theirs.hidden, recipe.learn.seed);
  if (objective.scaffold->projection) {
    console.say("teacher: hidden states are projected from a width of ", ours.hidden, " to ",
                theirs.hidden);
  }
  if (ours.layers != theirs.layers) {
    std::string map;
    for (std::size_t l = 0; l <= ours.layers; ++l) {
      map += concat(l == 0 ? "" : ", ", l, " from ",
                    state_to_learn_from(l, ours.layers, theirs.layers));
    }
    console.say("teacher: layers learn from layers: ", map);
  }
  return {objective, objective.scaffold};
}

}  // namespace bipft::cli
