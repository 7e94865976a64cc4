#pragma once
/// ElasticSign: activations to {-α, +α}, for what has both signs.
///
/// [BiT] "Elastic binarization function" ([BNN] §5.10.2); [BiPFT] uses it unchanged. Square
/// brackets name papers listed in bipft/README.md.

#include <cstddef>
#include <string_view>

#include "bipft/binarize/elastic.hpp"

namespace bipft {

struct ElasticSign : Elastic {
  static constexpr std::string_view name = "elastic_sign";

  ElasticSign() : Elastic(0) {}  ///< without a shift
  explicit ElasticSign(std::size_t channels) : Elastic(channels) {}

  [[nodiscard]] BitRule rule() const {
    return {.shift = shift.value,
            .threshold = 0.0F,
            .strict = false,
            .zero_one = false,
            .scale = scale()};
  }

  /// Forward:    y = α sign(x + shift)                 [BNN] after eq. 5.43
  ///             sign(0) is the papers' +1; published code has 0, which no bit can store.
  /// Backward, for N elements in x:
  ///             dx = dy 1{|x + shift| <= α}           straight through
  ///             dshift = Σ_rows dx                    [BNN] eq. 5.43, for β = -shift
  ///             dα = Σ sign(x + shift) dy / √N        [BNN] after eq. 5.43, over √N as in [LSQ]
  /// On the first training batch first sets α = 2 mean|x + shift|.
  ///
  ///   x, y: [N, C], or any one shape without a shift
  /// Throws Error if x is not C wide.
  [[nodiscard]] BinaryVar operator()(const Var& x) {
    prepare("ElasticSign", x, 2.0F);
    const float a = scale();
    return record(x, rule(), -a, a);
  }
};

static_assert(Binarizer<ElasticSign>);

}  // namespace bipft
