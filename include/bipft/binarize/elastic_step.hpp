#pragma once
/// ElasticStep: activations to {0, α}, for what is never negative (softmax and ReLU outputs).
///
/// [BiT] "Elastic binarization function" ([BNN] §5.10.2).

#include <cmath>
#include <cstddef>
#include <string_view>

#include "bipft/binarize/elastic.hpp"

namespace bipft {

struct ElasticStep : Elastic {
  static constexpr std::string_view name = "elastic_step";

  ElasticStep() : Elastic(0) {}  ///< without a shift
  explicit ElasticStep(std::size_t channels) : Elastic(channels) {}

  [[nodiscard]] BitRule rule() const {
    return {.shift = shift.value,
            .threshold = scale() / 2.0F,
            .strict = true,
            .zero_one = true,
            .scale = scale()};
  }

  /// Forward, with q = (x + shift) / α:
  ///             y = α 1{q > 1/2}                      [BNN] eq. 5.41
  ///             At 1/2 the paper rounds up; published code rounds to even, and so do we.
  /// Backward, for N elements in x:
  ///             dx = dy 1{0 <= q <= 1}                straight through
  ///             dshift = Σ_rows dx                    [BNN] eq. 5.43, for β = -shift
  ///             dα = Σ t dy / √N                      [LSQ], with
  ///                  t = 0 below 0, -q up to 1/2, 1 - q up to 1, 1 above
  /// On the first training batch first sets α = 4 mean|x + shift|.
  ///
  ///   x, y: [N, C], or any one shape without a shift
  /// Throws Error if x is not C wide.
  [[nodiscard]] BinaryVar operator()(const Var& x) {
    prepare("ElasticStep", x, first_factor);
    const float a = scale();
    return record(x, rule(), 0.0F, a,
                  [a](double units, double inside) { return slope(units, inside, a); });
  }

  // --- The same for an operation that does it in one with others (binary_attention.hpp) ----------

  /// The first training batch: α = 4 mean.
  void calibrate(double mean) { Elastic::calibrate(mean, first_factor); }
  [[nodiscard]] Window window() const { return window_of(rule(), 0.0F, scale()); }
  /// dα, from the sums over the N elements of a window's gradient.
  [[nodiscard]] static float dalpha(double units, double inside, float scale, std::size_t count) {
    return static_cast<float>(slope(units, inside, scale) / std::sqrt(static_cast<double>(count)));
  }

 private:
  static constexpr float first_factor = 4.0F;

  /// t is the unit, less q inside the window.
  [[nodiscard]] static double slope(double units, double inside, float scale) {
    return units - inside / static_cast<double>(scale);
  }
};

static_assert(Binarizer<ElasticStep>);

}  // namespace bipft
