#pragma once
/// One vector a text out of one a token: its first token's, or the mean of them all.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "bipft/autograd/tape.hpp"
#include "bipft/core/ragged.hpp"

namespace bipft {

/// Forward:    y[b] = hidden[first token of text b]          ([CLS], which a pooler reads)
/// Backward:   dhidden is dy at these rows and 0 at all others
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
  return hidden.tape().record(hidden.device().gather(hidden.value(), first), {hidden},
                              [first, to = Slot(hidden)](Tape& tape, const Tensor& dy) {
                                Tensor dhidden(to.shape());
                                tape.device().scatter_add(dhidden, first, dy);
                                tape.accumulate(to, std::move(dhidden));
                              });
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
