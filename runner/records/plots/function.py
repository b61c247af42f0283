"""The function that was learnt, beside the one that was to be learnt."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from runner.arrays import Array, is_whole
from runner.assemble import Setup
from runner.config import build
from runner.data.base import Stream, Target, generator
from runner.data.targets.base import Formula
from runner.records.plots.predictions import can_predict, predictions
from runner.records.plots.style import BLUE, GREY, LARGEST, ORANGE, new_figure
from runner.records.reading import RecordedRun

ACROSS, ALONG = 61, 400
"""Points of the grid: on each side of a square, and on a line."""

SAMPLES = 400
"""Dots at most."""


def function(run: RecordedRun, setup: Setup | None) -> Figure | None:
    """Of one or two inputs and one output; None of any others, and where the network cannot be computed."""
    if setup is None or is_whole(setup.x) or is_whole(setup.y) or setup.problem.network.output_shape != (1,):
        return None
    if setup.x.shape[1:] not in ((1,), (2,)) or not can_predict(run, setup):
        return None
    features = setup.x.shape[1]
    at = np.unique(np.linspace(0, len(setup.x) - 1, min(SAMPLES, len(setup.x))).astype(int))
    x, y = (np.asarray(values[at], np.float64) for values in (setup.x, setup.y))
    axes = [np.linspace(*_around(setup.x[:, i]), ALONG if features == 1 else ACROSS) for i in range(features)]
    points = np.stack([part.ravel() for part in np.meshgrid(*axes)], axis=-1)
    shape = (ALONG,) if features == 1 else (ACROSS, ACROSS)
    learnt = predictions(run, setup, points).reshape(shape)
    formula = target_of(run, features)
    wanted = None if formula is None else formula(points).reshape(shape)
    standard = " (standardised)" if run.config["data"].get("standardise") else ""
    figure = new_figure("What the network has learnt, with its last parameters", 3.4 + (features == 1), run.title)
    if features == 1:
        _lines(figure, axes[0], (learnt, wanted), (x[:, 0], y[:, 0]), f"input x{standard}")
    else:
        at_samples = predictions(run, setup, x)[:, 0]
        labels = (f"input x_1{standard}", f"input x_2{standard}")
        _squares(figure, axes, (learnt, wanted), (x, y[:, 0], at_samples), labels)
    return figure


def target_of(run: RecordedRun, features: int) -> Callable[[Array], Array] | None:
    """The target's formula, from x (rows, features) to (rows, out), without noise; None where it has none."""
    target = build(run.config["target"], "target", Target)
    if not isinstance(target, Formula):
        return None
    return target.formula(features, generator(run.config["seed"], Stream.TARGET))


def _around(values: Array) -> tuple[float, float]:
    low, high = float(values.min()), float(values.max())
    return (low, high) if high > low else (low - 0.5, high + 0.5)


def _finite(values: Array) -> Array:
    return np.ma.masked_where(~(np.abs(values) <= LARGEST), values)


def _lines(
    figure: Figure, x: Array, curves: tuple[Array, Array | None], samples: tuple[Array, Array], label: str
) -> None:
    """Of one input: ``curves`` are the learnt one and the wanted one, over ``x``."""
    learnt, wanted = curves
    upper, *rest = figure.subplots(1 if wanted is None else 2, sharex=True, squeeze=False)[:, 0]
    upper.plot(*samples, "o", color=GREY, markersize=3, alpha=0.6, label="samples")
    if wanted is not None:
        upper.plot(x, _finite(wanted), "--", color=ORANGE, linewidth=2.5, label="target")
    upper.plot(x, _finite(learnt), "-", color=BLUE, label="learnt")
    upper.set_ylabel("output y")
    upper.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False)
    for lower in rest:
        assert wanted is not None
        lower.axhline(0.0, color=GREY, linewidth=0.8)
        lower.plot(x, _finite(learnt - wanted), color=BLUE)
        lower.set_ylabel("learnt - target")
    (rest or [upper])[-1].set_xlabel(label)


def _squares(
    figure: Figure,
    axes: list[Array],
    surfaces: tuple[Array, Array | None],
    samples: tuple[Array, Array, Array],
    labels: tuple[str, str],
) -> None:
    """Of two inputs: the learnt and the wanted surface over the grid; where there is no formula, the samples alone.

    ``samples``: inputs (samples, 2), targets and predictions (samples,).
    """
    learnt, wanted = surfaces
    x, y, predicted = samples
    target, found, apart = figure.subplots(1, 3, sharex=True, sharey=True)
    scale = _scale([learnt, y if wanted is None else wanted])
    difference = predicted - y if wanted is None else learnt - wanted
    size = float(np.abs(_finite(difference)).max() or 1.0) if np.isfinite(difference).any() else 1.0
    around_0 = Normalize(-size, size)
    _surface(found, axes, learnt, "cividis", scale)
    if wanted is None:
        for panel, values, colours, norm in ((target, y, "cividis", scale), (apart, difference, "PuOr", around_0)):
            panel.scatter(*x.T, c=_finite(values), s=14, cmap=colours, norm=norm, edgecolors=GREY, linewidths=0.3)
    else:
        _surface(target, axes, wanted, "cividis", scale)
        _surface(apart, axes, difference, "PuOr", around_0)
    for panel in (found, *([target, apart] if wanted is not None else [])):
        panel.plot(*x.T, "o", color="white", markeredgecolor="black", markersize=2.5, markeredgewidth=0.4, alpha=0.8)
    where = ", at the samples" if wanted is None else ""
    for panel, title in ((target, f"target{where}"), (found, "learnt"), (apart, f"learnt - target{where}")):
        panel.set(title=title, xlabel=labels[0])
        panel.locator_params(nbins=4)  # many decimals need room
    target.set_ylabel(labels[1])
    figure.colorbar(ScalarMappable(scale, "cividis"), ax=found, label="output y", location="bottom")
    figure.colorbar(ScalarMappable(scale, "cividis"), ax=target, label="output y", location="bottom")
    figure.colorbar(ScalarMappable(around_0, "PuOr"), ax=apart, label="difference", location="bottom")


def _scale(values: list[Array]) -> Normalize:
    known = np.concatenate([v[np.abs(v) <= LARGEST] for v in values])
    return Normalize(*_around(known)) if len(known) else Normalize(0.0, 1.0)


def _surface(panel: Axes, axes: list[Array], values: Array, colours: str, norm: Normalize) -> None:
    extent = (float(axes[0][0]), float(axes[0][-1]), float(axes[1][0]), float(axes[1][-1]))
    panel.imshow(_finite(values), origin="lower", extent=extent, aspect="auto", cmap=colours, norm=norm)
