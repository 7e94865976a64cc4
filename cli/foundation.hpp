#pragma once
/// Foundation: the pre-trained model that a training begins with where nothing speaks against it,
/// and where it lies.

#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "bipft/core/error.hpp"
#include "bipft/io/file.hpp"
#include "bipft/io/folder.hpp"
#include "bipft/model/model_file.hpp"
#include "console.hpp"
#include "start.hpp"
#include "train_options.hpp"

namespace bipft::cli {

inline constexpr const char* foundation_variable = "BIPFT_FOUNDATION";

/// Where a foundation is looked for, the first place first: BIPFT_FOUNDATION alone where that is
/// set, nowhere where it is empty; else beside the program, where a build puts a link to that of
/// the source tree, and where an installation has it.
[[nodiscard]] inline std::vector<std::string> foundation_places() {
  if (const char* const named = std::getenv(foundation_variable)) {
    if (*named == '\0') return {};
    return {named};
  }
  std::string program(4096, '\0');
  const ssize_t size = ::readlink("/proc/self/exe", program.data(), program.size());
  if (size <= 0) return {};
  program.resize(static_cast<std::size_t>(size));
  const std::string folder = program.substr(0, program.rfind('/'));
  std::vector<std::string> places{folder + "/foundation.bipft"};
  const std::string prefix = folder.substr(0, folder.rfind('/'));
  places.push_back(prefix + "/share/bipft/foundation.bipft");
  return places;
}

/// The places in words, for whoever misses one.
[[nodiscard]] inline std::string searched(const std::vector<std::string>& places) {
  if (places.empty()) {
    const bool set = std::getenv(foundation_variable) != nullptr;
    return set ? "BIPFT_FOUNDATION is empty" : "the program does not know its place";
  }
  std::string text = "looked for ";
  for (std::size_t i = 0; i < places.size(); ++i) {
    text += concat(i == 0 ? "" : " and ", places[i]);
  }
  return text;
}

/// The first option that asks for another model than the foundation is, or nothing.
[[nodiscard]] inline std::string differing_option(const TrainOptions& options,
                                                  const ModelFile& foundation) {
  const ShapeOptions& shape = options.recipe.shape;
  const ModelConfig& has = foundation.card.config;
  std::string found;
  const auto differs = [&](std::string_view option, const auto& asked, const auto& value) {
    if (found.empty() && asked && *asked != value) found = concat("--", option, ' ', *asked);
  };
  if (shape.preset) {
    const ModelConfig preset = ModelConfig::preset(*shape.preset);
    const bool same = preset.layers == has.layers && preset.hidden == has.hidden &&
                      preset.heads == has.heads && preset.ffn == has.ffn;
    if (!same) found = concat("--preset ", *shape.preset);
  }
  differs("layers", shape.layers, has.layers);
  differs("hidden", shape.hidden, has.hidden);
  differs("heads", shape.heads, has.heads);
  differs("ffn", shape.ffn, has.ffn);
  if (shape.max_len && *shape.max_len > has.max_len) {
    differs("max-len", shape.max_len, has.max_len);
  }
  differs("method", shape.method, foundation.card.method);
  differs("weight-bits", shape.weight_bits, has.weight_bits);
  differs("act-bits", shape.act_bits, has.act_bits);
  differs("embedding-bits", shape.embedding_bits, has.embedding_bits);
  differs("estimators", shape.estimators, has.estimators);
  if (!has.by_surrogate()) {
    differs("slfn-gate", shape.slfn_gate, has.slfn_gate);
    differs("surrogate", shape.surrogate, has.weight_surrogate);
    differs("weight-scale", shape.weight_scale, "");
    differs("weight-center", shape.weight_center, has.weight_center);
    differs("latent-clip", shape.latent_clip, has.latent_clip);
  }
  differs("vocab-size", shape.vocab_size, 0U);
  if (found.empty() && !options.vocab.empty() &&
      Vocabulary::parse(read_file(options.vocab, Fault::model), options.vocab).bytes() !=
          foundation.vocabulary.bytes()) {
    found = concat("--vocab ", options.vocab);
  }
  if (found.empty() && shape.cased && foundation.card.tokenizer.lowercase) found = "--cased";
  differs("stages", options.recipe.distill.stages, "");
  differs("piece-len", options.recipe.pretrain.piece_len,
          std::min(has.max_len, options.recipe.pretrain.piece_len.value_or(has.max_len)));
  return found;
}

/// The model that a training begins with, or nothing: for random weights, or for what a teacher has
/// to say. `note` is to be said once nothing is wrong with the options.
struct Beginning {
  std::optional<ModelFile> model;
  std::string note;

  void tell(Console& console) const {
    if (!note.empty()) console.say("init: ", note);
  }
};

/// Resolves --init foundation, and auto where there is no teacher, to the foundation's file.
/// Throws Error{Fault::model} if a foundation that was asked for is not there.
[[nodiscard]] inline Beginning begin_with(TrainOptions& options, Console& console) {
  const bool asked = options.init == "foundation";
  if (!asked && (options.init != "auto" || !options.teacher.empty())) {
    return {read_start(options.init, options.recipe.learn.seed, console), ""};
  }
  const std::vector<std::string> places = foundation_places();
  std::string path;
  for (const std::string& place : places) {
    if (path.empty() && path_exists(place)) path = place;
  }
  if (path.empty()) {
    const bool named = !places.empty() && std::getenv(foundation_variable) != nullptr;
    if (named) {
      fail(Fault::model, foundation_variable, ": ", places.front(),
           ": there is no such file; name a foundation, or set it to nothing to have none");
    }
    if (asked) {
      fail(Fault::model, "--init foundation: there is none (", searched(places),
           "); name its file by ", foundation_variable, ", or begin with --init random");
    }
    return {std::nullopt,
            concat("random weights, as there is no foundation (", searched(places), ")")};
  }
  ModelFile foundation = load_model(path);
  ShapeOptions& shape = options.recipe.shape;
  if (!asked) {
    const std::string other = differing_option(options, foundation);
    if (!other.empty()) {
      return {std::nullopt, concat("random weights, as ", other, " is not the foundation's")};
    }
    shape.preset.reset();  // what is the same need not be said again
    options.vocab.clear();
  }
  options.init = path;
  std::string note = concat("the foundation ", path, ", sha256:", foundation.digest.substr(0, 16));
  return {std::move(foundation), std::move(note)};
}

}  // namespace bipft::cli
