// Compiled once per target, inside its namespace and region: no include guard, no #include, and no
// words but the target's own (target/scalar.hpp lists them).
//
// The layer whose weights are bits and whose inputs are floats. Contract in table.hpp. By panels of
// floats on every target, those that train by bfloat16 pairs included.

inline void sign_linear(const SignProduct& p, const float* scale, const float* bias,
                        float* workspace) {
  sign_product(p, workspace);
  for (std::size_t m = 0; m < p.m; ++m) {
    float* const row = p.c + m * p.c_stride;
    for (std::size_t n = 0; n < p.n; n += lanes) {
      const Lanes scaled = multiply(load_some(row, n, p.n), load_some(scale, n, p.n));
      store_some(row, add(scaled, load_some(bias, n, p.n)), n, p.n);
    }
  }
}
