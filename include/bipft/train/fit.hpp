#pragma once
/// fit: the one training loop.
///
/// A step is a pure function of the parameters, the optimizer's means and the step's number: the
/// order of texts, dropout and all else that is random is drawn by number (core/random.hpp). So a
/// training that was interrupted anywhere goes on as if nothing had happened, and gives the bytes
/// of one that was not.
///
/// The library prints nothing and reads no clock: what happens is told to the caller's hooks.

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "bipft/binarize/binarizers.hpp"
#include "bipft/core/menu.hpp"
#include "bipft/data/batches.hpp"
#include "bipft/device/devices.hpp"
#include "bipft/model/model.hpp"
#include "bipft/model/network.hpp"
#include "bipft/model/tape_network.hpp"
#include "bipft/train/clip.hpp"
#include "bipft/train/objective.hpp"
#include "bipft/train/optimizers.hpp"
#include "bipft/train/schedule.hpp"

namespace bipft {

struct FitOptions {
  std::size_t epochs = 3;
  std::size_t steps = 0;  ///< if not 0, instead of epochs
  std::size_t batch = 32;
  double lr = 5e-4;
  double warmup = 0.1;
  std::string schedule = "linear";
  double weight_decay = 0.01;
  double clip = 1.0;
  std::size_t patience = 0;  ///< stop after so many epochs without a better dev score; 0: never
  std::uint64_t seed = 1;
  std::string optimizer = "adamw";
  double scale_lr = 0;  ///< of the scales of binarizers; 0: lr

  void visit(auto&& option) {
    option("epochs", epochs);
    option("steps", steps);
    option("batch", batch);
    option("lr", lr);
    option("warmup", warmup);
    option("schedule", schedule);
    option("weight_decay", weight_decay);
    option("clip", clip);
    option("patience", patience);
    option("seed", seed);
    option("optimizer", optimizer);
    option("scale_lr", scale_lr);
  }
};

/// Where a training stands. With parameters and means, all that a checkpoint needs.
struct FitState {
  std::size_t step = 0;     ///< batches seen
  double loss_sum = 0;      ///< over this epoch's steps
  std::size_t right = 0;    ///< texts of this epoch whose label was found
  std::size_t seen = 0;     ///< texts of this epoch
  std::size_t counted = 0;  ///< steps of this epoch
  double best_score = -1;   ///< -1: none yet
  std::size_t best_epoch = 0;
  std::size_t stale = 0;      ///< epochs since
  double lr_factor = 1;       ///< halved once after a divergence
  std::size_t bad_steps = 0;  ///< in a row: loss or gradient were not finite
  bool stopped = false;       ///< patience has run out

  void visit(auto&& part) {
    part("step", step);
    part("loss_sum", loss_sum);
    part("right", right);
    part("seen", seen);
    part("counted", counted);
    part("best_score", best_score);
    part("best_epoch", best_epoch);
    part("stale", stale);
    part("lr_factor", lr_factor);
    part("bad_steps", bad_steps);
    part("stopped", stopped);
  }
};

struct StepReport {
  std::size_t step, steps;  ///< 1 ... steps
  std::size_t epoch, epochs;
  double loss;      ///< the mean over this epoch so far
  double accuracy;  ///< likewise
  double lr;
  double gradient_norm;
  std::size_t tokens;  ///< of this step
};

struct EpochReport {
  std::size_t epoch, epochs;  ///< 1 ... epochs
  std::size_t step;
  double loss;      ///< the mean over the epoch
  double accuracy;  ///< of training texts, while they were learnt
  double score;     ///< on the dev set; -1 without one
  double flips;     ///< share of weight signs that changed in this epoch; 0 for a float model
  bool best;        ///< the best score so far
};

struct FitHooks {
  std::function<void(const StepReport&)> on_step;
  std::function<void(const EpochReport&)> on_epoch;
  /// Asked after every step; true ends `fit` with the state as it is.
  std::function<bool()> should_stop;
  /// Called after every epoch, when the trainer can be saved.
  std::function<void()> on_safe_point;
  /// Told about things that a person should know.
  std::function<void(const std::string&)> on_warning;
  /// Brings the trainer back to its last checkpoint; false if there is none.
  std::function<bool()> restore;
};

enum class FitEnd { finished, interrupted };

/// A model in one of its forms: the best of a training so far.
struct Snapshot {
  std::optional<PackedModel> packed;      ///< of a binary model
  std::optional<ModelParameters> latent;  ///< of all others, or if latent weights are wanted
};

/// How good the logits of `texts` are; larger is better, and never below -1.
using Score = std::function<double(std::span<const std::vector<float>> logits,
                                   std::span<const EncodedText> texts)>;

/// What a training reads: its batches by their number, and how many of them are an epoch, at the
/// end of which it reports and may be saved.
struct Course {
  std::size_t per_epoch = 0;
  std::function<Batch(std::size_t step)> batch;  ///< a function of `step` alone; 0, 1, 2, ...
};

/// Texts in batches of similar length, in another order each epoch. `texts` must outlive it.
/// Throws Error if there are none, or a batch has none.
[[nodiscard]] inline Course course_of(std::span<const EncodedText> texts,
                                      const FitOptions& options) {
  if (texts.empty()) fail("fit: no texts to train on");
  if (options.batch == 0) fail("fit: batch is 0");
  const std::size_t per_epoch = (texts.size() + options.batch - 1) / options.batch;
  std::size_t shuffled_epoch = std::numeric_limits<std::size_t>::max();
  std::vector<std::vector<std::uint32_t>> batches;
  return {per_epoch, [=](std::size_t step) mutable {
            const std::size_t epoch = step / per_epoch;
            if (epoch != shuffled_epoch) {
              batches = epoch_batches(texts, options.batch, options.seed, epoch);
              shuffled_epoch = epoch;
            }
            return make_batch(texts, batches[step % per_epoch]);
          }};
}

/// A template so that no program compiles it but those that train: they call it Trainer.
template <class Model>
class BasicTrainer {
 public:
  using Objective = BasicObjective<Model>;

  /// `keep_latent`: the best model's latent weights are wanted too. `train` and `dev` must outlive
  /// the trainer; without dev texts the last model is the best. `scaffold` is what the objective
  /// learns besides.
  /// Throws Error if there is nothing to train on, or an option makes no sense.
  BasicTrainer(Model model, Device& device, const FitOptions& options,
               std::span<const EncodedText> train, std::span<const EncodedText> dev, Score score,
               bool keep_latent = false, Objective objective = ClassifyObjective{},
               std::shared_ptr<Scaffold> scaffold = nullptr)
      : BasicTrainer(std::move(model), device, options, course_of(train, options), keep_latent,
                     std::move(objective), std::move(scaffold)) {
    dev_ = dev;
    score_ = std::move(score);
  }

  /// On what `course` reads, with no dev texts: the last model is the best.
  BasicTrainer(Model model, Device& device, const FitOptions& options, Course course,
               bool keep_latent, Objective objective, std::shared_ptr<Scaffold> scaffold)
      : model_(std::move(model)),
        device_(&device),
        options_(options),
        course_(std::move(course)),
        keep_latent_(keep_latent),
        objective_(std::move(objective)),
        learnt_{&model_, scaffold ? std::move(scaffold) : std::make_shared<Scaffold>()},
        optimizer_(choose<Optimizers>("optimizer", options.optimizer, trainees())) {
    per_epoch_ = course_.per_epoch;
    if (per_epoch_ == 0) fail("fit: a course whose epochs have no steps");
    steps_ = options.steps != 0 ? options.steps : options.epochs * per_epoch_;
  }
  BasicTrainer(const BasicTrainer&) = delete;  // the optimizer points into the model
  BasicTrainer& operator=(const BasicTrainer&) = delete;

  [[nodiscard]] Model& model() { return model_; }
  [[nodiscard]] Optimizers& optimizer() { return optimizer_; }
  [[nodiscard]] Scaffold& scaffold() { return *learnt_.scaffold; }
  [[nodiscard]] FitState& state() { return state_; }
  [[nodiscard]] std::optional<Snapshot>& best() { return best_; }
  [[nodiscard]] std::size_t steps() const { return steps_; }
  [[nodiscard]] std::size_t epochs() const { return (steps_ + per_epoch_ - 1) / per_epoch_; }

  /// Whether every number that would be saved is one.
  [[nodiscard]] bool finite() {
    bool all = true;
    for_each<Parameter>(learnt_, [&](const std::string&, const Parameter& p) {
      all = all && std::isfinite(device_->dot(p.value, p.value));
    });
    return all;
  }

  /// Trains from wherever the state is to the end, or until a hook says stop.
  /// Throws Error{Fault::diverged} when the loss does not stay finite.
  FitEnd fit(const FitHooks& hooks) {
    if (steps_ == 0) return FitEnd::finished;
    const Schedules schedule = choose<Schedules>(
        "schedule", options_.schedule, Horizon{steps_, static_cast<float>(options_.warmup)});
    if (model_.config.binary()) previous_ = model_.pack(*device_);
    while (state_.step < steps_ && !state_.stopped) {
      const std::size_t epoch = state_.step / per_epoch_;
      const float lr =
          static_cast<float>(options_.lr * state_.lr_factor) * share_of(schedule, state_.step);
      step(course_.batch(state_.step), epoch, lr, hooks);
      if (state_.step % per_epoch_ == 0 || state_.step == steps_) {
        end_epoch(epoch, hooks);
        if (hooks.on_safe_point) hooks.on_safe_point();
      }
      if (hooks.should_stop && hooks.should_stop()) return FitEnd::interrupted;
    }
    return FitEnd::finished;
  }

  /// The best model, or the present one if none is scored.
  [[nodiscard]] Snapshot result() { return best_ ? *best_ : snapshot(); }

 private:
  static constexpr std::size_t most_bad_steps = 3;
  /// A mean cross-entropy beyond this is no longer learning: guessing costs log K.
  static constexpr double hopeless_loss = 1e3;

  /// All that an update changes. Parameters of the model keep their names.
  struct Learnt {
    Model* model;
    std::shared_ptr<Scaffold> scaffold;

    void visit(auto&& part) {
      model->visit(part);
      part("scaffold", *scaffold);
    }
  };

  [[nodiscard]] Trainees trainees() {
    const double share = options_.scale_lr > 0 ? options_.scale_lr / options_.lr : 1.0;
    return {device_, Trainees::of(learnt_), static_cast<float>(options_.weight_decay),
            static_cast<float>(share), static_cast<float>(options_.clip)};
  }

  void update(float lr, double norm) {
    std::visit(
        [&](auto& optimizer) {
          optimizer.step(lr, optimizer.clips_each ? 1.0F : clip_scale(norm, options_.clip));
        },
        optimizer_);
  }

  void step(const Batch& batch, std::size_t epoch, float lr, const FitHooks& hooks) {
    Tape tape(*device_);
    tape.set_random(options_.seed, state_.step);
    const Outcome outcome = objective_(tape, model_, batch);
    const double value = static_cast<double>(outcome.loss.value().data()[0]);
    tape.backward(outcome.loss);
    const double norm = gradient_norm(*device_, learnt_);
    if (!std::isfinite(value) || !std::isfinite(norm) || value > hopeless_loss) {
      bad_step(value, lr, hooks);
      return;
    }
    state_.bad_steps = 0;
    update(lr, norm);
    model_.clamp(*device_);

    ++state_.step;
    ++state_.counted;
    state_.loss_sum += value;
    state_.right += outcome.right;
    state_.seen += batch.texts.texts();
    if (!hooks.on_step) return;
    hooks.on_step({state_.step, steps_, epoch + 1, epochs(), mean_loss(), accuracy(),
                   static_cast<double>(lr), norm, batch.texts.tokens()});
  }

  /// A step whose loss or gradient is no number leaves the weights alone. Three in a row, and
  /// training goes back to its checkpoint, once, with half the learning rate.
  void bad_step(double loss, float lr, const FitHooks& hooks) {
    for_each<Parameter>(learnt_, [](const std::string&, Parameter& p) { p.clear_grad(); });
    const std::size_t at = state_.step + 1;
    if (++state_.bad_steps < most_bad_steps) {
      ++state_.step;
      if (hooks.on_warning) {
        hooks.on_warning(concat("step ", at, ": loss ", loss,
                                " or a gradient that is not finite; "
                                "the step was left out"));
      }
      return;
    }
    state_.bad_steps = 0;
    if (state_.lr_factor == 1.0 && hooks.restore && hooks.restore()) {
      state_.lr_factor = 0.5;
      if (hooks.on_warning) {
        hooks.on_warning(concat("step ", at, ": loss ", loss, "; back to step ", state_.step,
                                " with half the learning rate"));
      }
      return;
    }
    fail(Fault::diverged, "training diverged at step ", at, " (loss ", loss, ", learning rate ", lr,
         "); try --lr ", options_.lr / 4, " or --clip 1.0");
  }

  void end_epoch(std::size_t epoch, const FitHooks& hooks) {
    EpochReport report{epoch + 1, epochs(), state_.step, mean_loss(), accuracy(), -1, 0, false};
    Snapshot now = snapshot();
    if (now.packed) {
      report.flips = share_of_flips(*previous_, *now.packed);
      previous_ = now.packed;
    }
    if (!dev_.empty()) report.score = dev_score(now);
    report.best = dev_.empty() || report.score > state_.best_score;
    if (report.best) {
      state_.best_score = report.score;
      state_.best_epoch = epoch + 1;
      state_.stale = 0;
      if (!dev_.empty()) best_ = std::move(now);
    } else {
      ++state_.stale;
      state_.stopped = options_.patience != 0 && state_.stale >= options_.patience;
    }
    state_.loss_sum = 0;
    state_.counted = state_.right = state_.seen = 0;
    if (hooks.on_epoch) hooks.on_epoch(report);
  }

  [[nodiscard]] Snapshot snapshot() {
    Snapshot now;
    if (model_.config.binary()) now.packed = model_.pack(*device_);
    if (!now.packed || keep_latent_) now.latent = model_.parameters(*device_);
    return now;
  }

  [[nodiscard]] double dev_score(const Snapshot& now) {
    if (!model_.config.exits.empty()) return dev_score_of_exits();
    const Network network = now.packed               ? Network(*now.packed, *device_)
                            : model_.config.staged() ? tape_network(Model(*now.latent), *device_)
                                                     : Network(*now.latent, *device_);
    return score_(network.logits(dev_), dev_);
  }
  /// The mean of what each exit scores: the last alone would not see what a stage does that trains
  /// the others.
  [[nodiscard]] double dev_score_of_exits() {
    const std::vector<std::vector<std::vector<float>>> all =
        tape_exit_logits(model_, *device_, dev_);
    double sum = 0;
    for (const std::vector<std::vector<float>>& logits : all) sum += score_(logits, dev_);
    return sum / static_cast<double>(all.size());
  }

  [[nodiscard]] static double share_of_flips(const PackedModel& before, const PackedModel& after) {
    std::vector<BitMatrix> old;
    const auto collect = [&old](const std::string&, const auto& part, const Shape&) {
      if constexpr (std::is_same_v<std::remove_cvref_t<decltype(part)>, BitMatrix>) {
        old.push_back(part);
      }
    };
    for_each_packed(before, collect);
    const std::vector<BitMatrix> first = std::exchange(old, {});
    for_each_packed(after, collect);
    double flips = 0;
    double bits = 0;
    for (std::size_t i = 0; i < first.size(); ++i) {
      const BitView a = first[i].view();
      const BitView b = old[i].view();
      for (std::size_t w = 0; w < a.rows * a.words_per_row; ++w) {
        flips += std::popcount(a.words[w] ^ b.words[w]);
      }
      bits += static_cast<double>(a.rows) * static_cast<double>(a.cols);
    }
    return flips / bits;
  }

  [[nodiscard]] double mean_loss() const {
    return state_.counted == 0 ? 0 : state_.loss_sum / static_cast<double>(state_.counted);
  }
  [[nodiscard]] double accuracy() const {
    const double seen = static_cast<double>(state_.seen);
    return state_.seen == 0 ? 0 : static_cast<double>(state_.right) / seen;
  }

  Model model_;
  Device* device_;
  FitOptions options_;
  Course course_;
  std::span<const EncodedText> dev_;
  Score score_;
  bool keep_latent_;
  Objective objective_;
  Learnt learnt_;
  Optimizers optimizer_;
  FitState state_;
  std::optional<Snapshot> best_;         // on the dev set, if there is one
  std::optional<PackedModel> previous_;  // at the last end of an epoch, to count flips
  std::size_t per_epoch_ = 0;
  std::size_t steps_ = 0;
};

using Trainer = BasicTrainer<Model>;

}  // namespace bipft
