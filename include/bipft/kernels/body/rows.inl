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

/// Adds columns i ... i+15 of `Rows` rows to their sums.
///   squares: (x - middle)² instead of x   whole: there are 16 columns left
template <std::size_t Rows, bool squares, bool whole>
[[gnu::always_inline]] inline void add_columns(const float* x, std::size_t i, std::size_t cols,
                                               const Lanes (&middle)[Rows], Lanes (&sum)[Rows]) {
  BIPFT_UNROLL
  for (std::size_t r = 0; r < Rows; ++r) {
    const float* const row = x + r * cols;
    Lanes part = whole ? load(row + i) : load_part(row + i, cols - i);
    if (squares) {
      part = subtract(part, middle[r]);
      if (!whole) part = inside_row(part, i, cols);
      part = multiply(part, part);
    }
    sum[r] = add(sum[r], part);
  }
}

/// Sums of `Rows` rows at once: each waits for its own last addition, so one row alone would leave
/// most of the processor idle.
template <std::size_t Rows, bool squares>
[[gnu::always_inline]] inline void sum_rows(const float* x, std::size_t cols,
                                            const Lanes (&middle)[Rows], float (&total)[Rows]) {
  Lanes sum[Rows];
  BIPFT_UNROLL
  for (std::size_t r = 0; r < Rows; ++r) sum[r] = splat(0.0F);
  std::size_t i = 0;
  for (; i + lanes <= cols; i += lanes) {
    add_columns<Rows, squares, true>(x, i, cols, middle, sum);
  }
  if (i < cols) add_columns<Rows, squares, false>(x, i, cols, middle, sum);
  BIPFT_UNROLL
  for (std::size_t r = 0; r < Rows; ++r) total[r] = fold_sum(sum[r]);
}

/// y = (x - middle) · factor · γ + β in columns i ... i+15 of `Rows` rows.
template <std::size_t Rows, bool whole>
[[gnu::always_inline]] inline void norm_columns(const float* x, std::size_t i, std::size_t cols,
                                                const Lanes (&middle)[Rows],
                                                const Lanes (&factor)[Rows], const float* gamma,
                                                const float* beta, float* y) {
  const std::size_t left = cols - i;
  const Lanes slope = whole ? load(gamma + i) : load_part(gamma + i, left);
  const Lanes shift = whole ? load(beta + i) : load_part(beta + i, left);
  BIPFT_UNROLL
  for (std::size_t r = 0; r < Rows; ++r) {
    const float* const row = x + r * cols + i;
    const Lanes d = subtract(whole ? load(row) : load_part(row, left), middle[r]);
    const Lanes value = add(multiply(multiply(d, factor[r]), slope), shift);
    if (whole) {
      store(y + r * cols + i, value);
    } else {
      store_part(y + r * cols + i, value, left);
    }
  }
}

template <std::size_t Rows>
inline void layer_norm_some(const float* x, std::size_t cols, const float* gamma, const float* beta,
                            float epsilon, float* y, float* mean, float* inverse) {
  const auto count = static_cast<float>(cols);
  float total[Rows];
  Lanes middle[Rows] = {};
  Lanes factor[Rows];
  sum_rows<Rows, false>(x, cols, middle, total);
  for (std::size_t r = 0; r < Rows; ++r) {
    const float average = total[r] / count;
    middle[r] = splat(average);
    if (mean != nullptr) mean[r] = average;
  }
  sum_rows<Rows, true>(x, cols, middle, total);
  for (std::size_t r = 0; r < Rows; ++r) {
    const float variance = total[r] / count;
    const float one_over = 1.0F / std::sqrt(variance + epsilon);
    factor[r] = splat(one_over);
    if (inverse != nullptr) inverse[r] = one_over;
  }
  std::size_t i = 0;
  for (; i + lanes <= cols; i += lanes) {
    norm_columns<Rows, true>(x, i, cols, middle, factor, gamma, beta, y);
  }
  if (i < cols) norm_columns<Rows, false>(x, i, cols, middle, factor, gamma, beta, y);
}

inline void layer_norm_rows(const float* x, std::size_t rows, std::size_t cols, const float* gamma,
                            const float* beta, float epsilon, float* y, float* mean,
                            float* inverse) {
  constexpr std::size_t some = 4;
  for (std::size_t row = 0; row < rows;) {
    const std::size_t begin = row * cols;
    float* const row_mean = mean != nullptr ? mean + row : nullptr;
    float* const row_inverse = inverse != nullptr ? inverse + row : nullptr;
    if (rows - row >= some) {
      layer_norm_some<some>(x + begin, cols, gamma, beta, epsilon, y + begin, row_mean,
                            row_inverse);
      row += some;
    } else {
      layer_norm_some<1>(x + begin, cols, gamma, beta, epsilon, y + begin, row_mean, row_inverse);
      ++row;
    }
  }
}
