#pragma once
/// TensorWriter and TensorReader: a model's parts to and from the tensors of a file.

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "bipft/io/safetensors.hpp"
#include "bipft/model/config.hpp"
#include "bipft/model/magnitudes.hpp"
#include "bipft/model/packed_model.hpp"
#include "bipft/model/parameters.hpp"
#include "bipft/text/vocabulary.hpp"

namespace bipft {

/// The word embedding in bits, and its rows' scales.
inline constexpr const char* word_bits = "embedding.word.bits";
inline constexpr const char* word_alpha = "embedding.word.alpha";

/// Collects tensors for a file: bits first, so that they lie aligned, then floats, then the rest.
class TensorWriter {
 public:
  void operator()(const std::string& name, const BitMatrix& bits, const Shape& /*shape*/) {
    const BitView view = bits.view();
    bits_.push_back({name,
                     DType::u8,
                     {view.rows, view.words_per_row * sizeof(std::uint64_t)},
                     std::as_bytes(std::span(view.words, view.rows * view.words_per_row))});
    kept_bits_.push_back(bits);
  }
  void operator()(const std::string& name, const Tensor& tensor, const Shape& /*shape*/) {
    std::vector<std::size_t> shape;
    for (std::size_t axis = 0; axis < tensor.shape().rank(); ++axis) {
      shape.push_back(tensor.shape()[axis]);
    }
    floats_.push_back({name, DType::f32, std::move(shape), std::as_bytes(tensor.data())});
    kept_.push_back(tensor);
  }
  void operator()(const std::string& name, float value, const Shape& shape) {
    (*this)(name, Tensor(Shape{1}, value), shape);
  }
  void vocabulary(const Vocabulary& vocabulary) {
    text_ = vocabulary.bytes();
    rest_.push_back({"tokenizer.vocab", DType::u8, {text_.size()}, bytes_of(text_)});
  }
  void packed(const std::string& prefix, const PackedModel& model) {
    for_each_packed(model, [&](const std::string& name, const auto& part, const Shape& shape) {
      (*this)(prefix + name, part, shape);
    });
  }
  void parameters(const std::string& prefix, const ModelParameters& parameters) {
    for (const NamedTensor& p : parameters.tensors) (*this)(prefix + p.name, p.tensor, {});
    if (parameters.word_bits.empty()) return;
    (*this)(prefix + word_bits, parameters.word_bits, {});
    (*this)(prefix + word_alpha, parameters.word_alpha, {});
  }
  void magnitudes(const std::string& prefix, const Magnitudes& all) {
    for (const MatrixMagnitudes& one : all.matrices) {
      const std::string path = prefix + one.name;
      (*this)(join_path(path, "planes"), one.planes, {});
      (*this)(join_path(path, "levels"), one.levels, {});
      (*this)(join_path(path, "scale"), one.scale, {});
      if (!one.center.empty()) (*this)(join_path(path, "center"), one.center, {});
    }
  }

  [[nodiscard]] std::vector<TensorEntry> entries() const {
    std::vector<TensorEntry> all = bits_;
    for (const TensorEntry& entry : floats_) all.push_back(entry);
    for (const TensorEntry& entry : rest_) all.push_back(entry);
    return all;
  }

 private:
  std::vector<TensorEntry> bits_, floats_, rest_;
  std::vector<BitMatrix> kept_bits_;  // whose bytes the entries point to
  std::vector<Tensor> kept_;
  std::string text_;
};

/// Takes tensors out of a file, and collects all that is wrong with them before it complains.
class TensorReader {
 public:
  explicit TensorReader(const Safetensors& file) : file_(&file), used_(file.entries().size()) {}

  [[gnu::cold]] void operator()(const std::string& name, BitMatrix& bits, const Shape& shape) {
    const std::size_t row_bytes = words_for(shape.cols()) * sizeof(std::uint64_t);
    const TensorEntry* entry = take(name, DType::u8, {shape.rows(), row_bytes});
    if (entry == nullptr) return;
    bits = BitMatrix(shape.rows(), shape.cols());
    std::memcpy(bits.mutable_row(0), entry->bytes.data(), entry->bytes.size());
    if (shape.cols() % 64 == 0) return;
    const std::uint64_t padding = ~std::uint64_t{0} << (shape.cols() % 64);
    const BitView view = bits.view();
    for (std::size_t row = 0; row < view.rows; ++row) {
      if ((view.row(row)[view.words_per_row - 1] & padding) == 0) continue;
      problem(name, {"bits beyond column ", shape.cols(), " in row ", row});
      return;
    }
  }
  [[gnu::cold]] void operator()(const std::string& name, Tensor& tensor, const Shape& shape) {
    std::vector<std::size_t> extents;
    for (std::size_t axis = 0; axis < shape.rank(); ++axis) extents.push_back(shape[axis]);
    const TensorEntry* entry = take(name, DType::f32, extents);
    if (entry == nullptr) return;
    Tensor result = Tensor::uninitialized(shape);
    if (!result.empty()) {
      std::memcpy(result.mutable_data().data(), entry->bytes.data(), entry->bytes.size());
    }
    for (const float value : result.data()) {
      if (std::isfinite(value)) continue;
      problem(name, {"a number that is not finite (", value, ")"});
      return;
    }
    tensor = std::move(result);
  }
  [[gnu::cold]] void operator()(const std::string& name, float& value, const Shape& shape) {
    Tensor tensor;
    (*this)(name, tensor, shape);
    if (tensor.empty()) return;
    value = tensor.data()[0];
    if (value <= 0.0F) {
      problem(name, {"a scale of ", value});
    }
  }
  /// All of a packed model of `result`'s config.
  [[gnu::cold]] void packed(std::string_view prefix, PackedModel& result) {
    result.layers = std::vector<PackedEncoderLayer>(result.config.layers);
    result.exits = std::vector<PackedExit>(result.config.inner_exits().size());
    for_each_packed(result, [&](const std::string& name, auto& part, const Shape& shape) {
      const std::string in_file = concat(prefix, name);
      (*this)(in_file, part, shape);
      if constexpr (std::is_same_v<decltype(part), Tensor&>) check_scales(in_file, part);
      if constexpr (std::is_same_v<decltype(part), BitMatrix&>) matrices_.push_back({name, shape});
    });
    for (PackedEncoderLayer& layer :
         result.layers) {  // what its inputs mean follows from the config
      layer.ffn.outer.zero_one = result.config.bit_inputs() && result.config.inner_levels == "step";
    }
  }
  /// All parameters of a float model of `result`'s config.
  [[gnu::cold]] void float_parameters(ModelParameters& result) {
    const ModelConfig& config = result.config;
    const detail::FloatShapes shapes(config);
    for (const auto& [name, shape] : shapes.entries()) {
      result.tensors.push_back({name, {}});
      (*this)(name, result.tensors.back().tensor, shape);
    }
    if (config.embedding_bits == 1) {
      (*this)(word_bits, result.word_bits, Shape{config.vocabulary, config.hidden});
      (*this)(word_alpha, result.word_alpha, Shape{config.vocabulary});
    }
  }
  /// Whatever lies behind `prefix`, in the shapes that it has.
  [[gnu::cold]] void parameters_behind(std::string_view prefix, ModelParameters& result) {
    const ModelConfig& config = result.config;
    for (const TensorEntry& entry : file_->entries()) {
      if (!entry.name.starts_with(prefix)) continue;
      const std::string_view name = std::string_view(entry.name).substr(prefix.size());
      if (name == word_bits) {
        (*this)(entry.name, result.word_bits, Shape{config.vocabulary, config.hidden});
      } else if (name == word_alpha) {
        (*this)(entry.name, result.word_alpha, Shape{config.vocabulary});
      } else if (entry.shape.empty() || entry.shape.size() > 2) {
        problem(entry.name, {"a parameter of ", entry.shape.size(), " extents"});
      } else {
        const Shape shape =
            entry.shape.size() == 1 ? Shape{entry.shape[0]} : Shape{entry.shape[0], entry.shape[1]};
        result.tensors.push_back({std::string(name), {}});
        (*this)(entry.name, result.tensors.back().tensor, shape);
      }
    }
  }
  /// Magnitudes of `bits` bits of all matrices of the packed model that was read before.
  [[gnu::cold]] void magnitudes(std::string_view prefix, const ModelConfig& config,
                                std::size_t bits, Magnitudes& result) {
    result.bits = bits;
    result.matrices = std::vector<MatrixMagnitudes>(matrices_.size());
    for (std::size_t i = 0; i < matrices_.size(); ++i) {
      const auto& [name, shape] = matrices_[i];
      MatrixMagnitudes& one = result.matrices[i];
      one.name = name.substr(0, name.rfind(".bits"));
      const std::string path = concat(prefix, one.name);
      (*this)(join_path(path, "planes"), one.planes, Shape{bits * shape.rows(), shape.cols()});
      const std::string levels = join_path(path, "levels");
      (*this)(levels, one.levels, Shape{std::size_t{1} << bits});
      float least = 0;
      for (const float level : one.levels.data()) {
        if (!(level > 0 && level >= least))
          problem(levels, {"a level of ", level, " behind ", least});
        least = level;
      }
      const std::string scale = join_path(path, "scale");
      (*this)(scale, one.scale, Shape{shape.rows()});
      for (const float value : one.scale.data()) {
        if (value < 0.0F) problem(scale, {"a scale of ", value});
      }
      const std::size_t centers = detail::centers_of(config, one.name, shape.rows());
      if (centers > 0) (*this)(join_path(path, "center"), one.center, Shape{centers});
    }
  }
  /// Nobody will ask for what lies behind `prefix`.
  [[gnu::cold]] void pass_over(std::string_view prefix) {
    for (const TensorEntry& entry : file_->entries()) {
      if (entry.name.starts_with(prefix)) use(entry);
    }
  }
  [[nodiscard, gnu::cold]] Vocabulary vocabulary(const ModelConfig& config) {
    const TensorEntry* entry = file_->find("tokenizer.vocab");
    if (entry == nullptr || entry->dtype != DType::u8) {
      fail(Fault::model, file_->name(), ": no vocabulary (a U8 tensor tokenizer.vocab)");
    }
    use(*entry);
    Vocabulary vocabulary =
        Vocabulary::parse({reinterpret_cast<const char*>(entry->bytes.data()), entry->bytes.size()},
                          concat(file_->name(), " (tokenizer.vocab)"));
    if (vocabulary.size() != config.vocabulary) {
      problem("tokenizer.vocab",
              {vocabulary.size(), " pieces, but the config has ", config.vocabulary});
    }
    return vocabulary;
  }

  /// Throws Error{Fault::model} with all problems, tensors that nobody asked for included.
  [[gnu::cold]] void finish() {
    for (const TensorEntry& entry : file_->entries()) {
      if (entry.name == checksum_tensor || entry.name.starts_with("x.")) continue;
      if (used_[index_of(entry)] == 0)
        problem(entry.name, {"a tensor that this model has no use for"});
    }
    if (!problems_.empty()) fail(Fault::model, file_->name(), ": ", problems_);
  }

 private:
  [[nodiscard]] const TensorEntry* take(const std::string& name, DType dtype,
                                        const std::vector<std::size_t>& shape) {
    const TensorEntry* entry = file_->find(name);
    if (entry != nullptr) use(*entry);
    const TensorEntry wanted{name, dtype, shape, {}};
    if (entry == nullptr) {
      problem(name, {"missing (", wanted, ")"});
    } else if (entry->dtype != dtype || entry->shape != shape) {
      problem(name, {"is ", *entry, ", not ", wanted});
      entry = nullptr;
    }
    return entry;
  }
  [[gnu::cold, gnu::noinline]] void problem(std::string_view name, detail::Parts what) {
    constexpr std::size_t most = 4000;  // a message, not a listing
    if (problems_.size() > most) return;
    detail::append(problems_, {problems_.empty() ? "" : "; ", name, ": "});
    detail::append(problems_, what);
  }

  [[gnu::noinline]] void check_scales(std::string_view name, const Tensor& tensor) {
    if (!name.ends_with(".alpha")) return;
    for (const float value : tensor.data()) {
      if (value < 0.0F) return problem(name, {"a scale of ", value});
    }
  }

  [[nodiscard]] std::size_t index_of(const TensorEntry& entry) const {
    return static_cast<std::size_t>(&entry - file_->entries().data());
  }
  void use(const TensorEntry& entry) { used_[index_of(entry)] = 1; }

  const Safetensors* file_;
  std::vector<std::pair<std::string, Shape>> matrices_;  // in bits, that were read
  std::vector<std::uint8_t> used_;                       // 1 or 0, of the file's entries
  std::string problems_;
};

}  // namespace bipft
