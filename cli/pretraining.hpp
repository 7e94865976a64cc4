#pragma once
/// Pretraining: what is learnt from plain text, from whom, and how well.

#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "bipft/core/error.hpp"
#include "bipft/data/pretraining.hpp"
#include "bipft/device/devices.hpp"
#include "bipft/io/json.hpp"
#include "bipft/model/model_file.hpp"
#include "bipft/train/pretrain_exam.hpp"
#include "bipft/train/pretrain_objective.hpp"
#include "bipft/train/pretraining_heads.hpp"
#include "console.hpp"
#include "options.hpp"
#include "progress.hpp"
#include "report.hpp"
#include "teaching.hpp"
#include "train_options.hpp"

namespace bipft::cli {

/// The losses of --losses, or all that there are for this teacher.
/// Throws Error{Fault::usage} for words that are none, and for lessons that nobody gives.
[[nodiscard]] inline PretrainLosses wanted_losses(const PretrainOptions& options,
                                                  const ModelFile* teacher,
                                                  bool teacher_knows_next) {
  PretrainLosses losses{.words = true,
                        .next = !options.no_nsp,
                        .taught_next = !options.no_nsp && teacher_knows_next,
                        .taught_hidden = teacher != nullptr};
  if (!options.losses) return losses;
  losses = {false, false, false, false};
  for (const std::string_view word : split(*options.losses, ',')) {
    bool* const loss = word == "mlm"        ? &losses.words
                       : word == "nsp"      ? &losses.next
                       : word == "nsp-soft" ? &losses.taught_next
                       : word == "hidden"   ? &losses.taught_hidden
                                            : nullptr;
    if (loss == nullptr) {
      fail("--losses: '", word, "' is none of mlm, nsp, nsp-soft and hidden");
    }
    *loss = true;
  }
  if (options.no_nsp && losses.pairs()) {
    fail("--no-nsp: --losses ", *options.losses, " asks for pairs; leave one of them out");
  }
  if (losses.taught() && teacher == nullptr) {
    fail("--losses ", *options.losses, ": nobody teaches that; name a --teacher");
  }
  if (losses.taught_next && !teacher_knows_next) {
    fail("--losses nsp-soft: the teacher has no head that says whether texts follow");
  }
  return losses;
}

/// How texts are laid out: in pairs unless --no-nsp says otherwise, whatever is learnt of them, so
/// that second texts are met as tasks have them; and with masks where words are learnt.
[[nodiscard]] inline PieceForm form_of(const Recipe& recipe, const PretrainLosses& losses) {
  return {.pairs = !recipe.pretrain.no_nsp, .masks = losses.words, .seed = recipe.learn.seed};
}

/// As --losses would be given them.
[[nodiscard]] inline std::string names_of(const PretrainLosses& losses) {
  std::string names;
  const auto add = [&names](bool there, std::string_view name) {
    if (there) names += concat(names.empty() ? "" : ",", name);
  };
  add(losses.words, "mlm");
  add(losses.next, "nsp");
  add(losses.taught_next, "nsp-soft");
  add(losses.taught_hidden, "hidden");
  return names;
}

/// What is learnt by a model of `config`, begun with the weights of `start`, from `teacher`; both
/// may be none. Heads go along where `start` has them. Says which losses there are.
[[nodiscard]] inline PretrainObjective pretrain_objective(const TrainOptions& options,
                                                          const ModelFile* start,
                                                          const ModelFile* teacher,
                                                          const ModelConfig& config,
                                                          Console& console) {
  const PretrainOptions& asked = options.recipe.pretrain;
  std::shared_ptr<Linear> knows_next;
  if (teacher != nullptr && !asked.no_nsp) {
    const ModelConfig& theirs = teacher->card.config;
    knows_next =
        next_sentence_of(read_pretraining_heads(options.teacher.front(), theirs), theirs.hidden);
  }
  PretrainObjective objective{.losses = wanted_losses(asked, teacher, knows_next != nullptr),
                              .teacher = {},
                              .scaffold = {}};
  console.say("losses: ", names_of(objective.losses));
  if (objective.losses.taught()) {
    if (!objective.losses.taught_next) knows_next = nullptr;
    objective.teacher = pretraining_teacher(teacher_model(*teacher), knows_next);
  }
  objective.scaffold = make_pretrain_scaffold(
      objective.losses, config, teacher != nullptr ? teacher->card.config.hidden : config.hidden,
      options.recipe.learn.seed);
  if (start == nullptr) return objective;
  const std::string& begun = start == teacher ? options.teacher.front() : options.init;
  if (begin_with(*objective.scaffold, read_pretraining_heads(begun, config)) > 0) {
    console.say("init: with the heads that it was pre-trained with");
  }
  return objective;
}

/// "3,1". Throws Error{Fault::usage} for what is no list of `count` whole numbers from 1.
[[nodiscard]] inline std::vector<std::size_t> parse_weights(const std::string& text,
                                                            std::size_t count) {
  std::vector<std::size_t> weights;
  if (text.empty()) return weights;
  for (const std::string_view part : split(text, ',')) {
    const auto weight = number_in<std::size_t>(part);
    if (!weight || *weight < 1 || *weight > 1000) {
      fail("--corpus-weights: '", part, "' is not a whole number from 1 to 1000");
    }
    weights.push_back(*weight);
  }
  if (weights.size() != count) {
    fail("--corpus-weights ", text, ": ", weights.size(), " weights for ", count, " texts");
  }
  return weights;
}

/// The caches of tokenised text beside a model, or where --cache says.
class CorpusCaches {
 public:
  /// For the texts of a training, and that of --dev.
  /// Throws Error{Fault::usage} if there is no place for them.
  CorpusCaches(const TrainOptions& options, std::vector<std::string> texts, bool beside_output)
      : texts_(std::move(texts)),
        keep_(!options.cache.empty()),
        base_(keep_ ? options.cache : options.output + ".corpus") {
    if (!options.dev.empty()) texts_.push_back(options.dev);
    if (!keep_ && !beside_output) {
      fail("-o ", options.output,
           ": beside it is no place for tokenised text; name a --cache FILE");
    }
  }

  /// Opens the text at `path`, and tokenises it first where that was not done before.
  /// Throws Error{Fault::system} if a text stands where the cache would.
  [[nodiscard]] Corpus open(const std::string& path, const std::string& end,
                            const WordPiece& tokenizer, std::size_t piece_len, Console& console) {
    const std::string cache = base_ + end;
    for (const std::string& text : texts_) {
      if (!same_file(cache, text)) continue;
      fail(Fault::system, cache,
           ": is an input too, and would be overwritten; name a --cache FILE");
    }
    made_.push_back(cache);
    const double bytes = static_cast<double>(InputFile(path, Fault::data).size());
    Corpus corpus(path, made_.back(), tokenizer, piece_len, [&](std::size_t done) {
      console.progress(concat("tokenise ", path, "  ",
                              fixed(100.0 * static_cast<double>(done) / bytes, 0), '%'));
    });
    console.say(path, ": ", grouped(corpus.pieces()), " pieces, ", grouped(corpus.tokens()),
                " tokens, ", corpus.made() ? "tokenised into " : "as they stand in ", made_.back());
    return corpus;
  }
  /// The model is written: nobody needs them any more, unless --cache keeps them.
  void remove() const {
    if (keep_) return;
    for (const std::string& path : made_) (void)::unlink(path.c_str());
  }

 private:
  std::vector<std::string> texts_;
  bool keep_;
  std::string base_;
  std::vector<std::string> made_;
};

/// Its figures as reports have them: those that there are.
[[nodiscard]] inline Json to_json(const PretrainFigures& figures) {
  Json json = Json::object();
  figures.visit([&json](std::string_view name, const std::optional<double>& value) {
    if (value) json.set(name, *value);
  });
  return json;
}

/// The text of --dev, laid out as training texts are, with masks that never change.
class PretrainDev {
 public:
  PretrainDev(std::shared_ptr<const Corpora> corpora, std::shared_ptr<const Vocabulary> vocabulary,
              PieceForm form)
      : pieces_(corpora->pieces()),
        batches_(std::move(corpora), std::move(vocabulary), (form.seed = seed, form), batch) {}

  /// A glance, of the same pieces every time: what a report says.
  [[nodiscard]] PretrainFigures glance(Model& model, const PretrainObjective& objective) const {
    return look(model, objective, 256);
  }
  /// What a model's card says.
  [[nodiscard]] PretrainFigures whole(Model& model, const PretrainObjective& objective) const {
    return look(model, objective, 4096);
  }

  /// That of the order in which the pieces are read, too.
  static constexpr std::uint64_t seed = 0;

 private:
  static constexpr std::size_t batch = 32;

  [[nodiscard]] PretrainFigures look(Model& model, const PretrainObjective& objective,
                                     std::uint64_t most) const {
    return examine(active_device(), model, objective, batches_, std::min(most, pieces_));
  }

  std::uint64_t pieces_;
  PretrainingBatches batches_;
};

/// Up to 64 MB of the beginnings of the texts, to learn a vocabulary from.
[[nodiscard]] inline Dataset beginnings_of(const std::vector<std::string>& texts) {
  const std::size_t share = (std::size_t{64} << 20U) / texts.size();
  Dataset data;
  for (const std::string& path : texts) {
    bipft::detail::BlockReader reader(path);
    for (std::size_t read = 0; read < share;) {
      const std::string_view block = reader.next();
      if (block.empty()) break;
      read += block.size();
      data.examples.push_back({});
      data.examples.back().text = std::string(block);
    }
  }
  return data;
}

}  // namespace bipft::cli
