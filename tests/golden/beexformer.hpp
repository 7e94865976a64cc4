#pragma once
/// Vectors of BEExformer: its surrogate of the sign, a linear layer of signs with its gradients, a
/// gate that learns and forgets, and dot products of bits. Computed in double, with sign(0) = +1.
/// Row by row.

namespace bipft::golden {

/// F, F' and the clipped identity's derivative.
struct SurrogateVector {
  double x, f, df, clip_df;
};
inline constexpr SurrogateVector surrogate[] = {
    {-2.0, -1.0, 0.0, 0.0},
    {-1.5, -1.0, 0.0, 0.0},
    {-1.0, -1.0, 0.0, 1.0},
    {-0.75, -0.9375, 0.5, 1.0},
    {-0.5, -0.75, 1.0, 1.0},
    {-0.25, -0.4375, 1.5, 1.0},
    {-0.001, -0.001999, 1.998, 1.0},
    {0.0, 0.0, 2.0, 1.0},
    {0.001, 0.001999, 1.998, 1.0},
    {0.1, 0.19, 1.8, 1.0},
    {0.25, 0.4375, 1.5, 1.0},
    {0.5, 0.75, 1.0, 1.0},
    {0.75, 0.9375, 0.5, 1.0},
    {0.9, 0.99, 0.2, 1.0},
    {1.0, 1.0, 0.0, 1.0},
    {1.5, 1.0, 0.0, 0.0},
    {2.0, 1.0, 0.0, 0.0},
};

/// y = x wᵀ with w [2, 4] of signs, with and without a scale a row, and gradients for dy = bee_g.
inline constexpr double bee_w[] = {0.30, -0.80, 1.20, 0.00, -0.05, 0.40, -1.00, 0.60};
inline constexpr double bee_x[] = {1.0, -2.0, 0.5, 3.0};
inline constexpr double bee_g[] = {0.7, -0.4};
inline constexpr double bee_alpha[] = {0.575, 0.5125};
inline constexpr double bee_y[] = {6.5, -0.5};
inline constexpr double bee_y_scaled[] = {3.7375, -0.25625};
inline constexpr double bee_dw[] = {0.98, -0.56, 0.0, 4.2, -0.76, 0.96, 0.0, -0.96};
inline constexpr double bee_dw_detached[] = {0.5635,  -0.322, 0.0, 2.415,
                                             -0.3895, 0.492,  0.0, -0.492};
inline constexpr double bee_dw_full[] = {1.701,   -1.4595, 1.1375, 3.5525,
                                         -0.4395, 0.542,   -0.05,  -0.442};
inline constexpr double bee_dx[] = {1.1, -1.1, 1.1, 0.3};
inline constexpr double bee_dx_scaled[] = {0.6075, -0.6075, 0.6075, 0.1975};

/// The same with an input of one bit, and its gradient.
inline constexpr double bee_bits_x[] = {0.2, -0.9, 1.4, -0.01};
inline constexpr double bee_bits_y[] = {2.0, -4.0};
inline constexpr double bee_bits_dx[] = {1.76, -0.22, 0.0, 0.594};

/// A gate of two hidden units on three channels: matrices as [O, C], and its normed output with
/// the input added (ε 1e-6), in floats and with the signs of its matrices.
inline constexpr double slfn_x[] = {0.5, -1.0, 0.25};
inline constexpr double slfn_gate_inner[] = {0.2, -0.4, 0.3, 0.6, 0.1, -0.5};
inline constexpr double slfn_gate_inner_bias[] = {0.0, 0.1};
inline constexpr double slfn_gate_outer[] = {0.5, -0.3, -0.2, 0.8, 0.4, 0.1};
inline constexpr double slfn_gate_outer_bias[] = {0.1, 0.0, -0.1};
inline constexpr double slfn_inner[] = {-0.3, 0.7, 0.2, 0.4, 0.2, -0.6};
inline constexpr double slfn_inner_bias[] = {0.05, 0.0};
inline constexpr double slfn_outer[] = {0.9, -0.1, 0.3, 0.6, -0.7, 0.2};
inline constexpr double slfn_outer_bias[] = {0.0, -0.2, 0.1};
inline constexpr double slfn_product[] = {-0.14300925, -0.147287161, 0.108283776};
inline constexpr double slfn_normed[] = {0.706194569, -1.414211766, 0.708017197};
inline constexpr double slfn_sign_product[] = {-0.120882651, 0.849359708, 0.32684648};
inline constexpr double slfn_sign_normed[] = {0.360350492, -1.364487173, 1.004136681};

/// Dot products of bits: 0/1 with ±1, and ±1 with ±1, where a bit 1 is +1.
inline constexpr int dot_bits_a[] = {1, 0, 1, 1, 0, 0, 1, 0};
inline constexpr int dot_bits_b[] = {1, 0, 0, 1, 1, 0, 1, 1};
inline constexpr int dot_zero_one = 2;
inline constexpr int dot_plus_minus = 2;

}  // namespace bipft::golden
