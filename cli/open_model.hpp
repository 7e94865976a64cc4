#pragma once
/// open_model: what a verb is given as MODEL, ready to answer.

#include <string>

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

}  // namespace bipft::cli
