"""The loss of every backend over the steps."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from runner.arrays import Array
from runner.assemble import Setup
from runner.records.plots.style import (
    BLACK,
    GREY,
    LARGEST,
    Look,
    draw_line,
    legend_of,
    listed,
    log_axis,
    looks,
    new_figure,
    plain,
    step_axis,
)
from runner.records.reading import RecordedRun

BROAD, NARROW = 3.2, 1.2
"""Line widths: the reference's line lies under the others, and is seen where they cover it."""


def loss(run: RecordedRun, setup: Setup | None) -> Figure | None:
    """Each backend's loss at every recorded step, and the mean of each epoch; None where no step is recorded."""
    if not len(run.steps):
        return None
    figure = new_figure(f"Loss of {listed(run.backends)} at each recorded step", 4.2, run.title)
    axes = figure.subplots()
    values = np.concatenate(list(run.losses.values()))
    positive = bool((values[np.isfinite(values)] > 0).all())
    if positive:
        log_axis(axes, values)
    styles = looks(len(run.backends))
    for i, name in reversed(list(enumerate(run.backends))):
        first = name == run.reference
        width = {"linewidth": BROAD, "alpha": 0.45} if first else {"linewidth": NARROW}
        label = f"{plain(name)}{' (reference)' * first}"
        draw_line(axes, run.steps, run.losses[name], styles[i], label, markersize=4 + 2 * i, **width)
    _draw_epochs(axes, run, setup)
    axes.set(xlabel="step (first is 0)", ylabel=f"loss{' (log scale)' * positive}")
    step_axis(axes, run.steps)
    axes.legend(*legend_of([axes]), loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False)
    return figure


def _draw_epochs(axes: Axes, run: RecordedRun, setup: Setup | None) -> None:
    """The reference's mean over each epoch, where all its steps are recorded, and its last loss of what is held out."""
    if setup is not None and setup.epochs > 1:
        ends, means = epoch_means(run.losses[run.reference], run.steps, setup.problem.steps_per_epoch)
        if len(ends):
            label = f"mean of an epoch, {plain(run.reference)}"
            draw_line(axes, ends, means, Look(BLACK, ".", "-"), label, linewidth=NARROW, zorder=4)
    evaluation = run.verdict["evaluation"] or {}
    scores = evaluation.get("held_out", {}).get(run.reference)
    if scores is not None and scores["loss"] is not None and 0 < scores["loss"] <= LARGEST:
        point = ([evaluation["step"]], [scores["loss"]])
        label = f"held out, at the end, {plain(run.reference)}"
        axes.plot(*point, "D", color=GREY, markeredgecolor=BLACK, markersize=7, label=label, zorder=5)


def epoch_means(losses: Array, steps: Array, steps_per_epoch: int) -> tuple[Array, Array]:
    """The last step of every whole epoch, and the mean loss over it; none where a step was not recorded."""
    epochs = len(losses) // steps_per_epoch
    whole = epochs * steps_per_epoch
    if not np.array_equal(steps, np.arange(len(steps))):
        return np.empty(0, np.int64), np.empty(0)
    with np.errstate(all="ignore"):
        means = losses[:whole].reshape(epochs, steps_per_epoch).mean(axis=1)
    return (np.arange(epochs) + 1) * steps_per_epoch - 1, means
