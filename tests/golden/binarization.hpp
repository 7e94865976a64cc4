#pragma once
/// Vectors of the published binarizers: computed in double, and compared with the code that the
/// papers' authors released. Row by row; sign(0) = 0, as there, unless a name says otherwise.

namespace bipft::golden {

inline constexpr double tv1_w[] = {0.5, -0.25, 0.75, -1.0, 0.125, 0.0, -0.375, 0.625};
inline constexpr double tv1_mean = 0.046875;
inline constexpr double tv1_alpha = 0.453125;
inline constexpr double tv1_w_b[] = {0.453125, -0.453125, 0.453125,  -0.453125,
                                     0.453125, -0.453125, -0.453125, 0.453125};
inline constexpr double tv1_g[] = {0.125, -0.25, 0.375, -0.5, 0.5, 0.625, -0.75, 0.875};
inline constexpr double tv1_dw[] = {0.125, -0.25, 0.375, -0.5, 0.5, 0.625, -0.75, 0.875};

inline constexpr double tv2_mean = 0.046875;
inline constexpr double tv2_alpha_row[] = {0.625, 0.28125};
inline constexpr double tv2_w_b[] = {0.625,   -0.625,   0.625,    -0.625,
                                     0.28125, -0.28125, -0.28125, 0.28125};
inline constexpr double tv2_dw[] = {0.125, -0.25, 0.375, -0.5, 0.5, 0.625, -0.75, 0.875};

inline constexpr double tv3_w[] = {0.5, -0.25, 0.75, -1.0, 2.0, 0.25, -0.5, 0.25};
inline constexpr double tv3_alpha_row[] = {0.625, 0.75};
inline constexpr double tv3_w_b[] = {0.625, -0.625, 0.625, -0.625, 0.75, -0.75, -0.75, -0.75};
inline constexpr double tv3_g[] = {0.125, -0.25, 0.375, -0.5, 0.5, 0.625, -0.75, 0.875};
inline constexpr double tv3_dw[] = {0.1875,  -0.1875, 0.4375,  -0.4375,
                                    -0.1875, 0.4375,  -0.9375, 0.6875};

inline constexpr double tv4_x[] = {0.375, -0.625, 0.5, -0.5, 1.25, -0.0625, 0.0, -0.875};
inline constexpr double tv4_alpha = 0.5;
inline constexpr double tv4_y_if_sign0_is_plus1[] = {0.5, -0.5, 0.5, -0.5, 0.5, -0.5, 0.5, -0.5};
inline constexpr double tv4_g[] = {0.125, -0.25, 0.375, -0.5, 0.5, 0.625, -0.75, 0.875};
inline constexpr double tv4_dx[] = {0.125, -0.0, 0.375, -0.5, 0.0, 0.625, -0.75, 0.0};
inline constexpr double tv4_dalpha_if_sign0_is_plus1 = -0.17677669529663687;
inline constexpr double tv4_alpha_init_code = 1.046875;

inline constexpr double tv5_x[] = {0.375, -0.625, 0.5, -0.5, 1.25, -0.0625, 0.0, -0.875};
inline constexpr double tv5_b[] = {0.125, -0.125, -0.625, 0.0};
inline constexpr double tv5_alpha = 0.5;
inline constexpr double tv5_y[] = {0.5, -0.5, -0.5, -0.5, 0.5, -0.5, -0.5, -0.5};
inline constexpr double tv5_g[] = {0.125, -0.25, 0.375, -0.5, 0.5, 0.625, -0.75, 0.875};
inline constexpr double tv5_dx[] = {0.125, -0.0, 0.375, -0.5, 0.0, 0.625, -0.0, 0.0};
inline constexpr double tv5_db[] = {0.125, 0.625, 0.375, -0.5};
inline constexpr double tv5_dalpha = 0.08838834764831843;

inline constexpr double tv6_x[] = {0.75, 0.125, 0.25, -0.0625, 0.3125, 0.5, 0.625, 0.46875};
inline constexpr double tv6_alpha = 0.5;
inline constexpr double tv6_y[] = {0.5, 0.0, 0.0, 0.0, 0.5, 0.5, 0.5, 0.5};
inline constexpr double tv6_g[] = {0.125, -0.25, 0.375, -0.5, 0.5, 0.625, -0.75, 0.875};
inline constexpr double tv6_dx[] = {0.0, -0.25, 0.375, -0.0, 0.5, 0.625, -0.0, 0.875};
inline constexpr double tv6_dalpha = -0.1795388311606468;
inline constexpr double tv6_alpha_init_code = 1.546875;

inline constexpr double tv7a_x[] = {0.375, -0.625, 0.5, -0.5, 1.25, -0.0625, 0.0, -0.875};
inline constexpr double tv7a_alpha = 0.5;
inline constexpr double tv7a_y[] = {0.5, -0.5, 0.5, -0.5, 0.5, -0.0, 0.0, -1.0};
inline constexpr double tv7a_g[] = {0.125, -0.25, 0.375, -0.5, 0.5, 0.625, -0.75, 0.875};
inline constexpr double tv7a_dx[] = {0.125, -0.25, 0.375, -0.5, 0.0, 0.625, -0.75, 0.875};
inline constexpr double tv7a_dalpha = 0.11600970628841795;
inline constexpr double tv7a_alpha_init_code = 1.046875;

inline constexpr double tv7b_x[] = {0.75, 0.125, 0.25, -0.0625, 0.3125, 0.5625, 0.625, 0.46875};
inline constexpr double tv7b_alpha = 0.25;
inline constexpr double tv7b_y[] = {0.6875, 0.1875, 0.1875, -0.0625,
                                    0.4375, 0.4375, 0.6875, 0.4375};
inline constexpr double tv7b_g[] = {0.125, -0.25, 0.375, -0.5, 0.5, 0.625, -0.75, 0.875};
inline constexpr double tv7b_dx[] = {0.0, -0.25, 0.375, -0.5, 0.5, 0.625, -0.75, 0.875};
inline constexpr double tv7b_dalpha = -0.02870495792324037;
inline constexpr double tv7b_alpha_init_code = 0.9111308935648782;

inline constexpr double tv8_x[] = {0.375, -1.0, 1.0, -0.5, 1.25, -0.0625, 0.0, -3.0};
inline constexpr double tv8_y_if_sign0_is_plus1[] = {1.0, -1.0, 1.0, -1.0, 1.0, -1.0, 1.0, -1.0};
inline constexpr double tv8_g[] = {0.125, -0.25, 0.375, -0.5, 0.5, 0.625, -0.75, 0.875};
inline constexpr double tv8_dx_linear_input[] = {0.125, -0.25, 0.375, -0.5, 0.0, 0.625, -0.75, 0.0};
inline constexpr double tv8_dx_qkv[] = {0.125, -0.0, 0.0, -0.5, 0.0, 0.625, -0.75, 0.0};

inline constexpr double tv9_a[] = {0.25, -0.25, 0.0, 1.0, 2.0, -1.0, -10000.0, 0.5};
inline constexpr double tv9_b_code[] = {1.0, 0.0, 0.0, 1.0, 1.0, 0.0, 0.0, 1.0};
inline constexpr double tv9_g[] = {0.125, -0.25, 0.375, -0.5, 0.5, 0.625, -0.75, 0.875};
inline constexpr double tv9_da[] = {0.125, -0.25, 0.375, -0.0, 0.0, 0.0, -0.0, 0.875};

inline constexpr double tv10_q_student[] = {1.0, 2.0, 0.0, -1.0, 0.5, -0.5, 1.0, 0.0};
inline constexpr double tv10_q_teacher[] = {1.0, 1.0, 0.5, -1.0, 0.0, -1.0, 1.0, 0.5};
inline constexpr double tv10_rel_student[] = {3.0, -0.25, -0.25, 0.75};
inline constexpr double tv10_rel_teacher[] = {1.625, -0.5, -0.5, 1.125};
inline constexpr double tv10_loss = 0.41575861716882734;
inline constexpr double tv10_dl_drel[] = {0.0822387308865803, 0.12736612112037168,
                                          0.12736612112037168, -0.24404417613274018};
inline constexpr double tv10_dl_dq[] = {
    0.14592179144676615,  0.10079440121297477, 0.12736612112037168,  -0.0822387308865803,
    0.005344033054001593, 0.37675433030711347, -0.24404417613274018, -0.12736612112037168};

/// Two tokens of 4 channels, two heads. Of what has heads, head after head.
inline constexpr double tv11_h[] = {0.5, -1.0, 0.25, 1.5, -0.75, 0.5, 1.0, -0.25};
inline constexpr double tv11_w_qp[] = {0.1, 0.2, -0.1, 0.3};
inline constexpr double tv11_w_kp[] = {-0.2, 0.1, 0.3, 0.0};
inline constexpr double tv11_w_qm[] = {0.05, -0.15, 0.2, 0.1};
inline constexpr double tv11_w_km[] = {0.3, 0.0, -0.2, 0.1};
inline constexpr double tv11_w_vp[] = {0.2, -0.1, 0.0, 0.4};
inline constexpr double tv11_r_q[] = {0.285, -0.14};
inline constexpr double tv11_r_k[] = {-0.145, 0.48};
inline constexpr double tv11_m_q[] = {0.405, 0.0925};
inline constexpr double tv11_m_k[] = {0.25, -0.45};
inline constexpr double tv11_r_v[] = {0.8500000000000001, -0.25000000000000006};
inline constexpr double tv11_b_q[] = {0.5, -0.5, 0.5, 0.5, -0.5, 0.5, 0.5, -0.5};
inline constexpr double tv11_b_k[] = {0.4, 0.4, -0.4, 0.4, -0.4, -0.4, 0.4, 0.4};
inline constexpr double tv11_b_v[] = {0.3, -0.3, -0.3, 0.3, 0.3, 0.3, -0.3, 0.3};
inline constexpr double tv11_e[] = {-0.0288, 0.20295, -0.0281125, 0.0402};
inline constexpr double tv11_probs_head0[] = {0.45912343499610203, 0.5408765650038979,
                                              0.4879262895424633, 0.5120737104575368};
inline constexpr double tv11_probs_head1[] = {0.3901421567371776, 0.6098578432628224,
                                              0.4179615800995184, 0.5820384199004816};
inline constexpr double tv11_context_head0[] = {0.04799999999999993, 0.04799999999999993, 1.152,
                                                0.576};
inline constexpr double tv11_context_head1[] = {-0.528, 0.04799999999999993, -0.528,
                                                0.04799999999999993};
inline constexpr double tv11_dcontext_head0[] = {0.5, -0.25, 0.125, 0.375};
inline constexpr double tv11_dcontext_head1[] = {-0.5, 0.25, 0.75, -0.125};
inline constexpr double tv11_db_q[] = {
    0.05970236634253778, 0.05970236634253778, 0.03701341673768472,  0.0,
    0.04593514046428485, 0.04593514046428485, -0.09460970908001329, 0.0};
inline constexpr double tv11_db_k[] = {
    0.00860451617390809,  -0.00860451617390809, 0.03599768271395536,  -0.08226445363606125,
    -0.00860451617390808, 0.00860451617390808,  -0.03599768271395536, 0.08226445363606125};
inline constexpr double tv11_db_v[] = {0.12, 0.36, 0.0, 0.0, 0.6, 0.12, 0.24, 0.12};
inline constexpr double tv11_d_m_q[] = {-0.01772574187879146, -0.1098006637064829};
inline constexpr double tv11_d_r_q[] = {0.00212708902545498, 0.01317607964477796};
inline constexpr double tv11_d_r_k[] = {0.01122436859249306, -0.01122436859249307};
inline constexpr double tv11_d_m_k[] = {-0.01651241037352327, 0.01651241037352327};
inline constexpr double tv11_d_r_v[] = {0.48, 1.08};
inline constexpr double tv11_dw_qp[] = {-0.00881851522085598, 0.004460950796934, 0.0137078519011417,
                                        -0.00010338637301203};
inline constexpr double tv11_dw_vp[] = {-0.5700000000000001, 0.06000000000000005,
                                        1.2000000000000002, 0.44999999999999996};
inline constexpr double tv11_alpha_attn = 0.96;
inline constexpr double tv11_dalpha_attn = -0.07145203434979967;

inline constexpr double tv12_student[] = {1.0, -0.5, 0.25, 0.0, 0.25, -0.75};
inline constexpr double tv12_teacher[] = {2.0, -1.0, 0.0, 0.125, 0.5, -0.25};
inline constexpr double tv12_loss_code = 0.2898071543948005;
inline constexpr double tv12_dstudent_code[] = {-0.04233284513742116, 0.014931930168808047,
                                                0.02740091496861309,  0.007425486021715037,
                                                0.00046647088345525,  -0.007891956905170283};

inline constexpr double tv13_x[] = {0.375, -0.625, 0.5, -0.5, 1.25, -0.0625, 0.0, -0.875};
inline constexpr double tv13_w[] = {0.5, -0.25, 0.75, -1.0, 0.125, 0.0, -0.375, 0.625};
inline constexpr double tv13_b_shift[] = {-0.5, -0.125, -0.375, 0.0};
inline constexpr double tv13_alpha_x = 0.5;
inline constexpr double tv13_bias[] = {0.0625, -0.125};
inline constexpr double tv13_y[] = {0.515625, -0.578125, 0.515625, 0.328125};
inline constexpr double tv13_gy[] = {1.0, -0.5, 0.25, 0.75};
inline constexpr double tv13_dx[] = {0.2265625, -0.0,      0.6796875,  -0.6796875,
                                     0.0,       -0.453125, -0.2265625, 0.0};
inline constexpr double tv13_dw[] = {-0.375, -0.625, 0.375, -0.625, 0.625, -0.125, -0.625, -0.125};
inline constexpr double tv13_dbias[] = {1.25, 0.25};
inline constexpr double tv13_db_shift[] = {0.2265625, -0.453125, 0.453125, -0.6796875};
inline constexpr double tv13_dalpha_x = 0.8010194005628858;

inline constexpr double tv14_x[] = {0.375, -1.0, 1.0, -0.5, 1.25, -0.0625, -0.25, 3.0};
inline constexpr double tv14_bias[] = {0.0625, -0.125};
inline constexpr double tv14_y[] = {2.5625, 1.375, 0.0625, 1.375};
inline constexpr double tv14_gy[] = {1.0, -0.5, 0.25, 0.75};
inline constexpr double tv14_dx[] = {0.25, -0.25, 1.0, -0.25, 0.0, -0.71875, -0.40625, -0.0};
inline constexpr double tv14_dw[] = {1.25, -1.25, 0.75, -0.75, 0.0625, -0.1875, -1.1875, 1.3125};

inline constexpr double tv15_a[] = {1.0, 0.0, 1.0, 1.0, 0.0, 1.0, 0.0, 1.0};
inline constexpr double tv15_w[] = {1.0, 1.0, 0.0, 1.0, 0.0, 1.0, 1.0, 0.0};
inline constexpr double tv15_dot_signed = 0.0;
inline constexpr double tv15_dot_unsigned = 1.0;

inline constexpr double tv16_theta[] = {0.5, -0.25, 0.75, -1.0};
inline constexpr double tv16_grad[] = {3.0, -4.0, 0.0, 0.0};
inline constexpr double tv16_lr = 0.001;
inline constexpr double tv16_wd_bertadam = 0.01;
inline constexpr double tv16_s = 0.5;
inline constexpr double tv16_bertadam_next[] = {0.498416444498874, -0.24841767366745787, 0.74999625,
                                                -0.999995};
inline constexpr double tv16_adamw_next[] = {0.49900000000333333, -0.2490000000025, 0.75, -1.0};

}  // namespace bipft::golden
