#pragma once
/// The names of Hugging Face's BERT, and what bipft calls the same: one table for reading and
/// writing.
///
/// A one-bit model of [BiT]'s form has the names that its published code adds: `X.move.bias` for
/// the shift of a linear layer's input, `X.input_clip_val` for its scale, and attention's four
/// scales; [BiPFT]'s adds a norm behind the pooler, and five estimators a layer. One of [BiBERT]'s
/// form has BERT's names alone, and beside them what its code registers and never reads.

#include <array>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "bipft/core/error.hpp"
#include "bipft/core/shape.hpp"
#include "bipft/model/config.hpp"

namespace bipft {

/// One tensor of a folder.
struct HfTensor {
  std::string theirs;  ///< without the `bert.` in front
  std::string ours;    ///< the path of a Parameter of Model
  Shape shape;
  bool scalar = false;  ///< of one element, which files keep as [] or [1]
};

/// One tensor that published code registers and never reads.
struct HfIdle {
  std::string theirs;  ///< without the `bert.` in front
  float value;         ///< as it begins, a scalar
  bool range = false;  ///< or [2]: -value and value
};

/// One of the estimators that are rows of one matrix and one bias here.
struct HfEstimator {
  std::string theirs;  ///< and then .weight [rows, C] or .bias [rows]
  std::string ours;    ///< likewise, of all rows
  std::size_t first, rows;
};

namespace detail {

enum class HfKind : unsigned char {
  table,   ///< theirs.weight is ours
  norm,    ///< weight, bias: gamma, beta
  pooler,  ///< the same, of a residual pooler
  matrix,  ///< weight, bias; of a model of BiT's bits also the input's shift and scale
  head,    ///< weight, bias, never binary
  scale,   ///< a number, of a model of BiT's bits alone
};

/// A part of the network. Extents are letters of core/shape.hpp; `#` in a name is the layer.
struct HfPart {
  std::string_view theirs, ours;
  HfKind kind;
  char outputs, inputs;
};

inline constexpr std::array hf_first{
    HfPart{"embeddings.word_embeddings", "embedding.word", HfKind::table, 'V', 'C'},
    HfPart{"embeddings.position_embeddings", "embedding.position", HfKind::table, 'P', 'C'},
    HfPart{"embeddings.token_type_embeddings", "embedding.type", HfKind::table, '2', 'C'},
    HfPart{"embeddings.LayerNorm", "embedding.norm", HfKind::norm, 'C', ' '},
};
inline constexpr std::array hf_layer{
    HfPart{"encoder.layer.#.attention.self.query", "layers.#.attention.query", HfKind::matrix, 'C',
           'C'},
    HfPart{"encoder.layer.#.attention.self.key", "layers.#.attention.key", HfKind::matrix, 'C',
           'C'},
    HfPart{"encoder.layer.#.attention.self.value", "layers.#.attention.value", HfKind::matrix, 'C',
           'C'},
    HfPart{"encoder.layer.#.attention.self.clip_query", "layers.#.attention.binary.query.alpha",
           HfKind::scale, ' ', ' '},
    HfPart{"encoder.layer.#.attention.self.clip_key", "layers.#.attention.binary.key.alpha",
           HfKind::scale, ' ', ' '},
    HfPart{"encoder.layer.#.attention.self.clip_value", "layers.#.attention.binary.value.alpha",
           HfKind::scale, ' ', ' '},
    HfPart{"encoder.layer.#.attention.self.clip_attn",
           "layers.#.attention.binary.probability.alpha", HfKind::scale, ' ', ' '},
    HfPart{"encoder.layer.#.attention.output.dense", "layers.#.attention.output", HfKind::matrix,
           'C', 'C'},
    HfPart{"encoder.layer.#.attention.output.LayerNorm", "layers.#.attention_norm", HfKind::norm,
           'C', ' '},
    HfPart{"encoder.layer.#.intermediate.dense", "layers.#.ffn.inner", HfKind::matrix, 'F', 'C'},
    HfPart{"encoder.layer.#.output.dense", "layers.#.ffn.outer", HfKind::matrix, 'C', 'F'},
    HfPart{"encoder.layer.#.output.LayerNorm", "layers.#.ffn_norm", HfKind::norm, 'C', ' '},
};
inline constexpr std::array hf_last{
    HfPart{"pooler.dense", "pooler", HfKind::matrix, 'C', 'C'},
    HfPart{"pooler.LayerNorm", "pooler_norm", HfKind::pooler, 'C', ' '},
    HfPart{"classifier", "classifier", HfKind::head, 'K', 'C'},
};

/// Calls `visit(part, layer)` for every part of a model of so many layers, in their order.
template <class Visit>
void for_each_hf_part(std::size_t layers, const Visit& visit) {
  for (const HfPart& part : hf_first) visit(part, std::size_t{0});
  for (std::size_t i = 0; i < layers; ++i) {
    for (const HfPart& part : hf_layer) visit(part, i);
  }
  for (const HfPart& part : hf_last) visit(part, std::size_t{0});
}

/// `name` with the layer where its table has `#`.
[[nodiscard]] inline std::string hf_numbered(std::string_view name, std::size_t layer) {
  const std::size_t at = name.find('#');
  if (at == std::string_view::npos) return std::string(name);
  return concat(name.substr(0, at), layer, name.substr(at + 1));
}

/// The list in the making.
class HfTensors {
 public:
  explicit HfTensors(const ModelConfig& config) : config_(config) {}

  [[nodiscard]] std::vector<HfTensor> make() {
    for_each_hf_part(config_.layers,
                     [&](const HfPart& part, std::size_t layer) { add(part, layer); });
    return static_cast<std::vector<HfTensor>&&>(tensors_);
  }

 private:
  void add(const HfPart& part, std::size_t layer) {
    const bool elastic = config_.binary() && !config_.plain();
    const std::string theirs = hf_numbered(part.theirs, layer);
    const std::string ours = hf_numbered(part.ours, layer);
    const std::size_t outputs = extent(part.outputs);
    const std::size_t inputs = extent(part.inputs);
    switch (part.kind) {
      case HfKind::table:
        return put(theirs + ".weight", ours, Shape{outputs, inputs});
      case HfKind::pooler:
        if (!config_.residual_pooler()) return;
        [[fallthrough]];
      case HfKind::norm:
        put(theirs + ".weight", ours + ".gamma", Shape{outputs});
        return put(theirs + ".bias", ours + ".beta", Shape{outputs});
      case HfKind::scale:
        if (elastic) put(theirs, ours, Shape{1}, true);
        return;
      case HfKind::head:
        if (outputs == 0) return;
        break;
      case HfKind::matrix:
        break;
    }
    put(theirs + ".weight", ours + ".weight", Shape{outputs, inputs});
    put(theirs + ".bias", ours + ".bias", Shape{outputs});
    if (!elastic || part.kind == HfKind::head) return;
    put(theirs + ".move.bias", ours + ".input.shift", Shape{inputs});
    put(theirs + ".input_clip_val", ours + ".input.alpha", Shape{1}, true);
  }
  void put(std::string theirs, std::string ours, Shape shape, bool scalar = false) {
    tensors_.push_back(
        {static_cast<std::string&&>(theirs), static_cast<std::string&&>(ours), shape, scalar});
  }

  [[nodiscard]] std::size_t extent(char letter) const {
    switch (letter) {
      case 'V':
        return config_.vocabulary;
      case 'P':
        return config_.max_len;
      case 'C':
        return config_.hidden;
      case 'F':
        return config_.ffn;
      case 'K':
        return config_.labels;
      case '2':
        return 2;
      default:
        return 0;
    }
  }

  const ModelConfig& config_;
  std::vector<HfTensor> tensors_;
};

}  // namespace detail

/// All tensors of a model of `config`, in the order of its layers. Without labels there is no
/// classifier among them.
[[nodiscard]] inline std::vector<HfTensor> hf_tensors(const ModelConfig& config) {
  return detail::HfTensors(config).make();
}

/// All estimators of a model of `config`, five a layer, or none.
[[nodiscard]] inline std::vector<HfEstimator> hf_estimators(const ModelConfig& config) {
  std::vector<HfEstimator> all;
  const std::size_t rank = config.estimators;
  if (rank == 0) return all;
  for (std::size_t i = 0; i < config.layers; ++i) {
    std::size_t first = 0;
    for (const std::string_view name : {"q_m", "q_p", "k_m", "k_p", "v_p"}) {
      all.push_back({concat("encoder.layer.", i, ".attention.self.", name),
                     concat("layers.", i, ".attention.estimators"), first,
                     name == "v_p" ? 1 : rank});
      first += rank;
    }
  }
  return all;
}

/// `name` as the table has it: without `bert.`, `model.` and `module.` in front, and with `weight`
/// and `bias` for the `gamma` and `beta` that norms had in TensorFlow.
[[nodiscard]] inline std::string hf_canonical(std::string_view name) {
  constexpr std::array<std::string_view, 3> wrappers{"module.", "model.", "bert."};
  for (std::size_t i = 0; i < wrappers.size(); ++i) {
    if (name.starts_with(wrappers[i])) name.remove_prefix(wrappers[i].size());
  }
  constexpr std::string_view gamma = "LayerNorm.gamma";
  constexpr std::string_view beta = "LayerNorm.beta";
  if (name.ends_with(gamma)) return concat(name.substr(0, name.size() - 5), "weight");
  if (name.ends_with(beta)) return concat(name.substr(0, name.size() - 4), "bias");
  return std::string(name);
}

/// What [BiBERT]'s published code registers beside these and never reads, so that it finds all that
/// it looks for: ranges ±clip_val of every matrix, of attention's operands and of the words, a
/// scale of every matrix, and a gate behind every residual connection.
[[nodiscard]] inline std::vector<HfIdle> hf_idle_tensors(const ModelConfig& config,
                                                         float clip_val) {
  std::vector<HfIdle> idle;
  detail::for_each_hf_part(config.layers, [&](const detail::HfPart& part, std::size_t layer) {
    const std::string theirs = detail::hf_numbered(part.theirs, layer);
    const std::string_view norm = ".output.LayerNorm";
    if (part.kind == detail::HfKind::matrix) {
      idle.push_back({theirs + ".weight_clip_val", clip_val, true});
      idle.push_back({theirs + ".act_clip_val", clip_val, true});
      idle.push_back({theirs + ".scale", 0.0F});
    } else if (part.kind == detail::HfKind::scale) {
      idle.push_back({theirs, clip_val, true});
    } else if (part.theirs == "embeddings.word_embeddings") {
      idle.push_back({theirs + ".weight_clip_val", clip_val, true});
    } else if (theirs.ends_with(norm)) {
      idle.push_back({concat(theirs.substr(0, theirs.size() - norm.size()), ".output.gate"), 1.0F});
    }
  });
  return idle;
}

/// Whether a tensor of this canonical name belongs to a BERT and has no part in what it computes:
/// buffers of positions, the heads of pre-training, and what published code registers and never
/// reads. That is [BiT]'s shifts of q, k and v, which are overwritten before anybody sees them,
/// [BiPFT]'s `sa` of every linear layer, and all of hf_idle_tensors, whose ranges of attention's
/// operands have the names of BiT's scales.
[[nodiscard]] inline bool hf_without_effect(std::string_view name) {
  if (name.starts_with("cls.") || name == "embeddings.position_ids" ||
      name == "embeddings.token_type_ids") {
    return true;
  }
  const auto ends_with_any = [&](std::span<const std::string_view> ends) {
    for (const std::string_view end : ends) {
      if (name.ends_with(end)) return true;
    }
    return false;
  };
  constexpr std::string_view of_matrices[] = {".dense", ".self.query", ".self.key", ".self.value"};
  constexpr std::string_view of_layers[] = {
      ".self.move_q.bias", ".self.move_k.bias", ".self.move_v.bias", ".self.clip_query",
      ".self.clip_key",    ".self.clip_value",  ".self.clip_attn",   ".output.gate"};
  if (name.starts_with("encoder.layer.") && ends_with_any(of_layers)) return true;
  for (const std::string_view end : {".weight_clip_val", ".act_clip_val", ".scale"}) {
    if (!name.ends_with(end)) continue;
    if (name == "embeddings.word_embeddings.weight_clip_val") return true;
    name.remove_suffix(end.size());
    return ends_with_any(of_matrices);
  }
  if (name.ends_with(".sa.weight") &&
      (name.starts_with("encoder.layer.") || name.starts_with("pooler."))) {
    return true;
  }
  return false;
}

}  // namespace bipft
