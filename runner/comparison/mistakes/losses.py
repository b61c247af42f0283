"""Mistakes at the loss and with the samples of a batch."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import prod

import numpy as np

from runner.arrays import Array
from runner.comparison.mistakes.base import Alteration, AtLoss, Passage
from runner.losses.mse import MeanOfSquaredErrors
from runner.losses.sse import SumOfSquaredErrors

OF_LOSS = ""
"""The right formula is the loss's own."""

BATCH = "each sample of the batch counts once, in L and in every gradient"


@dataclass(frozen=True)
class AtTheLoss:
    """A wrong loss, a wrong gradient of it, or both."""

    name: str
    sentence: str
    change: AtLoss
    formula: str = OF_LOSS


def _gradient(change: Callable[[Passage, Array], Array]) -> AtLoss:
    return lambda passage, loss, delta: (loss, change(passage, delta))


def _both(factor: Callable[[Passage], float]) -> AtLoss:
    return lambda passage, loss, delta: (loss * factor(passage), delta * factor(passage))


def _of(prediction: Callable[[Passage], Array], y: Callable[[Passage], Array]) -> AtLoss:
    """The loss of other arrays than prediction and target; its value stays right."""

    def change(passage: Passage, loss: Array, delta: Array) -> tuple[Array, Array]:
        fresh = passage.fresh_loss()
        fresh.forward(prediction(passage), y(passage))
        return loss, fresh.backward()

    return change


def _rows(keep: Callable[[int], slice]) -> AtLoss:
    """The gradient of some of the samples alone."""

    def change(passage: Passage, loss: Array, delta: Array) -> tuple[Array, Array]:
        mask = np.zeros((passage.batch, *[1] * (delta.ndim - 1)))
        mask[keep(passage.batch)] = 1.0
        return loss, delta * mask

    return change


def _broadcast(passage: Passage) -> tuple[Array, Array]:
    """Loss and gradient where each prediction meets the targets of all samples, (batch, batch) errors in all."""
    n = passage.batch
    pairs = passage.problem.loss.scratch((n, n), passage.empty)
    predictions, targets = passage.empty((n, n)), passage.empty((n, n))
    predictions[...], targets[...] = passage.outputs[-1], passage.y.reshape(1, n)
    loss = pairs.forward(predictions, targets)
    return loss, np.add.reduce(pairs.backward(), axis=1).reshape(n, 1)


def _if_one_output(change: AtLoss) -> AtLoss:
    def changed(passage: Passage, loss: Array, delta: Array) -> tuple[Array, Array]:
        fits = delta.shape[1:] == (1,) and passage.y.shape == delta.shape
        return change(passage, loss, delta) if fits else (loss, delta)

    return changed


def _elements(passage: Passage) -> int:
    return prod(passage.layout.shapes[1])


LOSSES = (
    AtTheLoss(
        "missing_factor_2",
        "the factor 2 of the squared error's derivative is left out",
        _gradient(lambda passage, delta: delta / 2),
    ),
    AtTheLoss("loss_gradient_halved", "the gradient of the loss is halved", _gradient(lambda p, delta: delta / 2)),
    AtTheLoss("loss_gradient_doubled", "the gradient of the loss is doubled", _gradient(lambda p, delta: delta * 2)),
    AtTheLoss(
        "loss_sign",
        "the gradient of the loss has the wrong sign: target minus prediction in place of prediction minus target",
        _gradient(lambda passage, delta: -delta),
    ),
    AtTheLoss(
        "loss_halved",
        "the loss has a factor 1/2 in front, in its value and in its gradient",
        _both(lambda passage: 0.5),
    ),
    AtTheLoss(
        "mean_of_gradients",
        "the gradients are the mean over the batch in place of the sum",
        _gradient(lambda passage, delta: delta / passage.batch),
        BATCH,
    ),
    AtTheLoss(
        "mean_for_sum",
        "the loss and its gradient are the mean over the batch in place of the sum",
        _both(lambda passage: 1 / passage.batch),
    ),
    AtTheLoss(
        "mean_over_elements",
        "the gradients are the mean over samples and outputs in place of the sum",
        _gradient(lambda passage, delta: delta / _elements(passage)),
    ),
    AtTheLoss(
        "mean_over_elements_for_sum",
        "the loss and its gradient are the mean over samples and outputs in place of the sum",
        _both(lambda passage: 1 / _elements(passage)),
    ),
    AtTheLoss(
        "sum_of_gradients",
        "the gradients are the sum over the batch in place of the mean",
        _gradient(lambda passage, delta: delta * passage.batch),
    ),
    AtTheLoss(
        "sum_over_elements",
        "the gradients are the sum over samples and outputs in place of the mean",
        _gradient(lambda passage, delta: delta * _elements(passage)),
    ),
    AtTheLoss(
        "sum_for_mean",
        "the loss and its gradient are the sum over samples and outputs in place of the mean",
        _both(lambda passage: float(_elements(passage))),
    ),
    AtTheLoss(
        "target_forgotten",
        "the gradient of the loss is taken as if the target were 0",
        _of(lambda passage: passage.outputs[-1], lambda passage: 0 * passage.y),
    ),
    AtTheLoss(
        "prediction_forgotten",
        "the gradient of the loss is taken as if the prediction were 0",
        _of(lambda passage: 0 * passage.outputs[-1], lambda passage: passage.y),
    ),
    AtTheLoss(
        "targets_reversed",
        "the targets come in the reverse order of the samples",
        _of(lambda passage: passage.outputs[-1], lambda passage: passage.y[::-1]),
        BATCH,
    ),
    AtTheLoss(
        "targets_shifted",
        "every sample has the target of the one before it",
        _of(lambda passage: passage.outputs[-1], lambda passage: np.roll(passage.y, 1, axis=0)),
        BATCH,
    ),
    AtTheLoss(
        "loss_broadcast",
        "predictions (batch, 1) minus targets (batch,) are (batch, batch): each prediction meets the targets of all",
        _if_one_output(lambda passage, loss, delta: _broadcast(passage)),
        BATCH,
    ),
    AtTheLoss(
        "gradient_broadcast",
        "in the gradient of the loss each prediction meets the targets of all samples, by broadcasting",
        _if_one_output(lambda passage, loss, delta: (loss, _broadcast(passage)[1])),
        BATCH,
    ),
    AtTheLoss(
        "absolute_error",
        "the gradient of the loss is taken without its sign",
        _gradient(lambda passage, delta: np.absolute(delta)),
    ),
    AtTheLoss(
        "sign_of_error",
        "the gradient of the loss is its sign alone, as for the sum of absolute errors",
        _gradient(lambda passage, delta: np.sign(delta)),
    ),
    AtTheLoss(
        "root_of_loss",
        "the gradient is that of the square root of the loss",
        lambda passage, loss, delta: (loss, delta / (2 * np.sqrt(loss))),
    ),
    AtTheLoss(
        "last_sample_dropped",
        "the last sample of the batch is left out of the gradients",
        _rows(lambda n: slice(0, n - 1)),
        BATCH,
    ),
    AtTheLoss(
        "first_sample_dropped",
        "the first sample of the batch is left out of the gradients",
        _rows(lambda n: slice(1, n)),
        BATCH,
    ),
    AtTheLoss(
        "last_sample_alone",
        "the gradients are those of the last sample alone: they are overwritten in place of added",
        _rows(lambda n: slice(n - 1, n)),
        BATCH,
    ),
    AtTheLoss(
        "first_sample_alone",
        "the gradients are those of the first sample alone",
        _rows(lambda n: slice(0, 1)),
        BATCH,
    ),
    AtTheLoss(
        "loss_value_halved",
        "the value of the loss is halved, its gradient is right",
        lambda passage, loss, delta: (loss / 2, delta),
    ),
    AtTheLoss(
        "loss_value_mean",
        "the value of the loss is the mean over the batch in place of the sum, its gradient is right",
        lambda passage, loss, delta: (loss / passage.batch, delta),
    ),
    AtTheLoss(
        "loss_value_sum",
        "the value of the loss is the sum over the batch in place of the mean, its gradient is right",
        lambda passage, loss, delta: (loss * _elements(passage), delta),
    ),
)

OVER_ELEMENTS = ("mean_over_elements", "mean_over_elements_for_sum", "sum_over_elements")


def losses(passage: Passage) -> Iterator[Alteration]:
    """Each mistake at the loss; with one output, those over samples and outputs are those over the batch.

    The factor 2 is that of a squared error; elsewhere a halved gradient is just that.
    """
    squared = isinstance(passage.problem.loss, SumOfSquaredErrors | MeanOfSquaredErrors)
    for wrong in LOSSES:
        if wrong.name in OVER_ELEMENTS and _elements(passage) == passage.batch:
            continue
        if wrong.name == ("loss_gradient_halved" if squared else "missing_factor_2"):
            continue
        yield Alteration(wrong.name, wrong.sentence, wrong.formula or passage.problem.loss.formula, loss=wrong.change)
