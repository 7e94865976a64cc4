#pragma once
/// The names of Hugging Face's BERT, and what bipft calls the same: one table for reading and
/// writing.
///
/// A one-bit model has the names that [BiT]'s published code adds: `X.move.bias` for the shift of a
/// linear layer's input, `X.input_clip_val` for its scale, and attention's four scales. [BiPFT]'s
/// adds a norm behind the pooler, and five estimators a layer.

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
  matrix,  ///< weight, bias; of a one-bit model also the input's shift and scale
  head,    ///< weight, bias, never binary
  scale,   ///< a number, of a one-bit model alone
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

/// The list in the making.
class HfTensors {
 public:
  explicit HfTensors(const ModelConfig& config) : config_(config) {}

  [[nodiscard]] std::vector<HfTensor> make() {
    add(hf_first, 0);
    for (std::size_t i = 0; i < config_.layers; ++i) add(hf_layer, i);
    add(hf_last, 0);
    return static_cast<std::vector<HfTensor>&&>(tensors_);
  }

 private:
  void add(std::span<const HfPart> parts, std::size_t layer) {
    for (const HfPart& part : parts) add(part, layer);
  }
  void add(const HfPart& part, std::size_t layer) {
    const std::string theirs = numbered(part.theirs, layer);
    const std::string ours = numbered(part.ours, layer);
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
        if (config_.binary()) put(theirs, ours, Shape{1}, true);
        return;
      case HfKind::head:
        if (outputs == 0) return;
        break;
      case HfKind::matrix:
        break;
    }
    put(theirs + ".weight", ours + ".weight", Shape{outputs, inputs});
    put(theirs + ".bias", ours + ".bias", Shape{outputs});
    if (!config_.binary() || part.kind == HfKind::head) return;
    put(theirs + ".move.bias", ours + ".input.shift", Shape{inputs});
    put(theirs + ".input_clip_val", ours + ".input.alpha", Shape{1}, true);
  }
  void put(std::string theirs, std::string ours, Shape shape, bool scalar = false) {
    tensors_.push_back(
        {static_cast<std::string&&>(theirs), static_cast<std::string&&>(ours), shape, scalar});
  }

  [[nodiscard]] static std::string numbered(std::string_view name, std::size_t layer) {
    const std::size_t at = name.find('#');
    if (at == std::string_view::npos) return std::string(name);
    return concat(name.substr(0, at), layer, name.substr(at + 1));
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

/// Whether a tensor of this canonical name belongs to a BERT and has no part in what it computes:
/// buffers of positions, the heads of pre-training, and what published BiT registers and never
/// reads (its shifts of q, k and v, which are overwritten before anybody sees them), and BiPFT (an
/// `sa` of every linear layer).
[[nodiscard]] inline bool hf_without_effect(std::string_view name) {
  if (name.starts_with("cls.") || name == "embeddings.position_ids" ||
      name == "embeddings.token_type_ids") {
    return true;
  }
  for (const std::string_view end :
       {".self.move_q.bias", ".self.move_k.bias", ".self.move_v.bias"}) {
    if (name.starts_with("encoder.layer.") && name.ends_with(end)) return true;
  }
  if (name.ends_with(".sa.weight") &&
      (name.starts_with("encoder.layer.") || name.starts_with("pooler."))) {
    return true;
  }
  return false;
}

}  // namespace bipft
