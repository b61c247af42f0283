"""The faults of losses, optimizers, schedules and clipping: where they show, and what is wrong first."""

from __future__ import annotations

from tests.faults.fault import UNKNOWN, Fault, family
from tests.faults.library_layers import net

W2, LOSS, P1 = "hidden_layer_1.weight", "loss", "update/input_layer.weight"
EIGHT = ("batch_size=8", "data.samples=8")
TWO = (*net("linear, out: 3", "tanh", "linear, out: 1"), *EIGHT, "data.high=2")
HUBER, SMOOTH = (*TWO, "loss=huber", "loss.delta=0.4"), (*TWO, "loss=smooth_l1", "loss.beta=0.4")
L1 = (*TWO, "loss=l1")
MSE = (*net("linear, out: 3", "tanh", "linear, out: 3"), *EIGHT, "data.features=3", "loss=mse", "target=inputs")
XOR = ("target=xor", "data.low=-1", *EIGHT)
BCE = (*net("linear, out: 3", "tanh", "linear, out: 1", "sigmoid"), *XOR, "loss=bce")
LOGITS = (*net("linear, out: 3", "tanh", "linear, out: 1"), *XOR, "loss=bce_with_logits")
POS_WEIGHT = (*LOGITS, "loss.pos_weight=[3.0]")
CLOUDS = ("data=gaussian_mixture", "target=given", *EIGHT)
CROSS = (*net("linear, out: 3", "tanh", "linear, out: 3"), *CLOUDS, "loss=cross_entropy")
WEIGHTED, SMOOTHED = (*CROSS, "loss.weight=[1.0,2.0,3.0]"), (*CROSS, "loss.label_smoothing=0.1")
IGNORED = "loss.ignore_index=2"
IGNORING = (*CROSS, IGNORED)
LIKELIHOOD = net("linear, out: 3", "tanh", "linear, out: 3", "log_softmax")
NLL = (*LIKELIHOOD, *CLOUDS, "loss=nll")
KL = (*LIKELIHOOD, *EIGHT, "data.features=3", "data.low=0.1", "target=inputs", "loss=kl_div")


def by(optimizer: str, *keys: str) -> tuple[str, ...]:
    """The overrides of a small network that an optimizer updates."""
    return "architecture.hidden=[3]", f"optimizer={optimizer}", *(f"optimizer.{key}" for key in keys)


def moved_by(schedule: str, *keys: str) -> tuple[str, ...]:
    """The same of a schedule that advances at every step."""
    return "architecture.hidden=[3]", f"schedule={schedule}", "schedule.per=step", *(f"schedule.{key}" for key in keys)


def carried(name: str) -> str:
    """What the optimizer carries of the first weight."""
    return f"optimizer/{name}.input_layer.weight"


RATE = "optimizer/schedule.lr"
DECAY = "weight_decay=0.1"
ONE_CYCLE = (*moved_by("one_cycle", "total_steps=20"), "optimizer.momentum=0.9")
NORM, VALUE = (
    ("architecture.hidden=[3]", f"clip={kind}", f"clip.{top}")
    for kind, top in (("norm", "max_norm=0.1"), ("value", "clip_value=0.01"))
)

TRAINING = [
    *family(
        "regression",
        Fault("huber_unclipped", "dp = r / n, however large r is", W2, UNKNOWN, HUBER),
        Fault("huber_slope_one", "SmoothL1 for Huber", LOSS, UNKNOWN, HUBER),
        Fault("sign_for_huber", "dp = sign(r) / n", W2, UNKNOWN, HUBER),
        Fault("smooth_l1_without_beta", "Huber for SmoothL1", LOSS, UNKNOWN, SMOOTH),
        Fault("smooth_l1_beta_in_gradient", "dp is not divided by beta", W2, UNKNOWN, SMOOTH),
        Fault("l1_squared", "dp = 2 r / n", W2, UNKNOWN, L1),
        Fault("l1_mean_forgotten", "dp = sign(r)", W2, "sum_of_gradients", L1),
        Fault("mean_over_samples", "over samples, not samples times outputs", LOSS, UNKNOWN, MSE),
    ),
    *family(
        "classes",
        Fault("bce_without_denominator", "dp = (p - y) / n", W2, "slope_twice", BCE),
        Fault("bce_one_sided", "dp = -y / (p n)", W2, UNKNOWN, BCE),
        Fault("bce_with_epsilon", "1e-7 added to p (1 - p)", W2, UNKNOWN, BCE),
        Fault("bce_logits_sigmoid_twice", "the sigmoid once more in dp", W2, UNKNOWN, LOGITS),
        Fault("bce_logits_slope_again", "the sigmoid's slope is there twice", W2, UNKNOWN, LOGITS),
        Fault("pos_weight_on_negatives", "pos_weight by its reciprocal", LOSS, UNKNOWN, POS_WEIGHT),
        Fault("pos_weight_not_in_gradient", "pos_weight is in L alone", W2, UNKNOWN, POS_WEIGHT),
        Fault("one_hot_forgotten", "dp = softmax(p) / n", W2, UNKNOWN, CROSS),
        Fault("softmax_jacobian_twice", "through softmax's Jacobian again", W2, UNKNOWN, CROSS),
        Fault("classes_in_mean", "over samples times classes", LOSS, UNKNOWN, CROSS),
        Fault("cross_entropy_of_logits", "dp = (p - onehot) / n", W2, UNKNOWN, CROSS),
        Fault("weighted_by_number", "over samples, not their weights", LOSS, UNKNOWN, WEIGHTED),
        Fault("ignored_in_mean", "the mean counts the ignored samples", LOSS, UNKNOWN, IGNORING),
        Fault("smoothed_over_others", "smoothed over the other classes", LOSS, UNKNOWN, SMOOTHED),
        Fault("smoothing_not_in_gradient", "smoothed in L alone", W2, UNKNOWN, SMOOTHED),
        Fault("nll_next_class", "the class after the right one", LOSS, UNKNOWN, NLL),
        Fault("nll_ignored_count", "ignored samples count like others", LOSS, UNKNOWN, (*NLL, IGNORED)),
        Fault("nll_sign", "the gradient's sign", W2, "loss_sign", NLL),
        Fault("kl_mean_over_samples", "over samples, not samples times outputs", LOSS, UNKNOWN, KL),
        Fault("kl_arguments_swapped", "of the prediction from the target", LOSS, UNKNOWN, KL),
        Fault("kl_of_probabilities", "dp = -y / exp(p) / n", W2, UNKNOWN, KL),
    ),
    *family(
        "update",
        Fault(
            "dampening_forgotten",
            "the whole gradient reaches the buffer",
            carried("momentum_buffer"),
            "",
            by("sgd", "momentum=0.9", "dampening=0.5"),
            step=1,
        ),
        Fault("nesterov_as_momentum", "no look ahead", P1, "", by("sgd", "momentum=0.9", "nesterov=true")),
        Fault(
            "decay_past_momentum",
            "weights decay beside the momentum",
            carried("momentum_buffer"),
            "",
            by("sgd", "momentum=0.9", DECAY),
        ),
        Fault("ascent", "p + lr g", P1, "", by("sgd")),
        Fault("adam_uncorrected", "no division by 1 - beta^t", P1, "", by("adam")),
        Fault("adam_corrected_ahead", "t is counted one too early", P1, "", by("adam")),
        Fault("adam_eps_inside", "sqrt(v + eps)", P1, "", by("adam")),
        Fault("adam_root_forgotten", "divided by v, not its root", P1, "", by("adam")),
        Fault("adam_betas_exchanged", "beta2 for the mean, beta1 for v", carried("exp_avg"), "", by("adam")),
        Fault("adam_decoupled", "AdamW's decay for Adam's", carried("exp_avg"), "", by("adam", DECAY)),
        Fault(
            "amsgrad_forgotten",
            "divided by v, not the largest so far",
            P1,
            "",
            (*by("adam", "amsgrad=true", "betas=[0.9,0.1]"), "data.features=8"),
            step=1,
        ),
        Fault("adamw_decay_without_rate", "p (1 - decay), without lr", P1, "", by("adamw")),
        Fault("adamw_decay_after", "the decay after the step", P1, "", by("adamw")),
        Fault("adamw_coupled", "Adam's decay for AdamW's", carried("exp_avg"), "", by("adamw", DECAY)),
        Fault("rmsprop_eps_inside", "sqrt(v + eps)", P1, "", by("rmsprop")),
        Fault("rmsprop_not_centred", "v in place of the variance", P1, "", by("rmsprop", "centered=true")),
        Fault("rmsprop_share_swapped", "alpha and 1 - alpha exchanged", carried("square_avg"), "", by("rmsprop")),
        Fault("adagrad_sum_forgotten", "over this gradient's size alone", P1, "", by("adagrad"), step=1),
        Fault("adagrad_eps_inside", "sqrt(s + eps)", P1, "", by("adagrad")),
        Fault("adadelta_rate_forgotten", "p - s, without lr", P1, "", by("adadelta")),
        Fault("adadelta_steps_with_rate", "the mean square of lr s", carried("acc_delta"), "", by("adadelta")),
        Fault("nadam_momentum_of_this_step", "mu of this step for the next's", P1, "", by("nadam")),
        Fault("nadam_as_adam", "Adam's step", P1, "", by("nadam")),
        Fault("radam_divided_at_once", "Adam's step from the beginning", P1, "", by("radam")),
        Fault("radam_unrectified", "the factor r is left out", P1, "", by("radam"), step=5),
    ),
    *family(
        "rate",
        Fault("exponential_late", "begins one advance too late", RATE, "", moved_by("exponential")),
        Fault("exponential_compounded", "gamma^k at every advance", RATE, "", moved_by("exponential"), step=1),
        Fault("step_every_time", "falls at every advance", RATE, "", moved_by("step", "step_size=3")),
        Fault("step_early", "falls one advance too early", RATE, "", moved_by("step", "step_size=3"), step=1),
        Fault("cosine_whole_wave", "a whole wave, not half of one", RATE, "", moved_by("cosine", "t_max=4")),
        Fault("cosine_one_short", "over one advance too early", RATE, "", moved_by("cosine", "t_max=4")),
        Fault("warm_up_geometric", "rises by a factor", RATE, "", moved_by("warm_up")),
        Fault("warm_up_late", "rises one advance too late", RATE, "", moved_by("warm_up")),
        Fault(
            "plateau_one_less",
            "falls one advance too early",
            RATE,
            "",
            moved_by("plateau", "patience=1", "threshold_mode=abs", "threshold=10"),
            step=1,
        ),
        Fault(
            "plateau_upside_down",
            "a larger loss is the better one",
            "optimizer/schedule.best",
            "",
            moved_by("plateau"),
            step=1,
        ),
        Fault("one_cycle_momentum_alike", "the momentum rises with lr", "optimizer/schedule.momentum", "", ONE_CYCLE),
        Fault("one_cycle_without_less", "phases end one advance too late", RATE, "", ONE_CYCLE),
        Fault("norm_clip_each_tensor", "each tensor by its own norm", P1, "", NORM),
        Fault("norm_clip_always", "scaled up too", P1, "", (*NORM[:2], "clip.max_norm=100")),
        Fault("norm_clip_squared", "the norm's root is forgotten", P1, "", NORM),
        Fault("value_clip_above", "cut off above alone", P1, "", VALUE),
        Fault("value_clip_by_norm", "scaled by the largest", P1, "", VALUE),
    ),
]
