/// bipft train: from labelled texts to a model that runs on bits.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "any_model.hpp"
#include "bipft/core/error.hpp"
#include "bipft/device/devices.hpp"
#include "bipft/io/file.hpp"
#include "bipft/io/folder.hpp"
#include "bipft/model/classifier.hpp"
#include "commands.hpp"
#include "exits.hpp"
#include "foundation.hpp"
#include "judge.hpp"
#include "outputs.hpp"
#include "pretrain.hpp"
#include "report.hpp"
#include "stages.hpp"
#include "start.hpp"
#include "train_options.hpp"
#include "training.hpp"
#include "training_data.hpp"
#include "verb.hpp"

namespace bipft::cli {

namespace {

constexpr std::string_view usage =
    "bipft train DATA... -o MODEL [options]    learn, or go on learning\n"
    "\n"
    "  bipft train reviews.tsv -o reviews.bipft\n"
    "  bipft train train.csv --dev dev.csv --text body --label team --preset mini -o teams.bipft\n"
    "  bipft train more.tsv --init reviews.bipft --epochs 1 --lr 1e-4 -o better.bipft\n"
    "  bipft train reviews.tsv --init bert-folder --method float -o teacher.bipft\n"
    "  bipft train reviews.tsv --teacher large.bipft -o reviews.bipft\n"
    "  bipft train reviews.tsv --exits all --exit-budget 0.5% -o fast.bipft\n"
    "  bipft train wiki.txt --objective mlm --teacher bert-folder -o foundation.bipft\n"
    "\n"
    "DATA is TSV with a header, CSV, JSON lines, or fastText's lines. The model is one file: "
    "bits,\n"
    "vocabulary and labels. A training that was stopped goes on with the same command and "
    "--resume.\n";

/// The command as it must be repeated, and what it was about: what a resumed training must agree
/// with.
Json provenance(const TrainOptions& options, const TrainingData& data, const ModelFile* start,
                std::span<const ModelFile> teachers, const Vocabulary& vocabulary) {
  Recipe asked = options.recipe;
  if (asked.learn.warmup == FitOptions{}.warmup) asked.learn.warmup.reset();
  if (asked.learn.weight_decay == FitOptions{}.weight_decay) asked.learn.weight_decay.reset();
  if (asked.learn.clip == FitOptions{}.clip) asked.learn.clip.reset();
  const bool distils = !teachers.empty() || asked.distill.stages.has_value();
  if (!distils) {  // what is the default anyway need not be said again
    if (asked.learn.epochs == FitOptions{}.epochs) asked.learn.epochs.reset();
    if (asked.learn.patience == FitOptions{}.patience) asked.learn.patience.reset();
  }
  const std::string given = given_options(asked);
  Json train = Json::object();
  train.set("command", concat("bipft train", given.empty() ? "" : " ", given))
      .set("version", version())
      .set("seed", options.recipe.learn.seed)
      .set("texts", data.train.size())
      .set("data_sha256", digest_of(data.train))
      .set("dev_texts", data.dev.size())
      .set("dev_sha256", digest_of(data.dev))
      .set("init", start == nullptr ? "random" : concat("sha256:", start->digest))
      .set("vocabulary_sha256", digest_of(vocabulary.bytes()));
  std::string identities;
  for (std::size_t i = 0; i < teachers.size(); ++i) {
    identities += concat(i == 0 ? "" : ",", identity_of(teachers[i], options.teacher[i]));
  }
  if (!teachers.empty()) train.set("teacher", identities);
  return train;
}

std::string labels_text(const TrainingData& data, const ModelCard& card) {
  std::vector<std::size_t> counts(data.labels.size());
  if (card.answer == AnswerKind::value) {
    return concat("numbers around ", card.scale.mean, " with a spread of ", card.scale.spread);
  }
  if (card.answer == AnswerKind::labels) {
    for (const std::vector<std::uint32_t>& set : label_sets(data.train, data.labels)) {
      for (const std::uint32_t label : set) ++counts[label];
    }
  } else {
    for (const std::uint32_t label : label_ids(data.train, data.labels)) ++counts[label];
  }
  std::string labels = "labels ";
  constexpr std::size_t most = 10;
  for (std::size_t k = 0; k < std::min(most, counts.size()); ++k) {
    labels += concat(k == 0 ? "" : ", ", data.labels[k], ' ', counts[k]);
  }
  if (counts.size() > most) labels += concat(" and ", counts.size() - most, " more");
  return labels;
}

void describe(const TrainingData& data, const ModelCard& card, Console& console) {
  console.say("data: ", data.train.size(), data.train.pairs ? " pairs" : " texts", ", ",
              labels_text(data, card));
  describe_model(card.config, console);
}

/// The exits of `now`, with the poolers of `before` where that has such an exit: bits that went
/// through latent weights may come back as others.
std::vector<PackedExit> exits_of(const PackedModel& now, const PackedModel& before) {
  std::vector<PackedExit> exits = now.exits;
  const std::vector<std::size_t> layers = now.config.inner_exits();
  const std::vector<std::size_t> old = before.config.inner_exits();
  for (std::size_t i = 0; i < exits.size(); ++i) {
    const auto found = std::ranges::find(old, layers[i]);
    if (found == old.end()) continue;
    const PackedExit& same = before.exits[static_cast<std::size_t>(found - old.begin())];
    exits[i].pooler = same.pooler;
    exits[i].pooler_norm = same.pooler_norm;
  }
  return exits;
}

/// What --epochs 0 writes: the model of --init, in its own bits wherever they are asked for.
Snapshot untrained(const ModelConfig& config, ModelFile* start, Model model, bool with_latent) {
  Snapshot now;
  if (config.binary()) {
    now.packed = model.pack(active_device());
    if (start != nullptr && start->packed &&
        start->card.config.embedding_bits == config.embedding_bits &&
        same_form(start->card.config, config)) {
      PackedClassifier head = now.packed->classifier;
      Tensor positions = now.packed->embedding.position;
      std::vector<PackedExit> exits = exits_of(*now.packed, *start->packed);
      PackedClassifier doubt = now.packed->exit_doubt;
      now.packed = start->packed;
      now.packed->config = config;
      now.packed->classifier = std::move(head);
      now.packed->exits = std::move(exits);
      now.packed->exit_doubt = std::move(doubt);
      now.packed->embedding.position = std::move(positions);
    }
  }
  if (!config.binary() || with_latent) now.latent = model.parameters(active_device());
  return now;
}

double budget_of(const TrainOptions& options) {
  return exit_budget(options.recipe.exit.budget.value_or("0.5%"));
}

}  // namespace

int train(Words words_given) {
  TrainOptions options;
  const std::vector<std::string> data_paths = parse(options, words_given);
  if (options.common.help) return print_help<TrainOptions>(usage), 0;
  LearnOptions& learn = options.recipe.learn;
  if (options.output.empty()) fail("train: -o MODEL is missing: where shall the model go?");
  if (data_paths.empty() &&
      (learn.learns() || options.init == "random" || options.init == "auto")) {
    fail("train: DATA is missing; bipft help train shows how it is called");
  }
  prepare(options.common);
  if (options.recipe.pretrains()) return pretrain(options, data_paths, words_given);
  check_no_pretraining(options);
  Console console(options.common);
  Output output;

  const bool regular = is_regular(options.output);
  const std::string checkpoint = checkpoint_of(options);
  check_outputs(options, data_paths, checkpoint);
  std::unique_ptr<FileLock> lock;
  if (regular) lock = std::make_unique<FileLock>(options.output);

  // Whatever can be wrong without DATA is wrong before it is read.
  Beginning begins_with = begin_with(options, console);
  std::vector<ModelFile> teachers = read_teachers(options, console);
  if (!learn.learns() && (!teachers.empty() || options.recipe.distill.stages)) {
    fail("--epochs 0 learns nothing; leave --teacher and --stages out");
  }
  ModelFile* start = begins_with.model ? &*begins_with.model : nullptr;
  ModelFile* const teacher = teachers.empty() ? nullptr : &teachers.front();
  if (options.init == "auto" && teacher != nullptr) {
    const bool fits = shaped_like(options, teacher->card.config);
    if (fits) start = teacher;
    console.say("init: ",
                fits ? "the teacher's weights" : "random, as the teacher has another shape");
  }
  ModelCard card;
  if (teacher != nullptr) card = teacher->card;
  if (start != nullptr) card = start->card;
  card.tokenizer = wanted_tokenizer(options.recipe.shape, start);
  if (start == nullptr && teacher != nullptr && options.vocab.empty() &&
      !options.recipe.shape.vocab_size) {
    card.tokenizer = teacher->card.tokenizer;
  }
  card.config = wanted_config(options.recipe, start);
  if (start == nullptr && teacher != nullptr && !options.recipe.shape.max_len) {
    card.config.max_len = std::min(card.config.max_len, teacher->card.config.max_len);
  }
  check_vocabulary_options(options, start);
  if (teacher == nullptr && goes_on_in_floats(start, card.config) && learn.learns() && !learn.lr) {
    learn.lr = fine_tuning_lr(card.config);
    console.say("init: learning rate ", *learn.lr, ", as for what was trained before; --lr wins");
  }

  TrainingData data{
      .task = task_of(options.recipe.data,
                      data_paths.empty() ? std::string_view(card.task) : Classification::name),
      .labels = {},
      .train = {},
      .dev = {}};
  if (!data_paths.empty()) {
    data = read_training_data(data_paths, options.dev, options.recipe, card.answer, card.labels,
                              console);
  } else {
    data.labels = card.labels;
    data.train.pairs = card.pairs;
    data.train.answer = card.answer;
  }
  card.task = std::visit([](const auto& task) { return std::string(task.name); }, data.task);
  card.pairs = data.train.pairs;
  const ModelFile* const like = start != nullptr ? start : teacher;
  const bool same_head =
      like != nullptr && like->card.answer == data.train.answer && like->card.labels == data.labels;
  card.answer = data.train.answer;
  // A model that is begun with, or taught by, gives its unit of numbers, and so what logits mean.
  if (!same_head) card.scale = {};
  if (card.answer == AnswerKind::value && !same_head) card.scale = scale_of(data.train);
  if (learn.learns() || !same_head) card.temperature = 1.0F;
  if (learn.learns() || !same_head || like->card.config.exits != card.config.exits) {
    card.exit_rule.clear();
    card.exit_temperatures.clear();
  }
  card.labels = data.labels;
  const Vocabulary vocabulary =
      wanted_vocabulary(options, card.tokenizer, start, teacher, data.train, console);
  card.train = provenance(options, data, start, teachers, vocabulary);
  card.metrics = Json::object();

  begins_with.tell(console);
  const std::vector<Stage> stages = plan_stages(options, teacher, card, console);
  const StageFiles files(checkpoint, stages.size());
  std::deque<ModelFile> results;  // where they stay: each begins and teaches the next
  ModelFile* teaches = teacher;
  ModelFile file{card, vocabulary, {}, {}, {}, 0};
  Json summary = Json::object();
  std::size_t taught = 0;
  const auto hand_on = [&](const Stage& stage, ModelFile result) {
    results.push_back(std::move(result));
    teaches = &results.back();
    const bool begins = !stage.tunes || options.init == "auto";
    if (begins && shaped_like(options, teaches->card.config)) start = teaches;
    if (!stage.tunes && ++taught < teachers.size()) teaches = &teachers[taught];
  };
  for (std::size_t i = 0; i < stages.size(); ++i) {
    const Stage& stage = stages[i];
    const bool last = i + 1 == stages.size();
    const bool distils = !stage.tunes && teaches != nullptr;
    const bool many = stages.size() > 1;
    ModelFile* const begins = stage.tunes && teacher != nullptr ? teacher : start;
    TrainOptions now =
        distils || many ? options_of(options, stage, begins != nullptr, last) : options;
    now.log_begun = i > 0;
    ModelCard of = card;
    Vocabulary words = vocabulary;
    if (stage.tunes && teacher != nullptr) {  // in its own vocabulary
      of.tokenizer = teacher->card.tokenizer;
      words = teacher->vocabulary;
    }
    of.config = distils || many ? wanted_config(now.recipe, begins) : card.config;
    if (begins == nullptr) of.config.max_len = card.config.max_len;
    of.config.vocabulary = words.size();
    of.config.labels = of.labels.size();
    of.config.check();
    const std::size_t latent_bits = now.recipe.shape.latent_bits;
    of.method = method_of(of.config, wanted_method(now.recipe, begins));
    of.kind = of.config.staged()    ? "staged"
              : !of.config.binary() ? "float"
              : latent_bits != 0    ? "trainable"
                                    : "packed";
    of.latent_bits = 32;
    if (many) {
      of.train.set("stage", concat(i + 1, " of ", stages.size(), ": ", stage.name()));
    }
    if (distils || many) {
      console.say("stage ", i + 1, " of ", stages.size(), ": ", summary_of(stage, now));
    }
    if (options.resume && many) {
      if (std::optional<ModelFile> done = files.finished(i, of.train)) {
        console.say("resume: stage ", i + 1, " was finished");
        hand_on(stage, std::move(*done));
        continue;
      }
    }

    const bool other_head = begins != nullptr && begins->card.answer != of.answer;
    Model model = first_model(of.config, learn.seed, begins,
                              other_head ? std::vector<std::string>() : of.labels, console);
    file = ModelFile{of, words, {}, {}, {}, 0};
    if (learn.learns()) {
      describe(data, of, console);
      Training training(now, data, of, words, std::move(model), checkpoint, console,
                        distils ? teaches : nullptr);
      if (options.resume && files.checkpoint_is_of(of.train)) training.resume();
      if (const int code = training.run(); code != 0) {
        if (!checkpoint.empty()) console.error("go on with: ", resume_command(words_given));
        return code;
      }
      Snapshot best = training.result();
      file.packed = std::move(best.packed);
      file.latent = std::move(best.latent);
      const std::string rule = options.recipe.exit.wanted_rule();
      const bool stops = last && !rule.empty();
      if (stops) {
        choose_exits(file, data.dev, metric_of(data.task), rule, budget_of(options), console);
      }
      keep_latent(file, latent_bits);
      if (data.dev.size() > 0) {
        const Judge judge(data.dev, file.card, metric_of(data.task));
        if (!stops) file.card.temperature = judge.temperature(training.answers(file));
        const std::vector<Prediction> answers = training.answers(file);
        file.card.metrics = judge.metrics(answers).set("n", data.dev.size());
        if (data.labels.size() <= 20 && of.answer != AnswerKind::value) {
          console.detail(judge.confusion_table(answers));
        }
      }
      summary.set("best_epoch", training.best_epoch());
    } else {
      Snapshot untouched = untrained(of.config, start, std::move(model), latent_bits != 0);
      file.packed = std::move(untouched.packed);
      file.latent = std::move(untouched.latent);
      if (const std::string rule = options.recipe.exit.wanted_rule(); !rule.empty()) {
        choose_exits(file, data.dev, metric_of(data.task), rule, budget_of(options), console);
      }
      keep_latent(file, latent_bits, start);
    }
    if (last) break;
    files.finish(i, file);
    hand_on(stage, std::move(file));
  }

  save_model(options.output, file);
  if (learn.learns()) files.remove();
  summary.set("model", options.output)
      .set("kind", file.card.kind)
      .set("metrics", file.card.metrics);
  if (regular) {
    const Classifier written = load_classifier(options.output);
    summary.set("file_bytes", written.file_bytes()).set("id", concat("sha256:", written.digest()));
    console.say(
        "wrote ", options.output, ": ", grouped(written.file_bytes()), " bytes, ", file.card.kind,
        file.card.metrics.contains("glue") ? concat(", dev ", to_string(metric_of(data.task)), ' ',
                                                    fixed(file.card.metrics["glue"].as_double(), 4))
                                           : "");
  }
  if (options.common.json) {
    output.write(summary.dump() + '\n');
    output.flush();
  }
  return 0;
}

}  // namespace bipft::cli
