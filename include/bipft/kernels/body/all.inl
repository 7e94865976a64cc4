// Compiled once per target, inside its namespace and region: the bodies, and the tables they fill.

#include "bipft/kernels/body/elements.inl"
#include "bipft/kernels/body/rows.inl"

#include "bipft/kernels/body/estimates.inl"

#include "bipft/kernels/body/battention.inl"
#include "bipft/kernels/body/bgemm.inl"
#include "bipft/kernels/body/bpack.inl"
#include "bipft/kernels/body/product_tiles.inl"

#include "bipft/kernels/body/product.inl"

#include "bipft/kernels/body/sign_floats.inl"

#include "bipft/kernels/body/sign_product.inl"

#include "bipft/kernels/body/sign_linear.inl"

#include "bipft/kernels/body/training.inl"

inline constexpr KernelTable table{
    .name = target_name,
    .supported = supported,
    .product = product,
    .plain_product = plain_product,
    .product_workspace = product_workspace,
    .add = add_all,
    .multiply = multiply_all,
    .relu = relu_all,
    .gelu = gelu_all,
    .tanh = tanh_all,
    .sigmoid = sigmoid_all,
    .exp = exp_all,
    .softmax = softmax_rows,
    .layer_norm = layer_norm_rows,
    .row_dot = dot_row,
    .row_linear = row_linear,
    .pack_row = pack_row,
    .unpack_row = unpack_row,
    .layout_words = layout_words,
    .lay_out = lay_out,
    .bgemm_floats = bgemm_floats,
    .bgemm_bits = bgemm_bits,
    .bit_attention = bit_attention,
    .sign_linear = sign_linear,
    .sign_linear_workspace = sign_workspace,
};

inline constexpr TrainingKernels training{
    .of = &table,
    .scale = scale_all,
    .scale_add = scale_add_all,
    .relu_backward = relu_backward_all,
    .gelu_backward = gelu_backward_all,
    .tanh_backward = tanh_backward_all,
    .threshold_select = threshold_select_all,
    .window_mask = window_mask_all,
    .draw = draw_all,
    .dropout = dropout_all,
    .adamw = adamw_all,
    .estimate_weights = estimate_weights,
    .weighted_softmax = weighted_softmax_rows,
    .softmax_backward = softmax_backward_rows,
    .layer_norm_backward = layer_norm_backward_rows,
    .dot = dot_all,
    .sums = sums_all,
    .cross_entropy = cross_entropy_row,
    .bgemm_ints = bgemm_ints,
    .sign_product = sign_product,
    .sign_workspace = sign_workspace,
    .window_backward = window_backward,
    .window_row = window_row,
    .window_bits_backward = window_bits_backward,
};
