#pragma once
/// Stages: what a distillation does, one training after the other, each taught by the one before.

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "bipft/core/error.hpp"
#include "bipft/model/model_file.hpp"
#include "bipft/train/checkpoint.hpp"
#include "console.hpp"
#include "options.hpp"
#include "recipe.hpp"
#include "train_options.hpp"

namespace bipft::cli {

struct Stage {
  std::size_t weight_bits = 1;
  std::size_t act_bits = 1;
  bool tunes = false;  ///< learns labels in full precision, to teach the rest

  [[nodiscard]] std::string name() const { return concat(weight_bits, '-', act_bits); }
};

/// "32-32,1-2,1-1". Throws Error{Fault::usage} for what is no such list.
[[nodiscard]] inline std::vector<Stage> parse_stages(const std::string& text) {
  std::vector<Stage> stages;
  for (const std::string_view part : split(text, ',')) {
    const std::vector<std::string_view> bits = split(part, '-');
    const auto weight = number_in<std::size_t>(bits.front());
    const auto act = number_in<std::size_t>(bits.back());
    if (bits.size() != 2 || !weight || !act) {
      fail("--stages: '", part, "' is not the bits of weights and of activations, as in 32-32,1-1");
    }
    stages.push_back({*weight, *act, stages.empty() && *weight == 32 && *act == 32});
  }
  return stages;
}

/// Whether a student of these options has the teacher's shape and vocabulary, and so can begin with
/// its weights.
[[nodiscard]] inline bool shaped_like(const TrainOptions& options, const ModelConfig& teacher) {
  const ShapeOptions& shape = options.recipe.shape;
  const auto same = [](const std::optional<std::size_t>& asked, std::size_t value) {
    return !asked || *asked == value;
  };
  return !shape.preset && options.vocab.empty() && !shape.vocab_size &&
         same(shape.layers, teacher.layers) && same(shape.hidden, teacher.hidden) &&
         same(shape.heads, teacher.heads) && same(shape.ffn, teacher.ffn) &&
         (!shape.max_len || *shape.max_len <= teacher.max_len);
}

/// The stages of this training: those of --stages, or what the recipe has for this teacher. A
/// teacher whose head is for other labels learns these first; one that knows them is not tuned.
/// Throws Error{Fault::usage} for stages that cannot be.
[[nodiscard]] inline std::vector<Stage> plan_stages(const TrainOptions& options,
                                                    const ModelFile* teacher,
                                                    const ModelCard& wanted, Console& console) {
  const DistillOptions& distill = options.recipe.distill;
  std::vector<Stage> stages;
  if (distill.stages) {
    stages = parse_stages(*distill.stages);
  } else {
    stages.push_back({wanted.config.weight_bits, wanted.config.act_bits, false});
  }
  for (const Stage& stage : stages) {
    if (!wanted.config.gated() || stage.weight_bits != 1 || stage.act_bits == 32) continue;
    fail("--stages ", distill.stages.value_or(stage.name()),
         ": BEExformer's gates multiply floats, ", "so there is no ", stage.name(), " of it");
  }
  for (const Stage& stage : stages) {
    if (wanted.config.weight_bits != 1 || !wanted.config.plain()) break;
    if (stage.weight_bits != 1 || stage.act_bits == 1) continue;
    fail("--stages ", distill.stages.value_or(stage.name()), ": BiBERT's activations have no ",
         "scales, so there is no ", stage.name(), " of it");
  }
  if (teacher == nullptr) {
    if (distill.stages && (stages.size() < 2 || !stages.front().tunes)) {
      fail("--stages ", *distill.stages,
           ": without --teacher the first is 32-32, which teaches the others");
    }
    return stages;
  }
  const bool knows = teacher->card.labels == wanted.labels && teacher->card.answer == wanted.answer;
  if (stages.front().tunes && knows) {
    stages.erase(stages.begin());
    console.say("stages: the teacher knows these labels, so 32-32 is done");
  } else if (!stages.front().tunes && !knows) {
    console.say("stages: the teacher has no head for these labels, so it learns them first");
    stages.insert(stages.begin(), Stage{32, 32, true});
  }
  if (stages.empty()) fail("--stages 32-32: there is nobody left to teach");
  if (stages.front().tunes && teacher->card.kind != "float") {
    fail("--teacher: a model of kind ", teacher->card.kind,
         " with a head for other labels cannot be tuned; name a float model");
  }
  return stages;
}

/// The options of one stage. What was not asked for is the recipe's.
[[nodiscard]] inline TrainOptions options_of(const TrainOptions& all, const Stage& stage,
                                             bool begun, bool last) {
  TrainOptions options = all;
  ShapeOptions& shape = options.recipe.shape;
  LearnOptions& learn = options.recipe.learn;
  shape.weight_bits = stage.weight_bits;
  shape.act_bits = stage.act_bits;
  if (!last) shape.latent_bits = 32;  // for the next one to begin with
  if (!stage.tunes) {
    // A recipe's patience would end a training before the stage in which its exits learn.
    const std::string loss = options.recipe.exit.loss.value_or("sum");
    const bool staged = ExitTraining{exit_loss_called(loss)}.in_stages();
    if (staged && !learn.patience) learn.patience = 0;
    recipe::distil(learn, stage.act_bits);
    return options;
  }
  options.recipe.exit = {};  // a teacher answers after all its layers
  if (begun) {               // with a model's weights and shape
    shape = {};
    shape.method = "float";
    shape.max_len = all.recipe.shape.max_len;
    shape.latent_bits = 32;
  }
  shape.embedding_bits = 32;
  const DistillOptions& distill = all.recipe.distill;
  learn.epochs = distill.teacher_epochs;
  learn.steps = 0;
  learn.patience.reset();
  learn.lr = distill.teacher_lr.value_or(begun ? 5e-5 : 5e-4);
  learn.batch = distill.teacher_batch;
  learn.dropout.reset();
  learn.optimizer.reset();
  learn.scale_lr.reset();
  return options;
}

/// What a stage does, for a person: what was asked for and what the recipe chose.
[[nodiscard]] inline std::string summary_of(const Stage& stage, const TrainOptions& options) {
  const LearnOptions& learn = options.recipe.learn;
  const FitOptions fit = learn.fit(stage.weight_bits == 1);
  return concat(stage.name(), stage.tunes ? " bits, from labels: " : " bits, taught: ",
                fit.steps != 0 ? fit.steps : fit.epochs, fit.steps != 0 ? " steps" : " epochs",
                " of ", fit.batch, " texts a step, ", fit.optimizer, " at ", fit.lr,
                fit.scale_lr > 0 ? concat(", scales at ", fit.scale_lr) : "", ", dropout ",
                learn.dropout_rate(stage.weight_bits == 1),
                fit.patience != 0 ? concat(", patience ", fit.patience) : "");
}

/// Where the results of finished stages wait while the training is not over: models beside the
/// checkpoint.
class StageFiles {
 public:
  /// `checkpoint` empty: results are kept in memory alone.
  StageFiles(std::string checkpoint, std::size_t stages)
      : checkpoint_(std::move(checkpoint)), stages_(stages) {}

  /// The result of stage i of a training that `train` describes, if it was finished before.
  [[nodiscard]] std::optional<ModelFile> finished(std::size_t i, const Json& train) const {
    if (checkpoint_.empty() || i + 1 >= stages_ || !exists(path(i))) return std::nullopt;
    ModelFile file = load_model(path(i));
    const std::string changed = bipft::detail::differences(train, file.card.train);
    if (!changed.empty()) {
      fail(Fault::usage, path(i), " is of another training (", changed,
           "); resume with the same data and options, or start anew without --resume");
    }
    return file;
  }
  void finish(std::size_t i, const ModelFile& result) const {
    if (checkpoint_.empty() || i + 1 >= stages_) return;
    save_model(path(i), result);
    (void)::unlink(checkpoint_.c_str());
  }
  /// Whether the checkpoint is of the stage that `train` describes: one that was stopped between
  /// two stages may have left that of the first.
  [[nodiscard]] bool checkpoint_is_of(const Json& train) const {
    if (stages_ < 2 || checkpoint_.empty() || !exists(checkpoint_)) return true;
    const auto then = Checkpoint(checkpoint_).card().train.find("stage");
    return !then || then->dump() == train["stage"].dump();
  }
  void remove() const {
    if (checkpoint_.empty()) return;
    (void)::unlink(checkpoint_.c_str());
    for (std::size_t i = 0; i + 1 < stages_; ++i) (void)::unlink(path(i).c_str());
  }

 private:
  [[nodiscard]] std::string path(std::size_t i) const { return concat(checkpoint_, '.', i + 1); }
  [[nodiscard]] static bool exists(const std::string& path) {
    struct stat status {};
    return ::stat(path.c_str(), &status) == 0;
  }

  std::string checkpoint_;
  std::size_t stages_;
};

}  // namespace bipft::cli
