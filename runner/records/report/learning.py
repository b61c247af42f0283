"""How a run learnt, as the page's script draws it: norms of gradients, paths of parameters, drift, the function."""

from __future__ import annotations

from typing import Any

import numpy as np

from runner.arrays import Array
from runner.assemble import Setup
from runner.records.norms import layer_norms, parameters_by_layer
from runner.records.outline import outline_of_all
from runner.records.reading import RecordedRun
from runner.records.report.function import function_of
from runner.records.report.shown import POINTS, SHORT, digits, figures, shown_tensors

LAYERS, OUTLINE = 12, 150
"""Lines of the norms, and points of each that are shown wherever they lie."""

ALL_PATHS = 12_000
"""Points of all paths of parameters together."""

NORM = 6
"""Significant digits of a norm."""


def learning_of(run: RecordedRun, setup: Setup | None) -> dict[str, Any]:
    """What is drawn, as JSON, under the figures' names; one in which there is nothing to show is left out."""
    found = {"norms": _norms(run), "paths": _paths(run), "drift": _drift(run), "function": function_of(run, setup)}
    return {name: drawn for name, drawn in found.items() if drawn is not None}


def _evenly(count: int, most: int) -> Array:
    """At most so many of ``count`` places, the first and the last among them."""
    return np.unique(np.linspace(0, count - 1, min(most, count)).round().astype(np.intp))


def _norms(run: RecordedRun) -> dict[str, Any] | None:
    """The norm of each layer's gradients, of the reference, at the steps; None where gradients are not kept."""
    if run.gradients is None or not len(run.steps):
        return None
    layers = parameters_by_layer(run)
    names = [list(layers)[i] for i in _evenly(len(layers), LAYERS)]
    at, norms = layer_norms(run.gradients, {name: layers[name] for name in names})
    shown = outline_of_all(norms.values(), OUTLINE)
    lines = [{"layer": name, "value": figures(line[shown], NORM)} for name, line in norms.items()]
    return {"step": run.steps[at[shown]].tolist(), "lines": lines, "layers": len(layers)}


def _paths(run: RecordedRun) -> dict[str, Any] | None:
    """Some elements of the parameters before each step; None where they are not kept, or there are no two points."""
    found = run.trajectories
    if found is None or len(found["steps"]) < 2:
        return None
    names = [name for name in shown_tensors(run) if name in found]
    lines = sum(found[name].shape[1] for name in names)
    at = _evenly(len(found["steps"]), max(10, min(POINTS, ALL_PATHS // max(1, lines))))
    tensors = [
        {
            "tensor": name,
            "shape": list(run.parameters[f"last/{name}"].shape),
            "places": found[f"at/{name}"].tolist(),
            "lines": [figures(column, digits(run)) for column in found[name][at].T],
        }
        for name in names
    ]
    return {"step": found["steps"][at].tolist(), "tensors": tensors}


def _drift(run: RecordedRun) -> dict[str, Any] | None:
    """How far all parameters lie from the reference's, after the updates; None where that was not measured."""
    if run.drift is None or not len(run.drift):
        return None
    rows, lines = run.drift, []
    for backend in run.backends[:-1]:
        mine = rows[rows["backend"] == backend]
        mine = mine.iloc[_evenly(len(mine), POINTS)]
        measures = {key: figures(mine[name], SHORT) for key, name in (("value", "norm"), ("roundings", "roundings"))}
        lines.append({"backend": backend, "step": mine["step"].tolist(), **measures})
    return {"lines": lines}
