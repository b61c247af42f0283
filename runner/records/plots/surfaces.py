"""What a network of one output has learnt over one input, as lines, and over two, as surfaces."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from runner.arrays import Array
from runner.records.learnt.function import Words, span
from runner.records.plots.style import BLUE, GREY, ORANGE, drawable, extent_of

LEVELS = np.array([-0.75, -0.5, -0.25, 0.0, 0.25, 0.5, 0.75])
"""Where the difference has lines, as parts of its largest size."""


def draw_lines(
    figure: Figure, x: Array, curves: tuple[Array, Array | None], samples: tuple[Array, Array], label: str, words: Words
) -> None:
    """Of one input: ``curves`` are the learnt one and the wanted one, over ``x``."""
    learnt, wanted = drawable(curves[0]), None if curves[1] is None else drawable(curves[1])
    upper, *rest = figure.subplots(1 if wanted is None else 2, sharex=True, squeeze=False)[:, 0]
    upper.plot(samples[0], drawable(samples[1]), "o", color=GREY, markersize=3, alpha=0.6, label="samples")
    if wanted is not None:
        upper.plot(x, wanted, "--", color=ORANGE, linewidth=2.5, label=words.wanted)
    upper.plot(x, learnt, "-", color=BLUE, label=words.learnt)
    upper.set_ylabel(words.value)
    upper.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False)
    for lower in rest:
        assert wanted is not None
        lower.axhline(0.0, color=GREY, linewidth=0.8)
        lower.plot(x, learnt - wanted, color=BLUE)
        lower.set_ylabel(words.apart)
    (rest or [upper])[-1].set_xlabel(label)


def draw_squares(
    figure: Figure,
    axes: Sequence[Array],
    surfaces: tuple[Array, Array | None],
    samples: tuple[Array, Array, Array],
    labels: Sequence[str],
    words: Words,
) -> None:
    """Of two inputs: the learnt and the wanted surface over the grid; where there is no formula, the samples alone.

    ``surfaces``: (rows, columns) over the grid of ``axes``; ``samples``: inputs (samples, 2), targets and what is
    learnt there, (samples,).
    """
    x, y, at_samples = samples[0], drawable(samples[1]), drawable(samples[2])
    learnt, wanted = drawable(surfaces[0]), None if surfaces[1] is None else drawable(surfaces[1])
    target, found, apart = figure.subplots(1, 3, sharex=True, sharey=True)
    scale = _scale(learnt, y if wanted is None else wanted)
    difference = at_samples - y if wanted is None else learnt - wanted
    size = float(np.ma.filled(np.abs(difference), 0.0).max()) or 1.0
    around_0 = Normalize(-size, size)
    _surface(found, axes, learnt, "cividis", scale)
    if wanted is None:
        target.scatter(x[:, 0], x[:, 1], c=y, s=14, cmap="cividis", norm=scale, edgecolors=GREY, linewidths=0.3)
        _signs(apart, x, difference, around_0)
    else:
        _surface(target, axes, wanted, "cividis", scale)
        _surface(apart, axes, difference, "PuOr", around_0)
        _contours(apart, axes, difference / size)
    for panel in (found, *([target, apart] if wanted is not None else [])):
        panel.plot(*x.T, "o", color="white", markeredgecolor="black", markersize=2.5, markeredgewidth=0.4, alpha=0.8)
    where = "\nat the samples" if wanted is None else ""
    for panel, title in ((target, f"{words.wanted}{where}"), (found, words.learnt), (apart, f"{words.apart}{where}")):
        panel.set(title=title, xlabel=labels[0])
        panel.locator_params(nbins=4)  # many decimals need room
    target.set_ylabel(labels[1])
    signs = "lines: whole above 0, dashed below" if wanted is not None else "triangles: up above 0, down below"
    for panel, colours, norm, label in (
        (found, "cividis", scale, words.value),
        (target, "cividis", scale, words.value),
        (apart, "PuOr", around_0, f"difference\n({signs})"),
    ):
        figure.colorbar(ScalarMappable(norm, colours), ax=panel, label=label, location="bottom")


def _scale(*values: Array) -> Normalize:
    known = np.concatenate([np.ma.compressed(part) for part in values])
    return Normalize(*span(known)) if len(known) else Normalize(0.0, 1.0)


def _surface(panel: Axes, axes: Sequence[Array], values: Array, colours: str, norm: Normalize) -> None:
    panel.imshow(values, origin="lower", extent=extent_of(axes), aspect="auto", cmap=colours, norm=norm)


def _signs(panel: Axes, x: Array, difference: Array, norm: Normalize) -> None:
    """A triangle at each sample, up where the difference is above 0: both ends of the colours are dark in grey."""
    known = np.ma.filled(difference, 0.0)
    for marker, there in (("^", known > 0), ("v", known < 0), ("o", known == 0)):
        style: dict[str, Any] = {"cmap": "PuOr", "norm": norm, "edgecolors": GREY, "linewidths": 0.3}
        panel.scatter(x[there, 0], x[there, 1], 16, difference[there], marker=marker, **style)


def _contours(panel: Axes, axes: Sequence[Array], parts: Array) -> None:
    """Lines of equal difference, ``parts`` of its largest size: which side of 0 one is on is seen in grey too."""
    known = np.ma.compressed(parts)
    above, below = np.greater(LEVELS, known.min(initial=1.0)), np.less(LEVELS, known.max(initial=-1.0))
    levels = LEVELS[above & below]
    if not len(levels):
        return
    styles = ["dashed" if level < 0 else "solid" for level in levels]
    widths = [1.6 if level == 0 else 0.7 for level in levels]
    lines = panel.contour(*axes, parts, levels, colors="black", linestyles=styles, linewidths=widths)
    panel.clabel(lines, levels[levels == 0], fmt="0", fontsize=8)
