#pragma once
/// Accounting: what an answer costs by count, and what a model's file holds.
///
/// Operations by the rule of one-bit papers (Bi-Real Net, ReActNet; for transformers BinaryBERT,
/// and so [BiBERT], [BiT], [BiPFT]): products alone count; one of two floats is a multiplication
/// and an addition, and one of m bits and n bits costs m n / 64 of that. Norms, softmaxes,
/// activations, scales and look-ups are left out. So
///   OPs = 2 · (float MACs) + BOPs / 64,   BOPs = 2 · Σ MACs · m · n,
/// with 32 bits for floats that signs are added up of. Papers print both sides in units of 10⁹ to
/// one decimal, and their ratios are of what is printed: 56 for [BiPFT] of 12 layers of 768 at 128
/// tokens, where the unrounded numbers have 61 to 1, and 64 to 1 without estimators.
///
/// Bytes by their rule: word embedding, matrices and pooler at their bits, all else at 32; without
/// a head for labels, scales of bits, shifts, and the vocabulary's text, which a file must hold.

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "bipft/device/estimates.hpp"
#include "bipft/io/safetensors.hpp"
#include "bipft/model/config.hpp"

namespace bipft {

/// Multiplications with an addition each, by what they multiply.
struct Operations {
  std::uint64_t bit_macs = 0;    ///< bits of weights or activations with bits
  std::uint64_t mixed_macs = 0;  ///< one-bit weights with floats
  std::uint64_t float_macs = 0;
  std::uint64_t bops = 0;  ///< of the first two

  [[nodiscard]] double ops() const {
    return 2.0 * static_cast<double>(float_macs) + static_cast<double>(bops) / 64.0;
  }

  /// `macs` products of numbers of so many bits.
  void add(std::uint64_t macs, std::size_t m, std::size_t n) {
    if (m == 32 && n == 32) {
      float_macs += macs;
      return;
    }
    (m == 32 || n == 32 ? mixed_macs : bit_macs) += macs;
    bops += 2 * macs * m * n;
  }
};

/// What one text of `tokens` tokens costs, with all layers read.
[[nodiscard]] inline Operations operations_of(const ModelConfig& config, std::size_t tokens) {
  const std::uint64_t t = tokens;
  const std::uint64_t c = config.hidden;
  const std::uint64_t f = config.ffn;
  const std::uint64_t layers = config.layers;
  const std::size_t weights = config.weight_bits;
  const std::size_t inputs = config.act_bits;
  Operations all;
  all.add(layers * t * (4 * c * c + 2 * c * f), weights, inputs);
  if (config.gated()) all.add(layers * t * 2 * c * f, weights, inputs);
  all.add(layers * 2 * t * t * c, inputs, inputs);  // q kᵀ and p v
  if (config.estimators > 0) {                      // device/estimates.hpp: linears, E, p r_v
    const std::uint64_t r = config.estimators;
    const std::uint64_t linears = t * c * estimate_columns(config.estimators);
    all.add(layers * (linears + 2 * r * t * t + config.heads * t * t), 32, 32);
  }
  all.add(c * c, weights, inputs);  // the pooler reads one token
  all.add(config.labels * c, 32, 32);
  return all;
}

/// A network of the same shape in full precision: what ratios are to.
[[nodiscard]] inline ModelConfig float_twin(ModelConfig config) {
  config.weight_bits = config.act_bits = config.embedding_bits = 32;
  config.leave_bits();
  config.estimators = 0;
  return config;
}

/// `number` as papers print it: in units of 10⁹, to one decimal.
[[nodiscard]] inline double printed(double number) { return std::round(number / 1e8) / 10; }

/// The bytes of a model by the papers' rule.
[[nodiscard]] inline double bytes_by_rule(const ModelConfig& config) {
  const auto number = [](std::size_t value) { return static_cast<double>(value); };
  const double c = number(config.hidden);
  const double f = number(config.ffn);
  const double layers = number(config.layers);
  const double words = number(config.vocabulary) * c;
  const double gates = config.gated() ? 1 : 0;
  const double matrices = layers * (4 * c * c + (2 + 2 * gates) * c * f) + c * c;
  const double places = (number(config.max_len) + 2) * c;
  const double biases = layers * (4 * c + (1 + gates) * (f + c)) + c;
  const double norms = 2 * c * (2 * layers + 1);
  return (words * number(config.embedding_bits) + matrices * number(config.weight_bits)) / 8 +
         4 * (places + biases + norms);
}

/// Where the bytes of a model's file are.
struct FileBytes {
  std::size_t bits = 0;        ///< of packed matrices
  std::size_t latent = 0;      ///< for going on with a training
  std::size_t floats = 0;      ///< of all else that answers need
  std::size_t vocabulary = 0;  ///< its text
  std::size_t rest = 0;        ///< names, card, checksum, and what only other programs read
};

[[nodiscard]] inline FileBytes bytes_of_file(const Safetensors& file) {
  FileBytes all;
  all.rest = file.file_size();
  for (const TensorEntry& entry : file.entries()) {
    const std::string_view name = entry.name;
    std::size_t* const kind = name == checksum_tensor || name.starts_with("x.") ? nullptr
                              : name.starts_with("latent.")                     ? &all.latent
                              : name == "tokenizer.vocab"                       ? &all.vocabulary
                              : name.ends_with(".bits")                         ? &all.bits
                                                                                : &all.floats;
    if (kind == nullptr) continue;
    *kind += entry.bytes.size();
    all.rest -= entry.bytes.size();
  }
  return all;
}

}  // namespace bipft
