"""Activations and deltas compared layer by layer, where a backend gives them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from runner.arrays import Array
from runner.backends.base import Backend, State, Step
from runner.comparison.constants import LIMIT, NOISE, NOISY_RUNS, UNIT_ROUNDOFF
from runner.comparison.looks import measured
from runner.comparison.mistakes.base import Passage
from runner.comparison.point import Point
from runner.comparison.rounding import empty_noisy, noise, rms


@dataclass(frozen=True)
class LayerRow:
    """The worst roundings of one layer's output and of the gradient of the loss by it; NaN where not given."""

    layer: str
    activation: float
    delta: float


def layer_rows(point: Point, name: str) -> list[LayerRow]:
    """Every layer in the order of computation; empty where the backend gives neither activations nor deltas."""
    step = _traced(point.sides.high[name], point)
    if not step.activations and not step.deltas:
        return []
    names = [place.name for place in point.sides.problem.network.places]
    outputs, deltas = _Measured(point, "outputs"), _Measured(point, "deltas")
    return [
        LayerRow(layer, outputs.roundings(step.activations, i, layer), deltas.roundings(step.deltas, i, layer))
        for i, layer in enumerate(names)
    ]


def where_in_words(rows: Sequence[LayerRow]) -> str:
    """Where it goes wrong first: forward, on the way back, or in a parameter's own gradient.

    Empty where a layer's output or gradient is not given.
    """
    if not rows or any(np.isnan([row.activation, row.delta]).any() for row in rows):
        return ""
    for row in rows:
        if row.activation > LIMIT:
            return f"forward, the output of {row.layer} is the first that is wrong"
    below = "the network"
    for row in reversed(rows):
        if row.delta > LIMIT:
            if below == "the network":
                return "forward all outputs agree; the gradient of the loss by the prediction is wrong already"
            return f"forward all outputs agree; on the way back the gradient goes wrong in {below}"
        below = row.layer
    return "all outputs and all gradients between the layers agree: a parameter's own gradient is wrong"


class _Measured:
    """The library's arrays of one kind, a layer each, and their rounding."""

    def __init__(self, point: Point, kind: str) -> None:
        plain = Passage(point.sides.problem, point.layout, np.empty)
        noisy = Passage(point.sides.problem, point.layout, empty_noisy)
        for passage in (plain, noisy):
            passage.load(point.parameters, point.x, point.y, point.buffers, point.draws)
        with np.errstate(all="ignore"):
            plain.run()
            self._right: list[Array] = [np.array(v) for v in getattr(plain, kind)]
            changes: list[list[Array]] = [[] for _ in self._right]
            for k in range(1, NOISY_RUNS + 1):
                with noise(NOISE * UNIT_ROUNDOFF[point.dtype], k):
                    noisy.run()
                for kept, right, v in zip(changes, self._right, getattr(noisy, kind), strict=True):
                    kept.append(np.array(v.view(np.ndarray)) - right)
            self._sigma = [rms(np.nan_to_num(np.array(c), nan=np.inf)) for c in changes]
        self._dtype = point.dtype

    def roundings(self, given: Mapping[str, Array], i: int, layer: str) -> float:
        """The worst of one layer; NaN where the backend does not give it, or in another shape."""
        right = self._right[i]
        if layer not in given or np.shape(given[layer]) != right.shape:
            return float("nan")
        return float(
            measured(2, np.asarray(given[layer], np.float64), right, self._sigma[i], self._dtype).roundings.max()
        )


def _traced(backend: Backend, point: Point) -> Step:
    """A step with all that the backend can give: some give activations and deltas only when asked."""
    backend.load(State(point.parameters, point.buffers, point.optimizer))
    trace = getattr(backend, "trace", None)
    x, y, draws = point.x, point.y, point.draws
    step: Step = backend.step(x, y, draws=draws) if trace is None else trace(x, y, draws)
    return step
