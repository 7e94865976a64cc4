// Compiled once per target, inside its namespace and region: no include guard, no #include, and no
// words but the target's own (target/scalar.hpp lists them).
//
// One number in, one number out. Contracts in table.hpp.

/// Numbers i ... i+15 of n, or what there is of them and then zeros.
inline Lanes load_some(const float* x, std::size_t i, std::size_t n) {
  return n - i >= lanes ? load(x + i) : load_part(x + i, n - i);
}
inline void store_some(float* y, Lanes x, std::size_t i, std::size_t n) {
  if (n - i >= lanes) {
    store(y + i, x);
  } else {
    store_part(y + i, x, n - i);
  }
}

/// y[i] = f(x[i]); behind the end, f is computed from zeros and thrown away.
template <class Function>
inline void map(Function f, const float* x, std::size_t n, float* y) {
  for (std::size_t i = 0; i < n; i += lanes) store_some(y, f(load_some(x, i, n)), i, n);
}

template <class Function>
inline void map(Function f, const float* a, const float* b, std::size_t n, float* y) {
  for (std::size_t i = 0; i < n; i += lanes) {
    store_some(y, f(load_some(a, i, n), load_some(b, i, n)), i, n);
  }
}

/// c[0] + c[1] x + c[2] x² + ..., by Horner's rule.
template <std::size_t N>
inline Lanes polynomial(const float (&c)[N], Lanes x) {
  Lanes y = splat(c[N - 1]);
  for (std::size_t i = N - 1; i-- > 0;) y = add(multiply(y, x), splat(c[i]));
  return y;
}

// --- Functions -----------------------------------------------------------------------------------
// Their polynomials are minimax fits in the relative error, made for bipft.

/// 2^k for whole k in -126 ... 127: adding 1.5 · 2^23 leaves k + 127 in the last bits.
inline Lanes power_of_two(Lanes k) {
  return shift_to_exponent(add(k, splat(12582912.0F + 127.0F)));
}

/// The whole number nearest to x, |x| < 2^22.
inline Lanes nearest(Lanes x) {
  return subtract(add(x, splat(12582912.0F)), splat(12582912.0F));
}

/// e^x = 2^k e^r with |r| <= ln(2)/2. Within 2 units in the last place; denormals are right,
/// overflow is infinite, NaN stays NaN.
inline Lanes exponential(Lanes x) {
  constexpr float coefficient[] = {0.49999994F, 0.166665196F, 0.0416683927F, 0.00836877991F,
                                   0.001381448F};
  x = upper(splat(-105.0F), lower(splat(89.0F), x));
  const Lanes k = nearest(multiply(x, splat(1.44269504F)));
  // ln 2 in two parts, the first so short that k times it is exact.
  Lanes r = subtract(x, multiply(k, splat(0.693359375F)));
  r = subtract(r, multiply(k, splat(-2.12194440e-4F)));
  const Lanes tail = multiply(multiply(r, r), polynomial(coefficient, r));
  const Lanes y = add(splat(1.0F), add(r, tail));
  // In two steps, as 2^k alone may be out of range; only the second can round.
  const Lanes half = nearest(multiply(k, splat(0.5F)));
  return multiply(multiply(y, power_of_two(half)), power_of_two(subtract(k, half)));
}

/// tanh x, within 2 units in the last place.
inline Lanes hyperbolic_tangent(Lanes x) {
  constexpr float coefficient[] = {-0.333332807F, 0.133314416F, -0.0537397191F, 0.0206390936F,
                                   -0.00570499245F};
  const Lanes a = absolute(x);
  const Lanes square = multiply(x, x);
  const Lanes near = add(x, multiply(multiply(x, square), polynomial(coefficient, square)));
  const Lanes e = exponential(add(a, a));
  const Lanes far = subtract(splat(1.0F), divide(splat(2.0F), add(e, splat(1.0F))));
  return select(above(splat(0.625F), a), near, copy_sign(far, x));
}

/// The normal distribution: Φ(x) = (1 + erf(x/√2)) / 2, and exp(-x²/2).
struct Normal {
  Lanes cumulative, bell;
};

/// Φ(-a) = exp(-a²/2) Q(s) / (a + 4) for a >= 0, where Q is a polynomial in s = (a - 4) / (a + 4);
/// within 2 units in the last place of 1, and of small values within a few times a².
inline Normal normal(Lanes x) {
  constexpr float coefficient[] = {0.755285144F,    -0.607896566F,   0.387136906F,
                                   -0.186523438F,   0.0604038313F,   -0.00752527034F,
                                   -0.00351255527F, 0.00156992138F,  0.000179355513F,
                                   -0.000131970199F};
  const Lanes a = lower(splat(15.0F), absolute(x));
  const Lanes t = divide(splat(1.0F), add(a, splat(4.0F)));
  const Lanes s = multiply(subtract(a, splat(4.0F)), t);
  const Lanes bell = exponential(multiply(multiply(a, a), splat(-0.5F)));
  const Lanes tail = multiply(multiply(bell, t), polynomial(coefficient, s));
  return {select(above(splat(0.0F), x), tail, subtract(splat(1.0F), tail)), bell};
}

// --- The table's entries -------------------------------------------------------------------------

struct Add {
  Lanes operator()(Lanes a, Lanes b) const { return add(a, b); }
};
struct Scale {
  Lanes factor;
  Lanes operator()(Lanes x) const { return multiply(x, factor); }
};
struct Relu {
  Lanes operator()(Lanes x) const { return upper(splat(0.0F), x); }
};
/// Below 0 wherever x is, also where the product is too small for a float: its sign is that of x.
struct Gelu {
  Lanes operator()(Lanes x) const {
    const Lanes y = multiply(x, normal(x).cumulative);
    return select(above(splat(0.0F), x), lower(splat(-0x1p-149F), y), y);
  }
};
struct Multiply {
  Lanes operator()(Lanes a, Lanes b) const { return multiply(a, b); }
};
struct Tanh {
  Lanes operator()(Lanes x) const { return hyperbolic_tangent(x); }
};
struct Sigmoid {
  Lanes operator()(Lanes x) const {
    const Lanes half = splat(0.5F);
    return add(multiply(hyperbolic_tangent(multiply(x, half)), half), half);
  }
};
[[gnu::noinline]] inline void add_all(const float* a, const float* b, std::size_t n, float* y) {
  map(Add{}, a, b, n, y);
}
[[gnu::noinline]] inline void scale_all(const float* x, float factor, std::size_t n, float* y) {
  map(Scale{splat(factor)}, x, n, y);
}

inline void multiply_all(const float* a, const float* b, std::size_t n, float* y) {
  map(Multiply{}, a, b, n, y);
}
inline void relu_all(const float* x, std::size_t n, float* y) { map(Relu{}, x, n, y); }
inline void gelu_all(const float* x, std::size_t n, float* y) { map(Gelu{}, x, n, y); }
inline void tanh_all(const float* x, std::size_t n, float* y) { map(Tanh{}, x, n, y); }
inline void sigmoid_all(const float* x, std::size_t n, float* y) { map(Sigmoid{}, x, n, y); }
