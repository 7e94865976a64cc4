/// bipft eval: how good a model is, how fast and how large.

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "accounts.hpp"
#include "any_model.hpp"
#include "bench.hpp"
#include "bipft/core/error.hpp"
#include "bipft/io/file.hpp"
#include "bipft/model/classifier.hpp"
#include "bipft/model/hf_export.hpp"
#include "bipft/tasks/bag_of_words.hpp"
#include "commands.hpp"
#include "data_options.hpp"
#include "exits.hpp"
#include "judge.hpp"
#include "open_model.hpp"
#include "report.hpp"
#include "sweep.hpp"
#include "verb.hpp"

namespace bipft::cli {

namespace {

constexpr std::string_view usage =
    "bipft eval MODEL [DATA] [options]         measure it\n"
    "\n"
    "  bipft eval reviews.bipft dev.tsv\n"
    "  bipft eval reviews.bipft dev.tsv --baseline train.tsv --bench --confusion\n"
    "  bipft eval reviews.bipft dev.tsv --json --fail-under accuracy=0.9 > result.json\n"
    "\n"
    "  bipft eval fast.bipft dev.tsv --exit-sweep --plot front.svg\n"
    "  bipft eval reviews.bipft --export-hf reviews-bert\n"
    "\n"
    "MODEL is a file, or a Hugging Face BERT folder. Without DATA there are --bench, on texts of "
    "the\nmodel's full length, and --export-hf.\n";

struct EvalOptions {
  DataOptions data;
  std::string baseline;
  bool bench = false;
  bool confusion = false;
  std::string errors;
  std::vector<std::string> fail_under;
  std::string export_hf;
  std::string exit;
  bool exit_sweep = false;
  std::string plot;
  CommonOptions common;

  void visit(auto&& option) {
    option("bench", bench, "time and memory beside the reference form and a float network");
    option("baseline", baseline, "a bag of words that learns from TRAIN, beside the model",
           Form{"TRAIN"});
    option("confusion", confusion, "which label is taken for which");
    option("errors", errors, "write the wrong answers here, the surest first", Form{"FILE"});
    option("fail-under", fail_under, "exit code 1 below, such as accuracy=0.9; may be repeated",
           Form{"METRIC=X"});
    option("export-hf", export_hf,
           "write the model into a new folder of Hugging Face's format: in full precision plain "
           "BERT, of one bit with the names of BiT's or BiBERT's published code",
           Form{"DIR"});
    option("exit", exit,
           "stop by this rule; never: at the last layer; oracle: at the first right answer [what "
           "the model holds, or never]",
           Form{"RULE"});
    option("exit-sweep", exit_sweep,
           "every rule over its grid: score, layers and milliseconds a text, and what choosing one "
           "is worth on other texts");
    option("plot", plot, "--exit-sweep as a picture", Form{"FILE.svg"});
    option("Data", data);
    option("For every verb", common);
  }
};

/// "accuracy=0.9" in its parts.
struct Demand {
  std::string metric;
  double least = 0;
};

std::vector<Demand> demands_of(const EvalOptions& options) {
  std::vector<Demand> demands;
  for (const std::string& text : options.fail_under) {
    const std::size_t equals = text.find('=');
    const std::string_view number = equals == std::string::npos
                                        ? std::string_view()
                                        : std::string_view(text).substr(equals + 1);
    const double least = number_in<double>(number).value_or(std::nan(""));
    const std::string metric = text.substr(0, equals);
    constexpr std::string_view known[] = {"accuracy", "f1",       "macro_f1", "matthews",
                                          "pearson",  "spearman", "glue"};
    if (!std::isfinite(least) || std::ranges::count(known, metric) == 0) {
      fail("--fail-under: '", text, "' is not METRIC=NUMBER with a metric of: accuracy, f1, ",
           "macro_f1, matthews, pearson, spearman, glue");
    }
    demands.push_back({metric, least});
  }
  return demands;
}

std::vector<TextPair> texts_of(const Dataset& data) {
  std::vector<TextPair> texts;
  texts.reserve(data.size());
  for (const Example& example : data.examples) {
    texts.push_back(data.pairs ? TextPair(example.text, example.pair) : TextPair(example.text));
  }
  return texts;
}

/// Throws Error{Fault::data} if the one has pairs and the other has not.
void check_pairs(const Dataset& data, const ModelCard& card) {
  if (data.pairs == card.pairs) return;
  if (card.pairs) {
    fail(Fault::data, data.sources[0], ": has single texts, but the model was trained on pairs; ",
         "--text2 names the column of the second text");
  }
  fail(Fault::data, data.sources[0], ": has pairs, but the model was trained on single texts");
}

/// What a bag of words answers.
std::vector<std::uint32_t> baseline(const EvalOptions& options, const Tasks& task,
                                    const ModelCard& card, const Dataset& data, Console& console) {
  const Dataset train = read_data(task, {options.baseline}, options.data, console);
  check_pairs(train, card);
  Dataset copy = data;
  (void)warn_of_overlap(train, copy);
  for (const std::string& warning : copy.warnings) console.warn(warning);
  const BagOfWords words(train.examples, label_ids(train, card.labels), card.labels.size());
  std::vector<std::uint32_t> answers;
  for (const Example& example : data.examples) {
    answers.push_back(words.predict(example.text, example.pair));
  }
  return answers;
}

/// Throws Error{Fault::usage} for what makes no sense with the answers that the model gives.
void check_kind(const EvalOptions& options, const Tasks& task, const ModelCard& card,
                const std::vector<Demand>& demands) {
  if (answer_of(task) != card.answer) {
    fail("the model answers with ", kind_text(card.answer), ", but the labels of the task ",
         name_of(task), " are ", kind_text(answer_of(task)));
  }
  const bool values = card.answer == AnswerKind::value;
  if (values && options.confusion) fail("--confusion: a model that answers with numbers has none");
  if (card.answer != AnswerKind::label && !options.baseline.empty()) {
    fail("--baseline: the bag of words gives one label, but the model answers with ",
         kind_text(card.answer));
  }
  for (const Demand& demand : demands) {
    const bool correlation = demand.metric == "pearson" || demand.metric == "spearman";
    const bool sets = card.answer == AnswerKind::labels && demand.metric == "matthews";
    if (demand.metric == "glue" || (correlation == values && !sets)) continue;
    fail("--fail-under ", demand.metric, ": the model answers with ", kind_text(card.answer),
         ", which this is not measured on");
  }
}

Json json_of(const Interval& interval) {
  return Json::object()
      .set("metric", "glue")
      .set("low", interval.low)
      .set("high", interval.high)
      .set("level", BootstrapOptions{}.level)
      .set("resamples", BootstrapOptions{}.resamples);
}

/// The answers at the first exit that is right: what no rule passes.
std::vector<Prediction> oracle_answers(const Classifier& model, const Dataset& data,
                                       Metric metric) {
  ExitRecord record = record_exits(model, data, metric);
  const ExitStops stops = ExitSweep(record.outputs).oracle_stops();
  std::vector<Prediction> answers;
  for (std::size_t n = 0; n < stops.size(); ++n) {
    answers.push_back(std::move(record.predictions[n][stops[n]]));
  }
  return answers;
}

/// The result as people read it.
std::string table_of(const Json& result, const ModelConfig& config,
                     const std::vector<BenchResult>& forms) {
  Table table;
  const auto number = [](const Json& value) {
    return value.is_null() ? std::string("-") : fixed(value.as_double(), 4);
  };
  if (const auto metrics = result.find("metrics")) {
    const auto other = result.find("baseline");
    std::vector<std::string> head{concat(result["n"].as_size(), " texts"), "model"};
    if (other) head.emplace_back("bag of words");
    table.row(std::move(head));
    for (const auto& [name, value] : metrics->members()) {
      if (value.is_null()) continue;
      std::vector<std::string> row{std::string(name), number(value)};
      if (other) row.push_back(number((*other)["metrics"][name]));
      table.row(std::move(row));
    }
    const auto range = [](const Json& all) {
      const Json interval = all["interval"];
      return concat(fixed(interval["low"].as_double(), 4), " - ",
                    fixed(interval["high"].as_double(), 4));
    };
    std::vector<std::string> row{"95 % of glue", range(result)};
    if (other) row.push_back(range(*other));
    table.row(std::move(row));
    table.row({"texts a second",
               grouped(static_cast<std::size_t>(result["texts_per_second"].as_double()))});
    const Json exit = result["exit"];
    if (exit["rule"].as_string() != "never") {
      table.row(
          {concat("layers, ", exit["rule"].as_string()), fixed(exit["mean_layer"].as_double(), 2)});
    }
  }
  table.row({"file bytes", grouped(result["file_bytes"].as_size())});
  std::string text = table.text();
  if (forms.empty()) return text;
  Table times;
  times.row({"ms a text", "p50", "p90", "p99", "texts/s", "file bytes", "peak bytes"});
  for (const BenchResult& form : forms) {
    times.row({std::string(form.name), fixed(form.milliseconds(0.5), 3),
               fixed(form.milliseconds(0.9), 3), fixed(form.milliseconds(0.99), 3),
               grouped(static_cast<std::size_t>(form.texts_per_second)), grouped(form.file_bytes),
               grouped(form.peak_bytes)});
  }
  return concat(text, '\n', times.text(), '\n', account_table(config, forms));
}

}  // namespace

int eval(Words words) {
  EvalOptions options;
  const std::vector<std::string> plain = parse(options, words);
  if (options.common.help) return print_help<EvalOptions>(usage), 0;
  const std::string path = required(plain, 0, "eval", "MODEL");
  at_most(plain, 2, "eval");
  const bool has_data = plain.size() > 1;
  const std::vector<Demand> demands = demands_of(options);
  const bool needs_none = options.bench || !options.export_hf.empty();
  if (!has_data &&
      (!needs_none || !options.baseline.empty() || options.confusion || !options.errors.empty() ||
       !demands.empty() || !options.exit.empty() || options.exit_sweep)) {
    fail("eval: DATA is missing; without it there are --bench and --export-hf alone");
  }
  for (const std::string& input : {path, has_data ? plain[1] : path}) {
    if (!options.errors.empty() && same_file(options.errors, input)) {
      fail(Fault::system, options.errors, ": is an input too; --errors would overwrite it");
    }
    if (!options.plot.empty() && same_file(options.plot, input)) {
      fail(Fault::system, options.plot, ": is an input too; --plot would overwrite it");
    }
  }
  if (!options.plot.empty() && !options.exit_sweep) fail("--plot: draws what --exit-sweep finds");
  if (options.exit_sweep && options.common.device != "cpu") {
    fail("--exit-sweep: times the CPU; leave --device ", options.common.device, " out");
  }
  if (options.bench && options.common.device != "cpu") {
    fail("--bench: times the CPU's forms of a model; leave --device ", options.common.device,
         " out");
  }
  prepare(options.common);
  Console console(options.common);
  Output output;
  std::array<std::size_t, 3> peaks{};
  if (options.bench) peaks = peaks_of(path);

  ModelFile file = open_model(path, console);
  if (!options.export_hf.empty()) {
    write_hf_folder(options.export_hf, file);
    if (!file.card.config.exits.empty()) {
      console.say("export: the exits behind layers ", file.card.config.exits,
                  " are left out; the format has no place for them");
    }
    console.say("wrote ", options.export_hf, ": ",
                !file.packed                         ? "plain BERT"
                : file.card.config.plain()           ? "BiBERT's names"
                : file.card.config.residual_pooler() ? "BiPFT's names"
                                                     : "BiT's names");
    if (!has_data && !options.bench) return 0;
  }
  const bool by_oracle = options.exit == "oracle";
  check_device(file.card, options.exit, options.common, console);
  Classifier model = classifier_of(std::move(file));
  if (by_oracle && model.exit_layers().size() == 1) fail("--exit oracle: the model has no exits");
  set_exit_rule(model, by_oracle ? "never" : options.exit, path);
  const ModelCard& card = model.card();
  if (has_data) require_head(card, path);
  const Tasks task = task_of(options.data, card.task);
  check_kind(options, task, card, demands);
  Json result = Json::object();
  result.set("task", card.task);
  std::string confusion;
  std::string sweep;
  std::vector<EncodedText> bench_texts;
  if (has_data) {
    const Dataset data = read_data(task, {plain[1]}, options.data, console);
    check_pairs(data, card);
    const Metric metric = metric_of(task);
    const Judge judge(data, card, metric);
    const std::vector<TextPair> texts = texts_of(data);
    const auto begin = std::chrono::steady_clock::now();
    const std::vector<Prediction> predictions =
        by_oracle ? oracle_answers(model, data, metric) : model.predict(texts);
    const double seconds =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    result.set("n", data.size())
        .set("metrics", judge.metrics(predictions))
        .set("interval", json_of(judge.interval(predictions)))
        .set("seconds", seconds)
        .set("texts_per_second", static_cast<double>(data.size()) / std::max(seconds, 1e-9))
        .set("exit",
             exit_json(model, by_oracle ? "oracle" : to_string(model.exit_rule()), predictions));
    if (options.exit_sweep) {
      SweepReport report = sweep_exits(model, data, metric, path);
      for (const auto& [key, value] : report.json.members()) result.set(key, value);
      sweep = std::move(report.text);
      if (!options.plot.empty()) write_file_atomically(options.plot, report.plot);
    }
    if (!options.baseline.empty()) {
      const std::vector<std::uint32_t> other = baseline(options, task, card, data, console);
      const ConfusionMatrix matrix(card.labels.size(), judge.labels(), other);
      result.set("baseline", Json::object()
                                 .set("metrics", metrics_of(matrix, metric).set("ece", Json()))
                                 .set("interval", json_of(judge.interval_of(other))));
    }
    if (options.confusion) {
      result.set("confusion", judge.confusion_json(predictions));
      confusion = judge.confusion_table(predictions);
    }
    if (!options.errors.empty()) write_file_atomically(options.errors, judge.errors(predictions));
    constexpr std::size_t most = 2000;
    for (std::size_t i = 0; options.bench && i < std::min(most, texts.size()); ++i) {
      bench_texts.push_back(model.encode(texts[i * texts.size() / std::min(most, texts.size())]));
    }
  } else {
    bench_texts = random_texts(card.config, 64);
  }
  result.set("file_bytes", model.file_bytes()).set("bits", bits_of(card));

  std::vector<BenchResult> forms;
  if (options.bench) {
    forms = bench(path, peaks, bench_texts);
    Json times = Json::object();
    for (const BenchResult& form : forms) times.set(form.name, form.to_json());
    result.set("bench", times).set("account", account_of(card.config));
  }
  if (options.common.json) {
    output.write(result.dump() + '\n');
  } else {
    output.write(table_of(result, card.config, forms));
    if (options.confusion) output.write(concat('\n', confusion));
    if (options.exit_sweep) output.write(concat('\n', sweep));
  }
  output.flush();

  int code = 0;
  for (const auto& [metric, least] : demands) {
    const double value = result["metrics"][metric].as_double();
    if (value >= least) continue;
    console.error(metric, " is ", fixed(value, 4), ", below ", least);
    code = 1;
  }
  return code;
}

}  // namespace bipft::cli
