#pragma once
/// Dropout on the CPU: which elements are dropped is drawn by their index alone.

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "bipft/core/error.hpp"
#include "bipft/core/random.hpp"
#include "bipft/kernels/training_table.hpp"
#include "bipft/kernels/training_targets.hpp"

namespace bipft::detail {

/// p counts in steps of 2^-16: element i takes bits 16 (i % 4) and up of number i / 4.
class Dropout {
 public:
  Dropout(const Random& random, float p) : random_(random), factor_(1.0F / (1.0F - p)) {
    if (!(p >= 0 && p < 1)) fail("dropout: a probability of ", p, " is not in [0, 1)");
    limit_ = static_cast<std::uint16_t>(std::min(p * 65536.0F, 65535.0F));
  }

  /// Is there anything to drop? If not, every element stays as it is.
  [[nodiscard]] bool drops() const { return limit_ != 0; }

  /// What elements first ... first + n - 1 have drawn.
  void draw(std::size_t first, std::size_t n, std::uint16_t* drawn) const {
    std::size_t i = 0;
    for (; i < n && (first + i) % 4 != 0; ++i) drawn[i] = drawn_by(first + i);
    const std::size_t fours = (n - i) / 4;
    kernels_.draw(random_, (first + i) / 4, fours, drawn + i);
    for (i += 4 * fours; i < n; ++i) drawn[i] = drawn_by(first + i);
  }
  void apply(const std::uint16_t* drawn, const float* x, std::size_t n, float* y) const {
    kernels_.dropout(x, drawn, limit_, factor_, n, y);
  }
  /// Both for elements first ... first + n - 1, a few at a time.
  void operator()(const float* x, std::size_t first, std::size_t n, float* y) const {
    constexpr std::size_t chunk = 1024;
    std::uint16_t drawn[chunk];
    for (std::size_t i = 0; i < n; i += chunk) {
      const std::size_t count = std::min(chunk, n - i);
      draw(first + i, count, drawn);
      apply(drawn, x + i, count, y + i);
    }
  }

 private:
  [[nodiscard]] std::uint16_t drawn_by(std::size_t i) const {
    return static_cast<std::uint16_t>(random_.u64(i / 4) >> (16 * (i % 4)));
  }

  Random random_;
  float factor_;
  std::uint16_t limit_ = 0;
  const kernels::TrainingKernels& kernels_ = kernels::active_training();
};

}  // namespace bipft::detail
