#pragma once
/// Outputs: where a training writes, and that nothing is lost by it.

#include <sys/stat.h>

#include <string>
#include <string_view>
#include <vector>

#include "bipft/core/error.hpp"
#include "bipft/io/file.hpp"
#include "bipft/kernels/dispatch.hpp"
#include "bipft/model/config.hpp"
#include "commands.hpp"
#include "console.hpp"
#include "train_options.hpp"

namespace bipft::cli {

/// Whether `path` is a regular file, or will be one.
[[nodiscard]] inline bool is_regular(const std::string& path) {
  struct stat status {};
  return ::stat(path.c_str(), &status) != 0 || S_ISREG(status.st_mode);
}

/// Where the state of the training goes; empty for nowhere.
[[nodiscard]] inline std::string checkpoint_of(const TrainOptions& options) {
  if (!options.checkpoint.empty()) return options.checkpoint;
  return is_regular(options.output) ? options.output + ".ckpt" : "";
}

/// Nothing that is written may be something that is read, or a folder.
inline void check_outputs(const TrainOptions& options, const std::vector<std::string>& data,
                          const std::string& checkpoint) {
  std::vector<std::string> inputs = data;
  for (const std::string& input : {options.dev, options.vocab}) {
    if (!input.empty()) inputs.push_back(input);
  }
  struct stat status {};
  for (const std::string& output : {options.output, checkpoint, options.log, options.cache}) {
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

/// What a person types to go on with a training that was begun with `words`.
[[nodiscard]] inline std::string resume_command(Words words) {
  std::string again = "bipft train --resume";
  for (const std::string_view word : words) {
    if (word != "--resume") again += ' ' + shell_word(word);
  }
  return again;
}

inline void describe_model(const ModelConfig& c, Console& console) {
  console.say("model: L", c.layers, " C", c.hidden, " H", c.heads, " F", c.ffn, ", ", c.weight_bits,
              "-bit weights, ", c.act_bits, "-bit activations; kernels ", kernels::active().name,
              ", ", threads(), threads() == 1 ? " thread" : " threads",
              c.exits.empty() ? "" : concat("; exits behind layers ", c.exits, " and the last"));
}

}  // namespace bipft::cli
