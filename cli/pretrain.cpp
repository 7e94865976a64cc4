#include "pretrain.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "bipft/core/error.hpp"
#include "bipft/device/devices.hpp"
#include "bipft/io/file.hpp"
#include "bipft/model/classifier.hpp"
#include "bipft/train/fit.hpp"
#include "bipft/train/pretraining_heads.hpp"
#include "foundation.hpp"
#include "output.hpp"
#include "outputs.hpp"
#include "pretraining.hpp"
#include "progress.hpp"
#include "recipe.hpp"
#include "running.hpp"
#include "stages.hpp"
#include "start.hpp"

namespace bipft::cli {

namespace {

/// What pre-training has no use for is refused, not ignored.
void check_options(const TrainOptions& options, const std::vector<std::string>& texts) {
  const Recipe& recipe = options.recipe;
  if (texts.empty()) fail("train: DATA is missing: plain text, a paragraph a line");
  if (!recipe.learn.learns()) fail("--epochs 0: pre-training that learns nothing");
  const LearnOptions& learn = recipe.learn;
  const DataOptions& data = recipe.data;
  const bool labels = !data.text.empty() || !data.text2.empty() || !data.label.empty() ||
                      !data.weight.empty() || !data.task.empty() || data.no_header ||
                      data.regression || data.multi_label || recipe.dev_split ||
                      learn.label_smoothing > 0 || !learn.class_weight.empty();
  if (labels) {
    fail("--objective mlm: DATA is plain text, with neither columns nor labels; leave options of ",
         "columns, labels, tasks and --dev-split out");
  }
  if (learn.patience) fail("--patience: pre-training ends after its steps; leave it out");
  const DistillOptions& distill = recipe.distill;
  if (distill.stages || distill.logits_only || distill.hard_labels) {
    fail("--objective mlm: of a teacher's options none but --teacher is for pre-training; ",
         "see --losses");
  }
  if (options.teacher.size() > 1) fail("--teacher: pre-training has one teacher");
}

/// The command as it must be repeated, and what it was about.
Json provenance(const TrainOptions& options, const Corpora& corpora, const Corpora* dev,
                const ModelFile* start, const ModelFile* teacher, const Vocabulary& vocabulary) {
  const std::string given = given_options(options.recipe);
  std::string digests;
  for (const Corpus& corpus : corpora.corpora()) {
    digests += concat(digests.empty() ? "" : ",", "sha256:", corpus.digest());
  }
  Json train = Json::object();
  train.set("command", concat("bipft train ", given))
      .set("version", version())
      .set("seed", options.recipe.learn.seed)
      .set("pieces", corpora.pieces())
      .set("data_sha256", digests)
      .set("init", start == nullptr ? "random" : concat("sha256:", start->digest))
      .set("vocabulary_sha256", digest_of(vocabulary.bytes()));
  if (dev != nullptr) train.set("dev_sha256", dev->corpora().front().digest());
  if (teacher != nullptr) train.set("teacher", identity_of(*teacher, options.teacher.front()));
  return train;
}

/// Throws Error{Fault::usage} unless the teacher can read what its student reads.
void check_teacher(const ModelFile& teacher, const ModelCard& card, const Vocabulary& vocabulary,
                   std::size_t piece_len) {
  if (teacher.vocabulary.bytes() != vocabulary.bytes() ||
      bipft::to_json(teacher.card.tokenizer).dump() != bipft::to_json(card.tokenizer).dump()) {
    fail("--teacher: has another vocabulary, and so no word for word; leave --vocab, --vocab-size ",
         "and --init out, or pre-train without a teacher");
  }
  if (piece_len > teacher.card.config.max_len) {
    fail("--piece-len ", piece_len, ": the teacher reads texts of at most ",
         teacher.card.config.max_len, " tokens");
  }
}

}  // namespace

void check_no_pretraining(const TrainOptions& options) {
  const PretrainOptions& pretrain = options.recipe.pretrain;
  const char* const option = pretrain.losses                    ? "--losses"
                             : pretrain.no_nsp                  ? "--no-nsp"
                             : !pretrain.corpus_weights.empty() ? "--corpus-weights"
                             : pretrain.piece_len               ? "--piece-len"
                             : !options.cache.empty()           ? "--cache"
                                                                : nullptr;
  if (option != nullptr) fail(option, ": is for --objective mlm");
}

int pretrain(TrainOptions options, const std::vector<std::string>& texts, Words words) {
  check_options(options, texts);
  const ExitOptions& exit = options.recipe.exit;
  if (exit.exits || exit.pooling || exit.loss || exit.doubts || !exit.wanted_rule().empty()) {
    fail(
        "--exits, --exit and what belongs to them: exits tell labels apart, which --objective mlm ",
        "has none of; give them to the training that goes on from this model");
  }
  Console console(options.common);
  Output output;
  const bool regular = is_regular(options.output);
  const std::string checkpoint = checkpoint_of(options);
  check_outputs(options, texts, checkpoint);
  const std::vector<std::size_t> weights =
      parse_weights(options.recipe.pretrain.corpus_weights, texts.size());
  std::unique_ptr<FileLock> lock;
  if (regular) lock = std::make_unique<FileLock>(options.output);

  // Whom to begin with, and whom to learn from.
  Recipe& recipe = options.recipe;
  Beginning begins_with = begin_with(options, console);
  std::vector<ModelFile> teachers = read_teachers(options, console);
  ModelFile* const teacher = teachers.empty() ? nullptr : &teachers.front();
  ModelFile* start = begins_with.model ? &*begins_with.model : nullptr;
  if (options.init == "auto" && teacher != nullptr) {
    const bool fits = shaped_like(options, teacher->card.config);
    if (fits) start = teacher;
    console.say("init: ",
                fits ? "the teacher's weights" : "random, as the teacher has another shape");
  }
  const ModelFile* const like = start != nullptr ? start : teacher;
  ModelCard card;
  card.tokenizer = wanted_tokenizer(recipe.shape, start);
  if (start == nullptr && teacher != nullptr && options.vocab.empty() && !recipe.shape.vocab_size) {
    card.tokenizer = teacher->card.tokenizer;
  }
  if (like != nullptr) card.license = like->card.license;
  card.config = wanted_config(recipe, start);
  card.config.labels = 0;
  check_vocabulary_options(options, start);

  // What to learn.
  const bool learns_vocabulary =
      start == nullptr && options.vocab.empty() && (teacher == nullptr || recipe.shape.vocab_size);
  const auto vocabulary = std::make_shared<const Vocabulary>(
      wanted_vocabulary(options, card.tokenizer, start, teacher,
                        learns_vocabulary ? beginnings_of(texts) : Dataset{}, console));
  card.config.vocabulary = vocabulary->size();
  card.config.check();
  const std::size_t piece_len =
      recipe.pretrain.piece_len.value_or(std::min<std::size_t>(128, card.config.max_len));
  if (piece_len > card.config.max_len) {
    fail("--piece-len ", piece_len, ": the model reads texts of at most ", card.config.max_len,
         " tokens; name a higher --max-len");
  }
  if (teacher != nullptr) check_teacher(*teacher, card, *vocabulary, piece_len);
  begins_with.tell(console);
  const PretrainObjective objective =
      pretrain_objective(options, start, teacher, card.config, console);

  // The texts.
  const WordPiece tokenizer(*vocabulary, card.tokenizer);
  CorpusCaches caches(options, texts, regular);
  std::vector<Corpus> opened;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    opened.push_back(
        caches.open(texts[i], i == 0 ? "" : concat('.', i + 1), tokenizer, piece_len, console));
  }
  const auto corpora =
      std::make_shared<const Corpora>(std::move(opened), weights, recipe.learn.seed);
  std::shared_ptr<const Corpora> dev_corpora;
  std::optional<PretrainDev> dev;
  if (!options.dev.empty()) {
    std::vector<Corpus> one;
    one.push_back(caches.open(options.dev, ".dev", tokenizer, piece_len, console));
    dev_corpora = std::make_shared<const Corpora>(std::move(one), std::vector<std::size_t>(),
                                                  PretrainDev::seed);
    dev.emplace(dev_corpora, vocabulary, form_of(recipe, objective.losses));
  }
  card.train = provenance(options, *corpora, dev_corpora.get(), start, teacher, *vocabulary);
  recipe::pretrain(recipe.learn, card.config.weight_bits == 1 && objective.losses.taught_hidden);
  const std::size_t latent_bits = recipe.shape.latent_bits;
  card.method = method_of(card.config, wanted_method(recipe, start));
  card.kind = card.config.staged()    ? "staged"
              : !card.config.binary() ? "float"
              : latent_bits != 0      ? "trainable"
                                      : "packed";

  // The training.
  const PieceForm form = form_of(recipe, objective.losses);
  const PretrainingBatches batches(corpora, vocabulary, form, recipe.learn.batch);
  FitOptions fit = recipe.learn.fit(card.config.weight_bits == 1);
  if (fit.steps == 0) fit.steps = fit.epochs * batches.per_epoch();
  const std::vector<std::string> no_new_head =
      start != nullptr ? start->card.labels : std::vector<std::string>();
  Trainer trainer(first_model(card.config, recipe.learn.seed, start, no_new_head, console),
                  active_device(), fit, Course{std::min(options.report_every, fit.steps), batches},
                  latent_bits != 0, objective, objective.scaffold);
  describe_model(card.config, console);
  console.say(
      "pre-training: ", trainer.steps(), " steps of ", fit.batch, " pieces, ",
      fixed(static_cast<double>(trainer.steps()) / static_cast<double>(batches.per_epoch()), 2),
      " times the text, ", fit.optimizer, " at ", fit.lr);
  Running running(trainer, card, *vocabulary, checkpoint, options.save_every, console);
  if (options.resume) running.resume();
  TrainingLog log(options.log, options.resume, console);
  Progress progress(console, log, objective.losses.pairs(), "part");
  FitHooks hooks;
  hooks.on_step = [&](const StepReport& report) { progress.step(report); };
  hooks.on_epoch = [&](const EpochReport& report) {
    Json figures = Json::object();
    if (dev) figures = to_json(dev->glance(trainer.model(), objective));
    progress.epoch(report, card.config.binary(), dev ? &figures : nullptr);
  };
  if (const int code = running.run(hooks); code != 0) {
    if (!checkpoint.empty()) console.error("go on with: ", resume_command(words));
    return code;
  }

  // The result.
  ModelFile file{card, *vocabulary, {}, {}, {}, 0};
  if (dev) {
    const PretrainFigures figures = dev->whole(trainer.model(), objective);
    file.card.metrics = to_json(figures).set("n", figures.tokens);
  }
  Snapshot result = trainer.result();
  file.packed = std::move(result.packed);
  file.latent = std::move(result.latent);
  // What goes on learning may go on with its heads; what is deployed has no use for them.
  const std::vector<NamedTensor> heads =
      file.latent ? heads_to_save(*objective.scaffold) : std::vector<NamedTensor>();
  keep_latent(file, latent_bits);
  save_model(options.output, file, heads);
  if (!checkpoint.empty()) (void)::unlink(checkpoint.c_str());
  caches.remove();
  Json summary = Json::object();
  summary.set("model", options.output).set("kind", card.kind).set("metrics", file.card.metrics);
  if (regular) {
    const Classifier written = load_classifier(options.output);
    summary.set("file_bytes", written.file_bytes()).set("id", concat("sha256:", written.digest()));
    console.say("wrote ", options.output, ": ", grouped(written.file_bytes()), " bytes, ",
                card.kind, ", without a head: train --init ", options.output, " gives it one");
  }
  if (options.common.json) {
    output.write(summary.dump() + '\n');
    output.flush();
  }
  return 0;
}

}  // namespace bipft::cli
