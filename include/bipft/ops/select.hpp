#pragma once
/// Some rows of one vector a token; one vector a text, its first token's or the mean of them all.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "bipft/autograd/tape.hpp"
#include "bipft/core/ragged.hpp"

namespace bipft {

/// Forward:    y[m] = hidden[rows[m]]
/// Backward:   dhidden[n] = Σ_{m: rows[m] = n} dy[m], and 0 for rows that were not asked for
///
///   hidden: [N, C]   rows: [M]   y: [M, C]
/// Throws Error if a row is not there.
[[nodiscard]] inline Var select_rows(const Var& hidden, const IdTensor& rows) {
  return hidden.tape().record(hidden.device().gather(hidden.value(), rows), {hidden},
                              [rows, to = Slot(hidden)](Tape& tape, const Tensor& dy) {
                                Tensor dhidden(to.shape());
                                tape.device().scatter_add(dhidden, rows, dy);
                                tape.accumulate(to, std::move(dhidden));
                              });
}

/// Forward:    y[b] = hidden[first token of text b]          ([CLS], which a pooler reads)
/// Backward:   that of select_rows
///
///   hidden: [N, C]   y: [B, C]
/// Throws Error if hidden does not fit the texts.
[[nodiscard]] inline Var first_tokens(const Var& hidden, const Ragged& texts) {
  if (hidden.value().rows() != texts.tokens()) {
    fail("first_tokens: hidden is ", hidden.shape(), " for ", texts.tokens(), " tokens");
  }
  IdTensor first = IdTensor::uninitialized(Shape{texts.texts()});
  const auto rows = first.mutable_data();
  for (std::size_t b = 0; b < rows.size(); ++b) rows[b] = static_cast<std::int32_t>(texts.begin(b));
  return select_rows(hidden, first);
}

/// Forward:    y[b] = Σ_{n in text b} hidden[n] / T_b
/// Backward:   dhidden[n] = dy[b] / T_b, for the text b of token n
///
///   hidden: [N, C]   y: [B, C]
/// Throws Error if hidden does not fit the texts.
[[nodiscard]] inline Var mean_tokens(const Var& hidden, const Ragged& texts) {
  if (hidden.value().rows() != texts.tokens()) {
    fail("mean_tokens: hidden is ", hidden.shape(), " for ", texts.tokens(), " tokens");
  }
  return hidden.tape().record(
      hidden.device().mean_rows(hidden.value(), texts), {hidden},
      [texts, to = Slot(hidden)](Tape& tape, const Tensor& dy) {
        Tensor share = Tensor::uninitialized(dy.shape());                // [B, C]  1 / T_b
        IdTensor text = IdTensor::uninitialized(Shape{texts.tokens()});  // [N]     b
        const auto texts_of = text.mutable_data();
        for (std::size_t b = 0; b < texts.texts(); ++b) {
          const std::size_t length = texts.length(b);
          for (float& value : share.mutable_row(b)) value = 1.0F / static_cast<float>(length);
          std::fill_n(texts_of.begin() + static_cast<std::ptrdiff_t>(texts.begin(b)), length,
                      static_cast<std::int32_t>(b));
        }
        Device& device = tape.device();
        tape.accumulate(to, device.gather(device.multiply(dy, share), text));
      });
}

}  // namespace bipft
