"""The right ones in one table: what they do in another way, and where."""

from __future__ import annotations

from tests.faults import library_layers as layers
from tests.faults import library_training as training
from tests.faults.fault import Fault, family
from tests.faults.library_layers import between


def _right(name: str, sentence: str, overrides: tuple[str, ...], step: int = 0) -> Fault:
    return Fault(name, sentence, "", "", overrides, step, "agree")


VARIANTS = [
    *family(
        "right_formulas",
        _right("sigmoid_by_tanh", "(1 + tanh(z / 2)) / 2", between("sigmoid")),
        _right("elu_by_exponential", "alpha exp(z) for the slope", between("elu, alpha: 0.5")),
        _right("softplus_by_sigmoid", "the slope by exp(-beta z)", layers.SOFTPLUS),
        _right("gelu_by_normal_law", "the slope by scipy's ndtr", between("gelu")),
        _right("silu_by_activation", "s + a (1 - s)", between("silu")),
        _right("mish_by_polynomials", "the paper's quotient of polynomials", between("mish")),
        _right("softsign_by_square", "1 / (1 + |z|)^2", between("softsign")),
        _right("softmax_by_jacobian", "diag(p) - p p^T, written out", layers.SOFTMAX),
        _right("log_softmax_by_jacobian", "1 - p, written out", layers.LOG_SOFTMAX),
        _right("layer_norm_in_sums", "sums and n in place of means", layers.LAYER_NORM),
        _right("layer_norm_in_three_terms", "by the variance's and the mean's gradients", layers.LAYER_NORM),
        _right("batch_norm_in_three_terms", "by the variance's and the mean's gradients", layers.BATCH_NORM),
        _right("rms_norm_of_inputs", "r g - x r^3 mean(g x)", layers.RMS_NORM),
        _right("group_norm_in_three_terms", "by the variance's and the mean's gradients", layers.GROUP_NORM),
    ),
    *family(
        "right_structures",
        _right("conv_by_loops", "one position after the other", layers.CONV2D),
        _right("max_pool_by_argmax", "the largest is looked for again", layers.MAX_POOL),
        _right("avg_pool_by_repeating", "delta repeated and divided", layers.AVG_POOL),
        _right("embedding_by_product", "a product with one-hot rows", layers.EMBEDDING),
        _right("rnn_by_loops", "one step after the other", layers.RNN),
        _right("gru_in_two_terms", "(1 - z) n + z h", layers.GRU),
        _right("attention_by_heads", "one head after the other, by Jacobians", layers.ATTENTION),
    ),
    *family(
        "right_training",
        _right("huber_by_cases", "squares or absolute values, by cases", training.HUBER),
        _right("smooth_l1_by_cases", "squares or absolute values, by cases", training.SMOOTH),
        _right("bce_in_two_terms", "(1 - y) / (1 - p) - y / p", training.BCE),
        _right("bce_logits_by_maximum", "max(p, 0) - p y + log1p(exp(-abs p))", training.LOGITS),
        _right("cross_entropy_by_chain", "-1 / s through softmax's Jacobian", training.CROSS),
        _right("cross_entropy_by_log_sum_exp", "log sum exp(p) - p[y]", training.CROSS),
        _right("nll_as_cross_entropy", "exp(p) - onehot, behind log_softmax", training.NLL),
        _right("kl_by_quotient", "y log(y / exp(p))", training.KL),
        _right("sgd_in_one", "Nesterov's step in one", training.by("sgd", "momentum=0.9", "nesterov=true"), 1),
        _right("adam_efficient", "the corrections in the rate", training.by("adam"), 1),
        _right("adam_moments_in_two_terms", "beta1 m + (1 - beta1) g", training.by("adam"), 1),
        _right("adamw_in_one", "decay and step in one", training.by("adamw"), 1),
        _right("rmsprop_variance", "the variance in one", training.by("rmsprop", "centered=true"), 1),
        _right("cosine_closed", "from the first rate", training.moved_by("cosine", "t_max=4"), 3),
        _right("warm_up_closed", "from the first rate", training.moved_by("warm_up"), 3),
        _right("norm_clip_of_norms", "the norm of the tensors' norms", training.NORM),
    ),
]
