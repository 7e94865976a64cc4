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
    "  bipft train reviews.tsv --init bert-folder --method float -o teacher.bipft\n"
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

void describe(const TrainingData& data, const ModelCard& card, Console& console) {
  std::vector<std::size_t> counts(data.labels.size());
  for (const std::uint32_t label : label_ids(data.train, data.labels)) ++counts[label];
  std::string labels;
  constexpr std::size_t most = 10;
  for (std::size_t k = 0; k < std::min(most, counts.size()); ++k) {
    labels += concat(k == 0 ? "" : ", ", data.labels[k], ' ', counts[k]);
  }
  if (counts.size() > most) labels += concat(" and ", counts.size() - most, " more");
  const ModelConfig& c = card.config;
  console.say("data: ", data.train.size(), data.train.pairs ? " pairs" : " texts", ", labels ",
              labels);
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
      Tensor positions = now.packed->embedding.position;
      now.packed = start->packed;
      now.packed->config = config;
      now.packed->classifier = std::move(head);
      now.packed->embedding.position = std::move(positions);
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
  LearnOptions& learn = options.recipe.learn;
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
  std::optional<ModelFile> read = read_start(options, console);
  ModelFile* const start = read ? &*read : nullptr;
  ModelCard card;
  if (start != nullptr) card = start->card;
  card.tokenizer = wanted_tokenizer(options.recipe.shape, start);
  card.config = wanted_config(options.recipe, start);
  check_vocabulary_options(options, start);
  if (goes_on_in_floats(start, card.config) && learn.learns() && !learn.lr) {
    learn.lr = fine_tuning_lr(card.config);
    console.say("init: learning rate ", *learn.lr, ", as for what was trained before; --lr wins");
  }
  const bool keep_latent = options.recipe.shape.latent_bits == 32;
  card.method = card.config.binary() ? "bit" : "float";
  card.kind = !card.config.binary() ? "float" : keep_latent ? "trainable" : "packed";

  TrainingData data{
      .task = task_called(options.recipe.data.task), .labels = {}, .train = {}, .dev = {}};
  if (!data_paths.empty()) {
    data = read_training_data(data_paths, options.dev, options.recipe, card.labels, console);
  } else {
    data.labels = card.labels;
    data.train.pairs = card.pairs;
  }
  card.task = std::visit([](const auto& task) { return std::string(task.name); }, data.task);
  card.pairs = data.train.pairs;
  card.labels = data.labels;
  const Vocabulary vocabulary =
      wanted_vocabulary(options, card.tokenizer, start, data.train, console);
  card.config.vocabulary = vocabulary.size();
  card.config.labels = card.labels.size();
  card.config.check();
  card.train = provenance(options, data, start, vocabulary);
  card.metrics = Json::object();

  Model model = first_model(card.config, learn.seed, start, card.labels, console);
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
      const ConfusionMatrix matrix = training.judge(file);
      const Metric metric = std::visit([](const auto& task) { return task.metric; }, data.task);
      file.card.metrics = metrics_of(matrix, metric).set("n", data.dev.size());
      if (data.labels.size() <= 20) console.detail(confusion_text(matrix, data.labels));
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
    console.say("wrote ", options.output, ": ", grouped(written.file_bytes()), " bytes, ",
                card.kind,
                file.card.metrics.contains("accuracy")
                    ? concat(", dev accuracy ", fixed(file.card.metrics["accuracy"].as_double(), 4))
                    : "");
  }
  if (options.common.json) {
    output.write(summary.dump() + '\n');
    output.flush();
  }
  return 0;
}

}  // namespace bipft::cli
