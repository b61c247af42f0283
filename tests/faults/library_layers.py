"""The faults of all layers but linear ones, sigmoid, tanh and ReLU: where they show, and what is wrong first."""

from __future__ import annotations

from tests.faults.fault import UNKNOWN, Fault, family

PREDICTION = "prediction"
W1, W2, B1, B2 = "input_layer.weight", "hidden_layer_1.weight", "input_layer.bias", "hidden_layer_1.bias"
FOUR = ("batch_size=4", "data.samples=4")
CLASSES = ("target=given", "loss=cross_entropy")


def net(*layers: str) -> tuple[str, ...]:
    """The overrides of a list of layers."""
    return "architecture=sequential", f"architecture.layers=[{','.join(f'{{layer: {layer}}}' for layer in layers)}]"


def between(*layers: str, width: int = 4) -> tuple[str, ...]:
    """Layers between two linear ones, over inputs from -3 to 3."""
    return (*net(f"linear, out: {width}", *layers, "linear, out: 1"), "data.low=-3", "data.high=3", *FOUR)


def over_tokens(*layers: str, length: int, width: int, padding: str = "null") -> tuple[str, ...]:
    """Layers over sequences of tokens as rows of numbers, and a class for each."""
    first = f"embedding, num_embeddings: 4, embedding_dim: {width}, padding_idx: {padding}"
    data = ("data=tokens", f"data.length={length}", "data.vocabulary=4")
    return (*net(first, *layers, "linear, out: 4"), *data, *CLASSES, *FOUR)


def over_images(*layers: str) -> tuple[str, ...]:
    """Layers over two channels of 4 by 4 points, and a class for each."""
    first = "conv2d, out_channels: 2, kernel_size: 3, stride: 2, padding: 1"
    return (*net(first, "tanh", *layers, "flatten", "linear, out: 4"), "data=shapes", "data.size=8", *CLASSES, *FOUR)


SOFTPLUS = between("softplus, beta: 2.0")
SOFTMAX, LOG_SOFTMAX = between("softmax"), between("log_softmax")
BATCH_NORM, LAYER_NORM = between("batch_norm1d", "tanh"), between("layer_norm", "tanh")
RMS_NORM = between("rms_norm", "tanh")
IMAGE_NORM = over_images("batch_norm2d", "tanh")
GROUP_NORM = over_images("conv2d, out_channels: 4, kernel_size: 3", "group_norm, num_groups: 2", "tanh")
CONV2D = over_images("conv2d, out_channels: 2, kernel_size: 3, padding: 1")
GROUPS = over_images("conv2d, out_channels: 2, kernel_size: 3, padding: 1, groups: 2")
CONV1D, STRIDE, DILATION = (
    over_tokens("conv1d, out_channels: 3, kernel_size: 3" + more, "flatten", length=2, width=8)
    for more in ("", ", stride: 2", ", dilation: 2")
)
MAX_POOL = over_images("max_pool2d, kernel_size: 2")
OVERLAP = over_images("max_pool2d, kernel_size: 3, stride: 1")
AVG_POOL, PADDED = over_images("avg_pool2d, kernel_size: 2"), over_images("avg_pool2d, kernel_size: 2, padding: 1")
ADAPTIVE = over_images("adaptive_avg_pool2d, output_size: 3")
RNN, GRU, LSTM = (over_tokens(f"{kind}, hidden_size: 3", length=4, width=3) for kind in ("rnn", "gru", "lstm"))
ATTENTION = over_tokens("multi_head_attention, num_heads: 2", "flatten", length=3, width=4)
CAUSAL = over_tokens("multi_head_attention, num_heads: 2, causal: true", "flatten", length=3, width=4)
EMBEDDING, PADDING = (over_tokens("flatten", length=6, width=3, padding=padding) for padding in ("null", "0"))
DROPOUT = between("dropout, p: 0.25", width=6)
RESIDUAL = between("residual, layers: [{layer: linear, out: 4}, {layer: tanh}]")
SEQUENTIAL = between("sequential, layers: [{layer: linear, out: 4}, {layer: tanh}]")
W_IH, W_HH, B_HH = "hidden_layer_1.weight_ih_l0", "hidden_layer_1.weight_hh_l0", "hidden_layer_1.bias_hh_l0"
IN_PROJ = "hidden_layer_1.in_proj_weight"

LAYERS = [
    *family(
        "elementwise",
        Fault("leaky_relu_without_slope", "0 below 0 on the way back", W1, "slope_of_relu", between("leaky_relu")),
        Fault("leaky_relu_sides_swapped", "the small slope above 0, 1 below it", W1, UNKNOWN, between("leaky_relu")),
        Fault("elu_slope_is_activation", "a in place of a + alpha below 0", W1, UNKNOWN, between("elu")),
        Fault("elu_alpha_forgotten", "exp(z), not alpha exp(z), below 0", W1, UNKNOWN, between("elu, alpha: 0.5")),
        Fault("selu_scale_missing", "ELU's slope, without the scale", W1, UNKNOWN, between("selu")),
        Fault("selu_as_elu", "ELU with SELU's alpha", PREDICTION, UNKNOWN, between("selu")),
        Fault("gelu_without_density", "P(z) alone for the slope", W1, UNKNOWN, between("gelu")),
        Fault("gelu_by_tanh", "the approximation for the error function", PREDICTION, UNKNOWN, between("gelu")),
        Fault(
            "gelu_cubic_without_three", "1 + c z^2, not 1 + 3 c z^2", W1, UNKNOWN, between("gelu, approximate: tanh")
        ),
        Fault("silu_slope_is_sigmoid", "sigmoid(z) alone for the slope", W1, UNKNOWN, between("silu")),
        Fault("silu_without_z", "s + s (1 - s), not s + z s (1 - s)", W1, UNKNOWN, between("silu")),
        Fault("mish_without_sigmoid", "t + z (1 - t^2): softplus' slope is left out", W1, UNKNOWN, between("mish")),
        Fault("mish_as_silu", "SiLU stands for Mish", PREDICTION, UNKNOWN, between("mish")),
        Fault("softplus_beta_twice", "beta sigmoid(beta z) for the slope", W1, "slope_doubled", SOFTPLUS),
        Fault("softplus_at_one", "sigmoid(z) for the slope, whatever beta is", W1, UNKNOWN, SOFTPLUS),
        Fault("softplus_not_divided", "log(1 + exp(beta z)), not over beta", PREDICTION, UNKNOWN, SOFTPLUS),
        Fault("hardtanh_unmasked", "delta passes where z was cut off", W1, "slope_missing", between("hardtanh")),
        Fault("hardtanh_at_one", "the mask is that of -1 and 1", W1, UNKNOWN, between("hardtanh, max_val: 0.5")),
        Fault("softsign_not_squared", "1 / q in place of 1 / q^2", W1, UNKNOWN, between("softsign")),
        Fault("softsign_as_tanh", "1 - a^2, tanh's slope", W1, "slope_of_tanh", between("softsign")),
    ),
    *family(
        "softmax",
        Fault("softmax_diagonal", "p (1 - p), the diagonal alone", W1, "slope_of_sigmoid", SOFTMAX),
        Fault("softmax_sum_forgotten", "p delta: the sum is a constant", W1, "activation_for_slope", SOFTMAX),
        Fault("softmax_unweighted_mean", "the plain mean of delta taken off", W1, UNKNOWN, SOFTMAX),
        Fault(
            "softmax_other_axis",
            "over the other axis",
            PREDICTION,
            UNKNOWN,
            over_tokens("softmax", "flatten", length=3, width=3),
        ),
        Fault("log_softmax_sum_missing", "delta - exp(a)", W1, UNKNOWN, LOG_SOFTMAX),
        Fault("log_softmax_as_softmax", "softmax's Jacobian", W1, UNKNOWN, LOG_SOFTMAX),
    ),
    *family(
        "batch_normalisation",
        Fault("batch_norm_mean_path_forgotten", "the mean is a constant on the way back", W1, UNKNOWN, BATCH_NORM),
        Fault("batch_norm_variance_path_forgotten", "the variance is a constant", W1, UNKNOWN, BATCH_NORM),
        Fault("batch_norm_statistics_constant", "dx = W rstd delta", W1, UNKNOWN, BATCH_NORM),
        Fault("batch_norm_input_for_xhat", "dW of x in place of xhat", W2, UNKNOWN, BATCH_NORM),
        Fault("batch_norm_weight_not_in_dx", "W is not in dx", W1, UNKNOWN, (*IMAGE_NORM, "data.samples=8"), step=1),
        Fault("batch_norm_eps_outside", "1 / (sqrt(var) + eps)", PREDICTION, UNKNOWN, BATCH_NORM),
        Fault("batch_norm_unbiased", "normalised by the variance over n - 1", PREDICTION, UNKNOWN, BATCH_NORM),
        Fault(
            "batch_norm_momentum_swapped",
            "momentum is the share of the old",
            "buffers/hidden_layer_1.running_mean",
            "",
            BATCH_NORM,
        ),
        Fault(
            "batch_norm_biased_running_variance",
            "the variance over n in the running average",
            "buffers/hidden_layer_1.running_var",
            "",
            BATCH_NORM,
        ),
        Fault("batch_norm_running_in_training", "running averages in training", PREDICTION, UNKNOWN, BATCH_NORM),
        Fault(
            "batch_norm_never_tracked",
            "the running averages stay what they were",
            "buffers/hidden_layer_1.running_mean",
            "",
            IMAGE_NORM,
        ),
        Fault("batch_norm_per_image", "each image by its own statistics", PREDICTION, UNKNOWN, IMAGE_NORM),
    ),
    *family(
        "normalisation",
        Fault("layer_norm_mean_path_forgotten", "the mean is a constant on the way back", W1, UNKNOWN, LAYER_NORM),
        Fault("layer_norm_variance_path_forgotten", "the variance is a constant", W1, UNKNOWN, LAYER_NORM),
        Fault("layer_norm_over_batch", "the means in dx are over the batch", W1, UNKNOWN, LAYER_NORM),
        Fault("layer_norm_input_for_xhat", "dW of x in place of xhat", W2, UNKNOWN, LAYER_NORM),
        Fault("rms_norm_root_constant", "dx = r W delta", W1, UNKNOWN, RMS_NORM),
        Fault("rms_norm_sum_for_mean", "the sum of g xhat, not its mean", W1, UNKNOWN, RMS_NORM),
        Fault("rms_norm_centred", "the mean is taken off", PREDICTION, UNKNOWN, RMS_NORM),
        Fault("group_norm_one_group", "all channels are one group", PREDICTION, UNKNOWN, GROUP_NORM),
        Fault("group_norm_variance_path_forgotten", "the variance is a constant", W2, UNKNOWN, GROUP_NORM),
    ),
    *family(
        "convolution",
        Fault("conv_kernel_flipped", "the kernel is turned round", PREDICTION, UNKNOWN, CONV2D),
        Fault("conv_gradient_unflipped", "delta goes back through the kernel as it is", W1, UNKNOWN, CONV2D),
        Fault("conv_kernel_transposed", "height and width exchanged in dW", W2, UNKNOWN, CONV2D),
        Fault("conv_last_position", "dW of the last position alone", W2, UNKNOWN, CONV2D),
        Fault("conv_padding_not_cropped", "dx is the padded image's corner", W1, UNKNOWN, CONV2D),
        Fault("conv_groups_mixed", "each group's dx in the next one's place", W1, UNKNOWN, GROUPS),
        Fault("conv_bias_mean", "db is the mean over the positions", B2, UNKNOWN, CONV2D),
        Fault("conv_bias_of_one_position", "db of the first position alone", B2, UNKNOWN, CONV1D),
        Fault("conv_stride_ignored", "dx as if the windows stood side by side", W1, UNKNOWN, STRIDE),
        Fault("conv_dilation_ignored", "dW as if the points lay side by side", W2, UNKNOWN, DILATION),
        Fault("conv_channels_reversed", "dx's channels in the other order", W1, UNKNOWN, CONV1D),
    ),
    *family(
        "pooling",
        Fault("max_pool_first_of_window", "the gradient goes to the first point", W1, UNKNOWN, MAX_POOL),
        Fault("max_pool_shared", "the gradient is shared out", W1, UNKNOWN, MAX_POOL),
        Fault("max_pool_overwritten", "overwritten where windows overlap", W1, UNKNOWN, OVERLAP),
        Fault("avg_pool_not_divided", "the gradient is not divided", W1, UNKNOWN, AVG_POOL),
        Fault("avg_pool_padding_not_counted", "padding does not count", PREDICTION, UNKNOWN, PADDED),
        Fault("adaptive_pool_cut_short", "parts that overlap are cut short", PREDICTION, UNKNOWN, ADAPTIVE),
        Fault("adaptive_pool_even_share", "the same share for every point", W1, UNKNOWN, ADAPTIVE),
    ),
    *family(
        "recurrence",
        Fault("rnn_carry_cut", "nothing goes back from step to step", W_IH, UNKNOWN, RNN),
        Fault("rnn_carry_transposed", "back through W_hh^T", W_IH, UNKNOWN, RNN),
        Fault("rnn_hidden_of_same_step", "dW_hh of the state after the step", W_HH, UNKNOWN, RNN),
        Fault("rnn_of_last_step", "dW_ih of the last step alone", W_IH, UNKNOWN, RNN),
        Fault("rnn_bias_forgotten", "b_hh has no gradient", B_HH, "tensor_forgotten", RNN),
        Fault("rnn_slope_of_step_after", "the slope of the step after", W_IH, UNKNOWN, RNN),
        Fault("gru_update_swapped", "h = (1 - z) h + z n", PREDICTION, UNKNOWN, GRU),
        Fault("gru_reset_before_product", "the paper's reset, in the last step", PREDICTION, UNKNOWN, GRU),
        Fault("gru_direct_path_forgotten", "dh z is forgotten", W_IH, UNKNOWN, GRU),
        Fault("gru_biases_alike", "db_hh is db_ih", B_HH, UNKNOWN, GRU),
        Fault("gru_input_as_state", "dW_hh without the reset gate", W_HH, UNKNOWN, GRU),
    ),
    *family(
        "lstm",
        Fault("lstm_gate_order", "i, f, o, g in place of i, f, g, o", PREDICTION, UNKNOWN, LSTM),
        Fault("lstm_cell_carry_forgotten", "nothing goes back along the cell", W_IH, UNKNOWN, LSTM),
        Fault("lstm_forget_gate_of_step_before", "dc through the gate of the step before", W_IH, UNKNOWN, LSTM),
        Fault("lstm_cell_of_same_step", "c after the step for c before it", W_IH, UNKNOWN, LSTM),
        Fault("lstm_cell_slope_missing", "1 - tanh(c)^2 is left out", W_IH, UNKNOWN, LSTM),
    ),
    *family(
        "attention",
        Fault("attention_unscaled", "scores not divided", PREDICTION, UNKNOWN, ATTENTION),
        Fault("attention_scaled_by_width", "by the root of the whole width", PREDICTION, UNKNOWN, ATTENTION),
        Fault("attention_scale_forgotten", "the scale is not in dQ", IN_PROJ, UNKNOWN, ATTENTION),
        Fault("attention_softmax_diagonal", "dS = P (1 - P) dP", IN_PROJ, UNKNOWN, ATTENTION),
        Fault("attention_sum_over_queries", "the sum in dS over the queries", IN_PROJ, UNKNOWN, ATTENTION),
        Fault("attention_queries_and_keys_exchanged", "dQ and dK exchanged", IN_PROJ, UNKNOWN, ATTENTION),
        Fault("attention_values_alone", "nothing back through the weights", IN_PROJ, UNKNOWN, ATTENTION),
        Fault("attention_masked_after_softmax", "masked after the softmax", PREDICTION, UNKNOWN, CAUSAL),
        Fault("attention_sees_the_next", "the causal mask off by one", PREDICTION, UNKNOWN, CAUSAL),
        Fault("attention_one_head", "all heads are one", PREDICTION, UNKNOWN, ATTENTION),
    ),
    *family(
        "structure",
        Fault("embedding_assigned", "a repeated token overwrites", W1, UNKNOWN, EMBEDDING),
        Fault("embedding_mean_of_repeats", "the mean over a token's places", W1, UNKNOWN, EMBEDDING),
        Fault("embedding_off_by_one", "into the row after the token's", W1, UNKNOWN, EMBEDDING),
        Fault("embedding_padding_learns", "padding has a gradient", W1, UNKNOWN, PADDING),
        Fault("dropout_other_mask", "another mask on the way back", W1, UNKNOWN, DROPOUT),
        Fault("dropout_scale_forgotten", "1 / (1 - p) is not in dx", W1, UNKNOWN, DROPOUT),
        Fault("dropout_there_alone", "what was dropped has a gradient", W1, "slope_missing", DROPOUT),
        Fault("dropout_divided_by_p", "divided by p, not 1 - p", PREDICTION, UNKNOWN, DROPOUT),
        Fault("residual_shortcut_forgotten", "nothing goes back past the layers", W1, UNKNOWN, RESIDUAL),
        Fault("residual_halved", "half of delta each way", "hidden_layer_1.input_layer.weight", UNKNOWN, RESIDUAL),
        Fault("residual_layers_forgotten", "nothing goes back through the layers", W1, UNKNOWN, RESIDUAL),
        Fault(
            "sequential_back_in_order",
            "back from the first to the last",
            "hidden_layer_1.input_layer.weight",
            UNKNOWN,
            SEQUENTIAL,
        ),
        Fault("sequential_last_alone", "nothing goes back beyond the last", W1, UNKNOWN, SEQUENTIAL),
        Fault("flatten_transposed", "put back in Fortran's order", W1, UNKNOWN, EMBEDDING),
        Fault("flatten_last_first", "the first axis in the other order", W1, UNKNOWN, EMBEDDING),
    ),
]
