#pragma once
/// open_model: what a verb is given as MODEL, ready to answer.

#include <string>
#include <string_view>

#include "bipft/device/runners.hpp"
#include "bipft/model/model_file.hpp"
#include "console.hpp"

namespace bipft::cli {

/// The model of a file, or of a Hugging Face BERT folder, whose bits are packed if it has such.
/// What a person should know about a folder is said. Throws Error{Fault::model}.
[[nodiscard]] ModelFile open_model(const std::string& path, Console& console);

/// Throws Error{Fault::usage} if a label is asked of a model that has none.
inline void require_head(const ModelCard& card, const std::string& path) {
  if (!card.labels.empty()) return;
  fail(path, ": an encoder without a head for labels; use run --embed cls|mean or --tokens, or ",
       "give it a head: bipft train DATA --init ", path, " -o MODEL");
}

/// Says so where "auto" has found a GPU that has no shaders for such a model, or for texts that
/// stop early by `exit`, or the model's own rule if that is empty. Throws Error{Fault::usage} where
/// just that GPU was asked for.
inline void check_device(const ModelCard& card, std::string_view exit, const CommonOptions& common,
                         Console& console) {
  const ModelConfig& config = card.config;
  const bool bits = config.weight_bits == 1 && config.act_bits == 1 && config.estimators == 0;
  const std::string_view rule = exit.empty() ? std::string_view(card.exit_rule) : exit;
  const bool stops = !config.exits.empty() && !rule.empty() && rule != "never";
  if ((bits && !stops) || about_device() == "cpu") return;
  const char* const why = bits ? "there are no shaders yet for texts that stop early; --exit never "
                                 "goes through all layers"
                               : "there are no shaders yet for models in full precision, of 2 or 4 "
                                 "bits, or with estimators";
  if (common.device == "vulkan") fail("--device vulkan: ", why, "; choose cpu or auto");
  console.say("--device auto: the CPU computes; ", why);
}

}  // namespace bipft::cli
