#pragma once
/// Training data: from files to labelled ids, with everything said that a person should know.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "bipft/core/error.hpp"
#include "bipft/core/parallel.hpp"
#include "bipft/data/batches.hpp"
#include "bipft/data/dataset.hpp"
#include "bipft/data/split.hpp"
#include "bipft/data/values.hpp"
#include "bipft/io/sha256.hpp"
#include "bipft/tasks/tasks.hpp"
#include "bipft/text/wordpiece.hpp"
#include "data_options.hpp"
#include "train_options.hpp"

namespace bipft::cli {

struct TrainingData {
  Tasks task;
  std::vector<std::string> labels;
  Dataset train;
  Dataset dev;  ///< empty if there is none
};

[[nodiscard]] inline std::string digest_of(std::string_view text) {
  Sha256 hash;
  hash.update(text);
  return hex(hash.digest());
}

/// The SHA-256 of what was read: texts, labels and weights in their order, whatever file they stood
/// in.
[[nodiscard]] inline std::string digest_of(const Dataset& data) {
  Sha256 hash;
  for (const Example& example : data.examples) {
    hash.update(concat(example.text.size(), ' ', example.pair.size(), ' ', example.label.size(),
                       ' ', example.weight, '\n', example.text, example.pair, example.label));
  }
  return hex(hash.digest());
}

/// The examples of DATA, and into `task` what they mean: what was asked for; else what a model of
/// such answers makes of them, if they can be that (labels that all are numbers); else classes.
[[nodiscard]] inline Dataset read_train(const std::vector<std::string>& paths,
                                        const DataOptions& options, AnswerKind answer, Tasks& task,
                                        Console& console) {
  const bool asked = !options.task.empty() || options.regression || options.multi_label;
  const bool sets = !asked && answer == AnswerKind::labels;
  task = task_of(options, sets ? MultiLabel::name : Classification::name);
  Dataset train = read_data(task, paths, options, console);
  const bool values = !asked && answer == AnswerKind::value && are_values(train);
  if (values) {
    task = Regression{};
    train.answer = answer;
  }
  if (sets || values) {
    console.say("labels: ", kind_text(answer), sets ? " a text" : "", ", as the model answers; ",
                "--task ", Classification::name, " makes classes of them");
  }
  return train;
}

/// Reads DATA and --dev, or sets a part of DATA aside. `answer` and `known` are what a model that
/// is begun with answers and its labels: these keep their order if DATA has no others.
///
/// Throws Error{Fault::data} for whatever is wrong with a file, a single label, a dev label that
/// DATA lacks, or pairs in one of the two alone.
[[nodiscard]] inline TrainingData read_training_data(const std::vector<std::string>& paths,
                                                     const std::string& dev_path,
                                                     const Recipe& recipe, AnswerKind answer,
                                                     std::span<const std::string> known,
                                                     Console& console) {
  TrainingData data;
  data.train = read_train(paths, recipe.data, answer, data.task, console);
  data.labels = std::visit([&](const auto& chosen) { return labels_to_learn(chosen, data.train); },
                           data.task);
  const auto is_known = [&](const std::string& label) {
    return std::ranges::count(known, label) > 0;
  };
  if (std::ranges::all_of(data.labels, is_known)) data.labels.assign(known.begin(), known.end());

  if (!dev_path.empty()) {
    data.dev = read_data(data.task, {dev_path}, recipe.data, console);
    if (data.dev.pairs != data.train.pairs) {
      fail(Fault::data, dev_path, ": has ", data.dev.pairs ? "pairs" : "single texts", ", but ",
           paths[0], " has ", data.train.pairs ? "pairs" : "single texts");
    }
    (void)warn_of_overlap(data.train, data.dev);
    for (const std::string& warning : data.dev.warnings) console.warn(warning);
  } else if (const double fraction = recipe.dev_split.value_or(0.1); fraction > 0) {
    try {
      Split split = split_dataset(data.train, fraction, recipe.learn.seed);
      data.train = std::move(split.train);
      data.dev = std::move(split.dev);
      console.say("dev: ", data.dev.size(), " of the texts are set aside (--dev-split ", fraction,
                  ", seed ", recipe.learn.seed, ')');
    } catch (const Error& error) {
      if (recipe.dev_split || error.fault() != Fault::data) throw;
      console.warn("too few texts for a dev set; the last epoch is taken for the best");
    }
  }
  switch (data.dev.answer) {  // throws for what is not known
    case AnswerKind::label:
      (void)label_ids(data.dev, data.labels);
      break;
    case AnswerKind::value:
      (void)values_of(data.dev);
      break;
    case AnswerKind::labels:
      (void)label_sets(data.dev, data.labels);
      break;
  }
  return data;
}

/// "balanced", or "label=2,other=1": how much each label counts; where a text may have several
/// labels, how much one counts that is there against one that is not.
[[nodiscard]] inline std::vector<double> class_weights(const std::string& text,
                                                       const TrainingData& data) {
  std::vector<double> weights(data.labels.size(), 1.0);
  if (text.empty()) return weights;
  if (data.train.answer == AnswerKind::value) {
    fail("--class-weight: labels that are numbers have no classes; --weight names a column");
  }
  if (text == "balanced") {
    std::vector<double> counts(weights.size());
    if (data.train.answer == AnswerKind::labels) {
      for (const std::vector<std::uint32_t>& set : label_sets(data.train, data.labels)) {
        for (const std::uint32_t label : set) counts[label] += 1;
      }
      for (std::size_t k = 0; k < counts.size(); ++k) {
        const double others = static_cast<double>(data.train.size()) - counts[k];
        if (counts[k] > 0 && others > 0) weights[k] = others / counts[k];
      }
      return weights;
    }
    for (const std::uint32_t label : label_ids(data.train, data.labels)) counts[label] += 1;
    const double all = static_cast<double>(data.train.size());
    for (std::size_t k = 0; k < counts.size(); ++k) {
      if (counts[k] > 0) weights[k] = all / (static_cast<double>(counts.size()) * counts[k]);
    }
    return weights;
  }
  for (const std::string_view part : split(text, ',')) {
    const std::size_t equals = part.rfind('=');
    const auto weight = equals == std::string_view::npos
                            ? std::nullopt
                            : number_in<double>(part.substr(equals + 1));
    if (!weight || !std::isfinite(*weight) || *weight <= 0) {
      fail("--class-weight: '", part, "' is not label=weight with a weight above 0");
    }
    const auto at = std::ranges::find(data.labels, part.substr(0, equals));
    if (at == data.labels.end()) {
      fail("--class-weight: the data has no label '", part.substr(0, equals), '\'');
    }
    weights[static_cast<std::size_t>(at - data.labels.begin())] = *weight;
  }
  return weights;
}

/// What the logits of every text shall be, where that is not told by one label: a number on
/// `scale`, or 1 for the labels that a text has and 0 for others.
[[nodiscard]] inline std::vector<std::vector<float>> targets_of(
    const Dataset& data, const std::vector<std::string>& labels, const ValueScale& scale) {
  std::vector<std::vector<float>> targets;
  if (data.answer == AnswerKind::value) {
    for (const double value : values_of(data)) targets.push_back({scale.to_logit(value)});
  } else if (data.answer == AnswerKind::labels) {
    for (const std::vector<std::uint32_t>& set : label_sets(data, labels)) {
      targets.emplace_back(labels.size());
      for (const std::uint32_t label : set) targets.back()[label] = 1.0F;
    }
  }
  return targets;
}

/// The ids that a model of `max_len` gets, with what it shall answer and a weight.
[[nodiscard]] inline std::vector<EncodedText> encode_all(const Dataset& data,
                                                         const std::vector<std::string>& labels,
                                                         std::span<const double> label_weights,
                                                         const WordPiece& tokenizer,
                                                         std::size_t max_len,
                                                         const ValueScale& scale = {}) {
  const bool single = data.answer == AnswerKind::label;
  std::vector<std::uint32_t> ids(data.size());
  if (single) ids = label_ids(data, labels);
  const std::vector<std::vector<float>> targets = targets_of(data, labels, scale);
  std::vector<EncodedText> encoded(data.size());
  parallel_for(data.size(), 64, [&](std::size_t begin, std::size_t end) {
    for (std::size_t i = begin; i < end; ++i) {
      const Example& example = data.examples[i];
      Encoding encoding = data.pairs ? tokenizer.encode(example.text, example.pair, max_len)
                                     : tokenizer.encode(example.text, max_len);
      const double weight = single ? label_weights[ids[i]] : 1.0;
      encoded[i] = {std::move(encoding.ids), std::move(encoding.type_ids),
                    static_cast<std::int32_t>(ids[i]),
                    static_cast<float>(static_cast<double>(example.weight) * weight)};
      if (!single) encoded[i].targets = targets[i];
    }
  });
  return encoded;
}

}  // namespace bipft::cli
