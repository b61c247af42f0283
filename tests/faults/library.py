"""The faults in one table: what is wrong, where it shows, and what the verdict and the cause should be."""

from __future__ import annotations

from tests.faults.fault import UNKNOWN, Fault, family
from tests.faults.library_layers import LAYERS
from tests.faults.library_right import VARIANTS
from tests.faults.library_training import TRAINING

W1, W2, W3 = "input_layer.weight", "hidden_layer_1.weight", "hidden_layer_2.weight"
B1, B2, B3 = "input_layer.bias", "hidden_layer_1.bias", "hidden_layer_2.bias"
LOSS, PREDICTION = "loss", "prediction"
BATCH = ("batch_size=5", "data.samples=5")
TANH, RELU = ("architecture.activation=tanh",), ("architecture.activation=relu", *BATCH)
NARROW = ("architecture.hidden=[5,4]",)
SMALL = ("architecture.hidden=[4,4]",)
DEEP = ("architecture.hidden=[4,4,4]", *BATCH)
SQUARE = ("batch_size=10", "data.samples=10")
WIDE = ("data.features=10",)
LARGE = ("data.high=3", *BATCH)
SIGMOID_OUT = "architecture=sequential", "architecture.layers=[{layer: linear, out: 1}, {layer: sigmoid}]"


PERCEPTRON = [
    *family(
        "activation",
        Fault("missing_slope", "sigmoid's slope is left out", W2, "slope_missing"),
        Fault("slope_at_activation", "f'(a) in place of f'(z)", W2, "slope_at_activation"),
        Fault("half_the_slope", "1 - a in place of a (1 - a), in the last sigmoid", W2, "slope_one_minus_a"),
        Fault("slope_twice", "f'(z) is there twice", W2, "slope_twice"),
        Fault("sigmoid_as_tanh", "1 - a^2, tanh's slope, for sigmoid", W2, "slope_of_tanh"),
        Fault("sigmoid_with_plus", "a (1 + a) in place of a (1 - a)", W2, "slope_of_sign"),
        Fault("sigmoid_as_swish", "the slope of z sigmoid(z) in place of sigmoid's", W2, UNKNOWN),
        Fault("activation_for_slope", "a in place of f'(z)", W2, "activation_for_slope"),
        Fault("input_for_slope", "z in place of f'(z)", W2, "input_for_slope"),
        Fault("slope_of_another_layer", "f'(z) of the layer before: an index off by one", W2, UNKNOWN),
        Fault("tanh_without_square", "1 - a in place of 1 - a^2", W2, "slope_one_minus_a", TANH),
        Fault("tanh_as_sigmoid", "a (1 - a), sigmoid's slope, for tanh", W2, "slope_of_sigmoid", TANH),
        Fault("tanh_at_input", "1 - z^2 in place of 1 - a^2", W2, "slope_of_tanh_at_z", TANH),
        Fault("tanh_with_plus", "1 + a^2 in place of 1 - a^2", W2, "slope_of_tanh_sign", TANH),
        Fault("relu_unmasked", "delta passes units that are off", W2, "slope_missing", RELU),
        Fault("relu_masked_by_delta", "delta passes where it is positive, not z", W2, "masked_by_delta", RELU),
        Fault("relu_inverted", "delta passes where z <= 0", W2, "slope_of_relu_inverted", RELU),
        Fault("relu_as_leaky", "a slope of 0.01 below 0, on the way back alone", W2, UNKNOWN, RELU),
        Fault("relu_as_absolute", "the slope of |z| in place of max(z, 0)'s", W2, UNKNOWN, RELU),
        Fault("relu_times_activation", "a in place of 1 where a > 0", W2, "activation_for_slope", RELU),
    ),
    *family(
        "linear",
        Fault("transposed_gradient", "dW of the square layer transposed", W2, "weight_gradient_transposed"),
        Fault("reshaped_gradient", "x^T delta reshaped where it should be transposed", W2, UNKNOWN, NARROW),
        Fault("bias_sign_flipped", "db = -delta in one layer", B2, "tensor_sign"),
        Fault("swapped_deltas", "the first layer's dW of the next layer's delta", W1, "delta_of_layer_after"),
        Fault("input_before_activation", "dW = delta^T z: z in place of a", W3, "input_before_activation"),
        Fault("network_input_for_input", "dW = delta^T x of the network's input", W3, "network_input_for_input", WIDE),
        Fault("own_output_for_input", "dW = delta^T y of the layer's own output", W2, "own_output_for_input"),
        Fault("reused_buffer", "dx written over delta before dW is made of it", W2, UNKNOWN),
        Fault(
            "weight_gradient_over_inputs",
            "dW divided by the number of inputs",
            W3,
            UNKNOWN,
            (*NARROW, "data.features=3"),
        ),
        Fault("bias_forgotten", "db of the square layer stays 0", B2, "tensor_forgotten"),
        Fault("bias_summed_to_one", "db summed over the outputs too", B2, "bias_summed_to_one"),
        Fault("bias_over_outputs", "db summed over the wrong axis (batch = outputs)", B2, UNKNOWN, SQUARE),
        Fault("bias_from_weight_gradient", "db = dW summed over its inputs", B3, UNKNOWN),
    ),
    *family(
        "backward",
        Fault("transposed_weight", "delta W^T in place of delta W, where W is square", W1, "weight_transposed"),
        Fault("updated_too_early", "W is updated before delta goes through it", W2, "weight_updated_too_early"),
        Fault("weight_of_another_layer", "the W of the layer before", W2, "weight_of_another_layer", DEEP),
        Fault("weight_missing", "delta goes past the square W", W1, "weight_missing"),
        Fault("weight_sign", "delta goes through -W", W2, "weight_sign"),
        Fault("detached", "nothing goes back through the square W", W1, "gradient_stops"),
        Fault("shortcut_added", "delta W + delta, a shortcut that is not there", W1, UNKNOWN),
        Fault("weight_sizes", "delta goes through |W|", W2, UNKNOWN),
        Fault("delta_clipped", "delta W clipped to +-0.01", W2, UNKNOWN),
        Fault("delta_over_inputs", "delta W divided by the number of inputs", W2, UNKNOWN),
        Fault("dropped_units", "dropout on the way back alone", W2, UNKNOWN),
    ),
    *family(
        "loss",
        Fault("missing_factor", "dp = r in place of 2 r", W3, "missing_factor_2"),
        Fault("wrong_sign", "dp = 2 (y - p)", W3, "loss_sign"),
        Fault("mean_of_gradients", "dp = 2 r / batch, L is the sum", W3, "mean_of_gradients", BATCH),
        Fault("mean_for_sum", "the mean of squares, L and dp, for the sum", LOSS, "mean_for_sum", BATCH),
        Fault("sum_for_mean", "the sum of squares, L and dp, for the mean", LOSS, "sum_for_mean", ("loss=mse", *BATCH)),
        Fault("loss_halved", "L and dp halved", LOSS, "loss_halved"),
        Fault("loss_value_halved", "L halved, dp right", LOSS, "loss_value_halved"),
        Fault("target_forgotten", "dp = 2 p", W3, "target_forgotten"),
        Fault("sign_of_error", "dp = the sign of r", W3, "sign_of_error"),
        Fault("root_of_loss", "dp of the square root of L", W3, "root_of_loss", BATCH),
        Fault("root_of_mean", "dp of the root of the mean", W3, UNKNOWN, BATCH),
        Fault("square_in_gradient", "dp = 2 r^2", W3, UNKNOWN, BATCH),
        Fault("huber_gradient", "dp = 2 r, at most 0.1 either way", W3, UNKNOWN, BATCH),
        Fault("relative_error", "dp = 2 r / y", W3, UNKNOWN, BATCH),
        Fault("loss_broadcast", "p (batch,) less y (batch, 1), in L and dp", LOSS, "loss_broadcast", BATCH),
        Fault("broadcast_in_gradient", "p (batch, 1) less y (batch,), its mean in dp", W3, UNKNOWN, BATCH),
    ),
    *family(
        "batch",
        Fault("last_sample_dropped", "the last sample gives no gradient", W3, "last_sample_dropped", BATCH),
        Fault("last_sample_alone", "gradients overwritten in place of added", W3, "last_sample_alone", BATCH),
        Fault("middle_sample_dropped", "the second sample gives no gradient", W3, UNKNOWN, BATCH),
        Fault("sample_twice", "the second sample counts twice", W3, UNKNOWN, BATCH),
        Fault("running_average", "g = (g + g_k) / 2, sample by sample", W3, UNKNOWN, BATCH),
        Fault("over_whole_data", "divided by the 100 samples of all data", W3, UNKNOWN, BATCH),
        Fault("targets_shifted", "every sample has the target before its own", W3, "targets_shifted", BATCH),
        Fault("targets_sorted", "the targets are sorted, the samples are not", W3, UNKNOWN, BATCH),
        Fault("error_scaled", "dp divided by its root mean square", W3, UNKNOWN, BATCH),
        Fault("bias_not_summed", "db is the last sample's delta", B3, "bias_of_last_sample", BATCH),
        Fault("bias_mean", "db is the mean over the batch", B3, "bias_mean", BATCH),
        Fault("weight_mean", "dW is the mean over the batch", W3, "weight_mean", BATCH),
        Fault("weight_of_sums", "dW = the outer product of the sums", W3, UNKNOWN, BATCH),
    ),
    *family(
        "whole",
        Fault("clipped_by_norm", "scaled to a norm of 0.5", W3, "clipped_by_norm", LARGE),
        Fault("clipped_as_torch", "the same with torch's norm + 1e-6", W3, "clipped_by_norm", LARGE),
        Fault("clipped_each", "one tensor scaled to a norm of 0.25", W3, "tensor_clipped_by_norm", LARGE),
        Fault("clipped_by_value", "every element clipped to +-0.125", W3, "clipped_by_value", LARGE),
        Fault("normalised", "divided by the sum of their sizes", W3, UNKNOWN),
        Fault("weight_decay", "0.01 W added to every gradient", W3, "weight_decay"),
        Fault("weight_decay_small", "1e-4 W added to the weights' gradients", W3, "weight_decay"),
        Fault("absolute_decay", "1e-3 sign(W) added to the weights' gradients", W3, UNKNOWN),
        Fault("times_rate", "lr g returned", W3, "gradient_times_lr"),
        Fault("update_for_gradient", "-lr g returned", W3, "update_for_gradient"),
        Fault("parameters_for_gradient", "W - lr g returned", W3, "parameters_for_gradient"),
        Fault("signs_alone", "sign(g) returned", W3, "gradient_signs_alone"),
        Fault("sizes_alone", "|g| returned", W3, "gradient_sizes_alone", TANH),
        Fault("biases_exchanged", "two tensors under each other's names", B2, "tensors_exchanged"),
        Fault("hidden_weight_doubled", "one tensor added twice", W2, "tensor_doubled"),
        Fault("symmetrised", "(G + G^T) / 2 for the square G", W2, UNKNOWN),
        Fault("upper_triangle", "below the diagonal nothing is computed", W2, UNKNOWN),
        Fault("rows_rolled", "every row one too late", W2, UNKNOWN),
        Fault("mean_removed", "the mean over the inputs is taken off", W3, UNKNOWN),
    ),
    *family(
        "optimizer",
        Fault("stale_weights", "delta goes through the first step's weights", W2, "weight_stale", step=1),
        Fault("accumulated", "not set to 0 before a step", W3, "gradients_accumulated", step=1),
        Fault("of_last_step", "the gradients of the step before", W3, "gradients_of_last_step", step=1),
        Fault("momentum_in_gradient", "g + 0.9 times the step before's", W3, "gradients_accumulated", step=1),
        Fault("first_moment", "Adam's first moment, not corrected", W3, UNKNOWN),
        Fault("first_moment_corrected", "Adam's first moment, corrected", W3, UNKNOWN, step=1),
        Fault("adam_update", "g / (|g| + 1e-8)", W3, UNKNOWN),
        Fault("after_update", "g at the parameters after the update", W3, UNKNOWN),
    ),
    *family(
        "forward",
        Fault("activation_missing", "the last sigmoid is left out", PREDICTION, "activation_missing"),
        Fault("activation_twice", "the last sigmoid is applied twice", PREDICTION, "activation_twice"),
        Fault("tanh_for_sigmoid", "tanh stands for sigmoid", PREDICTION, "other_activation"),
        Fault("output_activated", "a sigmoid after the output", PREDICTION, "activation_added", BATCH),
        Fault("layers_exchanged", "two layers' parameters exchanged", PREDICTION, "layers_exchanged", DEEP),
        Fault("bias_missing", "the first bias is not added", PREDICTION, "bias_missing"),
        Fault("bias_subtracted", "the first bias is subtracted", PREDICTION, "bias_subtracted"),
        Fault("transposed_forward", "x W in place of x W^T", PREDICTION, "weight_transposed_forward"),
        Fault("leaky_relu", "a slope of 0.01 below 0", PREDICTION, UNKNOWN, RELU),
        Fault("sigmoid_with_epsilon", "1e-7 added to sigmoid's denominator", PREDICTION, UNKNOWN),
        Fault("softmax_for_sigmoid", "softmax stands for sigmoid", PREDICTION, UNKNOWN),
        Fault("dropout_in_forward", "every second unit off, the others doubled", PREDICTION, UNKNOWN),
        Fault("input_centred", "a sample's mean is taken off", PREDICTION, UNKNOWN),
    ),
    *family(
        "numeric",
        Fault("forward_differences", "forward differences with h = 1e-4", W3, UNKNOWN, SMALL),
        Fault("coarse_central_differences", "central differences with h = 0.01", W2, UNKNOWN, SMALL),
        Fault("constant_slope", "0.24 for sigmoid's slope", W2, UNKNOWN),
        Fault("slope_with_epsilon", "1e-7 added to a (1 - a)", W2, UNKNOWN),
        Fault("saturation_clipped", "a kept between 0.4 and 0.6 in a (1 - a)", W2, UNKNOWN, BATCH),
        Fault("rounded_tanh", "1 - a^2, a rounded to 3 decimals", W2, UNKNOWN, TANH),
        Fault("truncated_tanh", "1 - z^2 + 2 z^4 / 3, a series cut short", W2, UNKNOWN, TANH),
        Fault("rounded_gradients", "written down to 5 decimals", W3, UNKNOWN),
        Fault("weights_of_two_decimals", "delta goes through W of 2 decimals", W2, UNKNOWN),
    ),
    *family(
        "several",
        Fault("slope_and_bias_mean", "no slope, and db the mean", B3, "bias_mean + slope_missing", BATCH),
        Fault(
            "factor_and_transposed",
            "no factor 2, and dW transposed",
            W3,
            "missing_factor_2 + weight_gradient_transposed",
        ),
        Fault("sign_twice", "the loss's sign, and -W on the way back", W3, "loss_sign + weight_sign"),
        Fault("cross_entropy_delta", "p - y behind a sigmoid", W1, "missing_factor_2 + slope_missing", SIGMOID_OUT),
        Fault(
            "three_at_once",
            "sample dropped, slope twice, db the mean",
            W3,
            "last_sample_dropped + bias_mean + slope_twice",
            BATCH,
        ),
        Fault("two_in_one_tensor", "sample dropped, dW the mean", W3, "last_sample_dropped + weight_mean", BATCH),
        Fault("sign_and_bias_mean", "dp = sign(r), and db the mean", W3, "sign_of_error + bias_mean", BATCH),
        Fault("mean_twice", "divided by the batch twice", W3, UNKNOWN, BATCH),
    ),
    *family(
        "element",
        Fault("one_element_off", "one element off by 1e-9 of itself", W2, UNKNOWN),
        Fault("element_shifted", "1e-12 added to one element", W2, UNKNOWN),
        Fault("row_hardly_off", "one row off by 1e-6 of itself", W2, UNKNOWN),
        Fault("last_column_forgotten", "a loop ends one too early", W2, UNKNOWN),
        Fault("first_element_of_bias", "db's first element stands for all", B2, UNKNOWN),
    ),
]
"""Those of linear layers, sigmoid, tanh and ReLU between them, and squared errors."""

FAULTS = [*PERCEPTRON, *LAYERS, *TRAINING]
"""Every fault that is a mismatch."""

LOSSY = [
    *family(
        "lossy",
        Fault("sigmoid_of_coarse_argument", "16 bits of z thrown away", PREDICTION, "", verdict="imprecise"),
        Fault("weights_in_single", "delta goes through W in float32", W2, "", ("dtype=float64",), 0, "imprecise"),
    ),
    *family(
        "element",
        Fault("sigmoid_in_single", "sigmoid's values pass through float32", PREDICTION, "", verdict="imprecise"),
        Fault("gradients_in_single", "the gradients pass through float32", W3, "", verdict="imprecise"),
        Fault("one_element_hardly_off", "one element off by 1e-12 of itself", W2, "", verdict="imprecise"),
    ),
    *family(
        "numeric",
        Fault("central_differences", "central differences with h = 1e-5", W3, "", SMALL, 0, "imprecise"),
    ),
]
"""Right formulas, or as good as right, in arithmetic that loses digits."""

RIGHT = [
    Fault("scratch", "the project's own layers", "", "", BATCH, 0, "agree"),
    Fault("other_order", "sums taken from their other end", "", "", BATCH, 0, "agree"),
    *VARIANTS,
]
"""Those that agree."""

EVERY = [*FAULTS, *LOSSY, *RIGHT]
