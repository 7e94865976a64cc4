// Compiled once per target, inside its namespace and region: no include guard, no #include, and no
// words but the target's own (target/scalar.hpp lists them).
//
// Rows and their sums. Contracts in table.hpp.

/// x where the row has numbers, zeros behind its end.
inline Lanes inside_row(Lanes x, std::size_t i, std::size_t n) {
  return n - i >= lanes ? x : select(first(n - i), x, splat(0.0F));
}

inline float dot_row(const float* a, const float* b, std::size_t n) {
  Lanes sum = splat(0.0F);
  for (std::size_t i = 0; i < n; i += lanes) {
    sum = add(sum, multiply(load_some(a, i, n), load_some(b, i, n)));
  }
  return fold_sum(sum);
}

inline float largest_of_row(const float* x, std::size_t n) {
  const Lanes least = splat(-__builtin_inff());
  Lanes most = least;
  for (std::size_t i = 0; i < n; i += lanes) {
    const Lanes part = load_some(x, i, n);
    most = upper(most, n - i >= lanes ? part : select(first(n - i), part, least));
  }
  return fold_upper(most);
}

/// y = exp(x - shift); returns Σ y.
inline float exponential_row(const float* x, float shift, std::size_t n, float* y) {
  Lanes sum = splat(0.0F);
  for (std::size_t i = 0; i < n; i += lanes) {
    const Lanes e = inside_row(exponential(subtract(load_some(x, i, n), splat(shift))), i, n);
    sum = add(sum, e);
    store_some(y, e, i, n);
  }
  return fold_sum(sum);
}

inline void softmax_rows(const float* x, std::size_t rows, std::size_t cols, float* y) {
  for (std::size_t row = 0; row < rows; ++row, x += cols, y += cols) {
    const float sum = exponential_row(x, largest_of_row(x, cols), cols, y);
    scale_all(y, 1.0F / sum, cols, y);
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

inline void layer_norm_rows(const float* x, std::size_t rows, std::size_t cols, const float* gamma,
                            const float* beta, float epsilon, float* y, float* mean,
                            float* inverse) {
  const auto count = static_cast<float>(cols);
  for (std::size_t row = 0; row < rows; ++row, x += cols, y += cols) {
    Lanes sum = splat(0.0F);
    for (std::size_t i = 0; i < cols; i += lanes) sum = add(sum, load_some(x, i, cols));
    const float middle = fold_sum(sum) / count;

    Lanes squares = splat(0.0F);
    for (std::size_t i = 0; i < cols; i += lanes) {
      const Lanes d = inside_row(subtract(load_some(x, i, cols), splat(middle)), i, cols);
      squares = add(squares, multiply(d, d));
    }
    const float variance = fold_sum(squares) / count;
    const float factor = 1.0F / std::sqrt(variance + epsilon);

    for (std::size_t i = 0; i < cols; i += lanes) {
      const Lanes d = subtract(load_some(x, i, cols), splat(middle));
      const Lanes scaled = multiply(multiply(d, splat(factor)), load_some(gamma, i, cols));
      store_some(y, add(scaled, load_some(beta, i, cols)), i, cols);
    }
    if (mean != nullptr) mean[row] = middle;
    if (inverse != nullptr) inverse[row] = factor;
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
