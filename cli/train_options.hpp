#pragma once
/// Train options: everything that `bipft train` can be told.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "bipft/model/config.hpp"
#include "bipft/train/fit.hpp"
#include "console.hpp"
#include "data_options.hpp"
#include "options.hpp"

namespace bipft::cli {

/// The shape and the bits. What is not given is the preset's, or that of the model begun with.
struct ShapeOptions {
  std::optional<std::string> method;
  std::optional<std::size_t> weight_bits, act_bits, embedding_bits;
  std::size_t latent_bits = 0;
  std::optional<std::string> preset;
  std::optional<std::size_t> layers, hidden, heads, ffn, max_len, vocab_size;
  bool cased = false;
  bool special = false;

  void visit(auto&& option) {
    option("method", method, "a recipe that names the bits [that of a one-bit --init, else bit]",
           Form{"bit|float"});
    option("weight-bits", weight_bits, "of all matrices", Form{"1|32"});
    option("act-bits", act_bits, "of what they multiply", Form{"1|32"});
    option("embedding-bits", embedding_bits, "of the word embedding [as the weights]",
           Form{"1|32"});
    option("latent-bits", latent_bits, "keep what training goes on from best, in MODEL too; 0: no",
           Form{"0|32"});
    option("preset", preset, "tiny L2 C128, mini L4 C256, small L6 C384, base L12 C768 [tiny]",
           Form{"tiny|mini|small|base"});
    option("layers", layers, "encoder layers", Form{"N", 1, 96});
    option("hidden", hidden, "width", Form{"N", 8, 8192});
    option("heads", heads, "attention heads", Form{"N", 1, 256});
    option("ffn", ffn, "width of the feed-forward block [4 x hidden]", Form{"N", 8, 65536});
    option("max-len", max_len, "tokens that a text is cut to [128]", Form{"N", 4, 65536});
    option("vocab-size", vocab_size, "learn a vocabulary of at most N pieces from DATA [8192]",
           Form{"N", 16, 16777216});
    option("cased", cased, "keep capitals and accents");
    option("special", special, "literal [SEP] and the like in texts act");
  }
};

struct LearnOptions {
  std::size_t epochs = FitOptions{}.epochs;
  std::size_t steps = FitOptions{}.steps;
  std::size_t batch = FitOptions{}.batch;
  std::optional<double> lr;
  double warmup = FitOptions{}.warmup;
  std::string schedule = FitOptions{}.schedule;
  double weight_decay = FitOptions{}.weight_decay;
  double clip = FitOptions{}.clip;
  std::optional<double> dropout;
  double label_smoothing = 0;
  std::string class_weight;
  std::size_t patience = FitOptions{}.patience;
  std::uint64_t seed = FitOptions{}.seed;

  void visit(auto&& option) {
    option("epochs", epochs, "times through the data; 0 learns nothing", Form{"N", 0, 1e6});
    option("steps", steps, "batches, instead of epochs", Form{"N", 0, 1e12});
    option("batch", batch, "texts a step", Form{"N", 1, 65536});
    option("lr", lr,
           "the highest learning rate [1e-3 for bits, 5e-4 for floats, those of --init 1e-4]",
           Form{"R", 0, 1e6});
    option("warmup", warmup, "share of the steps, or from 1 on their number, to get there",
           Form{"X", 0, 1e12});
    option("schedule", schedule, "how the rate falls again", Form{"linear|constant|cosine"});
    option("weight-decay", weight_decay, "of matrices", Form{"X", 0, 1});
    option("clip", clip, "longest gradient; 0: any", Form{"X", 0, 1e9});
    option("dropout", dropout, "while learning [0 for bits, 0.1 for floats]", Form{"P", 0, 0.99});
    option("label-smoothing", label_smoothing, "share of a label spread over all",
           Form{"P", 0, 0.99});
    option("class-weight", class_weight, "balanced, or label=2,other=1", Form{"W"});
    option("patience", patience, "stop after N epochs without a better dev score; 0: never",
           Form{"N", 0, 1e6});
    option("seed", seed, "of all that is random", Form{"N", 0, 1.8e19});
  }

  /// What was not asked for is the method's own. Bits are noise enough: with dropout beside them a
  /// small one-bit model learns less, and later.
  [[nodiscard]] double dropout_rate(bool binary) const {
    return dropout.value_or(binary ? 0.0 : ModelConfig{}.dropout);
  }
  [[nodiscard]] FitOptions fit(bool binary) const {
    return {.epochs = epochs,
            .steps = steps,
            .batch = batch,
            .lr = lr.value_or(binary ? 1e-3 : 5e-4),
            .warmup = warmup,
            .schedule = schedule,
            .weight_decay = weight_decay,
            .clip = clip,
            .patience = patience,
            .seed = seed};
  }
  [[nodiscard]] bool learns() const { return epochs > 0 || steps > 0; }
};

/// What decides about the bytes of the model, besides the data: the canonical command is made of
/// it.
struct Recipe {
  DataOptions data;
  std::optional<double> dev_split;
  ShapeOptions shape;
  LearnOptions learn;

  void visit(auto&& option) {
    option("Data", data);
    option("dev-split", dev_split,
           "share of DATA set aside as dev, where there is no --dev; 0: none [0.1]",
           Form{"P", 0, 0.9});
    option("The model", shape);
    option("Learning", learn);
  }
};

struct TrainOptions {
  std::string output;
  std::string dev;
  std::string init = "random";
  std::string vocab;
  bool resume = false;
  std::size_t save_every = 0;
  std::string checkpoint;
  std::string log;
  Recipe recipe;
  CommonOptions common;

  void visit(auto&& option) {
    option("o", output, "the model; must be given", Form{"MODEL"});
    option("dev", dev, "a data set to choose the best epoch by", Form{"FILE"});
    option("init", init, "begin with random weights, a model, or a Hugging Face BERT folder",
           Form{"random, MODEL or FOLDER"});
    option("vocab", vocab, "use this vocabulary, one piece a line", Form{"FILE"});
    option("resume", resume, "go on where a training of the same command was stopped");
    option("save-every", save_every, "steps between checkpoints; 0: after every epoch",
           Form{"N", 0, 1e12});
    option("checkpoint", checkpoint, "the state of the training [MODEL.ckpt]", Form{"FILE"});
    option("log", log, "append a JSON object a report", Form{"FILE"});
    recipe.visit(option);
    option("For every verb", common);
  }

  static constexpr auto later = joined(
      later_data,
      std::to_array<Later>({{"teacher", "distillation"},
                            {"stages", "distillation in stages"},
                            {"objective", "a choice of objectives (masked language modelling)"},
                            {"corpus-weights", "masked language modelling"},
                            {"no-nsp", "masked language modelling"},
                            {"init=foundation", "a pre-trained foundation"},
                            {"method=bibert", "BiBERT"},
                            {"method=bipft", "BiPFT"},
                            {"method=beexformer", "BEExformer"},
                            {"weight-bits=2", "2 bits"},
                            {"weight-bits=4", "4 bits"},
                            {"act-bits=2", "2 bits"},
                            {"act-bits=4", "4 bits"},
                            {"latent-bits=2", "less than 32 bits"},
                            {"latent-bits=3", "less than 32 bits"},
                            {"latent-bits=4", "less than 32 bits"},
                            {"latent-bits=8", "less than 32 bits"},
                            {"exits", "early exit"},
                            {"exit-loss", "early exit"},
                            {"exit", "early exit"},
                            {"exit-budget", "early exit"},
                            {"autotune", "automatic tuning"},
                            {"config", "a file of options"},
                            {"device=vulkan", "Vulkan"}}));
};

}  // namespace bipft::cli
