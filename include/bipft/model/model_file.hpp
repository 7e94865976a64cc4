#pragma once
/// Model files: one safetensors file holds a model's numbers, vocabulary and card (format bipft/1).
///
/// Binary matrices are `NAME.bits`, U8 [O, 8 ceil(C/64)], bit j of byte k being column 8k+j and 1
/// meaning +1; floats are F32; `tokenizer.vocab` holds the lines of the vocabulary; the last
/// tensor, `zz.sha256`, is the SHA-256 of all before it. What begins with `latent.` is for going on
/// with a training: parameters in floats, or of each matrix `planes` like its bits, `levels`,
/// `scale` and `center` (model/magnitudes.hpp). A file names no other file and holds no dates: the
/// same training gives the same bytes.

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "bipft/io/safetensors.hpp"
#include "bipft/model/card.hpp"
#include "bipft/model/magnitudes.hpp"
#include "bipft/model/packed_model.hpp"
#include "bipft/model/parameters.hpp"
#include "bipft/model/tensor_file.hpp"
#include "bipft/text/vocabulary.hpp"

namespace bipft {

/// What a model file holds: one of the two networks, or both where the kind is `trainable`.
struct ModelFile {
  ModelCard card;
  Vocabulary vocabulary;
  std::optional<PackedModel> packed;          ///< kinds packed and trainable
  std::optional<ModelParameters> latent;      ///< kinds float, trainable and staged
  std::string digest;                         ///< SHA-256 of the file, in hexadecimal: its name
  std::size_t bytes = 0;                      ///< of the file
  std::optional<Magnitudes> magnitudes = {};  ///< of a trainable one, instead of `latent`
};

/// What to take from a model's file.
enum class Wanted {
  everything,
  answers,  ///< not what only training needs: the latent weights of a trainable model
};

namespace detail {

/// The checksum that the file brings, or nothing.
[[nodiscard]] inline std::string digest_of(const Safetensors& file) {
  const TensorEntry* const entry = file.find(checksum_tensor);
  return entry == nullptr ? std::string() : hex(entry->bytes);
}

inline constexpr const char* latent_prefix = "latent.";

/// The networks that `result`'s card promises.
[[gnu::cold]] inline void read_networks(const Safetensors& file, TensorReader& reader,
                                        Wanted wanted, ModelFile& result) {
  const ModelConfig& config = result.card.config;
  const std::string& kind = result.card.kind;
  if (kind == "checkpoint") {
    fail(Fault::model, file.name(),
         ": the state of a running training, not a model; go on with train --resume");
  }
  if (kind != "packed" && kind != "float" && kind != "trainable" && kind != "staged") {
    fail(Fault::model, file.name(), ": a model of kind '", kind,
         "'; this version reads packed, float, trainable and staged");
  }
  if ((kind == "float") != (config.weight_bits == 32) || (kind == "staged") != config.staged()) {
    fail(Fault::model, file.name(), ": kind ", kind, " with ", config.weight_bits,
         "-bit weights and ", config.act_bits, "-bit activations");
  }
  if (config.layers > file.entries().size()) {
    fail(Fault::model, file.name(), ": ", config.layers, " layers in ", file.entries().size(),
         " tensors");
  }
  if (kind == "float") {
    ModelParameters& latent = result.latent.emplace();
    latent.config = config;
    reader.float_parameters(latent);
  } else if (kind != "staged") {
    PackedModel& packed = result.packed.emplace();
    packed.config = config;
    reader.packed("", packed);
  }
  if (kind == "trainable" || kind == "staged") {
    if (kind == "staged" || wanted == Wanted::everything) {
      if (result.card.latent_bits < 32 && kind == "trainable") {
        reader.magnitudes(latent_prefix, config, result.card.latent_bits,
                          result.magnitudes.emplace());
        return;
      }
      ModelParameters& latent = result.latent.emplace();
      latent.config = config;
      reader.parameters_behind(latent_prefix, latent);
    } else {
      reader.pass_over(latent_prefix);
    }
  }
}

}  // namespace detail

/// Reads a model from a parsed file. Throws Error{Fault::model} for whatever does not fit.
[[nodiscard, gnu::cold]] inline ModelFile read_model(const Safetensors& file,
                                                     Wanted wanted = Wanted::everything) {
  (void)file.verify_checksum();
  TensorReader reader(file);
  ModelFile result{.card = ModelCard::read(file),
                   .vocabulary = reader.vocabulary(result.card.config),  // which is read by now
                   .packed = {},
                   .latent = {},
                   .digest = detail::digest_of(file),
                   .bytes = file.file_size(),
                   .magnitudes = {}};
  detail::read_networks(file, reader, wanted, result);
  reader.finish();
  return result;
}

[[nodiscard]] inline ModelFile load_model(const std::string& path,
                                          Wanted wanted = Wanted::everything) {
  return read_model(Safetensors::open(path), wanted);
}

/// From memory: nothing of `bytes` is needed afterwards. `name` stands in messages.
[[nodiscard]] inline ModelFile load_model(std::span<const std::byte> bytes, std::string_view name,
                                          Wanted wanted = Wanted::everything) {
  return read_model(Safetensors::borrow(bytes, name), wanted);
}

namespace detail {

template <class Write>
auto with_model_tensors(const ModelFile& model, std::span<const NamedTensor> others,
                        const Write& write) {
  TensorWriter writer;
  if (model.packed) writer.packed("", *model.packed);
  const bool computed = !model.packed && !model.card.config.staged();
  if (model.latent) writer.parameters(computed ? "" : latent_prefix, *model.latent);
  if (model.magnitudes) writer.magnitudes(latent_prefix, *model.magnitudes);
  for (const NamedTensor& other : others) writer("x." + other.name, other.tensor, {});
  writer.vocabulary(model.vocabulary);
  return write(writer.entries(), model.card.to_metadata());
}

}  // namespace detail

/// Writes a model, atomically and durably, and `others` as `x.NAME`, which readers of models pass
/// over. Throws Error{Fault::system}.
inline void save_model(const std::string& path, const ModelFile& model,
                       std::span<const NamedTensor> others = {}) {
  detail::with_model_tensors(model, others, [&](const auto& entries, const auto& metadata) {
    save_safetensors(path, entries, metadata);
  });
}

/// The bytes of the same file.
[[nodiscard]] inline std::string serialize_model(const ModelFile& model) {
  return detail::with_model_tensors(model, {}, [](const auto& entries, const auto& metadata) {
    return serialize_safetensors(entries, metadata);
  });
}

}  // namespace bipft
