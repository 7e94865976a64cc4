#pragma once
/// ModelParameters: a model's float parameters by name, as its file holds them.
///
/// What a model in full precision computes with (model/compile_floats.hpp makes its plan), and what
/// a binary one goes on learning with (Model has a constructor for them).

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "bipft/core/bit_matrix.hpp"
#include "bipft/core/error.hpp"
#include "bipft/core/tensor.hpp"
#include "bipft/core/visit.hpp"
#include "bipft/model/config.hpp"

namespace bipft {

struct NamedTensor {
  std::string name;
  Tensor tensor;
};

struct ModelParameters {
  ModelConfig config;
  std::vector<NamedTensor> tensors;  ///< in the order of Model's visit
  BitMatrix word_bits;               ///< [V, C] and
  Tensor word_alpha;                 ///< [V], of a float model whose word embedding has one bit

  /// Throws Error{Fault::model} if there is none of that name.
  [[nodiscard]] const Tensor& at(std::string_view name) const {
    for (const NamedTensor& parameter : tensors) {
      if (parameter.name == name) return parameter.tensor;
    }
    fail(Fault::model, "no parameter is called ", name);
  }
};

namespace detail {

/// Names and shapes of the parameters of a float model, built up in order.
class FloatShapes {
 public:
  struct Entry {
    std::string name;
    Shape shape;
  };

  [[gnu::cold]] explicit FloatShapes(const ModelConfig& config) {
    const std::size_t c = config.hidden;
    add("embedding.word", Shape{config.vocabulary, c});
    add("embedding.position", Shape{config.max_len, c});
    add("embedding.type", Shape{2, c});
    norm("embedding.norm", c);
    for (std::size_t i = 0; i < config.layers; ++i) {
      const std::string layer = concat("layers.", i);
      for (const char* part : {"query", "key", "value", "output"}) {
        linear(join_path(join_path(layer, "attention"), part), c, c);
      }
      norm(join_path(layer, "attention_norm"), c);
      linear(join_path(layer, "ffn.inner"), config.ffn, c);
      linear(join_path(layer, "ffn.outer"), c, config.ffn);
      norm(join_path(layer, "ffn_norm"), c);
    }
    linear("pooler", c, c);
    linear("classifier", config.labels, c);
    for (const std::size_t layer : config.inner_exits()) {
      const std::string exit = concat("exits.", layer);
      linear(join_path(exit, "pooler"), c, c);
      linear(join_path(exit, "classifier"), config.labels, c);
    }
    if (config.exit_doubts != 0) linear("exits.doubt", 1, c);
  }

  [[nodiscard]] const std::vector<Entry>& entries() const { return entries_; }

 private:
  [[gnu::cold, gnu::noinline]] void add(std::string name, Shape shape) {
    entries_.push_back({std::move(name), shape});
  }
  [[gnu::cold]] void linear(const std::string& path, std::size_t outputs, std::size_t inputs) {
    add(join_path(path, "weight"), Shape{outputs, inputs});
    add(join_path(path, "bias"), Shape{outputs});
  }
  [[gnu::cold]] void norm(const std::string& path, std::size_t channels) {
    add(join_path(path, "gamma"), Shape{channels});
    add(join_path(path, "beta"), Shape{channels});
  }

  std::vector<Entry> entries_;
};

}  // namespace detail

}  // namespace bipft
