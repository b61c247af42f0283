"""How large each layer's gradients are, over the steps."""

from __future__ import annotations

import matplotlib
import numpy as np
from matplotlib.figure import Figure

from runner.records.norms import layer_norms, parameters_by_layer
from runner.records.plots.style import Look, draw_line, legend_of, log_axis, looks, new_figure, plain, step_axis
from runner.records.reading import RecordedRun

MOST = 12
"""Lines."""


def gradient_norms(run: RecordedRun) -> Figure | None:
    """The reference's, a line a layer; None where gradients are not kept."""
    if run.gradients is None or not len(run.steps):
        return None
    layers = parameters_by_layer(run)
    picked = np.unique(np.linspace(0, len(layers) - 1, min(MOST, len(layers))).astype(int))
    names = [list(layers)[i] for i in picked]
    few = f", {len(names)} of {len(layers)} layers" if len(names) < len(layers) else ""
    at, norms = layer_norms(run.gradients, {name: layers[name] for name in names})
    steps = "each recorded step" if len(at) == len(run.steps) else f"{len(at)} of {len(run.steps)} recorded steps"
    title = f"Norm of each layer's gradients ({plain(run.reference)}) at {steps}{few}"
    figure = new_figure(title, 4.4, run.title)
    axes = figure.subplots()
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
