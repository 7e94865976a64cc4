/// bipft train: from labelled texts to a model that runs on bits.

#include <sys/stat.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "bipft/core/error.hpp"
#include "bipft/device/devices.hpp"
#include "bipft/io/file.hpp"
#include "bipft/model/classifier.hpp"
#include "commands.hpp"
#include "judge.hpp"
#include "report.hpp"
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
    "\n"
    "DATA is TSV with a header, CSV, JSON lines, or fastText's lines. The model is one file: "
    "bits,\n"
    "vocabulary and labels. A training that was stopped goes on with the same command and "
    "--resume.\n";

bool is_regular(const std::string& path) {
  struct stat status {};
  return ::stat(path.c_str(), &status) != 0 || S_ISREG(status.st_mode);
}

/// Nothing that is written may be something that is read, or a folder.
void check_outputs(const TrainOptions& options, const std::vector<std::string>& data,
                   const std::string& checkpoint) {
  std::vector<std::string> inputs = data;
  for (const std::string& input : {options.dev, options.vocab}) {
    if (!input.empty()) inputs.push_back(input);
  }
  struct stat status {};
  for (const std::string& output : {options.output, checkpoint, options.log}) {
    if (output.empty()) continue;
    for (const std::string& input : inputs) {
      if (!same_file(output, input)) continue;
      fail(Fault::system, output, ": is an input too, and would be overwritten");
    }
    if (::stat(output.c_str(), &status) == 0 && S_ISDIR(status.st_mode)) {
      fail(Fault::system, output, ": is a directory; name a file in it");
    }
  }
  if (options.output == checkpoint || options.output == options.log ||
      (!options.log.empty() && options.log == checkpoint)) {
    fail("-o, --checkpoint and --log must be different files");
  }
}

/// The command as it must be repeated, and what it was about: what a resumed training must agree
/// with.
Json provenance(const TrainOptions& options, const TrainingData& data, const ModelFile* start,
                const Vocabulary& vocabulary) {
  const std::string given = given_options(options.recipe);
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
  const ModelConfig& c = card.config;
  console.say("data: ", data.train.size(), data.train.pairs ? " pairs" : " texts", ", ",
              labels_text(data, card));
  console.say("model: L", c.layers, " C", c.hidden, " H", c.heads, " F", c.ffn, ", ", c.weight_bits,
              "-bit weights, ", c.act_bits, "-bit activations; kernels ", kernels::active().name,
              ", ", threads(), threads() == 1 ? " thread" : " threads");
}

/// What --epochs 0 writes: the model of --init, in its own bits wherever they are asked for.
Snapshot untrained(const ModelConfig& config, ModelFile* start, Model model, bool keep_latent) {
  Snapshot now;
  if (config.binary()) {
    now.packed = model.pack(active_device());
    if (start != nullptr && start->packed &&
        start->card.config.embedding_bits == config.embedding_bits) {
      PackedClassifier head = now.packed->classifier;
      now.packed = start->packed;
      now.packed->config = config;
      now.packed->classifier = std::move(head);
    }
  }
  if (!config.binary() || keep_latent) now.latent = model.parameters(active_device());
  return now;
}

}  // namespace

int train(Words words) {
  TrainOptions options;
  const std::vector<std::string> data_paths = parse(options, words);
  if (options.common.help) return print_help<TrainOptions>(usage), 0;
  const LearnOptions& learn = options.recipe.learn;
  if (options.output.empty()) fail("train: -o MODEL is missing: where shall the model go?");
  if (data_paths.empty() && (learn.learns() || options.init == "random")) {
    fail("train: DATA is missing; bipft help train shows how it is called");
  }
  prepare(options.common);
  Console console(options.common);
  Output output;

  const bool regular = is_regular(options.output);
  const std::string checkpoint = !options.checkpoint.empty() ? options.checkpoint
                                 : regular                   ? options.output + ".ckpt"
                                                             : "";
  check_outputs(options, data_paths, checkpoint);
  std::unique_ptr<FileLock> lock;
  if (regular) lock = std::make_unique<FileLock>(options.output);

  // Whatever can be wrong without DATA is wrong before it is read.
  std::optional<ModelFile> read = read_start(options.init);
  ModelFile* const start = read ? &*read : nullptr;
  ModelCard card;
  if (start != nullptr) card = start->card;
  card.tokenizer = wanted_tokenizer(options.recipe.shape, start);
  card.config = wanted_config(options.recipe, start);
  check_vocabulary_options(options, start);
  const bool keep_latent = options.recipe.shape.latent_bits == 32;
  card.method = card.config.binary() ? "bit" : "float";
  card.kind = !card.config.binary() ? "float" : keep_latent ? "trainable" : "packed";

  TrainingData data{
      .task = task_of(options.recipe.data,
                      data_paths.empty() ? std::string_view(card.task) : Classification::name),
      .labels = {},
      .train = {},
      .dev = {}};
  if (!data_paths.empty()) {
    data = read_training_data(data_paths, options.dev, options.recipe, card.labels, console);
  } else {
    data.labels = card.labels;
    data.train.pairs = card.pairs;
    data.train.answer = card.answer;
  }
  card.task = std::visit([](const auto& task) { return std::string(task.name); }, data.task);
  card.pairs = data.train.pairs;
  const bool same_head = start != nullptr && start->card.answer == data.train.answer &&
                         start->card.labels == data.labels;
  card.answer = data.train.answer;
  // A model that is begun with keeps its unit of numbers, and so the meaning of its logit.
  if (!same_head) card.scale = {};
  if (card.answer == AnswerKind::value && !same_head) card.scale = scale_of(data.train);
  if (learn.learns() || !same_head) card.temperature = 1.0F;
  card.labels = data.labels;
  const Vocabulary vocabulary =
      wanted_vocabulary(options, card.tokenizer, start, data.train, console);
  card.config.vocabulary = vocabulary.size();
  card.config.labels = card.labels.size();
  card.config.check();
  card.train = provenance(options, data, start, vocabulary);
  card.metrics = Json::object();

  const std::vector<std::string> no_labels;  // a head of another kind is no head
  Model model = first_model(
      card.config, learn.seed, start,
      start == nullptr || start->card.answer == card.answer ? card.labels : no_labels, console);
  ModelFile file{card, vocabulary, {}, {}, {}, 0};
  Json summary = Json::object();
  if (learn.learns()) {
    describe(data, card, console);
    Training training(options, data, card, vocabulary, std::move(model), checkpoint, console);
    if (options.resume) training.resume();
    if (const int code = training.run(); code != 0) {
      std::string again = "bipft train --resume";
      for (const std::string_view word : words) {
        if (word != "--resume") again += ' ' + shell_word(word);
      }
      if (!checkpoint.empty()) console.error("go on with: ", again);
      return code;
    }
    Snapshot best = training.result();
    file.packed = std::move(best.packed);
    file.latent = std::move(best.latent);
    if (data.dev.size() > 0) {
      const Judge judge(data.dev, file.card, metric_of(data.task));
      file.card.temperature = judge.temperature(training.answers(file));
      const std::vector<Prediction> answers = training.answers(file);
      file.card.metrics = judge.metrics(answers).set("n", data.dev.size());
      if (data.labels.size() <= 20 && card.answer != AnswerKind::value) {
        console.detail(judge.confusion_table(answers));
      }
    }
    summary.set("best_epoch", training.best_epoch());
  } else {
    Snapshot now = untrained(card.config, start, std::move(model), keep_latent);
    file.packed = std::move(now.packed);
    file.latent = std::move(now.latent);
  }

  save_model(options.output, file);
  if (learn.learns() && !checkpoint.empty()) (void)::unlink(checkpoint.c_str());
  summary.set("model", options.output).set("kind", card.kind).set("metrics", file.card.metrics);
  if (regular) {
    const Classifier written = Classifier::load(options.output);
    summary.set("file_bytes", written.file_bytes()).set("id", concat("sha256:", written.digest()));
    console.say(
        "wrote ", options.output, ": ", grouped(written.file_bytes()), " bytes, ", card.kind,
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
