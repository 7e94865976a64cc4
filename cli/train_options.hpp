#pragma once
/// Train options: everything that `bipft train` can be told.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bipft/model/config.hpp"
#include "bipft/train/fit.hpp"
#include "console.hpp"
#include "data_options.hpp"
#include "options.hpp"

namespace bipft::cli {

/// The shape and the bits. What is not given is the preset's, or that of the model begun with.
struct ShapeOptions {
  std::optional<std::string> method;
  std::optional<std::size_t> weight_bits, act_bits, embedding_bits, estimators;
  std::optional<std::string> slfn_gate, surrogate, weight_scale, weight_center;
  std::optional<double> latent_clip;
  std::size_t latent_bits = 0;
  std::optional<std::string> preset;
  std::optional<std::size_t> layers, hidden, heads, ffn, max_len, vocab_size;
  bool cased = false;
  bool special = false;

  void visit(auto&& option) {
    option("method", method, "a recipe that names the bits [that of a one-bit --init, else bit]",
           Form{"bit|bibert|bipft|beexformer|float"});
    option("weight-bits", weight_bits, "of all matrices", Form{"1|32"});
    option("act-bits", act_bits,
           "of what they multiply; 2 and 4 are for teachers between [beexformer 32]",
           Form{"1|2|4|32"});
    option("embedding-bits", embedding_bits, "of the word embedding [as the weights]",
           Form{"1|32"});
    option("estimators", estimators,
           "rank of what makes up for bits in attention, 0: none [bipft 1]", Form{"N", 0, 8});
    option("slfn-gate", slfn_gate, "beexformer: what of its gates is squashed [hidden_sigmoid]",
           Form{"hidden_sigmoid|output_sigmoid"});
    option("surrogate", surrogate, "beexformer: whose derivative weights learn by [approx_sign]",
           Form{"approx_sign|clip_ste|identity|tanh"});
    option("weight-scale", weight_scale,
           "beexformer: of its signs, and that scale's gradient "
           "[row_l1_full]",
           Form{"none|row_l1_detached|row_l1_full|row_l1_reference"});
    option("weight-center", weight_center, "beexformer: whose mean signs are around [none]",
           Form{"none|row|tensor"});
    option("latent-clip", latent_clip,
           "beexformer: latent weights stay within +-X; 0: anywhere [1]", Form{"X", 0, 1000});
    option("latent-bits", latent_bits,
           "keep what training goes on from best, in MODEL too: how sure each bit is, in so many "
           "bits more; 0: no",
           Form{"0|2|3|4|8|32"});
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
  std::optional<std::size_t> epochs;
  std::size_t steps = FitOptions{}.steps;
  std::size_t batch = FitOptions{}.batch;
  std::optional<double> lr;
  std::optional<double> warmup;
  std::string schedule = FitOptions{}.schedule;
  std::optional<double> weight_decay;
  std::optional<double> clip;
  std::optional<double> dropout;
  double label_smoothing = 0;
  std::string class_weight;
  std::optional<std::size_t> patience;
  std::optional<std::string> optimizer;
  std::optional<double> scale_lr;
  std::uint64_t seed = FitOptions{}.seed;

  void visit(auto&& option) {
    option("epochs", epochs,
           "times through the data; 0 learns nothing [3; 10 with a teacher; mlm 1]",
           Form{"N", 0, 1e6});
    option("steps", steps, "batches, instead of epochs", Form{"N", 0, 1e12});
    option("batch", batch, "texts a step", Form{"N", 1, 65536});
    option("lr", lr,
           "the highest learning rate [1e-3 for bits, 5e-4 for floats, those of --init 1e-4; "
           "mlm 4e-4, of hidden states 2e-3]",
           Form{"R", 0, 1e6});
    option("warmup", warmup,
           "share of the steps, or from 1 on their number, to get there [0.1; mlm 0.01]",
           Form{"X", 0, 1e12});
    option("schedule", schedule, "how the rate falls again", Form{"linear|constant|cosine"});
    option("weight-decay", weight_decay, "of matrices [0.01; mlm 0]", Form{"X", 0, 1});
    option("clip", clip, "longest gradient; 0: any [1; mlm 0]", Form{"X", 0, 1e9});
    option("dropout", dropout, "while learning [0 for bits, 0.1 for floats]", Form{"P", 0, 0.99});
    option("label-smoothing", label_smoothing, "share of a label spread over all",
           Form{"P", 0, 0.99});
    option("class-weight", class_weight, "balanced, or label=2,other=1", Form{"W"});
    option("patience", patience,
           "stop after N epochs without a better dev score; 0: never [0; 4 with a teacher]",
           Form{"N", 0, 1e6});
    option("optimizer", optimizer,
           "adamw, or bertadam: no bias correction, each tensor clipped by itself [adamw]",
           Form{"adamw|bertadam"});
    option("scale-lr", scale_lr, "the highest rate of the scales of bits [lr]", Form{"R", 0, 1e6});
    option("seed", seed, "of all that is random", Form{"N", 0, 1.8e19});
  }

  /// What was not asked for is the method's own. Bits are noise enough: with dropout beside them a
  /// small one-bit model learns less, and later.
  [[nodiscard]] double dropout_rate(bool binary) const {
    return dropout.value_or(binary ? 0.0 : ModelConfig{}.dropout);
  }
  [[nodiscard]] FitOptions fit(bool binary) const {
    return {.epochs = epochs.value_or(FitOptions{}.epochs),
            .steps = steps,
            .batch = batch,
            .lr = lr.value_or(binary ? 1e-3 : 5e-4),
            .warmup = warmup.value_or(FitOptions{}.warmup),
            .schedule = schedule,
            .weight_decay = weight_decay.value_or(FitOptions{}.weight_decay),
            .clip = clip.value_or(FitOptions{}.clip),
            .patience = patience.value_or(FitOptions{}.patience),
            .seed = seed,
            .optimizer = optimizer.value_or(FitOptions{}.optimizer),
            .scale_lr = scale_lr.value_or(0.0)};
  }
  [[nodiscard]] bool learns() const { return epochs != 0U || steps > 0; }
};

/// Where texts may stop, and how those heads learn.
struct ExitOptions {
  std::optional<std::string> exits;
  std::optional<std::string> pooling;
  std::optional<std::string> loss;
  bool doubts = false;
  std::optional<std::string> rule;
  std::optional<std::string> budget;

  /// What is to be stored in the model; empty for nothing.
  [[nodiscard]] std::string wanted_rule() const { return rule.value_or(budget ? "auto" : ""); }

  void visit(auto&& option) {
    option("exits", exits, "heads on inner layers too: all, last (none), or layers as in 2,4,6",
           Form{"LAYERS"});
    option("exit-pooling", pooling, "what these heads read: [CLS], or the mean of all tokens [cls]",
           Form{"cls|mean"});
    option("exit-loss", loss, "how they learn, with a teacher as well [sum]",
           Form{"sum|mean|depth|softmax_entropy|expected|equilibrium|two_stage|self_distill|"
                "alternate|last"});
    option("exit-doubts", doubts,
           "one head more, which learns where exits are wrong, for the rule learned");
    option("exit", rule,
           "what texts stop by unless run and eval are told otherwise, such as entropy:tau=0.2; "
           "auto: what saves most layers on dev [auto with --exit-budget, else nothing]",
           Form{"auto or RULE"});
    option("exit-budget", budget, "how much of the score --exit auto may lose there [0.5%]",
           Form{"P%"});
  }
};

/// What is learnt from a teacher, and how the teacher learns what it teaches.
struct DistillOptions {
  std::optional<std::string> stages;
  double temperature = 1;
  std::optional<double> hard_labels;
  bool logits_only = false;
  std::size_t teacher_epochs = 3;
  std::size_t teacher_batch = 32;
  std::optional<double> teacher_lr;

  void visit(auto&& option) {
    option("stages", stages,
           "bits of weights and of activations, stage by stage; each teaches the next, and 32-32 "
           "is the teacher that learns the labels",
           Form{"32-32,1-2,1-1"});
    option("temperature", temperature, "of soft labels", Form{"T", 0.01, 100});
    option("hard-labels", hard_labels, "how much labels count beside them [0; bibert 0.5]",
           Form{"X", 0, 100});
    option("logits-only", logits_only, "do not learn from the teacher's hidden states");
    option("teacher-epochs", teacher_epochs, "for a teacher that must learn these labels first",
           Form{"N", 1, 1e6});
    option("teacher-batch", teacher_batch, "texts a step, likewise", Form{"N", 1, 65536});
    option("teacher-lr", teacher_lr, "likewise [5e-5; 5e-4 from random weights]",
           Form{"R", 0, 1e6});
  }
};

/// What is learnt from plain text, and how that is read.
struct PretrainOptions {
  std::optional<std::string> losses;
  bool no_nsp = false;
  std::string corpus_weights;
  std::optional<std::size_t> piece_len;

  void visit(auto&& option) {
    option(
        "losses", losses,
        "any of mlm, nsp, nsp-soft, hidden, with commas: masked words, whether texts follow, and "
        "from a teacher what it says of that and its hidden states [all that there are]",
        Form{"mlm,nsp,hidden"});
    option("no-nsp", no_nsp, "single texts, not pairs that follow one another or do not");
    option("corpus-weights", corpus_weights,
           "pieces of each text that come in turn [as many as there are]", Form{"3,1"});
    option("piece-len", piece_len, "tokens of a piece of text [128, or --max-len if less]",
           Form{"N", 8, 65536});
  }
};

/// What decides about the bytes of the model, besides the data: the canonical command is made of
/// it.
struct Recipe {
  std::string objective = "classify";
  DataOptions data;
  std::optional<double> dev_split;
  ShapeOptions shape;
  LearnOptions learn;
  ExitOptions exit;
  DistillOptions distill;
  PretrainOptions pretrain;

  [[nodiscard]] bool pretrains() const { return objective == "mlm"; }

  void visit(auto&& option) {
    option("objective", objective,
           "learn labels, or from plain text, a paragraph a line, what all tasks begin with",
           Form{"classify|mlm"});
    option("Data", data);
    option("dev-split", dev_split,
           "share of DATA set aside as dev, where there is no --dev; 0: none [0.1]",
           Form{"P", 0, 0.9});
    option("The model", shape);
    option("Learning", learn);
    option("Early exit", exit);
    option("Learning from a teacher", distill);
    option("Learning from plain text, --objective mlm", pretrain);
  }
};

struct TrainOptions {
  std::string output;
  std::string dev;
  std::string init = "auto";
  std::vector<std::string> teacher;
  std::string vocab;
  bool resume = false;
  std::size_t save_every = 0;
  std::string checkpoint;
  std::string log;
  std::size_t report_every = 1000;
  std::string cache;
  bool log_begun = false;  ///< no option: a stage before has written to it
  Recipe recipe;
  CommonOptions common;

  void visit(auto&& option) {
    option("o", output, "the model; must be given", Form{"MODEL"});
    option("dev", dev, "a data set to choose the best epoch by; mlm: a text to measure on",
           Form{"FILE"});
    option("init", init,
           "begin with random weights, a model, a Hugging Face BERT folder, or the pre-trained "
           "foundation that comes with the program; auto: with the teacher's weights, if they fit; "
           "without a teacher the foundation, if there is one and no option asks for another model",
           Form{"random, foundation, MODEL or FOLDER"});
    option("teacher", teacher, "distil from this model; given again, one a stage",
           Form{"MODEL or FOLDER"});
    option("vocab", vocab, "use this vocabulary, one piece a line", Form{"FILE"});
    option("resume", resume, "go on where a training of the same command was stopped");
    option("save-every", save_every, "steps between checkpoints; 0: after every epoch",
           Form{"N", 0, 1e12});
    option("checkpoint", checkpoint, "the state of the training [MODEL.ckpt]", Form{"FILE"});
    option("log", log, "append a JSON object a report", Form{"FILE"});
    option("report-every", report_every, "mlm: steps between looks at --dev", Form{"N", 1, 1e12});
    option("cache", cache, "mlm: where tokenised text stays [MODEL.corpus, until MODEL is written]",
           Form{"FILE"});
    recipe.visit(option);
    option("For every verb", common);
  }

  static constexpr auto later = std::to_array<Later>({{"weight-bits=2", "2 bits"},
                                                      {"weight-bits=4", "4 bits"},
                                                      {"autotune", "automatic tuning"},
                                                      {"config", "a file of options"},
                                                      {"device=vulkan", "training by Vulkan"}});
};

}  // namespace bipft::cli
