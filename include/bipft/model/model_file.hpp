#pragma once
/// Model files: one safetensors file holds a model's numbers, vocabulary and card (format bipft/1).
///
/// Binary matrices are `NAME.bits`, U8 [O, 8 ceil(C/64)], bit j of byte k being column 8k+j and 1
/// meaning +1; floats are F32; `tokenizer.vocab` holds the lines of the vocabulary; the last
/// tensor, `zz.sha256`, is the SHA-256 of all before it. A file names no other file and holds no
/// dates: the same training gives the same bytes.

#include <cmath>
#include <cstddef>
#include <cstring>
#include <deque>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

#include "bipft/io/safetensors.hpp"
#include "bipft/model/card.hpp"
#include "bipft/model/model.hpp"
#include "bipft/model/packed_model.hpp"
#include "bipft/text/vocabulary.hpp"

namespace bipft {

/// What a model file holds: one of the two networks, or both where the kind is `trainable`.
struct ModelFile {
  ModelCard card;
  Vocabulary vocabulary;
  std::optional<PackedModel> packed;  ///< kinds packed and trainable
  std::optional<Model> latent;        ///< kinds float and trainable
  std::string digest;                 ///< SHA-256 of the file, in hexadecimal: the model's name
  std::size_t bytes = 0;              ///< of the file
};

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
  void parameters(const std::string& prefix, Model& model) {
    for_each<Parameter>(model, [&](const std::string& name, const Parameter& parameter) {
      (*this)(prefix + name, parameter.value, {});
    });
  }

  [[nodiscard]] std::vector<TensorEntry> entries() const {
    std::vector<TensorEntry> all = bits_;
    all.insert(all.end(), floats_.begin(), floats_.end());
    all.insert(all.end(), rest_.begin(), rest_.end());
    return all;
  }

 private:
  std::vector<TensorEntry> bits_, floats_, rest_;
  std::deque<BitMatrix> kept_bits_;  // whose bytes the entries point to
  std::deque<Tensor> kept_;
  std::string text_;
};

/// Takes tensors out of a file, and collects all that is wrong with them before it complains.
class TensorReader {
 public:
  explicit TensorReader(const Safetensors& file) : file_(&file) {}

  void operator()(const std::string& name, BitMatrix& bits, const Shape& shape) {
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
      problem(name, concat("bits beyond column ", shape.cols(), " in row ", row));
      return;
    }
  }
  void operator()(const std::string& name, Tensor& tensor, const Shape& shape) {
    std::vector<std::size_t> extents;
    for (std::size_t axis = 0; axis < shape.rank(); ++axis) extents.push_back(shape[axis]);
    const TensorEntry* entry = take(name, DType::f32, extents);
    if (entry == nullptr) return;
    Tensor result = Tensor::uninitialized(shape);
    std::memcpy(result.mutable_data().data(), entry->bytes.data(), entry->bytes.size());
    for (const float value : result.data()) {
      if (std::isfinite(value)) continue;
      problem(name, concat("a number that is not finite (", value, ")"));
      return;
    }
    tensor = std::move(result);
  }
  void operator()(const std::string& name, float& value, const Shape& shape) {
    Tensor tensor;
    (*this)(name, tensor, shape);
    if (tensor.empty()) return;
    value = tensor.data()[0];
    if (value < 0.0F || (value == 0.0F && !name.ends_with(".alpha"))) {
      problem(name, concat("a scale of ", value));
    }
  }
  void parameters(const std::string& prefix, Model& model) {
    for_each<Parameter>(model, [&](const std::string& name, Parameter& parameter) {
      (*this)(prefix + name, parameter.value, parameter.value.shape());
    });
  }
  [[nodiscard]] Vocabulary vocabulary(const ModelConfig& config) {
    used_.insert("tokenizer.vocab");
    const TensorEntry* entry = file_->find("tokenizer.vocab");
    if (entry == nullptr || entry->dtype != DType::u8) {
      fail(Fault::model, file_->name(), ": no vocabulary (a U8 tensor tokenizer.vocab)");
    }
    Vocabulary vocabulary =
        Vocabulary::parse({reinterpret_cast<const char*>(entry->bytes.data()), entry->bytes.size()},
                          concat(file_->name(), " (tokenizer.vocab)"));
    if (vocabulary.size() != config.vocabulary) {
      problem("tokenizer.vocab",
              concat(vocabulary.size(), " pieces, but the config has ", config.vocabulary));
    }
    return vocabulary;
  }

  /// Throws Error{Fault::model} with all problems, tensors that nobody asked for included.
  void finish() {
    for (const TensorEntry& entry : file_->entries()) {
      if (entry.name == checksum_tensor || entry.name.starts_with("x.")) continue;
      if (!used_.contains(entry.name))
        problem(entry.name, "a tensor that this model has no use for");
    }
    if (!problems_.empty()) fail(Fault::model, file_->name(), ": ", problems_);
  }

 private:
  [[nodiscard]] const TensorEntry* take(const std::string& name, DType dtype,
                                        const std::vector<std::size_t>& shape) {
    used_.insert(name);
    const TensorEntry* entry = file_->find(name);
    const TensorEntry wanted{name, dtype, shape, {}};
    if (entry == nullptr) {
      problem(name, concat("missing (", wanted, ")"));
    } else if (entry->dtype != dtype || entry->shape != shape) {
      problem(name, concat("is ", *entry, ", not ", wanted));
      entry = nullptr;
    }
    return entry;
  }
  void problem(const std::string& name, const std::string& what) {
    constexpr std::size_t most = 4000;  // a message, not a listing
    if (problems_.size() > most) return;
    problems_ += concat(problems_.empty() ? "" : "; ", name, ": ", what);
  }

  const Safetensors* file_;
  std::unordered_set<std::string> used_;
  std::string problems_;
};

namespace detail {

/// A model of this config to read numbers into; refused if its numbers cannot all be in the file.
[[nodiscard]] inline Model blank_model(const ModelCard& card, const Safetensors& file) {
  const ModelConfig& c = card.config;
  const std::size_t numbers =
      c.vocabulary * c.hidden + c.layers * (4 * c.hidden * c.hidden + 2 * c.hidden * c.ffn);
  if (numbers > file.file_size() / sizeof(float)) {
    fail(Fault::model, file.name(), ": ", file.file_size(), " bytes cannot hold the ", numbers,
         " numbers that its config needs");
  }
  return Model(c, Model::Blank{});
}

/// The checksum that the file brings, or nothing.
[[nodiscard]] inline std::string digest_of(const Safetensors& file) {
  const TensorEntry* const entry = file.find(checksum_tensor);
  return entry == nullptr ? std::string() : hex(entry->bytes);
}

/// What a packed model's inputs mean follows from its config.
inline void set_levels(PackedModel& packed) {
  for (PackedEncoderLayer& layer : packed.layers) {
    layer.ffn.outer.zero_one = packed.config.inner_levels == "step";
  }
}

/// Parameters were learnt, so what binarizers find out on a first batch is found out.
inline void mark_calibrated(Model& model) {
  for_each<Calibrated>(model, [](const std::string&, Calibrated& flag) { flag.value = true; });
}

}  // namespace detail

/// Reads a model from a parsed file. Throws Error{Fault::model} for whatever does not fit.
[[nodiscard]] inline ModelFile read_model(const Safetensors& file) {
  (void)file.verify_checksum();
  ModelCard card = ModelCard::read(file);
  TensorReader reader(file);
  Vocabulary vocabulary = reader.vocabulary(card.config);
  ModelFile result{std::move(card),         std::move(vocabulary), {}, {},
                   detail::digest_of(file), file.file_size()};
  const ModelConfig& config = result.card.config;
  const std::string& kind = result.card.kind;
  if (kind == "checkpoint") {
    fail(Fault::model, file.name(),
         ": the state of a running training, not a model; go on with train --resume");
  }
  if (kind != "packed" && kind != "float" && kind != "trainable") {
    fail(Fault::model, file.name(), ": a model of kind '", kind,
         "'; this version reads packed, float and trainable");
  }
  if ((kind == "float") == config.binary()) {
    fail(Fault::model, file.name(), ": kind ", kind, " with ", config.weight_bits, "-bit weights");
  }
  if (kind != "float") {
    if (config.layers > file.entries().size()) {
      fail(Fault::model, file.name(), ": ", config.layers, " layers in ", file.entries().size(),
           " tensors");
    }
    PackedModel packed;
    packed.config = config;
    packed.layers.resize(config.layers);
    for_each_packed(packed, [&reader](const std::string& name, auto& part, const Shape& shape) {
      reader(name, part, shape);
    });
    detail::set_levels(packed);
    result.packed = std::move(packed);
  }
  if (kind != "packed") {
    result.latent = detail::blank_model(result.card, file);
    reader.parameters(kind == "trainable" ? "latent." : "", *result.latent);
    detail::mark_calibrated(*result.latent);
  }
  reader.finish();
  return result;
}

[[nodiscard]] inline ModelFile load_model(const std::string& path) {
  return read_model(Safetensors::open(path));
}

/// From memory: nothing of `bytes` is needed afterwards. `name` stands in messages.
[[nodiscard]] inline ModelFile load_model(std::span<const std::byte> bytes, std::string_view name) {
  return read_model(Safetensors::borrow(bytes, name));
}

namespace detail {

template <class Write>
auto with_model_tensors(const ModelFile& model, const Write& write) {
  TensorWriter writer;
  if (model.packed) {
    for_each_packed(*model.packed, [&](const std::string& name, const auto& part,
                                       const Shape& shape) { writer(name, part, shape); });
  }
  if (model.latent) {
    Model latent = *model.latent;  // handles; visiting is not const
    writer.parameters(model.packed ? "latent." : "", latent);
  }
  writer.vocabulary(model.vocabulary);
  return write(writer.entries(), model.card.to_metadata());
}

}  // namespace detail

/// Writes a model, atomically and durably. Throws Error{Fault::system}.
inline void save_model(const std::string& path, const ModelFile& model) {
  detail::with_model_tensors(model, [&](const auto& entries, const auto& metadata) {
    save_safetensors(path, entries, metadata);
  });
}

/// The bytes of the same file.
[[nodiscard]] inline std::string serialize_model(const ModelFile& model) {
  return detail::with_model_tensors(model, [](const auto& entries, const auto& metadata) {
    return serialize_safetensors(entries, metadata);
  });
}

}  // namespace bipft
