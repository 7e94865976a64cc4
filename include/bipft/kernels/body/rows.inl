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

[[gnu::noinline]] inline float largest_of_row(const float* x, std::size_t n) {
  const Lanes least = splat(-__builtin_inff());
  Lanes most = least;
  for (std::size_t i = 0; i < n; i += lanes) {
    const Lanes part = load_some(x, i, n);
    most = upper(most, n - i >= lanes ? part : select(first(n - i), part, least));
  }
  return fold_upper(most);
}

/// y = exp(x - shift); returns Σ y.
[[gnu::noinline]] inline float exponential_row(const float* x, float shift, std::size_t n,
                                               float* y) {
  Lanes sum = splat(0.0F);
  for (std::size_t i = 0; i < n; i += lanes) {
    const Lanes e = inside_row(exponential(subtract(load_some(x, i, n), splat(shift))), i, n);
    sum = add(sum, e);
    store_some(y, e, i, n);
  }
  return fold_sum(sum);
}

/// By the row's own function, so that exponential is compiled once; x - 0 is x.
inline void exp_all(const float* x, std::size_t n, float* y) { exponential_row(x, 0.0F, n, y); }

inline void softmax_rows(const float* x, std::size_t rows, std::size_t cols, float* y) {
  for (std::size_t row = 0; row < rows; ++row, x += cols, y += cols) {
    const float sum = exponential_row(x, largest_of_row(x, cols), cols, y);
    scale_all(y, 1.0F / sum, cols, y);
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
