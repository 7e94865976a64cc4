#pragma once
/// PlainDevice: every word of Device as the loop that its comment describes, in double and on one
/// thread. An oracle for devices that are fast, and what tests of higher floors compute on when
/// they want to know their own formulas.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "bipft/core/error.hpp"
#include "bipft/device/device.hpp"

namespace bipft::test {

class PlainDevice final : public Device {
 public:
  Tensor linear(const Tensor& x, const Tensor& w, const Tensor& bias) override {
    return product(
        x.rows(), w.rows(), x.cols(),
        [&](std::size_t n, std::size_t o, std::size_t c) { return at(x, n, c) * at(w, o, c); },
        bias);
  }
  Tensor matmul(const Tensor& a, const Tensor& b) override {
    return product(a.rows(), b.cols(), a.cols(), [&](std::size_t n, std::size_t c, std::size_t o) {
      return at(a, n, o) * at(b, o, c);
    });
  }
  Tensor matmul_tn(const Tensor& a, const Tensor& b) override {
    return product(a.cols(), b.cols(), a.rows(), [&](std::size_t o, std::size_t c, std::size_t n) {
      return at(a, n, o) * at(b, n, c);
    });
  }

  Tensor scores(const Tensor& q, const Tensor& k, const Ragged& texts, std::size_t heads,
                float scale) override {
    std::vector<double> s(heads * texts.pairs());
    each_term(q, texts, heads, [&](std::size_t ij, std::size_t i, std::size_t j, std::size_t c) {
      s[ij] += at(q, i, c) * at(k, j, c);
    });
    for (double& value : s) value *= static_cast<double>(scale);
    return rounded(Shape{s.size()}, s);
  }
  GradPair scores_backward(const Tensor& q, const Tensor& k, const Tensor& ds, const Ragged& texts,
                           std::size_t heads, float scale) override {
    std::vector<double> dq(q.numel());
    std::vector<double> dk(k.numel());
    each_term(q, texts, heads, [&](std::size_t ij, std::size_t i, std::size_t j, std::size_t c) {
      const double g = at(ds, 0, ij) * static_cast<double>(scale);
      dq[i * q.cols() + c] += g * at(k, j, c);
      dk[j * q.cols() + c] += g * at(q, i, c);
    });
    return {rounded(q.shape(), dq), rounded(k.shape(), dk)};
  }
  Tensor mix(const Tensor& p, const Tensor& v, const Ragged& texts, std::size_t heads) override {
    std::vector<double> y(v.numel());
    each_term(v, texts, heads, [&](std::size_t ij, std::size_t i, std::size_t j, std::size_t c) {
      y[i * v.cols() + c] += at(p, 0, ij) * at(v, j, c);
    });
    return rounded(v.shape(), y);
  }
  GradPair mix_backward(const Tensor& p, const Tensor& v, const Tensor& dy, const Ragged& texts,
                        std::size_t heads) override {
    std::vector<double> dp(p.numel());
    std::vector<double> dv(v.numel());
    each_term(v, texts, heads, [&](std::size_t ij, std::size_t i, std::size_t j, std::size_t c) {
      dp[ij] += at(dy, i, c) * at(v, j, c);
      dv[j * v.cols() + c] += at(dy, i, c) * at(p, 0, ij);
    });
    return {rounded(p.shape(), dp), rounded(v.shape(), dv)};
  }

  Tensor ordered_linear(const Tensor& x, const Tensor& w, const Tensor& bias) override {
    return linear(x, w, bias);
  }
  Tensor estimate_weights(const Tensor& estimates, float factor, const Ragged& texts) override {
    const std::size_t rank = (estimates.cols() - 1) / 4;
    std::vector<double> e;
    for (std::size_t b = 0; b < texts.texts(); ++b) {
      for (std::size_t i = texts.begin(b); i < texts.begin(b + 1); ++i) {
        for (std::size_t j = texts.begin(b); j < texts.begin(b + 1); ++j) {
          e.push_back(0);
          for (std::size_t c = 0; c < rank; ++c) {
            const double mq = at(estimates, i, c), rq = at(estimates, i, rank + c);
            const double mk = at(estimates, j, 2 * rank + c), rk = at(estimates, j, 3 * rank + c);
            e.back() += static_cast<double>(factor) * (mq * rk + rq * mk + rq * rk);
          }
        }
      }
    }
    each_query(texts, 1, [&](std::size_t begin, std::size_t length) {
      const auto first = e.begin() + static_cast<std::ptrdiff_t>(begin);
      const auto last = first + static_cast<std::ptrdiff_t>(length);
      const double most = *std::max_element(first, last);
      std::transform(first, last, first, [most](double x) { return std::exp(x - most); });
    });
    return rounded(Shape{e.size()}, e);
  }
  Tensor weighted_softmax(const Tensor& s, const Tensor& weights, const Ragged& texts,
                          std::size_t heads) override {
    std::vector<double> p(s.numel());
    for (std::size_t b = 0; b < texts.texts(); ++b) {
      const std::size_t t = texts.length(b);
      for (std::size_t i = 0; i < heads * t; ++i) {
        const std::size_t row = heads * texts.pairs_begin(b) + i * t;
        const std::size_t weight = texts.pairs_begin(b) + i % t * t;
        double total = 0;
        for (std::size_t j = 0; j < t; ++j) {
          total += p[row + j] = at(weights, 0, weight + j) * std::exp(at(s, 0, row + j));
        }
        for (std::size_t j = 0; j < t; ++j) p[row + j] /= total;
      }
    }
    return rounded(s.shape(), p);
  }
  Tensor ordered_mix(const Tensor& p, const Tensor& r, const Ragged& texts,
                     std::size_t heads) override {
    const Tensor copies = matmul(r.reshaped(Shape{r.numel(), 1}), Tensor(Shape{1, heads}, 1.0F));
    return mix(p, copies, texts, heads);
  }

  BitMatrix pack(const Tensor& x, const Tensor& shift, float threshold, bool strict) override {
    BitMatrix bits(x.rows(), x.cols());
    for (std::size_t n = 0; n < x.rows(); ++n) {
      for (std::size_t c = 0; c < x.cols(); ++c) {
        float value = x.row(n)[c];
        if (!shift.empty()) value += shift.data()[c];
        bits.set(n, c, strict ? value > threshold : value >= threshold);
      }
    }
    return bits;
  }
  Tensor binary_linear(const BitMatrix& a, const BitMatrix& w, bool zero_one, const Tensor& scale,
                       const Tensor& bias) override {
    Tensor y(Shape{a.rows(), w.rows()});
    const auto values = y.mutable_data();
    for (std::size_t n = 0; n < a.rows(); ++n) {
      for (std::size_t o = 0; o < w.rows(); ++o) {
        std::int64_t dot = 0;
        for (std::size_t c = 0; c < a.cols(); ++c) {
          const int unit = a.bit(n, c) ? 1 : zero_one ? 0 : -1;
          dot += w.bit(o, c) ? unit : -unit;
        }
        const float factor = scale.data()[scale.numel() == 1 ? 0 : o];
        const volatile float scaled = factor * static_cast<float>(dot);  // no fused multiply-add
        values[n * w.rows() + o] = scaled + bias.data()[o];
      }
    }
    return y;
  }
  Tensor binary_matmul(const Tensor& a, const BitMatrix& s, bool zero_one, float scale) override {
    return product(a.rows(), s.cols(), s.rows(), [&](std::size_t n, std::size_t c, std::size_t o) {
      return static_cast<double>(scale) * at(a, n, o) * unit(s, o, c, zero_one);
    });
  }
  Tensor binary_matmul_tn(const Tensor& a, const BitMatrix& s, bool zero_one,
                          float scale) override {
    return product(a.cols(), s.cols(), s.rows(), [&](std::size_t o, std::size_t c, std::size_t n) {
      return static_cast<double>(scale) * at(a, n, o) * unit(s, n, c, zero_one);
    });
  }
  Tensor unpack(const BitMatrix& bits, float low, float high) override {
    return filled(Shape{bits.rows(), bits.cols()}, [&](std::size_t i) {
      return bits.bit(i / bits.cols(), i % bits.cols()) ? high : low;
    });
  }
  Tensor scale_add_row(const Tensor& x, const Tensor& scale, const Tensor& row) override {
    return filled(x.shape(), [&](std::size_t i) {
      const float factor = scale.data()[scale.numel() == 1 ? 0 : i % x.cols()];
      const volatile float scaled = factor * x.data()[i];
      return scaled + row.data()[i % x.cols()];
    });
  }

  Tensor softmax(const Tensor& s, const Ragged& texts, std::size_t heads) override {
    std::vector<double> p(s.data().begin(), s.data().end());
    each_query(texts, heads, [&](std::size_t begin, std::size_t length) {
      double* const row = p.data() + begin;
      const double largest = *std::max_element(row, row + length);
      double total = 0.0;
      for (std::size_t j = 0; j < length; ++j) total += row[j] = std::exp(row[j] - largest);
      for (std::size_t j = 0; j < length; ++j) row[j] /= total;
    });
    return rounded(s.shape(), p);
  }
  Tensor softmax_backward(const Tensor& p, const Tensor& dp, const Ragged& texts,
                          std::size_t heads) override {
    std::vector<double> ds(p.numel());
    each_query(texts, heads, [&](std::size_t begin, std::size_t length) {
      double total = 0.0;
      for (std::size_t j = begin; j < begin + length; ++j) total += at(p, 0, j) * at(dp, 0, j);
      for (std::size_t j = begin; j < begin + length; ++j) {
        ds[j] = at(p, 0, j) * (at(dp, 0, j) - total);
      }
    });
    return rounded(p.shape(), ds);
  }
  LayerNormResult layer_norm(const Tensor& x, const Tensor& gamma, const Tensor& beta,
                             float epsilon) override {
    const double count = static_cast<double>(x.cols());
    std::vector<double> y(x.numel());
    std::vector<double> mean(x.rows());
    std::vector<double> inverse(x.rows());
    for (std::size_t n = 0; n < x.rows(); ++n) {
      double variance = 0.0;
      for (const float value : x.row(n)) mean[n] += static_cast<double>(value) / count;
      for (const float value : x.row(n)) {
        variance += std::pow(static_cast<double>(value) - mean[n], 2) / count;
      }
      inverse[n] = 1.0 / std::sqrt(variance + static_cast<double>(epsilon));
      for (std::size_t c = 0; c < x.cols(); ++c) {
        y[n * x.cols() + c] =
            at(gamma, 0, c) * (at(x, n, c) - mean[n]) * inverse[n] + at(beta, 0, c);
      }
    }
    const Shape rows{x.rows()};
    return {rounded(x.shape(), y), rounded(rows, mean), rounded(rows, inverse)};
  }
  LayerNormGrad layer_norm_backward(const Tensor& x, const LayerNormResult& forward,
                                    const Tensor& gamma, Tensor dy) override {
    const double count = static_cast<double>(x.cols());
    std::vector<double> dx(x.numel());
    std::vector<double> dgamma(x.cols());
    std::vector<double> dbeta(x.cols());
    for (std::size_t n = 0; n < x.rows(); ++n) {
      const double inverse = at(forward.inverse, 0, n);
      const auto normal = [&](std::size_t c) {
        return (at(x, n, c) - at(forward.mean, 0, n)) * inverse;
      };
      double g_mean = 0.0;
      double gx_mean = 0.0;
      for (std::size_t c = 0; c < x.cols(); ++c) {
        const double g = at(dy, n, c) * at(gamma, 0, c);
        g_mean += g / count;
        gx_mean += g * normal(c) / count;
        dgamma[c] += at(dy, n, c) * normal(c);
        dbeta[c] += at(dy, n, c);
      }
      for (std::size_t c = 0; c < x.cols(); ++c) {
        dx[n * x.cols() + c] =
            (at(dy, n, c) * at(gamma, 0, c) - g_mean - normal(c) * gx_mean) * inverse;
      }
    }
    const Shape row{x.cols()};
    return {rounded(x.shape(), dx), rounded(row, dgamma), rounded(row, dbeta)};
  }
  Tensor gather(const Tensor& table, const IdTensor& ids) override {
    return filled(Shape{ids.numel(), table.cols()}, [&](std::size_t i) {
      return table.row(row_of(table, ids, i / table.cols()))[i % table.cols()];
    });
  }
  void scatter(Tensor& table, const IdTensor& ids, const Tensor& rows) override {
    for (std::size_t n = 0; n < ids.numel(); ++n) {
      std::ranges::copy(rows.row(n), table.mutable_row(row_of(table, ids, n)).begin());
    }
  }
  void scatter_add(Tensor& table, const IdTensor& ids, const Tensor& rows) override {
    for (std::size_t n = 0; n < ids.numel(); ++n) {
      const auto to = table.mutable_row(row_of(table, ids, n));
      for (std::size_t c = 0; c < to.size(); ++c) to[c] += rows.row(n)[c];
    }
  }
  Tensor sum_rows(const Tensor& x) override {
    return product(1, x.cols(), x.rows(),
                   [&](std::size_t, std::size_t c, std::size_t n) { return at(x, n, c); })
        .reshaped(Shape{x.cols()});
  }
  Tensor mean_rows(const Tensor& x, const Ragged& texts) override {
    std::vector<double> y(texts.texts() * x.cols());
    for (std::size_t b = 0; b < texts.texts(); ++b) {
      for (std::size_t n = texts.begin(b); n < texts.begin(b + 1); ++n) {
        for (std::size_t c = 0; c < x.cols(); ++c) {
          y[b * x.cols() + c] += at(x, n, c) / static_cast<double>(texts.length(b));
        }
      }
    }
    return rounded(Shape{texts.texts(), x.cols()}, y);
  }

  Tensor add(const Tensor& a, const Tensor& b) override {
    return filled(a.shape(), [&](std::size_t i) { return a.data()[i] + b.data()[i]; });
  }
  Tensor multiply(const Tensor& a, const Tensor& b) override {
    return filled(a.shape(), [&](std::size_t i) { return a.data()[i] * b.data()[i]; });
  }
  Tensor add_row(const Tensor& x, const Tensor& row) override {
    return filled(x.shape(), [&](std::size_t i) { return x.data()[i] + row.data()[i % x.cols()]; });
  }
  Tensor scale(const Tensor& x, float factor) override {
    return filled(x.shape(), [&](std::size_t i) { return factor * x.data()[i]; });
  }
  void accumulate(Tensor& total, const Tensor& x) override { total = add(total, x); }
  Tensor activate(Activation f, const Tensor& x) override {
    return each(x, [f](double v) {
      if (f == Activation::relu) return std::max(v, 0.0);
      if (f == Activation::tanh) return std::tanh(v);
      return v < 0.0 ? std::min(v * normal_cdf(v), -0x1p-149) : v * normal_cdf(v);
    });
  }
  Tensor activate_backward(Activation f, const Tensor& x, Tensor dy) override {
    const Tensor slope = each(x, [f](double v) {
      if (f == Activation::relu) return v > 0.0 ? 1.0 : 0.0;
      if (f == Activation::tanh) return 1.0 - v * v;
      return normal_cdf(v) + v * std::exp(-v * v / 2.0) / std::sqrt(2.0 * std::acos(-1.0));
    });
    return multiply(slope, dy);
  }
  Tensor exponential(const Tensor& x) override {
    return each(x, [](double v) { return std::exp(v); });
  }
  Tensor gelu(const Tensor& x) override { return activate(Activation::gelu, x); }
  Tensor dropout(Tensor x, const Random& random, float p) override {
    return filled(x.shape(), [&](std::size_t i) {
      return random.uniform(i) < p ? 0.0F : x.data()[i] / (1.0F - p);
    });
  }

  Tensor threshold_select(const Tensor& x, float threshold, bool strict, float low,
                          float high) override {
    return filled(x.shape(), [&](std::size_t i) {
      return (strict ? x.data()[i] > threshold : x.data()[i] >= threshold) ? high : low;
    });
  }
  Tensor threshold_select_rows(const Tensor& x, float threshold, const Tensor& scale) override {
    return filled(x.shape(), [&](std::size_t i) {
      const float level = scale.data()[i / x.cols()];
      return x.data()[i] >= threshold ? level : -level;
    });
  }
  Tensor center_rows(const Tensor& x) override {
    const Tensor mean =
        product(x.rows(), 1, x.cols(), [&](std::size_t n, std::size_t, std::size_t c) {
          return at(x, n, c) / static_cast<double>(x.cols());
        });
    return filled(x.shape(),
                  [&](std::size_t i) { return x.data()[i] - mean.data()[i / x.cols()]; });
  }
  Tensor window_mask(const Tensor& x, float low, float high, const Tensor& dy) override {
    return filled(x.shape(), [&](std::size_t i) {
      return x.data()[i] >= low && x.data()[i] <= high ? dy.data()[i] : 0.0F;
    });
  }
  WindowGrad window_backward(const Tensor& x, const Window& window, Tensor dy) override {
    WindowGrad grad{Tensor(x.shape()), {}, 0.0, 0.0};
    const bool shifted = !window.shift.empty();
    std::vector<double> dshift(shifted ? x.cols() : 0);
    const auto dx = grad.dx.mutable_data();
    for (std::size_t i = 0; i < x.numel(); ++i) {
      const std::size_t c = i % x.cols();
      const float xs = shifted ? x.data()[i] + window.shift.data()[c] : x.data()[i];
      const auto g = static_cast<double>(dy.data()[i]);
      const bool one = window.strict ? xs > window.threshold : xs >= window.threshold;
      grad.units += (one ? 1.0 : static_cast<double>(window.low_unit)) * g;
      if (!(xs >= window.low && xs <= window.high)) continue;
      dx[i] = dy.data()[i];
      grad.inside += static_cast<double>(xs) * g;
      if (shifted) dshift[c] += g;
    }
    if (shifted) grad.dshift = rounded(Shape{x.cols()}, dshift);
    return grad;
  }
  WindowBits pack_window(const Tensor& x, const Window& window) override {
    WindowBits bits{pack(x, window.shift, window.threshold, window.strict), {x.rows(), x.cols()}};
    for (std::size_t i = 0; i < x.numel(); ++i) {
      const std::size_t c = i % x.cols();
      const float xs = window.shift.empty() ? x.data()[i] : x.data()[i] + window.shift.data()[c];
      bits.inside.set(i / x.cols(), c, xs >= window.low && xs <= window.high);
    }
    return bits;
  }
  WindowGrad window_backward(const WindowBits& bits, const Window& window, Tensor dy) override {
    const Tensor units = unpack(bits.units, window.low_unit, 1.0F).reshaped(dy.shape());
    const Tensor inside = unpack(bits.inside, 0.0F, 1.0F).reshaped(dy.shape());
    WindowGrad grad{multiply(inside, dy), {}, dot(units, dy), 0.0};
    if (!window.shift.empty()) grad.dshift = sum_rows(grad.dx);
    return grad;
  }
  double dot(const Tensor& a, const Tensor& b) override {
    double total = 0.0;
    for (std::size_t i = 0; i < a.numel(); ++i) total += at(a, 0, i) * at(b, 0, i);
    return total;
  }
  Sums sums(const Tensor& x) override {
    Sums result{0.0, 0.0};
    for (const float value : x.data()) {
      result.sum += static_cast<double>(value);
      result.absolute += std::abs(static_cast<double>(value));
    }
    return result;
  }
  Tensor mean_absolute_rows(const Tensor& x) override {
    return product(x.rows(), 1, x.cols(),
                   [&](std::size_t n, std::size_t, std::size_t c) {
                     return std::abs(at(x, n, c)) / static_cast<double>(x.cols());
                   })
        .reshaped(Shape{x.rows()});
  }

  CrossEntropyResult cross_entropy(const Tensor& logits, const IdTensor& labels,
                                   const Tensor& weights, float smoothing) override {
    const std::size_t classes = logits.cols();
    const double all = sums(weights).sum;
    double loss = 0.0;
    std::vector<double> dlogits(logits.numel());
    for (std::size_t b = 0; b < logits.rows(); ++b) {
      const auto row = logits.row(b);
      const double largest = static_cast<double>(*std::max_element(row.begin(), row.end()));
      double total = 0.0;
      for (const float z : row) total += std::exp(static_cast<double>(z) - largest);
      for (std::size_t k = 0; k < classes; ++k) {
        const double log_p = static_cast<double>(row[k]) - largest - std::log(total);
        const double hit = k == static_cast<std::size_t>(labels.data()[b]) ? 1.0 : 0.0;
        const double target = (1.0 - static_cast<double>(smoothing)) * hit +
                              static_cast<double>(smoothing) / static_cast<double>(classes);
        const double share = at(weights, 0, b) / all;
        loss -= share * target * log_p;
        dlogits[b * classes + k] = share * (std::exp(log_p) - target);
      }
    }
    return {loss, rounded(logits.shape(), dlogits)};
  }
  CrossEntropyResult soft_cross_entropy(const Tensor& logits, const Tensor& teacher,
                                        float temperature) override {
    const std::size_t classes = logits.cols();
    const auto share = 1.0 / static_cast<double>(logits.numel());
    const auto t = static_cast<double>(temperature);
    double loss = 0.0;
    std::vector<double> dlogits(logits.numel());
    const auto log_softmax = [&](const Tensor& z, std::size_t b, std::size_t k) {
      const auto row = z.row(b);
      const double largest = static_cast<double>(*std::max_element(row.begin(), row.end()));
      double total = 0.0;
      for (const float value : row) total += std::exp((static_cast<double>(value) - largest) / t);
      return (static_cast<double>(row[k]) - largest) / t - std::log(total);
    };
    for (std::size_t b = 0; b < logits.rows(); ++b) {
      for (std::size_t k = 0; k < classes; ++k) {
        const double log_p = log_softmax(logits, b, k);
        const double target = std::exp(log_softmax(teacher, b, k));
        loss -= share * target * log_p;
        dlogits[b * classes + k] = share * (std::exp(log_p) - target) / t;
      }
    }
    return {loss, rounded(logits.shape(), dlogits)};
  }
  GridResult round_to_grid(const Tensor& x, const Grid& grid) override {
    const std::vector<std::size_t> bounds =
        grid.bounds.empty() ? std::vector<std::size_t>{0, x.numel()} : grid.bounds;
    GridResult result{Tensor(x.shape()), 0};
    std::vector<float> xs(x.data().begin(), x.data().end());
    for (std::size_t i = 0; i < xs.size() && !grid.shift.empty(); ++i) {
      xs[i] += grid.shift.data()[i % x.cols()];
    }
    for (std::size_t part = 0; part + 1 < bounds.size(); ++part) {
      const auto begin = xs.begin() + static_cast<std::ptrdiff_t>(bounds[part]);
      const auto end = xs.begin() + static_cast<std::ptrdiff_t>(bounds[part + 1]);
      result.origin = grid.from_minimum && begin != end ? *std::min_element(begin, end) : 0.0F;
      for (std::size_t i = bounds[part]; i < bounds[part + 1]; ++i) {
        const float q = std::clamp((xs[i] - result.origin) / grid.step, grid.least, grid.most);
        result.y.mutable_data()[i] = grid.step * std::nearbyint(q) + result.origin;
      }
    }
    return result;
  }
  void adamw(Tensor& parameter, Tensor& m, Tensor& v, const Tensor& gradient,
             const AdamWStep& step) override {
    const auto theta = parameter.mutable_data();
    const auto mean = m.mutable_data();
    const auto square = v.mutable_data();
    for (std::size_t i = 0; i < theta.size(); ++i) {
      const float g = gradient.data()[i] * step.gradient_scale;
      mean[i] = step.beta1 * mean[i] + (1.0F - step.beta1) * g;
      square[i] = step.beta2 * square[i] + (1.0F - step.beta2) * g * g;
      theta[i] -= step.lr * (mean[i] / step.correction1 /
                                 (std::sqrt(square[i] / step.correction2) + step.epsilon) +
                             step.weight_decay * theta[i]);
    }
  }

  std::shared_ptr<const WeightLayout> lay_out(const BitMatrix&) override {
    fail("PlainDevice runs no plans");
  }
  PlanResult run(const Plan&, const IdTensor&, const IdTensor&, const Ragged&, bool) override {
    fail("PlainDevice runs no plans");
  }

 private:
  [[nodiscard]] static double unit(const BitMatrix& s, std::size_t row, std::size_t col,
                                   bool zero_one) {
    return s.bit(row, col) ? 1.0 : zero_one ? 0.0 : -1.0;
  }
  /// An element as a double; of a tensor of any rank for n = 0, where c counts all its elements.
  [[nodiscard]] static double at(const Tensor& x, std::size_t n, std::size_t c) {
    return static_cast<double>(x.data()[n * x.cols() + c]);
  }
  [[nodiscard]] static double normal_cdf(double v) {
    return (1.0 + std::erf(v / std::sqrt(2.0))) / 2.0;
  }
  [[nodiscard]] static std::size_t row_of(const Tensor& table, const IdTensor& ids, std::size_t n) {
    const std::int32_t id = ids.data()[n];
    if (id < 0 || static_cast<std::size_t>(id) >= table.rows()) {
      fail("PlainDevice: id ", id, " is not in a table of ", table.rows(), " rows");
    }
    return static_cast<std::size_t>(id);
  }
  [[nodiscard]] static Tensor rounded(const Shape& shape, const std::vector<double>& values) {
    return filled(shape, [&](std::size_t i) { return static_cast<float>(values[i]); });
  }
  template <class Element>
  [[nodiscard]] static Tensor filled(const Shape& shape, const Element& element) {
    Tensor result(shape);
    const auto values = result.mutable_data();
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = element(i);
    return result;
  }
  template <class Function>
  [[nodiscard]] static Tensor each(const Tensor& x, const Function& f) {
    return filled(x.shape(), [&](std::size_t i) { return static_cast<float>(f(at(x, 0, i))); });
  }
  /// y[i][j] = Σ_k term(i, j, k) + bias[j].
  template <class Term>
  [[nodiscard]] static Tensor product(std::size_t rows, std::size_t cols, std::size_t inner,
                                      const Term& term, const Tensor& bias = {}) {
    return filled(Shape{rows, cols}, [&](std::size_t i) {
      double total = bias.empty() ? 0.0 : at(bias, 0, i % cols);
      for (std::size_t k = 0; k < inner; ++k) total += term(i / cols, i % cols, k);
      return static_cast<float>(total);
    });
  }
  /// Calls f(ij, i, j, c) for every pair of tokens i, j of one text and every channel c of each
  /// head, where ij is the place of their score.
  template <class Function>
  static void each_term(const Tensor& x, const Ragged& texts, std::size_t heads,
                        const Function& f) {
    const std::size_t size = x.cols() / heads;
    for (std::size_t b = 0; b < texts.texts(); ++b) {
      std::size_t ij = heads * texts.pairs_begin(b);
      for (std::size_t c = 0; c < x.cols(); c += size) {
        for (std::size_t i = texts.begin(b); i < texts.begin(b + 1); ++i) {
          for (std::size_t j = texts.begin(b); j < texts.begin(b + 1); ++j, ++ij) {
            for (std::size_t d = 0; d < size; ++d) f(ij, i, j, c + d);
          }
        }
      }
    }
  }
  /// Calls f(begin, length) for the row of scores of every query of every head.
  template <class Function>
  static void each_query(const Ragged& texts, std::size_t heads, const Function& f) {
    std::size_t begin = 0;
    for (std::size_t b = 0; b < texts.texts(); ++b) {
      for (std::size_t i = 0; i < heads * texts.length(b); ++i, begin += texts.length(b)) {
        f(begin, texts.length(b));
      }
    }
  }
};

}  // namespace bipft::test
