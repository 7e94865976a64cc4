/// bipft run: a line in, a line out.

#include <string>
#include <string_view>
#include <vector>

#include "answerer.hpp"
#include "any_model.hpp"
#include "bipft/core/error.hpp"
#include "bipft/core/parallel.hpp"
#include "bipft/model/classifier.hpp"
#include "commands.hpp"
#include "filter.hpp"
#include "info.hpp"
#include "open_model.hpp"
#include "run_options.hpp"
#include "verb.hpp"

namespace bipft::cli {

namespace {

constexpr std::string_view usage =
    "bipft run MODEL [FILE|-] [options]        one line in, one line out\n"
    "\n"
    "  echo 'not bad at all' | bipft run reviews.bipft\n"
    "  bipft run reviews.bipft texts.txt --threshold 0.8 --else unsure | cut -f1 | sort | uniq -c\n"
    "  bipft run reviews.bipft texts.txt --keep --format jsonl > labelled.jsonl\n"
    "\n"
    "A line is a text, or for a model of pairs two texts parted by a tab. The answer is the label\n"
    "and its probability, parted by a tab. MODEL is a file, or a Hugging Face BERT folder.\n";

}  // namespace

int run(Words words) {
  RunOptions options;
  const std::vector<std::string> plain = parse(options, words);
  if (options.common.help) return print_help<RunOptions>(usage), 0;
  const std::string path = required(plain, 0, "run", "MODEL");
  at_most(plain, 2, "run");
  const AnswerFormat format = answer_format_of(options);
  const Selection selection = selection_of(options);
  prepare(options.common);
  Console console(options.common);
  Output output;

  ModelFile file = open_model(path, console);
  const bool answers_labels = options.embed.empty() && !options.tokens && !options.info;
  check_device(file.card, answers_labels ? options.exit : "never", options.common, console);
  Classifier model = classifier_of(std::move(file));
  if (options.info) {
    output.write(options.common.json ? info_of(model, path).dump(2) + '\n'
                                     : info_text(model, path));
    output.flush();
    return 0;
  }
  if (options.embed.empty() && !options.tokens) require_head(model.card(), path);
  if (options.special) model.set_special(true);
  set_exit_rule(model, options.exit, path);

  LineReader reader(plain.size() > 1 ? plain[1] : "-");
  FilterOptions how{.selection = selection};
  how.line_buffered = options.line_buffered || output.is_terminal();
  if (how.line_buffered) how.block = threads();
  Answerer answers(model, options, format);
  filter(reader, output, how, answers);
  if (format == AnswerFormat::npy) {
    output.write(npy_of(answers.rows(), model.card().config.hidden));
    output.flush();
  }
  if (answers.broken() == 0) return 0;
  console.warn(reader.name(), ": ", answers.broken(), " lines without an answer; the first is ",
               answers.first_broken());
  return options.on_error == "fail" ? 1 : 0;
}

}  // namespace bipft::cli
