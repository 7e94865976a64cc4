#pragma once
/// ModelConfig: the shape and the bits of a model, and the names of its parts.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "bipft/core/error.hpp"
#include "bipft/core/visit.hpp"
#include "bipft/exit/exit_options.hpp"

namespace bipft {

/// A post-LN BERT encoder [BERT], in full precision or binary.
struct ModelConfig {
  std::size_t layers = 2;
  std::size_t hidden = 128;           ///< C
  std::size_t heads = 2;              ///< H; a binary model's heads are 32 or 64 wide
  std::size_t ffn = 512;              ///< F
  std::size_t max_len = 128;          ///< the longest text, in tokens with [CLS] and [SEP]
  std::size_t vocabulary = 0;         ///< V
  std::size_t labels = 0;             ///< K, 0 for an encoder without a head
  std::size_t weight_bits = 1;        ///< of all matrices of the encoder and the pooler: 1 or 32
  std::size_t act_bits = 1;           ///< of what they multiply: 1, 2, 4 or 32; 32 with 32
  std::size_t embedding_bits = 1;     ///< of the word embedding: 1 or 32
  std::string activation = "relu";    ///< between the feed-forward matrices: relu, gelu or tanh
  std::string inner_levels = "step";  ///< of the second one's input: step {0, α} or sign ±α

  // How bits are made, in a binary model. Files say so only where it is not the first of these.
  std::string input_levels = "elastic";  ///< of all other inputs: elastic, with learned scales and
                                         ///< shifts, or without either plain ±1, or approx: the
                                         ///< same with another gradient
  std::string attention = "softmax";     ///< softmax, or bool: keys whose score is positive
  std::string weight_scales = "tensor";  ///< one a tensor, or one a row, or none
  std::string pooler = "plain";          ///< plain, or residual: normed, and added to what it read
  std::size_t estimators = 0;            ///< rank of what estimates the scores' lost part; 0: none
  std::string slfn_gate = "none";        ///< of feed-forward networks: none, hidden_sigmoid or
                                         ///< output_sigmoid (nn/selective_learn_forget.hpp)

  // How latent weights learn, where a surrogate of the sign has them (binarize/surrogate_sign.hpp).
  std::string weight_surrogate = "none";    ///< none: straight through, as other methods have it
  std::string scale_gradient = "detached";  ///< of a scale a row: detached, full or reference
  std::string weight_center = "none";       ///< what signs are around: none, row or tensor's mean
  double latent_clip = 0;                   ///< latent weights are held within ± this; 0: nowhere

  // Where a text may stop, besides the last layer. Files say so only where there is such a place.
  std::string exits;                 ///< inner layers with a head, counted from 1: "2,4"; or none
  std::string exit_pooling = "cls";  ///< what these heads read: [CLS], or the mean of all tokens
  std::size_t exit_doubts = 0;       ///< 1: a head for all of them says how doubtful answers are

  double norm_epsilon = 1e-12;
  double dropout = 0.1;            ///< of hidden states, while training
  double attention_dropout = 0.1;  ///< of attention probabilities, while training

  void visit(auto&& part) {
    part("layers", layers);
    part("hidden", hidden);
    part("heads", heads);
    part("ffn", ffn);
    part("max_len", max_len);
    part("vocabulary", vocabulary);
    part("labels", labels);
    part("weight_bits", weight_bits);
    part("act_bits", act_bits);
    part("embedding_bits", embedding_bits);
    part("activation", activation);
    part("inner_levels", inner_levels);
    part("input_levels", input_levels, Usual{"elastic"});
    part("attention", attention, Usual{"softmax"});
    part("weight_scales", weight_scales, Usual{"tensor"});
    part("pooler", pooler, Usual{"plain"});
    part("estimators", estimators, Usual{"0"});
    part("slfn_gate", slfn_gate, Usual{"none"});
    part("weight_surrogate", weight_surrogate, Usual{"none"});
    part("scale_gradient", scale_gradient, Usual{"detached"});
    part("weight_center", weight_center, Usual{"none"});
    part("latent_clip", latent_clip, Usual{"0.0"});
    part("exits", exits, Usual{""});
    part("exit_pooling", exit_pooling, Usual{"cls"});
    part("exit_doubts", exit_doubts, Usual{"0"});
    part("norm_epsilon", norm_epsilon);
    part("dropout", dropout);
    part("attention_dropout", attention_dropout);
  }

  friend bool operator==(const ModelConfig&, const ModelConfig&) = default;

  /// Bits alone, or bits that floats are multiplied by: so there is a packed form.
  [[nodiscard]] bool binary() const { return bit_inputs() || float_inputs(); }
  [[nodiscard]] bool bit_inputs() const { return weight_bits == 1 && act_bits == 1; }
  [[nodiscard]] bool float_inputs() const { return weight_bits == 1 && act_bits == 32; }
  /// One-bit weights and activations of some bits: a teacher between floats and bits, computed in
  /// floats.
  [[nodiscard]] bool staged() const { return weight_bits == 1 && !binary(); }
  [[nodiscard]] bool plain() const { return input_levels == "plain"; }
  /// Bits of inputs have scales and shifts of their own.
  [[nodiscard]] bool elastic_bits() const { return bit_inputs() && input_levels == "elastic"; }
  [[nodiscard]] bool scale_a_row() const { return weight_scales == "row"; }
  [[nodiscard]] bool unscaled() const { return weight_scales == "none"; }
  [[nodiscard]] bool gated() const { return slfn_gate != "none"; }
  [[nodiscard]] bool by_surrogate() const { return weight_surrogate != "none"; }
  [[nodiscard]] bool residual_pooler() const { return pooler == "residual"; }
  [[nodiscard]] std::size_t head_size() const { return hidden / heads; }
  /// The layers, from 1, that have a head besides the last: ascending.
  /// Throws Error if they are none.
  [[nodiscard, gnu::cold]] std::vector<std::size_t> inner_exits() const {
    std::vector<std::size_t> all = exit_layers(exits.empty() ? "last" : exits, layers);
    all.pop_back();
    return all;
  }
  /// Gives heads to what `text` names, in the words of exit_layers (exit/exit_options.hpp).
  /// Throws Error{Fault::usage} for a layer that there is not.
  [[gnu::cold]] void set_exits(std::string_view text) {
    exits = std::string(text);
    const std::vector<std::size_t> inner = inner_exits();
    exits.clear();
    for (const std::size_t layer : inner) exits += concat(exits.empty() ? "" : ",", layer);
  }

  /// Takes back what a model in full precision does not have, though one of bits may.
  void leave_bits() {
    pooler = "plain";
    if (gated()) activation = "gelu";
    if (unscaled()) weight_scales = "tensor";
    slfn_gate = weight_surrogate = weight_center = "none";
    scale_gradient = "detached";
    latent_clip = 0;
  }

  /// tiny L2 C128 H2 · mini L4 C256 H4 · small L6 C384 H12 · base L12 C768 H12; F = 4C.
  /// Throws Error for another name.
  [[nodiscard]] static ModelConfig preset(std::string_view name) {
    struct Preset {
      std::string_view name;
      std::size_t layers, hidden, heads;
    };
    constexpr Preset presets[] = {
        {"tiny", 2, 128, 2}, {"mini", 4, 256, 4}, {"small", 6, 384, 12}, {"base", 12, 768, 12}};
    for (const Preset& preset : presets) {
      if (preset.name != name) continue;
      ModelConfig config;
      config.layers = preset.layers;
      config.hidden = preset.hidden;
      config.heads = preset.heads;
      config.ffn = 4 * preset.hidden;
      return config;
    }
    fail("no preset is called '", name, "'; choose one of: tiny, mini, small, base");
  }

  /// Throws Error{Fault::usage}, naming all that does not fit together, if anything does not.
  void check() const {
    if (const std::string wrong = problems(); !wrong.empty()) fail("config: ", wrong);
  }
  /// The same of a model file: Error{Fault::model}.
  void check_in(std::string_view file) const {
    if (const std::string wrong = problems(); !wrong.empty()) fail(Fault::model, file, ": ", wrong);
  }

 private:
  [[nodiscard, gnu::cold]] std::string problems() const {
    std::string wrong;
    const auto demand = [&wrong](bool holds, detail::Parts parts) {
      if (holds) return;
      if (!wrong.empty()) wrong += "; ";
      detail::append(wrong, parts);
    };
    const auto within = [&](std::string_view what, std::size_t value, std::size_t low,
                            std::size_t high) {
      demand(value >= low && value <= high,
             {what, " is ", value, ", not within ", low, " and ", high});
    };
    within("layers", layers, 1, 96);
    within("hidden", hidden, 8, 8192);
    within("heads", heads, 1, 256);
    within("ffn", ffn, 8, 65536);
    within("max_len", max_len, 4, 65536);
    within("vocabulary", vocabulary, 5, 1U << 24U);
    within("labels", labels, 0, 1U << 20U);
    demand(weight_bits == 1 || weight_bits == 32,
           {"weight_bits is ", weight_bits, ", not 1 or 32"});
    const bool between = act_bits == 2 || act_bits == 4 || act_bits == 32;
    demand(act_bits == weight_bits || (weight_bits == 1 && between),
           {"act_bits is ", act_bits, " but weight_bits is ", weight_bits,
            ": this version knows 1-1, 1-2, 1-4, 1-32 and 32-32"});
    demand(embedding_bits == 1 || embedding_bits == 32,
           {"embedding_bits is ", embedding_bits, ", not 1 or 32"});
    demand(heads != 0 && hidden % heads == 0,
           {"hidden ", hidden, " is not a multiple of heads ", heads});
    if (bit_inputs() && heads != 0 && hidden % heads == 0) {
      demand(head_size() == 32 || head_size() == 64,
             {"heads of a binary model are ", head_size(), " wide, not 32 or 64; try --heads ",
              hidden / 32, " or ", hidden / 64});
    }
    demand(activation == "relu" || activation == "gelu" || activation == "tanh",
           {"activation is '", activation, "', not relu, gelu or tanh"});
    demand(inner_levels == "step" || inner_levels == "sign",
           {"inner_levels is '", inner_levels, "', not step or sign"});
    demand(input_levels == "elastic" || input_levels == "plain" || input_levels == "approx",
           {"input_levels is '", input_levels, "', not elastic, plain or approx"});
    demand(attention == "softmax" || attention == "bool",
           {"attention is '", attention, "', not softmax or bool"});
    demand(weight_scales == "tensor" || weight_scales == "row" || weight_scales == "none",
           {"weight_scales is '", weight_scales, "', not tensor, row or none"});
    demand(pooler == "plain" || pooler == "residual",
           {"pooler is '", pooler, "', not plain or residual"});
    within("estimators", estimators, 0, 8);
    // A GELU is not monotone, but where it lies below a threshold is an interval.
    demand(
        weight_bits != 1 || activation == "gelu" || !plain(),
        {"activation of a binary model is '", activation, "': gelu goes with plain input_levels"});
    demand(
        weight_bits != 1 || inner_levels == "sign" || (!plain() && activation == "relu"),
        {"inner_levels is '", inner_levels, "': sign goes with gelu and with plain input_levels"});
    demand(weight_bits == 1 || (pooler == "plain" && estimators == 0),
           {"pooler is '", pooler, "' and estimators are ", estimators,
            ": a model in full precision has neither"});
    demand(
        estimators == 0 || (elastic_bits() && attention == "softmax"),
        {"estimators are ", estimators, ": they go with bits, a softmax and elastic input_levels"});
    demand(!staged() || (input_levels == "elastic" && attention == "softmax"),
           {"act_bits is ", act_bits, ": levels of some bits are elastic, and go with a softmax"});
    demand(!float_inputs() || attention == "softmax",
           {"attention is '", attention, "': floats go with a softmax"});
    surrogates(demand);
    check_exits(demand);
    demand(norm_epsilon > 0 && norm_epsilon < 1, {"norm_epsilon is ", norm_epsilon});
    demand(dropout >= 0 && dropout < 1, {"dropout is ", dropout, ", not within 0 and 1"});
    demand(attention_dropout >= 0 && attention_dropout < 1,
           {"attention_dropout is ", attention_dropout, ", not within 0 and 1"});
    return wrong;
  }

  /// Gates, and latent weights that learn by a surrogate.
  [[gnu::cold]] void surrogates(const auto& demand) const {
    const auto one_of = [&](std::string_view what, const std::string& value, auto... names) {
      demand(((value == names) || ...), {what, " is '", value, "'"});
    };
    one_of("slfn_gate", slfn_gate, "none", "hidden_sigmoid", "output_sigmoid");
    one_of("weight_surrogate", weight_surrogate, "none", "approx_sign", "clip_ste", "identity",
           "tanh");
    one_of("scale_gradient", scale_gradient, "detached", "full", "reference");
    one_of("weight_center", weight_center, "none", "row", "tensor");
    demand(gated() == (activation == "tanh"),
           {"slfn_gate is '", slfn_gate, "' but activation is '", activation,
            "': tanh goes with a gate, and a gate with it"});
    demand(!gated() || (float_inputs() && inner_levels == "sign"),
           {"slfn_gate is '", slfn_gate, "': this version has gates of 1-bit weights and 32-bit ",
            "activations, with inner_levels sign"});
    demand(by_surrogate()
               ? weight_bits == 1 && weight_scales != "tensor"
               : weight_scales != "none" && scale_gradient == "detached" && weight_center == "none",
           {"weight_surrogate is '", weight_surrogate, "' with weight_scales '", weight_scales,
            "', scale_gradient '", scale_gradient, "', weight_center '", weight_center,
            "': a surrogate goes with one-bit weights and scales none or row, none with neither"});
    demand(latent_clip == 0 || (latent_clip > 0 && latent_clip <= 1e3 && by_surrogate()),
           {"latent_clip is ", latent_clip, ": it is above 0, and of weights with a surrogate"});
  }

  /// Heads of inner layers.
  [[gnu::cold]] void check_exits(const auto& demand) const {
    ModelConfig same = *this;
    try {
      if (!exits.empty()) same.set_exits(exits);
    } catch (const Error& error) {
      return demand(false, {error.what()});
    }
    demand(same.exits == exits,
           {"exits are '", exits, "', not '", same.exits, "': inner layers, without the last"});
    demand(exit_doubts <= (exits.empty() ? 0U : 1U),
           {"exit_doubts is ", exit_doubts, ", not 0, or 1 where there are exits"});
    demand(exit_pooling == "cls" || exit_pooling == "mean",
           {"exit_pooling is '", exit_pooling, "', not cls or mean"});
  }
};

}  // namespace bipft
