"""How often an element is off by how much, beside what rounding alone gives."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator
from scipy.special import erfc

from runner.arrays import Array
from runner.comparison.constants import LIMIT
from runner.records.elements import EDGES, QUESTIONS
from runner.records.plots.style import BLACK, ORANGE, below, listed, looks, new_figure, plain, short
from runner.records.reading import RecordedRun

LOWEST = float(EDGES[1])
"""Where the first class ends, in which exact zeros are; it is drawn as wide as a decade."""

LEFT = LOWEST / 10


def roundings(run: RecordedRun) -> Figure | None:
    """A panel for the formula and one for the run's dtype; None where no element was judged."""
    if run.roundings is None:
        return None
    counts = {key.removeprefix("counts/"): value for key, value in run.roundings.items() if key.startswith("counts/")}
    if not any(value.any() for value in counts.values()):
        return None
    title = f"How many elements of the gradients of {listed(run.backends[:-1])} are off by how many roundings"
    figure = new_figure(title, 4.6, run.title)
    panels = figure.subplots(1, 2, sharey=True)
    kinds = {"logic": "the formula, in float64", "precision": f"the arithmetic, in {run.config['dtype']}"}
    for axes, question in zip(panels, QUESTIONS, strict=True):
        mine = {name: counts[f"{question}/{name}"] for name in run.backends[:-1] if f"{question}/{name}" in counts}
        _draw(axes, mine)
        axes.set_title(kinds[question])
    panels[0].set_ylabel("elements of all judged steps (log scale)")
    below(figure, "roundings (log scale)", panels)
    return figure


def _draw(axes: Axes, counts: dict[str, Array]) -> None:
    """``counts``: a backend's, (len(EDGES),) each."""
    highest = max((int(np.flatnonzero(value)[-1]) for value in counts.values() if value.any()), default=0)
    right = EDGES[min(max(highest + 2, int(np.searchsorted(EDGES, 10 * LIMIT))), len(EDGES) - 1)]
    edges = np.concatenate([[LEFT], EDGES[1:]])
    several = len(counts) > 1
    for i, ((name, value), look) in enumerate(zip(counts.items(), looks(len(counts)), strict=True)):
        beyond = int(value[-1])
        told = f"{plain(name)}{f' ({beyond} not finite or beyond 1e20)' if beyond else ''}"
        axes.stairs(value[:-1], edges, color=look.color, fill=not several, alpha=0.75, label=None if several else told)
        if several:
            at = np.flatnonzero(value[:-1])
            middle, size = np.sqrt(edges[at] * edges[at + 1]), 4 + 2 * (len(counts) - 1 - i)
            axes.plot(middle, value[at], look.marker, color=look.color, markersize=size, label=told)
    total = max((int(value.sum()) for value in counts.values()), default=0)
    middles = np.sqrt(edges[1:-1] * edges[2:])
    axes.plot(middles, by_rounding(total)[1:], color=BLACK, linewidth=1.5, label="what rounding alone gives")
    axes.axvline(LIMIT, color=ORANGE, linestyle="--", linewidth=1.5, label=f"the limit, {LIMIT:g}")
    top = max((int(value.max()) for value in counts.values()), default=1)
    axes.set(xscale="log", yscale="log", xlim=(LEFT, right), ylim=(0.5, 3 * max(top, 1)))
    axes.axvline(LOWEST, color=BLACK, linewidth=0.6)
    decades = np.arange(np.log10(LOWEST), np.log10(right) + 0.01)
    ticks = (10.0 ** decades[:: -(-len(decades) // 7)])[1:]
    axes.set_xticks([np.sqrt(LEFT * LOWEST), *ticks], [f"0 to\n{LOWEST:g}", *map(short, ticks)])
    axes.xaxis.set_minor_locator(NullLocator())


def by_rounding(total: int) -> Array:
    """How many of ``total`` values lie in each class if they follow a half-normal law of unit scale."""
    tail = erfc(EDGES / np.sqrt(2))
    return np.asarray(total * (tail[:-1] - tail[1:]))
