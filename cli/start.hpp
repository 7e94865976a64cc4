#pragma once
/// Start: the model that a training begins with, random or read from a file.

#include <algorithm>
#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "bipft/core/error.hpp"
#include "bipft/device/devices.hpp"
#include "bipft/exit/exit_options.hpp"
#include "bipft/exit/exit_rules.hpp"
#include "bipft/io/file.hpp"
#include "bipft/io/folder.hpp"
#include "bipft/model/hf_folder.hpp"
#include "bipft/model/latent_bits.hpp"
#include "bipft/model/model.hpp"
#include "bipft/model/model_file.hpp"
#include "bipft/text/learn_vocabulary.hpp"
#include "bipft/train/exit_loss.hpp"
#include "train_options.hpp"
#include "training_data.hpp"

namespace bipft::cli {

inline constexpr std::size_t usual_vocabulary = 8192;

/// The model that --init or --teacher names, or nothing for random weights. `seed` is for what a
/// folder lacks.
[[nodiscard]] inline std::optional<ModelFile> read_start(const std::string& name,
                                                         std::uint64_t seed, Console& console) {
  if (name == "random" || name == "auto") return std::nullopt;
  if (!is_folder(name)) return load_model(name);
  HfFolder folder = read_hf_folder(name, seed);
  for (const std::string& note : folder.notes) console.say(name, ": ", note);
  return std::move(folder.model);
}

/// What a teacher is known by: the digest of its file; of a folder that of its weights, and one of
/// all that was read beside them.
[[nodiscard]] inline std::string identity_of(const ModelFile& teacher, const std::string& path) {
  const std::string identity = concat("sha256:", teacher.digest);
  if (!is_folder(path)) return identity;
  std::string beside(teacher.vocabulary.bytes());
  for (const auto& [key, value] : teacher.card.to_metadata()) {
    beside += concat(key, '\n', value, '\n');
  }
  return concat(identity, '+', digest_of(beside));
}

/// The models of --teacher, in their order. Throws Error{Fault::usage} for random weights.
[[nodiscard]] inline std::vector<ModelFile> read_teachers(const TrainOptions& options,
                                                          Console& console) {
  std::vector<ModelFile> teachers;
  for (const std::string& path : options.teacher) {
    std::optional<ModelFile> one = read_start(path, options.recipe.learn.seed, console);
    if (!one) fail("--teacher ", path, ": a teacher is a model, not random weights");
    teachers.push_back(std::move(*one));
  }
  return teachers;
}

/// The learning rate at which a model in full precision goes on from what it learnt before: higher
/// ones unlearn that. BERT's 5e-5 at its width, and twice that below: on 3,000 texts of SST-2 a
/// model of 384 channels reached 83.4 % at 1e-4, 82.2 % at 5e-5 (three seeds), 74 % at 5e-4 (one).
[[nodiscard]] inline double fine_tuning_lr(const ModelConfig& config) {
  return config.hidden < 768 ? 1e-4 : 5e-5;
}
[[nodiscard]] inline bool goes_on_in_floats(const ModelFile* start, const ModelConfig& config) {
  return start != nullptr && !start->card.config.binary() && !config.binary();
}

/// Sets `value` if it was asked for. A model that is begun with cannot change: throws
/// Error{Fault::usage} if it is of another shape.
inline void set_shape(std::string_view option, const std::optional<std::size_t>& asked, bool begun,
                      std::size_t& value) {
  if (!asked) return;
  if (begun && *asked != value) {
    fail("--", option, ' ', *asked, ": the model of --init has ", value,
         "; leave it out, or begin with --init random");
  }
  value = *asked;
}

/// The recipe by its name: what was asked for; else that of the model begun with, as long as its
/// weights have one bit; else BiT's.
[[nodiscard]] inline std::string wanted_method(const Recipe& recipe, const ModelFile* start) {
  if (recipe.shape.method) return *recipe.shape.method;
  if (start == nullptr) return "bit";
  if (start->card.config.weight_bits == 1) return start->card.method;
  return recipe.learn.learns() ? "bit" : "float";
}
/// The recipe that a card names: where single bits won over the method, that of these bits.
[[nodiscard]] inline std::string method_of(const ModelConfig& config, const std::string& wanted) {
  if (config.weight_bits == 32) return "float";
  return wanted == "float" ? "bit" : wanted;
}

/// What a method's binary layers are like, in the words of ModelConfig. BEExformer's text does not
/// say whether its signs have scales. Without any the softmax, the tanh and the gates are saturated
/// from the start: on the demo's 4,000 texts such a model stays at 51 % in three epochs (three
/// seeds), where scales a row reach 81 %, and with their gradient 84 %.
inline void set_binary_form(std::string_view method, ModelConfig& config) {
  const bool bibert = method == "bibert";
  const bool bipft = method == "bipft";
  const bool beexformer = method == "beexformer";
  config.activation = beexformer ? "tanh" : bibert || bipft ? "gelu" : "relu";
  config.inner_levels = beexformer || bibert || bipft ? "sign" : "step";
  config.input_levels = bibert ? "plain" : "elastic";
  config.attention = bibert ? "bool" : "softmax";
  config.weight_scales = beexformer || bibert ? "row" : "tensor";
  config.pooler = bipft ? "residual" : "plain";
  config.estimators = bipft ? 1 : 0;
  config.slfn_gate = beexformer ? "hidden_sigmoid" : "none";
  config.weight_surrogate = beexformer ? "approx_sign" : "none";
  config.scale_gradient = beexformer ? "full" : "detached";
  config.weight_center = "none";
  config.latent_clip = beexformer ? 1 : 0;
}

/// What BEExformer's text leaves open. Throws Error{Fault::usage} if it is asked of another.
inline void set_surrogate_form(const ShapeOptions& shape, ModelConfig& config) {
  const auto demand = [&](bool asked, std::string_view option) {
    if (!asked || config.by_surrogate()) return;
    fail("--", option, ": goes with one-bit weights of --method beexformer");
  };
  demand(shape.slfn_gate.has_value(), "slfn-gate");
  demand(shape.surrogate.has_value(), "surrogate");
  demand(shape.weight_scale.has_value(), "weight-scale");
  demand(shape.weight_center.has_value(), "weight-center");
  demand(shape.latent_clip.has_value(), "latent-clip");
  config.slfn_gate = shape.slfn_gate.value_or(config.slfn_gate);
  config.weight_surrogate = shape.surrogate.value_or(config.weight_surrogate);
  config.weight_center = shape.weight_center.value_or(config.weight_center);
  config.latent_clip = shape.latent_clip.value_or(config.latent_clip);
  if (!shape.weight_scale) return;
  constexpr std::string_view row = "row_l1_";
  const bool scaled = shape.weight_scale->starts_with(row);
  config.weight_scales = scaled ? "row" : "none";
  config.scale_gradient = scaled ? shape.weight_scale->substr(row.size()) : "detached";
}

/// Whether numbers that were learnt for one config mean the same in the other.
[[nodiscard]] inline bool same_form(const ModelConfig& a, const ModelConfig& b) {
  return a.weight_bits == b.weight_bits && a.activation == b.activation &&
         a.inner_levels == b.inner_levels && a.input_levels == b.input_levels &&
         a.attention == b.attention && a.weight_scales == b.weight_scales && a.pooler == b.pooler &&
         a.slfn_gate == b.slfn_gate && a.by_surrogate() == b.by_surrogate() &&
         a.weight_center == b.weight_center && a.float_inputs() == b.float_inputs();
}

/// Puts what --exits and --exit-pooling name into `config`. Throws Error{Fault::usage} for layers
/// that there are not, for options that mean nothing without exits, and where the stage in which
/// exits learn might never come.
inline void set_exits(const Recipe& recipe, ModelConfig& config) {
  const ExitOptions& options = recipe.exit;
  if (options.exits) config.set_exits(*options.exits);
  if (options.pooling) config.exit_pooling = *options.pooling;
  if (options.budget) {
    (void)exit_budget(*options.budget);
    if (options.rule.value_or("auto") != "auto") {
      fail("--exit-budget ", *options.budget, ": is for --exit auto, which chooses; --exit ",
           *options.rule, " has chosen");
    }
  }
  const bool rule_given = options.rule.value_or("auto") != "auto";
  if (rule_given) (void)exit_rule(*options.rule);
  const std::string loss = options.loss.value_or("sum");
  if (ExitTraining{exit_loss_called(loss)}.in_stages() && recipe.learn.patience.value_or(0) > 0) {
    fail("--patience ", *recipe.learn.patience, ": might end the training before the second stage ",
         "of --exit-loss ", loss, ", in which exits learn; leave it out or give 0");
  }
  if (options.doubts || (rule_given && options.wanted_rule().starts_with("learned"))) {
    config.exit_doubts = 1;
  }
  if (!config.exits.empty()) return;
  if (options.doubts) {
    fail("--exit-doubts: the model has no exits before its last layer; --exits all gives it some");
  }
  config.exit_doubts = 0;
  config.exit_pooling = "cls";
  for (const auto& [name, value] :
       {std::pair("--exit-pooling", options.pooling), std::pair("--exit-loss", options.loss),
        std::pair("--exit", options.rule), std::pair("--exit-budget", options.budget)}) {
    if (value) {
      fail(name, ' ', *value, ": the model has no exits before its last layer; ",
           "--exits all, or layers such as --exits 2,4, gives it some");
    }
  }
}

/// The config of the model in the making, but for vocabulary and labels. Throws Error{Fault::usage}
/// for a shape that does not fit together.
[[nodiscard]] inline ModelConfig wanted_config(const Recipe& recipe, const ModelFile* start) {
  const ShapeOptions& shape = recipe.shape;
  if (start != nullptr && shape.preset) {
    fail("--preset ", *shape.preset, ": the shape is that of --init; leave one of them out");
  }
  ModelConfig config =
      start != nullptr ? start->card.config : ModelConfig::preset(shape.preset.value_or("tiny"));
  const bool begun = start != nullptr;
  set_shape("layers", shape.layers, begun, config.layers);
  set_shape("hidden", shape.hidden, begun, config.hidden);
  if (!begun && shape.hidden && !shape.ffn) config.ffn = 4 * *shape.hidden;
  set_shape("ffn", shape.ffn, begun, config.ffn);
  set_shape("heads", shape.heads, begun, config.heads);
  if (begun && shape.max_len && *shape.max_len < config.max_len) {
    config.max_len = *shape.max_len;  // its first positions come along
  }
  set_shape("max-len", shape.max_len, begun, config.max_len);
  if (!begun && shape.hidden && !shape.heads) {
    config.heads = *shape.hidden % 64 == 0 ? *shape.hidden / 64 : *shape.hidden / 32;
  }

  // The method names the bits, single bits win over it.
  const std::string method = wanted_method(recipe, start);
  const std::size_t old_bits = begun ? config.weight_bits : 1;
  const std::size_t bits = method == "float" ? 32 : 1;
  const bool floats = shape.act_bits == 32U && method != "beexformer";
  config.weight_bits = shape.weight_bits.value_or(!shape.act_bits ? bits : floats ? 32 : 1);
  const bool same = begun && !recipe.learn.learns() && config.weight_bits == old_bits;
  const std::size_t usual = method == "beexformer" ? 32 : config.weight_bits;
  config.act_bits = shape.act_bits.value_or(same ? config.act_bits : usual);
  if (config.act_bits != config.weight_bits && config.weight_bits != 1) {
    fail("--weight-bits ", config.weight_bits, " with --act-bits ", config.act_bits,
         " is not in this version; it knows 1 with 1, 2, 4 and 32, and 32 with 32");
  }
  const bool kept = begun && config.weight_bits == old_bits;
  config.embedding_bits =
      shape.embedding_bits.value_or(kept ? config.embedding_bits : config.weight_bits);
  if (!begun) config.activation = "gelu";
  const bool one_bit = config.weight_bits == 1;
  if (one_bit && (!kept || shape.method)) set_binary_form(method, config);
  if (!begun && one_bit && method == "beexformer") config.norm_epsilon = 1e-6;
  if (shape.estimators) config.estimators = *shape.estimators;
  if (!one_bit) config.leave_bits();
  if (!config.bit_inputs()) config.estimators = 0;  // nor has a stage between
  set_surrogate_form(shape, config);
  if (shape.latent_bits != 0 && shape.latent_bits != 32 && !config.binary()) {
    fail("--latent-bits ", shape.latent_bits, ": goes with a packed model; one of ",
         config.weight_bits, "-bit weights and ", config.act_bits,
         "-bit activations is its latent weights; leave it out");
  }
  config.dropout = config.attention_dropout = recipe.learn.dropout_rate(one_bit);
  set_exits(recipe, config);

  ModelConfig trial = config;  // what comes from the data will fit
  trial.vocabulary = std::max<std::size_t>(trial.vocabulary, 5);
  trial.labels = std::max<std::size_t>(trial.labels, 1);
  trial.check();
  return config;
}

/// The tokenizer's rules. Throws Error{Fault::usage} if those of --init are others.
[[nodiscard]] inline TokenizerOptions wanted_tokenizer(const ShapeOptions& shape,
                                                       const ModelFile* start) {
  TokenizerOptions rules = start != nullptr ? start->card.tokenizer : TokenizerOptions{};
  if (start != nullptr && shape.cased && rules.lowercase) {
    fail("--cased: the model of --init lowers the case of its texts; leave it out");
  }
  if (shape.cased) rules.lowercase = rules.strip_accents = false;
  if (shape.special) rules.special = true;
  return rules;
}

/// Throws Error{Fault::usage} where more than one vocabulary is asked for.
inline void check_vocabulary_options(const TrainOptions& options, const ModelFile* start) {
  const bool size = options.recipe.shape.vocab_size.has_value();
  if (start != nullptr && (size || !options.vocab.empty())) {
    fail(size ? "--vocab-size" : "--vocab", ": the vocabulary is that of --init; leave it out");
  }
  if (size && !options.vocab.empty()) {
    fail("--vocab and --vocab-size: use a vocabulary or learn one, not both");
  }
}

/// The vocabulary of --init or --vocab, or the teacher's, or one learnt from the texts to train on.
[[nodiscard]] inline Vocabulary wanted_vocabulary(const TrainOptions& options,
                                                  const TokenizerOptions& rules,
                                                  const ModelFile* start, const ModelFile* teacher,
                                                  const Dataset& train, Console& console) {
  if (start != nullptr) return start->vocabulary;
  if (!options.vocab.empty()) {
    return Vocabulary::parse(read_file(options.vocab, Fault::model), options.vocab);
  }
  if (teacher != nullptr && !options.recipe.shape.vocab_size) return teacher->vocabulary;
  std::vector<std::string_view> texts;
  for (const Example& example : train.examples) {
    texts.push_back(example.text);
    if (train.pairs) texts.push_back(example.pair);
  }
  Vocabulary vocabulary =
      learn_vocabulary(texts, options.recipe.shape.vocab_size.value_or(usual_vocabulary), rules);
  console.say("vocabulary: ", vocabulary.size(), " pieces, learnt from the texts");
  return vocabulary;
}

/// A model of `config`: random, with every parameter of `start` that has a place and a shape in it.
/// The classifier comes along only if the labels are the same. Says what is not obvious.
[[nodiscard]] inline Model first_model(const ModelConfig& config, std::uint64_t seed,
                                       ModelFile* start, const std::vector<std::string>& labels,
                                       Console& console) {
  Model model(config, seed);
  if (start == nullptr) return model;
  const bool coarse = start->magnitudes.has_value();
  const bool from_bits = !start->latent && !coarse;
  Model before = coarse      ? refine(*start->packed, *start->magnitudes, active_device())
                 : from_bits ? Model::unpack(*start->packed, active_device())
                             : Model(*start->latent);
  if (from_bits)
    console.say("init: the file holds bits alone; latent weights begin at ± their scale");
  const bool same_labels = labels == start->card.labels;
  if (!same_labels) {
    console.say(start->card.labels.empty() ? "init: no head yet" : "init: other labels",
                ", so the classifier begins at random");
    // As BERT's heads do when a task is learnt, at every width.
    model.classifier.weight.value =
        normal_init(model.classifier.weight.value.shape(), 0.02F, seed, "classifier.weight");
    for (std::size_t i = 0; i < model.exits.size(); ++i) {
      Tensor& weight = model.exits.heads[i].classifier.weight.value;
      weight = normal_init(weight.shape(), 0.02F, seed,
                           concat("exits.", model.exits.layers[i], ".classifier.weight"));
    }
  }
  std::map<std::string, Tensor> values;
  for_each<Parameter>(before, [&](const std::string& name, const Parameter& parameter) {
    values.emplace(name, parameter.value);
  });
  for_each<Parameter>(model, [&](const std::string& name, Parameter& parameter) {
    const auto found = values.find(name);
    const bool of_labels = name.find("classifier.") != std::string::npos;  // of exits as well
    if (found == values.end() || (!same_labels && of_labels)) return;
    if (found->second.shape() == parameter.value.shape()) parameter.value = found->second;
    if (name == "embedding.position" && parameter.value.rows() < found->second.rows()) {
      const auto first = found->second.data().first(parameter.value.numel());
      parameter.value = Tensor(parameter.value.shape(), first);
    }
  });
  if (same_form(before.config, config)) bipft::detail::carry_scales(model, before.config);
  std::string added;
  for (std::size_t i = 0; i < model.exits.size(); ++i) {
    const std::size_t layer = model.exits.layers[i];
    if (std::ranges::count(before.exits.layers, layer) > 0) continue;
    added += concat(added.empty() ? "" : ", ", layer);
    for_each<Calibrated>(model.exits.heads[i],  // it has seen nothing yet
                         [](const std::string&, Calibrated& flag) { flag.value = false; });
  }
  if (!added.empty()) console.say("init: new exits, behind layers ", added);
  return model;
}

/// Keeps latent weights in `bits` bits beside the packed model, as a file of kind trainable does;
/// other kinds hold what they learn with as it is. `start`: a model that nothing was learnt to, and
/// whose own are kept if they have as many.
inline void keep_latent(ModelFile& file, std::size_t bits, const ModelFile* start = nullptr) {
  if (!file.packed || !file.latent) return;
  file.card.latent_bits = bits;
  if (bits == 32) return;
  const bool own = start != nullptr && start->magnitudes && start->magnitudes->bits == bits &&
                   start->card.config.embedding_bits == file.card.config.embedding_bits &&
                   same_form(start->card.config, file.card.config);
  file.magnitudes = own ? *start->magnitudes : coarsen(*file.latent, *file.packed, bits);
  file.latent.reset();
}

}  // namespace bipft::cli
