"""How large each layer's gradients are, over the steps."""

from __future__ import annotations

import matplotlib
import numpy as np
from matplotlib.figure import Figure

from runner.arrays import Array
from runner.records.plots.style import Look, draw_line, legend_of, log_axis, looks, new_figure, plain, step_axis
from runner.records.reading import RecordedRun

MOST = 12
"""Lines."""

POINTS = 500
"""Steps at most that are read: gradients may be large."""


def gradient_norms(run: RecordedRun) -> Figure | None:
    """The reference's, a line a layer; None where gradients are not kept."""
    if run.gradients is None or not len(run.steps):
        return None
    layers = parameters_by_layer(run)
    picked = np.unique(np.linspace(0, len(layers) - 1, min(MOST, len(layers))).astype(int))
    names = [list(layers)[i] for i in picked]
    few = f", {len(names)} of {len(layers)} layers" if len(names) < len(layers) else ""
    title = f"Norm of each layer's gradients ({plain(run.reference)}) at each recorded step{few}"
    figure = new_figure(title, 4.4, run.title)
    axes = figure.subplots()
    at = np.unique(np.linspace(0, len(run.steps) - 1, min(POINTS, len(run.steps))).astype(int))
    norms = {name: layer_norms([run.gradients[key] for key in layers[name]], at) for name in names}
    log_axis(axes, np.concatenate(list(norms.values())))
    colours = matplotlib.colormaps["viridis"](np.linspace(0.0, 0.88, len(names)))
    for name, colour, look in zip(names, colours, looks(len(names)), strict=True):
        own = Look(matplotlib.colors.to_hex(colour), look.marker, look.linestyle)
        draw_line(axes, run.steps[at], norms[name], own, plain(name, 30))
    axes.set(xlabel="step (first is 0)", ylabel="Euclidean norm (log scale)")
    step_axis(axes, run.steps)
    axes.legend(
        *legend_of([axes]), title="first layer to last", loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False
    )
    return figure


def parameters_by_layer(run: RecordedRun) -> dict[str, list[str]]:
    """Layers in the network's order, and the keys of their gradients."""
    found: dict[str, list[str]] = {}
    for name in run.tensors:
        key = f"{run.reference}/{name}"
        if run.gradients is not None and key in run.gradients:
            found.setdefault(name.rpartition(".")[0] or name, []).append(key)
    return found


def layer_norms(gradients: list[Array], at: Array) -> Array:
    """The norms (len(at),) of several gradients (steps, *shape) as one vector, at some of the steps."""
    norms = np.zeros(len(at))
    with np.errstate(all="ignore"):
        for gradient in gradients:
            for i, step in enumerate(at):
                norms[i] = np.hypot(norms[i], np.linalg.norm(gradient[step].astype(np.float64).ravel()))
    return norms
