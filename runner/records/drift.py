"""What is kept of the drift: drift.parquet, the metrics, its part of verdict.json, and the sentence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import expm1, isfinite
from pathlib import Path
from typing import Any

import pyarrow as pa

from runner.comparison.drift import Distance, Growth, Parting
from runner.records.tables import RowGroups
from runner.records.words import number, small
from runner.records.writer import Hand, at_once

MEASURES = ("max_abs", "norm", "relative", "roundings")

SCHEMA = pa.schema(
    [("step", pa.int64()), ("backend", pa.string()), ("reference", pa.string()), ("tensor", pa.string())]
    + [(name, pa.float64()) for name in MEASURES]
)
"""One row a step, backend and tensor, ``all`` being all parameters as one vector. The distances are those of the
parameters that the step starts from; the last step's number is that of all steps, and nothing starts there."""

STEEPEST = 700.0
"""A rate beyond it would overflow as a percentage."""


class DriftTable(RowGroups):
    """The distances of every step."""

    def __init__(self, path: Path, hand: Hand = at_once) -> None:
        super().__init__(path, SCHEMA, hand)

    def add(self, distances: Sequence[Distance]) -> None:
        """Adds the distances of one step, one row a tensor of each backend."""
        for d in distances:
            known = {"step": d.updates, "backend": d.backend, "reference": d.reference, "tensor": d.tensors}
            self.extend(len(d.tensors), known | {name: getattr(d, name) for name in MEASURES})


def distance_metrics(distances: Sequence[Distance]) -> dict[str, float]:
    """One step's metrics, of all parameters as one vector."""
    metrics = {f"drift/distance/{d.backend}": float(d.norm[-1]) for d in distances}
    return metrics | {f"drift/roundings/{d.backend}": float(d.roundings[-1]) for d in distances}


def growth_metrics(drift: Mapping[str, Parting]) -> dict[str, float]:
    """Both models of each backend's growth, where there are any."""
    metrics = {}
    for name, parting in drift.items():
        if parting.growth is not None:
            exponential, power = parting.growth.exponential, parting.growth.power
            metrics[f"drift/exponential_rate/{name}"] = exponential.rate
            metrics[f"drift/exponential_residual/{name}"] = exponential.residual
            metrics[f"drift/power_exponent/{name}"] = power.rate
            metrics[f"drift/power_residual/{name}"] = power.residual
    return metrics


def drift_document(drift: Mapping[str, Parting]) -> dict[str, Any] | None:
    """The drift's part of verdict.json, a backend each; None with lockstep."""
    return {name: _document(parting) for name, parting in drift.items()} or None


def _document(parting: Parting) -> dict[str, Any]:
    last = parting.last
    return {
        "sentence": drift_sentence(parting),
        "reference": last.reference,
        "steps": last.updates,
        **{name: float(getattr(last, name)[-1]) for name in MEASURES},
        "growth": None if parting.growth is None else _fits(parting.growth),
    }


def _fits(growth: Growth) -> dict[str, Any]:
    exponential, power = growth.exponential, growth.power
    return {
        "better": growth.better,
        "exponential": {
            "rate": exponential.rate,
            "doubling_steps": growth.doubling,
            "residual": exponential.residual,
        },
        "power": {"exponent": power.rate, "residual": power.residual},
    }


def drift_sentence(parting: Parting) -> str:
    """How far a backend has come from the reference, and how that grew."""
    last = parting.last
    steps = "1 step" if last.updates == 1 else f"{last.updates} steps"
    if not parting.parted:
        return f"no drift: {last.backend} and {last.reference} have equal parameters throughout, over {steps}."
    words = f"drift of {last.backend} from {last.reference} after {steps}"
    if not isfinite(last.norm[-1]):
        return f"{words}: not finite."
    far = f"{small(float(last.norm[-1]))}, {number(float(last.roundings[-1]))} roundings"
    return f"{words}: {far}; {_growth(parting.growth)}."


def _growth(growth: Growth | None) -> str:
    if growth is None:
        return "too few different distances to tell how it grows"
    if growth.better == "power":
        fit = growth.power
        return f"{_direction(fit.rate)} like step^{fit.rate:.2f} (residual {fit.residual:.2f} decades)"
    fit = growth.exponential
    percent = 100 * abs(expm1(min(fit.rate, STEEPEST)))
    doubles = "doubles" if fit.rate > 0 else "halves"
    every = f"{doubles} every {abs(growth.doubling):.3g} steps"
    return f"{_direction(fit.rate)} by {percent:.2g} % a step ({every}, residual {fit.residual:.2f} decades)"


def _direction(rate: float) -> str:
    return "grows" if rate >= 0 else "shrinks"
