// Compiled once per target, inside its namespace and region: no include guard, no #include, and no
// words but the target's own (target/scalar.hpp lists them).
//
// What only training needs. Contracts in training_table.hpp.

// --- Elements ------------------------------------------------------------------------------------

struct ScaleAdd {
  Lanes factor;
  Lanes operator()(Lanes x, Lanes b) const { return add(multiply(x, factor), b); }
};
struct ReluBackward {
  Lanes operator()(Lanes x, Lanes dy) const {
    return select(above(x, splat(0.0F)), dy, splat(0.0F));
  }
};
struct GeluBackward {
  Lanes operator()(Lanes x, Lanes dy) const {
    const Normal at = normal(x);
    const Lanes density = multiply(at.bell, splat(0.398942280F));  // 1/√(2π)
    return multiply(dy, add(at.cumulative, multiply(x, density)));
  }
};
struct TanhBackward {
  Lanes operator()(Lanes y, Lanes dy) const {
    return multiply(dy, subtract(splat(1.0F), multiply(y, y)));
  }
};
struct AtLeast {
  Lanes threshold, low, high;
  Lanes operator()(Lanes x) const { return select(at_least(x, threshold), high, low); }
};
struct Above {
  Lanes threshold, low, high;
  Lanes operator()(Lanes x) const { return select(above(x, threshold), high, low); }
};
struct Window {
  Lanes low, high;
  Lanes operator()(Lanes x, Lanes dy) const {
    return select(both(at_least(x, low), at_least(high, x)), dy, splat(0.0F));
  }
};

inline void scale_add_all(const float* x, float factor, const float* b, std::size_t n, float* y) {
  map(ScaleAdd{splat(factor)}, x, b, n, y);
}
inline void relu_backward_all(const float* x, const float* dy, std::size_t n, float* dx) {
  map(ReluBackward{}, x, dy, n, dx);
}
inline void gelu_backward_all(const float* x, const float* dy, std::size_t n, float* dx) {
  map(GeluBackward{}, x, dy, n, dx);
}
inline void tanh_backward_all(const float* y, const float* dy, std::size_t n, float* dx) {
  map(TanhBackward{}, y, dy, n, dx);
}

inline void threshold_select_all(const float* x, float threshold, bool strict, float low,
                                 float high, std::size_t n, float* y) {
  if (strict) {
    map(Above{splat(threshold), splat(low), splat(high)}, x, n, y);
  } else {
    map(AtLeast{splat(threshold), splat(low), splat(high)}, x, n, y);
  }
}
inline void window_mask_all(const float* x, float low, float high, const float* dy, std::size_t n,
                            float* dx) {
  map(Window{splat(low), splat(high)}, x, dy, n, dx);
}

/// In blocks of a known size, of which compilers make vectors where 64-bit products are to be had.
inline void draw_all(const Random& random, std::uint64_t first, std::size_t n, std::uint16_t* to) {
  constexpr std::size_t size = 16;
  const Random numbers = random;
  std::uint64_t block[size];
  for (std::size_t i = 0; i < n; i += size) {
    for (std::size_t j = 0; j < size; ++j) block[j] = numbers.u64(first + i + j);
    const std::size_t count = n - i < size ? n - i : size;
    for (std::size_t j = 0; j < count; ++j, to += 4) {
      to[0] = static_cast<std::uint16_t>(block[j]);
      to[1] = static_cast<std::uint16_t>(block[j] >> 16U);
      to[2] = static_cast<std::uint16_t>(block[j] >> 32U);
      to[3] = static_cast<std::uint16_t>(block[j] >> 48U);
    }
  }
}

inline void dropout_all(const float* x, const std::uint16_t* draw, std::uint16_t limit,
                        float factor, std::size_t n, float* y) {
  const Lanes least = splat(static_cast<float>(limit));
  const Lanes zero = splat(0.0F);
  std::size_t i = 0;
  for (; i + lanes <= n; i += lanes) {
    const Lanes kept = multiply(load(x + i), splat(factor));
    store(y + i, select(at_least(load_u16(draw + i), least), kept, zero));
  }
  for (; i < n; ++i) y[i] = draw[i] >= limit ? x[i] * factor : 0.0F;
}

/// As `train/adamw.hpp` writes it, on 16 numbers; the names are those of its equations.
struct AdamW {
  Lanes lr, beta1, beta2, rest1, rest2, epsilon, decay, correction1, correction2, scale;

  void operator()(Lanes gradient, Lanes& parameter, Lanes& m, Lanes& v) const {
    const Lanes g = multiply(gradient, scale);
    m = add(multiply(beta1, m), multiply(rest1, g));
    v = add(multiply(beta2, v), multiply(rest2, multiply(g, g)));
    const Lanes size = add(root(divide(v, correction2)), epsilon);
    const Lanes step = add(divide(divide(m, correction1), size), multiply(decay, parameter));
    parameter = subtract(parameter, multiply(lr, step));
  }
};

inline void adamw_all(float* parameter, float* m, float* v, const float* gradient, std::size_t n,
                      const AdamWNumbers& with) {
  const AdamW update{splat(with.lr),           splat(with.beta1),
                     splat(with.beta2),        splat(1.0F - with.beta1),
                     splat(1.0F - with.beta2), splat(with.epsilon),
                     splat(with.weight_decay), splat(with.correction1),
                     splat(with.correction2),  splat(with.gradient_scale)};
  for (std::size_t i = 0; i < n; i += lanes) {
    Lanes value = load_some(parameter, i, n);
    Lanes first_moment = load_some(m, i, n);
    Lanes second_moment = load_some(v, i, n);
    update(load_some(gradient, i, n), value, first_moment, second_moment);
    store_some(parameter, value, i, n);
    store_some(m, first_moment, i, n);
    store_some(v, second_moment, i, n);
  }
}

// --- Rows ----------------------------------------------------------------------------------------

inline void weighted_softmax_rows(const float* x, const float* w, std::size_t rows,
                                  std::size_t cols, float* y) {
  for (std::size_t row = 0; row < rows; ++row, x += cols, w += cols, y += cols) {
    exponential_row(x, largest_of_row(x, cols), cols, y);
    Lanes total = splat(0.0F);
    for (std::size_t i = 0; i < cols; i += lanes) {
      const Lanes term = multiply(load_some(y, i, cols), load_some(w, i, cols));
      total = add(total, inside_row(term, i, cols));
      store_some(y, term, i, cols);
    }
    const float sum = fold_sum(total);
    scale_all(y, 1.0F / (sum < least_sum ? least_sum : sum), cols, y);
  }
}

inline void softmax_backward_rows(const float* p, const float* dp, std::size_t rows,
                                  std::size_t cols, float* dx) {
  for (std::size_t row = 0; row < rows; ++row, p += cols, dp += cols, dx += cols) {
    const Lanes mean = splat(dot_row(p, dp, cols));
    for (std::size_t i = 0; i < cols; i += lanes) {
      const Lanes difference = subtract(load_some(dp, i, cols), mean);
      store_some(dx, multiply(load_some(p, i, cols), difference), i, cols);
    }
  }
}

inline void layer_norm_backward_rows(const float* x, const float* mean, const float* inverse,
                                     const float* gamma, const float* dy, std::size_t rows,
                                     std::size_t cols, float* dx, float* dgamma, float* dbeta) {
  const auto count = static_cast<float>(cols);
  for (std::size_t row = 0; row < rows; ++row, x += cols, dy += cols, dx += cols) {
    const Lanes middle = splat(mean[row]);
    const Lanes factor = splat(inverse[row]);
    Lanes sum = splat(0.0F);
    Lanes product = splat(0.0F);
    for (std::size_t i = 0; i < cols; i += lanes) {
      const Lanes d = load_some(dy, i, cols);  // zero behind the end, and so is all below
      const Lanes normal_x = multiply(subtract(load_some(x, i, cols), middle), factor);
      const Lanes g = multiply(d, load_some(gamma, i, cols));
      const Lanes along = multiply(d, normal_x);
      sum = add(sum, g);
      product = add(product, multiply(g, normal_x));
      store_some(dgamma, add(load_some(dgamma, i, cols), along), i, cols);
      store_some(dbeta, add(load_some(dbeta, i, cols), d), i, cols);
    }
    const Lanes mean_g = splat(fold_sum(sum) / count);
    const Lanes mean_product = splat(fold_sum(product) / count);
    for (std::size_t i = 0; i < cols; i += lanes) {
      const Lanes normal_x = multiply(subtract(load_some(x, i, cols), middle), factor);
      const Lanes g = multiply(load_some(dy, i, cols), load_some(gamma, i, cols));
      const Lanes rest = subtract(subtract(g, mean_g), multiply(normal_x, mean_product));
      store_some(dx, multiply(rest, factor), i, cols);
    }
  }
}

// --- In double -----------------------------------------------------------------------------------

inline double dot_all(const float* a, const float* b, std::size_t n) {
  Wide sum = wide_zero();
  for (std::size_t i = 0; i < n; i += lanes) {
    sum = wide_add_product(sum, load_some(a, i, n), load_some(b, i, n));
  }
  return wide_fold(sum);
}

inline RowSums sums_all(const float* x, std::size_t n) {
  Wide sum = wide_zero();
  Wide total = wide_zero();
  for (std::size_t i = 0; i < n; i += lanes) {
    const Lanes part = load_some(x, i, n);
    sum = wide_add(sum, part);
    total = wide_add(total, absolute(part));
  }
  return {wide_fold(sum), wide_fold(total)};
}

/// ln x of a normal x > 0: x = 2^k m with m between √½ and √2, ln m = 2 atanh((m-1)/(m+1)).
inline double natural_log(double x) {
  std::uint64_t bits = std::bit_cast<std::uint64_t>(x);
  const std::uint64_t root_half = 0x3FE6A09E667F3BCDU;
  const std::uint64_t offset = bits - root_half;
  const std::int64_t k = static_cast<std::int64_t>(offset) >> 52;
  bits -= static_cast<std::uint64_t>(k) << 52U;
  const double m = std::bit_cast<double>(bits);
  const double s = (m - 1) / (m + 1);
  double series = 0;
  for (int odd = 25; odd >= 3; odd -= 2) series = (series + 1.0 / odd) * (s * s);
  return static_cast<double>(k) * 0.69314718055994530942 + 2 * s * (1 + series);
}

inline double cross_entropy_row(const float* logits, std::size_t labels, std::size_t label,
                                double weight, float smoothing, float* dlogits) {
  const float most = largest_of_row(logits, labels);
  const double of_label = static_cast<double>(logits[label]) - static_cast<double>(most);
  const auto count = static_cast<double>(labels);
  const double of_all = sums_all(logits, labels).sum - count * static_cast<double>(most);
  const float sum = exponential_row(logits, most, labels, dlogits);

  const auto spread = static_cast<double>(smoothing);
  const double target = (1 - spread) * of_label + spread / count * of_all;
  const double loss = natural_log(static_cast<double>(sum)) - target;

  const auto everywhere = static_cast<float>(spread / count);
  const Lanes factor = splat(static_cast<float>(weight));
  const Lanes inverse = splat(1.0F / sum);
  dlogits[label] -= (1.0F - smoothing) * sum;
  for (std::size_t i = 0; i < labels; i += lanes) {
    const Lanes p = multiply(load_some(dlogits, i, labels), inverse);
    store_some(dlogits, multiply(factor, subtract(p, splat(everywhere))), i, labels);
  }
  return weight * loss;
}

// --- Bits ----------------------------------------------------------------------------------------

/// Columns i ... i+15 of one row.
struct WindowColumns {
  Lanes units, inside;

  void add_some(const WindowBackward& w, const float* x, const float* dy, float* dx,
                std::size_t i) {
    const Lanes shift = w.shift != nullptr ? load_some(w.shift, i, w.cols) : splat(0.0F);
    Lanes value = load_some(x, i, w.cols);
    if (w.shift != nullptr) value = add(value, shift);
    const Lanes gradient = load_some(dy, i, w.cols);  // zero behind the end, and so is all below
    const Mask window = both(at_least(value, splat(w.low)), at_least(splat(w.high), value));
    const Lanes passed = select(window, gradient, splat(0.0F));
    store_some(dx, passed, i, w.cols);
    if (w.dshift != nullptr) {
      store_some(w.dshift, add(load_some(w.dshift, i, w.cols), passed), i, w.cols);
    }
    const Lanes edge = splat(w.threshold);
    const Mask one = w.strict ? above(value, edge) : at_least(value, edge);
    const Lanes unit = select(one, splat(1.0F), splat(w.low_unit));
    units = add(units, multiply(unit, gradient));
    // Outside the window x may be infinite, and times zero then not a number.
    inside = add(inside, multiply(select(window, value, splat(0.0F)), passed));
  }
};

inline WindowSums window_backward(const WindowBackward& w) {
  WindowSums sums;
  for (std::size_t row = 0; row < w.rows; ++row) {
    const std::size_t begin = row * w.cols;
    WindowColumns columns{splat(0.0F), splat(0.0F)};
    for (std::size_t i = 0; i < w.cols; i += lanes) {
      columns.add_some(w, w.x + begin, w.dy + begin, w.dx + begin, i);
    }
    sums.units += static_cast<double>(fold_sum(columns.units));
    sums.inside += static_cast<double>(fold_sum(columns.inside));
  }
  return sums;
}

inline void window_row(const float* x, const float* shift, std::size_t cols, float low, float high,
                       std::uint64_t* bits) {
  for (std::size_t i = 0; i < words_for(cols); ++i) bits[i] = 0;
  for (std::size_t i = 0; i < cols; i += lanes) {
    Lanes value = load_some(x, i, cols);
    if (shift != nullptr) value = add(value, load_some(shift, i, cols));
    const Mask window = both(at_least(value, splat(low)), at_least(splat(high), value));
    std::uint64_t here = bits_of(window);
    if (cols - i < lanes) here &= (std::uint64_t{1} << (cols - i)) - 1;
    bits[i / 64] |= here << i % 64;
  }
}

inline double window_bits_backward(const WindowBitsBackward& w) {
  double total = 0;
  const float* dy = w.dy;
  float* dx = w.dx;
  for (std::size_t row = 0; row < w.rows; ++row, dy += w.cols, dx += w.cols) {
    const std::uint64_t* const unit_bits = w.units + row * w.words;
    const std::uint64_t* const window_bits = w.inside + row * w.words;
    Lanes units = splat(0.0F);
    for (std::size_t i = 0; i < w.cols; i += lanes) {
      const auto one = static_cast<std::uint32_t>(unit_bits[i / 64] >> i % 64 & 0xFFFFU);
      const auto window = static_cast<std::uint32_t>(window_bits[i / 64] >> i % 64 & 0xFFFFU);
      const Lanes gradient = load_some(dy, i, w.cols);
      const Lanes passed = select(mask_of(window), gradient, splat(0.0F));
      const Lanes unit = select(mask_of(one), splat(1.0F), splat(w.low_unit));
      units = add(units, multiply(unit, gradient));
      store_some(dx, passed, i, w.cols);
      if (w.dshift != nullptr) {
        store_some(w.dshift, add(load_some(w.dshift, i, w.cols), passed), i, w.cols);
      }
    }
    total += static_cast<double>(fold_sum(units));
  }
  return total;
}

struct ProductInts {
  ProductIntegers integers;
  std::int32_t* to;  // [N, O]

  template <std::size_t Rows>
  void whole(const TilePlace& at, const Words (&ones)[Rows]) const {
    for (std::size_t i = 0; i < at.rows; ++i) part(at.row + i, at.column, 16, ones[i]);
  }
  void part(std::size_t row, std::size_t column, std::size_t left, Words ones) const {
    std::int32_t lane[16];
    store_words(lane,
                integers.value(load_some_words(integers.base, column, integers.outputs), ones));
    std::int32_t* const at = to + row * integers.outputs + column;
    for (std::size_t l = 0; l < left; ++l) at[l] = lane[l];
  }
};

inline void bgemm_ints(const BinaryProduct& p, std::int32_t* v) {
  binary_product(p, ProductInts{ProductIntegers(p), v});
}
