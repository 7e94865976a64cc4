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

/// Some rows of x at a time, the last one again where there are fewer.
[[gnu::noinline]] inline void row_linear(const float* x, std::size_t rows, const float* w,
                                         const float* bias, std::size_t outputs, std::size_t n,
                                         float* y) {
  for (std::size_t row = 0; row < rows; row += abreast) {
    const float* from[abreast];
    for (std::size_t r = 0; r < abreast; ++r) {
      from[r] = x + (row + r < rows ? row + r : rows - 1) * n;
    }
    for (std::size_t o = 0; o < outputs; ++o) {
      const float* const weight = w + o * n;
      Lanes sum[abreast];
      BIPFT_UNROLL
      for (std::size_t r = 0; r < abreast; ++r) sum[r] = splat(0.0F);
      std::size_t i = 0;
      for (; i + lanes <= n; i += lanes) {
        const Lanes factor = load(weight + i);
        BIPFT_UNROLL
        for (std::size_t r = 0; r < abreast; ++r) {
          sum[r] = add(sum[r], multiply(load(from[r] + i), factor));
        }
      }
      if (i < n) {
        const Lanes factor = load_part(weight + i, n - i);
        BIPFT_UNROLL
        for (std::size_t r = 0; r < abreast; ++r) {
          sum[r] = add(sum[r], multiply(load_part(from[r] + i, n - i), factor));
        }
      }
      for (std::size_t r = 0; r < abreast && row + r < rows; ++r) {
        y[(row + r) * outputs + o] = fold_sum(sum[r]) + bias[o];
      }
    }
  }
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

/// Some rows of a matrix, the last one again where there are fewer: they take turns, since each
/// waits for its own last addition, and one alone would leave most of the processor idle.
struct RowGroup {
  const float* x[abreast];
  float* y[abreast];
  std::size_t cols;
  Lanes middle[abreast];
  Lanes factor[abreast];
};

/// Adds columns i ... i+15 of each row to its sum.
///   squares: (x - middle)² instead of x   whole: there are 16 columns left
template <bool squares, bool whole>
[[gnu::always_inline]] inline void add_columns(const RowGroup& rows, std::size_t i,
                                               Lanes (&sum)[abreast]) {
  BIPFT_UNROLL
  for (std::size_t r = 0; r < abreast; ++r) {
    Lanes part = whole ? load(rows.x[r] + i) : load_part(rows.x[r] + i, rows.cols - i);
    if (squares) {
      part = subtract(part, rows.middle[r]);
      if (!whole) part = inside_row(part, i, rows.cols);
      part = multiply(part, part);
    }
    sum[r] = add(sum[r], part);
  }
}

template <bool squares>
[[gnu::always_inline]] inline void sum_rows(const RowGroup& rows, float (&total)[abreast]) {
  Lanes sum[abreast];
  BIPFT_UNROLL
  for (std::size_t r = 0; r < abreast; ++r) sum[r] = splat(0.0F);
  std::size_t i = 0;
  for (; i + lanes <= rows.cols; i += lanes) add_columns<squares, true>(rows, i, sum);
  if (i < rows.cols) add_columns<squares, false>(rows, i, sum);
  BIPFT_UNROLL
  for (std::size_t r = 0; r < abreast; ++r) total[r] = fold_sum(sum[r]);
}

/// y = (x - middle) · factor · γ + β in columns i ... i+15 of each row. All are read before one is
/// written, so that a row may stand there twice.
template <bool whole>
[[gnu::always_inline]] inline void norm_columns(const RowGroup& rows, std::size_t i,
                                                const float* gamma, const float* beta) {
  const std::size_t left = rows.cols - i;
  const Lanes slope = whole ? load(gamma + i) : load_part(gamma + i, left);
  const Lanes shift = whole ? load(beta + i) : load_part(beta + i, left);
  Lanes value[abreast];
  BIPFT_UNROLL
  for (std::size_t r = 0; r < abreast; ++r) {
    const Lanes x = whole ? load(rows.x[r] + i) : load_part(rows.x[r] + i, left);
    const Lanes scaled = multiply(multiply(subtract(x, rows.middle[r]), rows.factor[r]), slope);
    value[r] = add(scaled, shift);
  }
  BIPFT_UNROLL
  for (std::size_t r = 0; r < abreast; ++r) {
    if (whole) {
      store(rows.y[r] + i, value[r]);
    } else {
      store_part(rows.y[r] + i, value[r], left);
    }
  }
}

inline void layer_norm_rows(const float* x, std::size_t rows, std::size_t cols, const float* gamma,
                            const float* beta, float epsilon, float* y, float* mean,
                            float* inverse) {
  const auto count = static_cast<float>(cols);
  RowGroup group;
  group.cols = cols;
  for (std::size_t row = 0; row < rows; row += abreast) {
    std::size_t place[abreast];
    for (std::size_t r = 0; r < abreast; ++r) {
      place[r] = row + r < rows ? row + r : rows - 1;
      group.x[r] = x + place[r] * cols;
      group.y[r] = y + place[r] * cols;
    }
    float total[abreast];
    sum_rows<false>(group, total);
    for (std::size_t r = 0; r < abreast; ++r) {
      const float average = total[r] / count;
      group.middle[r] = splat(average);
      if (mean != nullptr) mean[place[r]] = average;
    }
    sum_rows<true>(group, total);
    for (std::size_t r = 0; r < abreast; ++r) {
      const float one_over = 1.0F / std::sqrt(total[r] / count + epsilon);
      group.factor[r] = splat(one_over);
      if (inverse != nullptr) inverse[place[r]] = one_over;
    }
    std::size_t i = 0;
    for (; i + lanes <= cols; i += lanes) norm_columns<true>(group, i, gamma, beta);
    if (i < cols) norm_columns<false>(group, i, gamma, beta);
  }
}
