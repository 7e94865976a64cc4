#pragma once
/// The heads of pre-training in files: of Hugging Face's folders, and of models that are to go on.
///
/// No model needs them to answer or to learn a task. A folder has them as `cls.…`, a bipft file of
/// a kind that keeps float parameters as `x.pretraining.…`, which every reader of models passes
/// over.

#include <array>
#include <cmath>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "bipft/core/error.hpp"
#include "bipft/core/visit.hpp"
#include "bipft/io/folder.hpp"
#include "bipft/io/safetensors.hpp"
#include "bipft/model/config.hpp"
#include "bipft/model/hf_names.hpp"
#include "bipft/model/parameters.hpp"
#include "bipft/train/objective.hpp"

namespace bipft {

/// Behind `x.`, which save_model puts in front of whatever is not the model's.
inline constexpr std::string_view pretraining_prefix = "pretraining.";

/// The head's tensors by their paths in a Scaffold.
using PretrainingHeads = std::vector<NamedTensor>;

namespace detail {

struct HeadPart {
  std::string_view theirs, ours;
  std::array<char, 2> extents;  ///< letters of core/shape.hpp
};
inline constexpr std::array head_parts{
    HeadPart{"cls.predictions.transform.dense.weight", "words.transform.weight", {'C', 'C'}},
    HeadPart{"cls.predictions.transform.dense.bias", "words.transform.bias", {'C', ' '}},
    HeadPart{"cls.predictions.transform.LayerNorm.weight", "words.norm.gamma", {'C', ' '}},
    HeadPart{"cls.predictions.transform.LayerNorm.bias", "words.norm.beta", {'C', ' '}},
    HeadPart{"cls.predictions.bias", "words.bias", {'V', ' '}},
    HeadPart{"cls.seq_relationship.weight", "next_sentence.weight", {'2', 'C'}},
    HeadPart{"cls.seq_relationship.bias", "next_sentence.bias", {'2', ' '}},
};

[[nodiscard]] inline Shape shape_of(const HeadPart& part, const ModelConfig& config) {
  const auto extent = [&](char letter) {
    return letter == 'C' ? config.hidden : letter == 'V' ? config.vocabulary : std::size_t{2};
  };
  return part.extents[1] == ' ' ? Shape{extent(part.extents[0])}
                                : Shape{extent(part.extents[0]), extent(part.extents[1])};
}

[[nodiscard]] inline Tensor read_head(const Safetensors& file, const TensorEntry& entry,
                                      const Shape& shape) {
  bool fits = entry.shape.size() == shape.rank();
  for (std::size_t axis = 0; fits && axis < entry.shape.size(); ++axis) {
    fits = entry.shape[axis] == shape[axis];
  }
  const bool floats =
      entry.dtype == DType::f32 || entry.dtype == DType::f16 || entry.dtype == DType::bf16;
  if (!fits || !floats) {
    fail(Fault::model, file.name(), ": ", entry.name, ": is ", entry, ", not F32, F16 or BF16 ",
         shape);
  }
  Tensor result = Tensor::uninitialized(shape);
  copy_floats(entry.dtype, entry.bytes, result.mutable_data(), entry.name);
  for (const float value : result.data()) {
    if (std::isfinite(value)) continue;
    fail(Fault::model, file.name(), ": ", entry.name, ": holds a number that is not finite (",
         value, ")");
  }
  return result;
}

}  // namespace detail

/// What the model at `path`, a file or a folder of `config`, has of them.
/// Throws Error{Fault::model} for a tensor that does not fit.
[[nodiscard]] inline PretrainingHeads read_pretraining_heads(const std::string& path,
                                                             const ModelConfig& config) {
  const bool folder = is_folder(path);
  const Safetensors file = folder ? Safetensors::open(concat(path, "/model.safetensors"),
                                                      SafetensorsLimits::hugging_face())
                                  : Safetensors::open(path);
  PretrainingHeads heads;
  for (const TensorEntry& entry : file.entries()) {
    const std::string name = folder ? hf_canonical(entry.name) : entry.name;
    for (const detail::HeadPart& part : detail::head_parts) {
      if (name !=
          (folder ? std::string(part.theirs) : concat("x.", pretraining_prefix, part.ours))) {
        continue;
      }
      heads.push_back(
          {std::string(part.ours), detail::read_head(file, entry, detail::shape_of(part, config))});
    }
  }
  return heads;
}

/// Those of a training, by the names that save_model is to be given.
[[nodiscard]] inline std::vector<NamedTensor> heads_to_save(Scaffold& scaffold) {
  std::vector<NamedTensor> heads;
  for_each<Parameter>(scaffold, [&](const std::string& name, const Parameter& parameter) {
    for (const detail::HeadPart& part : detail::head_parts) {
      if (name == part.ours) heads.push_back({concat(pretraining_prefix, name), parameter.value});
    }
  });
  return heads;
}

/// Begins with them where the scaffold has a place of that name and shape. Returns how many did.
inline std::size_t begin_with(Scaffold& scaffold, const PretrainingHeads& heads) {
  std::size_t taken = 0;
  for_each<Parameter>(scaffold, [&](const std::string& name, Parameter& parameter) {
    for (const NamedTensor& head : heads) {
      if (head.name != name || head.tensor.shape() != parameter.value.shape()) continue;
      parameter.value = head.tensor;
      ++taken;
    }
  });
  return taken;
}

/// The head that says whether texts follow one another, or nothing.
[[nodiscard]] inline std::shared_ptr<Linear> next_sentence_of(const PretrainingHeads& heads,
                                                              std::size_t channels) {
  Scaffold scaffold;
  scaffold.next_sentence.emplace(channels, 2, Initializer{});
  if (begin_with(scaffold, heads) < 2) return nullptr;
  return std::make_shared<Linear>(std::move(*scaffold.next_sentence));
}

}  // namespace bipft
