"""Right functions that are easily called wrong."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from runner.arrays import Array
from tests.comparison.hard_functions import (
    alone,
    backwards,
    checkpointed,
    dense,
    draw,
    elementwise,
    layer_norm,
    log_softmax_case,
    looked_up,
    looped,
    masked,
    on_grid,
    pooled,
    relu,
    relu_case,
    remembered,
    sigmoid,
    softmax_case,
    stable_slope,
    summed,
    tenths,
    through_subnormals,
    two_layers,
)
from tests.comparison.plain import Function


@dataclass(frozen=True)
class Case:
    """Two functions that compute the same, and where.

    Attributes:
        lossy: The first may be called imprecise.
        small: A relative mistake that is small and has to be found.
        vague: A mistake need not be called one, but not be passed either.
        why: Why the verdict on the right one is another; empty where it is agree or imprecise as it should be.
    """

    user: Function
    library: Function
    parameters: dict[str, Array]
    x: Array
    y: Array
    lossy: bool = False
    small: float = 1e-9
    vague: bool = False
    why: str = ""


RELU_TENTHS, RELU_ZEROS = relu_case(tenths, False), relu_case(draw, True)
TENTHS_PAIR = {"w": tenths(5, 4, seed=1), "v": tenths(5, 4, seed=1)[:, ::-1].copy()}
CORNERS = np.array([[-1.0, 0.0, 1.0, 0.5], [0.0, 1.0, -1.0, 2.0], [1.0, -1.0, 0.0, -0.2]])
SATURATED = np.linspace(-40, 40, 48).reshape(8, 6)
ONES, SIX = {"w": np.ones(6)}, {"w": draw(6)}

SATURATES = "1 - s is 0, or rounded alike, at all nearby points, so that its loss looks systematic"
JUMPS = "rounding decides the index here and at every point nearby: undecided"

# fmt: off
RIGHT: dict[str, Case] = {
    "relu on tenths in another order": Case(
        two_layers(backwards, lambda z: z > 0, relu), two_layers(dense, lambda z: z > 0, relu), *RELU_TENTHS),
    "z >= 0 for z > 0 where rows are zero": Case(
        two_layers(dense, lambda z: z >= 0, relu), two_layers(dense, lambda z: z > 0, relu), *RELU_ZEROS),
    "abs at its corner": Case(
        alone(np.abs, lambda z: np.where(z >= 0, 1.0, -1.0)), alone(np.abs, np.sign),
        {"w": CORNERS}, CORNERS, draw(3, 4)),
    "abs of zeros among the inputs": Case(
        elementwise(np.abs, lambda z: np.where(z >= 0, 1.0, -1.0)), elementwise(np.abs, np.sign),
        {"w": np.ones(4)}, CORNERS, draw(3, 4)),
    "hardtanh at its corners": Case(
        alone(lambda z: np.clip(z, -1, 1), lambda z: abs(z) <= 1),
        alone(lambda z: np.clip(z, -1, 1), lambda z: abs(z) < 1), {"w": CORNERS}, CORNERS, draw(3, 4)),
    "ties in a maximum": Case(
        pooled(True), pooled(False), {"w": np.ones(8)}, tenths(6, 8), draw(6, 2)),
    "weights on a grid": Case(on_grid(backwards, True), on_grid(dense), {"w": tenths(5, 4)}, draw(7, 4), draw(7, 5)),
    "weights between the points of a grid": Case(
        on_grid(backwards, True), on_grid(dense), {"w": tenths(5, 4) + 0.05}, draw(7, 4), draw(7, 5)),
    "a saturated sigmoid by its output": Case(
        elementwise(sigmoid, lambda z: sigmoid(z) * (1 - sigmoid(z))),
        elementwise(sigmoid, stable_slope), ONES, SATURATED, draw(8, 6), lossy=True, small=1e-6, why=SATURATES),
    "a saturated sigmoid by its argument": Case(
        elementwise(sigmoid, stable_slope), elementwise(sigmoid, lambda z: sigmoid(z) * (1 - sigmoid(z))),
        ONES, SATURATED, draw(8, 6), small=1e-6),
    "a saturated tanh": Case(
        elementwise(np.tanh, lambda z: 1 / np.square(np.cosh(z))),
        elementwise(np.tanh, lambda z: 1 - np.square(np.tanh(z))), ONES, SATURATED, draw(8, 6), small=1e-6),
    "softmax of logits to 800": Case(
        softmax_case(True), softmax_case(False), ONES, 20 * SATURATED, draw(8, 6), small=1e-6),
    "softmax of small logits": Case(softmax_case(True), softmax_case(False), ONES, draw(8, 6), draw(8, 6)),
    "layer norm by squares": Case(
        layer_norm(True), layer_norm(False), ONES, 100 + draw(8, 6), draw(8, 6), lossy=True, small=1e-6),
    "layer norm by squares in the library": Case(
        layer_norm(False), layer_norm(True), ONES, 100 + draw(8, 6), draw(8, 6), small=1e-6),
    "the logarithm of softmax": Case(
        log_softmax_case(True), log_softmax_case(False), ONES, 10 * draw(8, 6), draw(8, 6), lossy=True),
    "gradients through subnormal numbers": Case(
        through_subnormals("w"), through_subnormals("both"), SIX, draw(8, 6), draw(8, 6), lossy=True, small=0.1),
    "a delta through subnormal numbers": Case(
        through_subnormals("y"), through_subnormals("both"), SIX, draw(8, 6), draw(8, 6), lossy=True, small=0.1),
    "a Python loop over 100000 terms": Case(
        looped, summed, {"w": np.ones(1)}, 1 + draw(100000), 1 + draw(100000, seed=9), lossy=True),
    "a forward pass that is done again": Case(
        checkpointed, remembered, {"w1": draw(6, 4), "w2": draw(3, 6)}, draw(9, 4), draw(9, 3)),
    "a mask from comparing computed values": Case(
        masked(backwards), masked(dense), TENTHS_PAIR, tenths(12, 4, seed=3), draw(12, 5)),
    "indices from float arithmetic": Case(
        looked_up(True, np.rint), looked_up(False, np.rint), {"w": draw(11, 3)}, np.arange(10) / 10, draw(10, 3)),
    "indices that rounding decides": Case(
        looked_up(True, np.floor), looked_up(False, np.floor), {"w": draw(11, 3)}, np.arange(10) / 10, draw(10, 3),
        vague=True, why=JUMPS),
}
# fmt: on
