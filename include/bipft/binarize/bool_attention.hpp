#pragma once
/// BoolAttention: attention's scores to {0, 1}, without a softmax.
///
/// [BiBERT] "Bi-Attention": the sign of a softmax is 1 everywhere and says nothing;
/// the sign of a score says most, as scores lie on both sides of 0. Square brackets name papers
/// listed in bipft/README.md.

#include <cstddef>
#include <string_view>

#include "bipft/binarize/binarizer.hpp"
#include "bipft/binarize/plain_sign.hpp"

namespace bipft {

struct BoolAttention {
  static constexpr std::string_view name = "bool_attention";

  BoolAttention() = default;
  explicit BoolAttention(std::size_t /*channels*/) {}

  void visit(auto&& /*part*/) {}
  void clamp() {}

  [[nodiscard]] BitRule rule() const {
    return {.shift = {}, .threshold = 0.0F, .strict = true, .zero_one = true, .scale = 1.0F};
  }

  /// Forward:    p = 1{s > 0}
  ///             The paper has s >= 0. Published code, which made its results, has s > 0: of D
  ///             random signs a tenth of all scores is 0, and what dropout drops is 0 as well.
  /// Backward:   ds = dp 1{|s| < 1}: straight through [STE]; the paper has |s| <= 1
  ///
  ///   s, p: any one shape
  [[nodiscard]] BinaryVar operator()(const Var& s) const {
    return detail::straight_through(s, rule(), just_below_one);
  }

  /// What passes, for an operation that does it in one with others (binary_attention.hpp).
  [[nodiscard]] static Window window() {
    return {{}, -just_below_one, just_below_one, 0.0F, true, 0.0F};
  }
};

static_assert(Binarizer<BoolAttention>);

}  // namespace bipft
