"""Which classes are taken for which."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from runner.arrays import Array, is_whole
from runner.assemble import Setup
from runner.losses.classes import OfClasses
from runner.records.plots.predictions import can_predict, predictions
from runner.records.plots.style import GREY, new_figure
from runner.records.reading import RecordedRun

SAMPLES = 20_000
"""Samples at most; of more, so many that are evenly spread."""

NUMBERED = 20
"""Classes up to which the cells bear numbers."""

NAMED = 40
"""Classes up to which each has a mark on the axes."""


def confusion(run: RecordedRun, setup: Setup | None) -> Figure | None:
    """Predicted against true classes of what is held out, or else learnt from; None where there are no classes."""
    if setup is None or not isinstance(setup.problem.loss, OfClasses) or not is_whole(setup.y):
        return None
    if not can_predict(run, setup):
        return None
    part, words = (setup, "the training data") if setup.held_out is None else (setup.held_out, "what is held out")
    at = np.unique(np.linspace(0, len(part.x) - 1, min(SAMPLES, len(part.x))).astype(np.intp))
    words += f", {len(at)} of {len(part.x)} samples" if len(at) < len(part.x) else ""
    counts = confusion_of(predictions(run, setup, part.x[at]), part.y[at], setup.problem.loss.ignore_index)
    total, right = int(counts.sum()), int(np.trace(counts))
    if not total:
        return None
    accuracy = f"{100 * right / total:.2f} % right ({right} of {total})"
    title = f"Predicted and true classes of {words}: {accuracy}"
    figure = new_figure(title, min(6.4, 2.6 + 0.4 * len(counts)), run.title)
    axes = figure.subplots()
    rows = counts.sum(axis=1, keepdims=True)
    shares = counts / np.maximum(rows, 1)
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


def confusion_of(prediction: Array, y: Array, ignored: int) -> Array:
    """How often each class is taken for each, (true, predicted), from (samples, ..., classes) and (samples, ...)."""
    classes = prediction.shape[-1]
    found, true = prediction.argmax(axis=-1).ravel(), np.asarray(y).ravel()
    counted = true != ignored
    flat = np.bincount(true[counted] * classes + found[counted], minlength=classes * classes)
    return flat.reshape(classes, classes)
