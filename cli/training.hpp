#pragma once
/// Training: `fit` with what a person expects around it: progress, checkpoints, and a clean end
/// when it is interrupted.

#include <algorithm>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "aims.hpp"
#include "any_model.hpp"
#include "bipft/core/error.hpp"
#include "bipft/device/devices.hpp"
#include "bipft/model/classifier.hpp"
#include "bipft/train/fit.hpp"
#include "console.hpp"
#include "progress.hpp"
#include "running.hpp"
#include "teaching.hpp"
#include "train_options.hpp"
#include "training_data.hpp"

namespace bipft::cli {

/// One training, from its first step or its checkpoint to its best model.
class Training {
 public:
  Training(const TrainOptions& options, const TrainingData& data, const ModelCard& card,
           const Vocabulary& vocabulary, Model model, std::string checkpoint, Console& console,
           const ModelFile* teacher = nullptr)
      : options_(options),
        card_(card),
        vocabulary_(vocabulary),
        checkpoint_(std::move(checkpoint)),
        console_(console) {
    const WordPiece tokenizer(vocabulary, card.tokenizer);
    const std::vector<double> weights = class_weights(options.recipe.learn.class_weight, data);
    const std::vector<double> ones(data.labels.size(), 1.0);
    train_ =
        encode_all(data.train, data.labels, weights, tokenizer, card.config.max_len, card.scale);
    dev_ = encode_all(data.dev, data.labels, ones, tokenizer, card.config.max_len, card.scale);
    const Score score = score_of(card.answer, metric_of(data.task));
    const LearnOptions& learn = options.recipe.learn;
    const FitOptions fit = learn.fit(card.config.weight_bits == 1);
    const std::size_t steps =
        fit.steps != 0 ? fit.steps : fit.epochs * course_of(train_, fit).per_epoch;
    const std::optional<ExitTraining> exits =
        exit_training_of(card.config, card.answer, options.recipe, steps);
    Teaching teaching{objective_of(card.answer, learn, weights, exits), nullptr};
    if (teacher != nullptr) {
      teaching = learn_from(*teacher, card, vocabulary, data, options.recipe, exits, console);
    }
    trainer_.emplace(std::move(model), active_device(), fit, std::span<const EncodedText>(train_),
                     std::span<const EncodedText>(dev_), score,
                     options.recipe.shape.latent_bits != 0, teaching.objective, teaching.scaffold);
    running_.emplace(*trainer_, card_, vocabulary_, checkpoint_, options.save_every, console);
  }

  /// Goes back to the checkpoint, if there is one.
  void resume() { running_->resume(); }

  /// Exit code 0 when the training is over, 130 or 143 when it was stopped.
  [[nodiscard]] int run() {
    TrainingLog log(options_.log, options_.resume || options_.log_begun, console_);
    Progress progress(console_, log, card_.answer != AnswerKind::value);
    FitHooks hooks;
    hooks.on_step = [&](const StepReport& report) { progress.step(report); };
    hooks.on_epoch = [&](const EpochReport& report) {
      progress.epoch(report, card_.config.binary());
    };
    return running_->run(std::move(hooks));
  }

  [[nodiscard]] Snapshot result() { return trainer_->result(); }
  [[nodiscard]] std::size_t best_epoch() { return trainer_->state().best_epoch; }

  /// What `file` answers on the dev set.
  [[nodiscard]] std::vector<Prediction> answers(const ModelFile& file) const {
    const Classifier model = classifier_of(file);
    return model.predict(std::span<const EncodedText>(dev_));
  }

 private:
  const TrainOptions& options_;
  ModelCard card_;
  const Vocabulary& vocabulary_;
  std::string checkpoint_;
  Console& console_;
  std::vector<EncodedText> train_, dev_;
  std::optional<Trainer> trainer_;
  std::optional<Running> running_;
};

}  // namespace bipft::cli
