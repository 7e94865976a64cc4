// Compiled once per target, inside its namespace and region: no include guard, no #include, and no
// words but the target's own (target/scalar.hpp lists them).
//
// Weights of keys by estimates of low rank: what a softmax multiplies its terms with.

/// y[j] = exp(e_j - max e) for j < n, with e_j = Σ_c a[c] b[c][j] added up in the order of c.
[[gnu::noinline]] inline void estimate_weights(const float* a, const float* b, std::size_t stride,
                                               std::size_t rank, std::size_t n, float* y) {
  for (std::size_t j = 0; j < n; j += lanes) {
    Lanes e = multiply(splat(a[0]), load_some(b + j, 0, n - j));
    for (std::size_t c = 1; c < rank; ++c) {
      e = add(e, multiply(splat(a[c]), load_some(b + c * stride + j, 0, n - j)));
    }
    store_some(y, e, j, n);
  }
  exponential_row(y, largest_of_row(y, n), n, y);
}

/// The least sum that weighted terms are divided by, should all of them vanish.
inline constexpr float least_sum = 0x1p-126F;
