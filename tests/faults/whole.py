"""Mistakes made with finished gradients."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from runner.arrays import Array
from tests.faults.base import Given, WrongGradients

Gradients = Mapping[str, Array]
TOP = 0.5


def _norm(gradients: Iterable[Array]) -> float:
    return float(np.sqrt(sum(float(np.square(g.astype(np.float64)).sum()) for g in gradients)))


def _square(gradient: Array) -> bool:
    return gradient.ndim == 2 and gradient.shape[0] == gradient.shape[1]


class ClippedByNorm(WrongGradients):
    """All gradients are scaled to a common norm of 0.5, if it is larger."""

    def changed(self, gradients: Gradients, given: Given) -> Gradients:
        return {n: g * min(1.0, TOP / _norm(gradients.values())) for n, g in gradients.items()}


class ClippedAsTorch(WrongGradients):
    """The same as torch.nn.utils.clip_grad_norm_ does it, which adds 1e-6 to the norm."""

    def changed(self, gradients: Gradients, given: Given) -> Gradients:
        return {n: g * min(1.0, TOP / (_norm(gradients.values()) + 1e-6)) for n, g in gradients.items()}


class ClippedEach(WrongGradients):
    """The gradient of the output layer's weight is scaled to a norm of 0.25, by itself."""

    def changed(self, gradients: Gradients, given: Given) -> Gradients:
        last = [name for name in gradients if name.endswith("weight")][-1]
        return {last: gradients[last] * min(1.0, 0.25 / _norm([gradients[last]]))}


class ClippedByValue(WrongGradients):
    """Every element is clipped to +-0.125."""

    def changed(self, gradients: Gradients, given: Given) -> Gradients:
        return {n: np.clip(g, -0.125, 0.125) for n, g in gradients.items()}


class Normalised(WrongGradients):
    """All gradients are divided by the sum of their sizes."""

    def changed(self, gradients: Gradients, given: Given) -> Gradients:
        total = sum(np.abs(g).sum() for g in gradients.values())
        return {n: g / total for n, g in gradients.items()}


class WeightDecay(WrongGradients):
    """0.01 times the parameter itself is added to every gradient."""

    def changed(self, gradients: Gradients, given: Given) -> Gradients:
        return {n: g + 0.01 * given.parameters[n] for n, g in gradients.items()}


class WeightDecaySmall(WrongGradients):
    """1e-4 times the weight itself is added to every weight's gradient, the biases are spared."""

    def changed(self, gradients: Gradients, given: Given) -> Gradients:
        return {n: g + 1e-4 * given.parameters[n] for n, g in gradients.items() if n.endswith("weight")}


class AbsoluteDecay(WrongGradients):
    """1e-3 times the sign of the weight is added to every weight's gradient: the gradient of an L1 penalty."""

    def changed(self, gradients: Gradients, given: Given) -> Gradients:
        return {n: g + 1e-3 * np.sign(given.parameters[n]) for n, g in gradients.items() if n.endswith("weight")}


class TimesRate(WrongGradients):
    """The gradients are multiplied by the learning rate."""

    def changed(self, gradients: Gradients, given: Given) -> Gradients:
        return {n: given.lr * g for n, g in gradients.items()}


class UpdateForGradient(WrongGradients):
    """-lr times the gradient, the update, is returned."""

    def changed(self, gradients: Gradients, given: Given) -> Gradients:
        return {n: -given.lr * g for n, g in gradients.items()}


class ParametersForGradient(WrongGradients):
    """The updated parameters are returned."""

    def changed(self, gradients: Gradients, given: Given) -> Gradients:
        return {n: given.parameters[n] - given.lr * g for n, g in gradients.items()}


class SignsAlone(WrongGradients):
    """The signs of the gradients are returned."""

    def changed(self, gradients: Gradients, given: Given) -> Gradients:
        return {n: np.sign(g) for n, g in gradients.items()}


class SizesAlone(WrongGradients):
    """The gradients are returned without their signs."""

    def changed(self, gradients: Gradients, given: Given) -> Gradients:
        return {n: np.abs(g) for n, g in gradients.items()}


class BiasesExchanged(WrongGradients):
    """The gradients of the two hidden biases are exchanged."""

    def changed(self, gradients: Gradients, given: Given) -> Gradients:
        a, b = "input_layer.bias", "hidden_layer_1.bias"
        return {a: gradients[b], b: gradients[a]}


class HiddenWeightDoubled(WrongGradients):
    """The gradient of the hidden weight is added twice."""

    def changed(self, gradients: Gradients, given: Given) -> Gradients:
        return {"hidden_layer_1.weight": 2 * gradients["hidden_layer_1.weight"]}


class Symmetrised(WrongGradients):
    """(G + G^T) / 2 in place of the gradient G of every square weight."""

    def changed(self, gradients: Gradients, given: Given) -> Gradients:
        return {n: (g + g.T) / 2 for n, g in gradients.items() if _square(g)}


class UpperTriangle(WrongGradients):
    """Of the gradient of every square weight, what lies below the diagonal is never computed."""

    def changed(self, gradients: Gradients, given: Given) -> Gradients:
        return {n: np.triu(g) for n, g in gradients.items() if _square(g)}


class RowsRolled(WrongGradients):
    """The rows of every weight's gradient come one too late."""

    def changed(self, gradients: Gradients, given: Given) -> Gradients:
        return {n: np.roll(g, 1, axis=0) for n, g in gradients.items() if g.ndim == 2}


class MeanRemoved(WrongGradients):
    """The mean over the inputs is taken off every weight's gradient: gradient centralisation."""

    def changed(self, gradients: Gradients, given: Given) -> Gradients:
        return {n: g - g.mean(axis=1, keepdims=True) for n, g in gradients.items() if g.ndim == 2}
