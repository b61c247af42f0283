"""Which classes are taken for which."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from runner.assemble import Setup
from runner.records.learnt.classes import learnt_classes
from runner.records.plots.style import GREY, new_figure
from runner.records.reading import RecordedRun

NUMBERED = 20
"""Classes up to which the cells bear numbers."""

NAMED = 40
"""Classes up to which each has a mark on the axes."""


def confusion(run: RecordedRun, setup: Setup | None) -> Figure | None:
    """Predicted against true classes of what is held out, or else learnt from; None where there are no classes."""
    found = learnt_classes(run, setup)
    if found is None:
        return None
    counts, shares = found.counts, found.shares
    figure = new_figure(found.title, min(6.4, 2.6 + 0.4 * len(counts)), run.title)
    axes = figure.subplots()
    image = axes.imshow(shares, cmap="cividis", vmin=0.0, vmax=1.0, aspect="auto", interpolation="nearest")
    figure.colorbar(image, ax=axes, label="share of the true class", fraction=0.046)
    classes = len(counts)
    if classes <= NUMBERED:
        for (i, j), count in np.ndenumerate(counts):
            color = "black" if shares[i, j] > 0.55 else "white" if count else GREY
            axes.text(j, i, str(count), ha="center", va="center", color=color, fontsize=8 if classes < 15 else 6)
    axes.set(xlabel="predicted class", ylabel="true class")
    if classes <= NAMED:
        axes.set(xticks=range(classes), yticks=range(classes))
    for spine in axes.spines.values():
        spine.set_visible(False)
    return figure
