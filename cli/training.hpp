#pragma once
/// Training: `fit` with what a person expects around it: progress, checkpoints, and a clean end
/// when it is interrupted.

#include <sys/stat.h>

#include <algorithm>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "aims.hpp"
#include "any_model.hpp"
#include "bipft/core/error.hpp"
#include "bipft/device/devices.hpp"
#include "bipft/kernels/dispatch.hpp"
#include "bipft/model/classifier.hpp"
#include "bipft/train/checkpoint.hpp"
#include "bipft/train/fit.hpp"
#include "console.hpp"
#include "progress.hpp"
#include "signals.hpp"
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
    Teaching teaching{objective_of(card.answer, learn, weights), nullptr};
    if (teacher != nullptr) {
      teaching = learn_from(*teacher, card, vocabulary, data, options.recipe, console);
    }
    trainer_.emplace(std::move(model), active_device(), learn.fit(card.config.weight_bits == 1),
                     std::span<const EncodedText>(train_), std::span<const EncodedText>(dev_),
                     score, options.recipe.shape.latent_bits == 32, teaching.objective,
                     teaching.scaffold);
    // What runs the model is no part of it, but decides about the last bits of float sums.
    card_.unknown.emplace_back(target_key, kernels::active().name);
  }

  /// Goes back to the checkpoint, if there is one.
  void resume() {
    if (checkpoint_.empty() || !exists()) {
      console_.say("resume: there is no checkpoint ", checkpoint_, "; the training begins anew");
      return;
    }
    const Checkpoint saved(checkpoint_);
    saved.expect(card_.train, card_.config);
    for (const auto& [key, value] : saved.card().unknown) {
      if (key != target_key || value == kernels::active().name) continue;
      console_.warn("resume: the training began with kernels ", value, " and goes on with ",
                    kernels::active().name, "; the bytes of its model may differ");
    }
    saved.restore(*trainer_);
    console_.say("resume: from step ", trainer_->state().step, " of ", trainer_->steps());
  }

  /// Exit code 0 when the training is over, 130 or 143 when it was stopped.
  [[nodiscard]] int run() {
    TrainingLog log(options_.log, options_.resume || options_.log_begun, console_);
    Progress progress(console_, log, card_.answer != AnswerKind::value);
    Signals signals;
    FitHooks hooks;
    hooks.on_step = [&](const StepReport& report) { progress.step(report); };
    hooks.on_epoch = [&](const EpochReport& report) {
      progress.epoch(report, card_.config.binary());
    };
    hooks.on_warning = [&](const std::string& text) { console_.warn(text); };
    hooks.on_safe_point = [&] {
      if (trainer_->state().step < trainer_->steps()) save_if_possible();
    };
    hooks.should_stop = [&] {
      const std::size_t step = trainer_->state().step;
      const bool due = options_.save_every > 0 && step % options_.save_every == 0;
      if ((signals.take_save() || due) && !signals.stop()) save_if_possible();
      return signals.stop();
    };
    hooks.restore = [&] {
      if (checkpoint_.empty() || !exists() || !saved_) return false;
      Checkpoint(checkpoint_).restore(*trainer_);
      return true;
    };
    try {
      if (trainer_->fit(hooks) == FitEnd::finished) return 0;
    } catch (const Error& error) {
      if (error.fault() != Fault::diverged || checkpoint_.empty() || !exists()) throw;
      fail(Fault::diverged, error.what(), ". Last good: ", checkpoint_);
    }
    if (checkpoint_.empty()) {
      console_.error("interrupted at step ", trainer_->state().step,
                     "; nothing is saved, for there is no --checkpoint");
      return signals.exit_code();
    }
    save();
    console_.error("interrupted at step ", trainer_->state().step, " of ", trainer_->steps(),
                   "; saved ", checkpoint_);
    return signals.exit_code();
  }

  [[nodiscard]] Snapshot result() { return trainer_->result(); }
  [[nodiscard]] std::size_t best_epoch() { return trainer_->state().best_epoch; }

  /// What `file` answers on the dev set.
  [[nodiscard]] std::vector<Prediction> answers(const ModelFile& file) const {
    const Classifier model = classifier_of(file);
    return model.predict(std::span<const EncodedText>(dev_));
  }

 private:
  static constexpr std::string_view target_key = "bipft.target";

  [[nodiscard]] bool exists() const {
    struct stat status {};
    return ::stat(checkpoint_.c_str(), &status) == 0;
  }
  void save() {
    save_checkpoint(checkpoint_, *trainer_, card_, vocabulary_);
    saved_ = true;
  }
  /// A full disk is no reason to lose a training: the old checkpoint stays, and the next may
  /// succeed.
  void save_if_possible() {
    if (checkpoint_.empty()) return;
    try {
      save();
    } catch (const Error& error) {
      if (error.fault() != Fault::system) throw;
      console_.warn(error.what(), "; the training goes on");
    }
  }

  const TrainOptions& options_;
  ModelCard card_;
  const Vocabulary& vocabulary_;
  std::string checkpoint_;
  Console& console_;
  std::vector<EncodedText> train_, dev_;
  std::optional<Trainer> trainer_;
  bool saved_ = false;  // by this process, or it was resumed
};

}  // namespace bipft::cli
