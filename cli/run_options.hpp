#pragma once
/// Run options: everything that `bipft run` can be told, and what of it contradicts itself.

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

#include "answers.hpp"
#include "bipft/core/error.hpp"
#include "bipft/data/answer_kind.hpp"
#include "console.hpp"
#include "filter.hpp"
#include "options.hpp"

namespace bipft::cli {

struct RunOptions {
  std::optional<std::size_t> best;
  std::optional<double> threshold;
  std::string otherwise;
  std::string format;
  bool keep = false;
  std::string embed;
  bool tokens = false;
  bool logits = false;
  bool info = false;
  bool special = false;
  bool line_buffered = false;
  std::uint64_t skip = 0;
  std::optional<std::uint64_t> limit;
  std::string shard;
  std::string on_error = "mark";
  std::string exit;
  CommonOptions common;

  void visit(auto&& option) {
    option("k", best,
           "so many labels a line, the most probable first [1, or of a multi-label model "
           "all from --threshold on]",
           Form{"N", 1, 1e9});
    option("threshold", threshold,
           "no label less probable than this [of a multi-label model 0.5, unless -k is given]",
           Form{"P", 0, 1});
    option("else", otherwise, "the label where --threshold leaves none", Form{"LABEL"});
    option("format", format, "of the answers [tsv]", Form{"tsv|csv|jsonl|fasttext|npy"});
    option("keep", keep, "the input's columns first");
    option("embed", embed, "only the text as numbers, of [CLS] or the mean of all tokens",
           Form{"[cls|mean]"});
    option("tokens", tokens, "only the ids that the model gets");
    option("logits", logits, "only the logits of all labels, 9 digits each");
    option("info", info, "only what the model is; reads no input");
    option("special", special, "literal [SEP] and the like in the input act");
    option("line-buffered", line_buffered, "write every answer at once");
    option("skip", skip, "leave out the first N lines", Form{"N", 0, 1e18});
    option("limit", limit, "answer M lines at most", Form{"M", 0, 1e18});
    option("shard", shard, "only every n-th line, beginning with line i, counted from 0",
           Form{"i/n"});
    option("on-error", on_error, "for a line without an answer: none, an empty one, or exit code 1",
           Form{"skip|mark|fail"});
    option("exit", exit,
           "stop by this rule, and write the layer behind the answer; never: at the last [what the "
           "model holds, or never]",
           Form{"RULE"});
    option("For every verb", common);
  }
};

/// The lines that are to be answered. Throws Error{Fault::usage} if --shard makes no sense.
[[nodiscard]] inline Selection selection_of(const RunOptions& options) {
  Selection selection;
  selection.skip = options.skip;
  if (options.limit) selection.limit = *options.limit;
  if (options.shard.empty()) return selection;
  const std::size_t slash = options.shard.find('/');
  std::optional<std::uint64_t> shard, shards;
  if (slash != std::string::npos) {
    const std::string_view both = options.shard;
    shard = number_in<std::uint64_t>(both.substr(0, slash));
    shards = number_in<std::uint64_t>(both.substr(slash + 1));
  }
  if (!shard || !shards || *shard >= *shards) {
    fail("--shard: '", options.shard, "' is not i/n with i from 0 to n-1, such as 0/4");
  }
  selection.shard = *shard;
  selection.shards = *shards;
  return selection;
}

/// The format of the answers. Throws Error{Fault::usage} for options that contradict each other.
[[nodiscard]] inline AnswerFormat answer_format_of(const RunOptions& options) {
  const int only =
      (options.embed.empty() ? 0 : 1) + (options.tokens ? 1 : 0) + (options.logits ? 1 : 0);
  if (only > 1) fail("--embed, --tokens and --logits: each prints only that; choose one");
  if (options.common.json && !options.format.empty() && options.format != "jsonl") {
    fail("--json and --format ", options.format, " contradict each other");
  }
  const AnswerFormat format = options.common.json      ? AnswerFormat::jsonl
                              : options.format.empty() ? AnswerFormat::tsv
                                                       : format_called(options.format);
  if (format == AnswerFormat::npy && options.embed.empty()) fail("--format npy is for --embed");
  if (format == AnswerFormat::npy && options.keep) fail("--format npy has no room for --keep");
  if (format == AnswerFormat::fasttext && only > 0) fail("--format fasttext is for labels");
  if (!options.exit.empty() && (options.tokens || !options.embed.empty())) {
    fail("--exit: --tokens and --embed stop nowhere early; leave it out");
  }
  return format;
}

/// Which labels a model that answers so gives. Throws Error{Fault::usage} for options that make no
/// sense for it.
[[nodiscard]] inline Choice choice_of(const RunOptions& options, AnswerKind answer,
                                      AnswerFormat format) {
  Choice choice{options.best.value_or(1), options.threshold, options.otherwise};
  if (answer == AnswerKind::value) {
    const std::string_view wrong = options.best                       ? "-k"
                                   : options.threshold                ? "--threshold"
                                   : !options.otherwise.empty()       ? "--else"
                                   : format == AnswerFormat::fasttext ? "--format fasttext"
                                                                      : "";
    if (!wrong.empty()) fail(wrong, " is for labels, but the model answers with numbers");
  }
  if (answer == AnswerKind::labels) {
    choice.several = true;
    if (!options.best) choice.best = std::numeric_limits<std::size_t>::max();
    if (!options.best && !options.threshold) choice.threshold = 0.5;
  }
  if (!options.otherwise.empty() && !choice.threshold) fail("--else needs --threshold");
  return choice;
}

}  // namespace bipft::cli
