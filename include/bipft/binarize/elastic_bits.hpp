#pragma once
/// ElasticBits: activations to 2 or 4 bits, for the stages between floats and bits.
///
/// [BiT] "Multi-distilled binary BERT": its models of 1-bit weights and 2- or 4-bit activations.
/// They teach, and are computed in floats: there is no packed form of them.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string_view>
#include <vector>

#include "bipft/binarize/elastic.hpp"
#include "bipft/core/ragged.hpp"

namespace bipft {

struct ElasticBits : Elastic {
  static constexpr std::string_view name = "elastic_bits";

  std::size_t bits;  ///< k: 2 or 4
  bool is_signed;    ///< levels on both sides of 0; else from the least number upwards

  ElasticBits(std::size_t channels, std::size_t bit_count, bool both_signs)
      : Elastic(channels), bits(bit_count), is_signed(both_signs) {}

  /// Qn and Qp: the least and the largest level, in steps α.
  [[nodiscard]] float least() const {
    return is_signed ? -static_cast<float>(std::size_t{1} << (bits - 1)) : 0.0F;
  }
  [[nodiscard]] float most() const {
    return static_cast<float>((std::size_t{1} << (is_signed ? bits - 1 : bits)) - 1);
  }

  /// Forward, with q = (x + shift - m) / α:
  ///             y = α clip(round(q), Qn, Qp) + m      published code; halves go to even
  ///             m = 0 and Qn = -2^(k-1), Qp = 2^(k-1) - 1 where signed, which is not symmetric;
  ///             else m = min(x + shift), a constant, and Qn = 0, Qp = 2^k - 1.
  ///             Published code takes the minimum of the whole batch, at inference as well, so that
  ///             an answer depends on its neighbours; we do so while training only, and else take
  ///             that of each text.
  /// Backward, for N elements in x:
  ///             dx = dy 1{Qn <= q <= Qp}              straight through
  ///             dshift = Σ_rows dx
  ///             dα = Σ t dy / √(N Qp)                 [LSQ], with
  ///                  t = Qn below, round(q) - q within, Qp above
  /// On the first training batch first sets α = 2 mean|x + shift| / √max(2^(k-1) - 1, 1), or
  /// 4 mean|x + shift| / √(2^k - 1) where not signed.
  ///
  ///   x, y: [N, C], rows of `texts`; or [H Σ T²], as `scores` returns
  /// Throws Error if x is not C wide.
  [[nodiscard]] Var operator()(const Var& x, const Ragged& texts) {
    const float root = std::sqrt(std::max(most(), 1.0F));
    prepare("ElasticBits", x, (is_signed ? 2.0F : 4.0F) / root);
    const Grid grid{
        shift.value,
        scale(),
        least(),
        most(),
        !is_signed,
        is_signed || x.tape().training() ? std::vector<std::size_t>() : bounds(x.value(), texts)};
    const GridResult result = x.device().round_to_grid(x.value(), grid);
    const Var alpha_leaf = x.tape().leaf(alpha);
    const Var shift_leaf = shift.value.empty() ? alpha_leaf : x.tape().leaf(shift);
    return x.tape().record(
        result.y, {x, alpha_leaf, shift_leaf},
        [=, given = x.value()](Tape& tape, const Tensor& dy) {
          Device& device = tape.device();
          const float low = grid.step * grid.least + result.origin;
          const float high = grid.step * grid.most + result.origin;
          const WindowGrad grad =
              device.window_backward(given, Window{grid.shift, low, high, 0.0F, false, -1.0F}, dy);
          tape.accumulate(x, grad.dx);
          if (!grid.shift.empty()) tape.accumulate(shift_leaf, grad.dshift);
          // Σ t dy = Σ round(q) dy - Σ q dx, where numbers outside are rounded to Qn or Qp.
          const double m = static_cast<double>(result.origin);
          const double rounded = device.dot(result.y, dy) - m * device.sums(dy).sum;
          const double inside = grad.inside - m * device.sums(grad.dx).sum;
          const double count = static_cast<double>(dy.numel()) * static_cast<double>(grid.most);
          const double dalpha =
              (rounded - inside) / static_cast<double>(grid.step) / std::sqrt(count);
          tape.accumulate(alpha_leaf, Tensor(Shape{1}, static_cast<float>(dalpha)));
        });
  }

 private:
  /// Where each text's elements begin, and where the last one's end.
  [[nodiscard]] static std::vector<std::size_t> bounds(const Tensor& x, const Ragged& texts) {
    const bool rows = x.shape().rank() > 1;
    if (rows ? x.rows() != texts.tokens() : texts.pairs() == 0 || x.numel() % texts.pairs() != 0) {
      fail("ElasticBits: x is ", x.shape(), " for ", texts.tokens(), " tokens and ", texts.pairs(),
           " pairs");
    }
    const std::size_t of_each = rows ? x.cols() : x.numel() / texts.pairs();
    std::vector<std::size_t> all;
    for (std::size_t b = 0; b <= texts.texts(); ++b) {
      all.push_back(of_each * (rows ? texts.begin(b) : texts.pairs_begin(b)));
    }
    return all;
  }
};

}  // namespace bipft
