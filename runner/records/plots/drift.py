"""How far the backends' parameters come apart where each follows its own path, and how that grows."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from runner.arrays import Array
from runner.comparison.drift import growth
from runner.records.plots.style import LARGEST, below, draw_line, listed, log_axis, looks, new_figure, plain, step_axis
from runner.records.reading import RecordedRun


def drift(run: RecordedRun) -> Figure | None:
    """The distance of all parameters from the reference's; None where it was not measured."""
    if run.drift is None or not len(run.drift):
        return None
    rows = run.drift
    judged = listed(run.backends[:-1])
    figure = new_figure(f"Drift of the parameters of {judged} from {plain(run.reference)}'s", 4.2, run.title)
    axes = figure.subplots()
    log_axis(axes, rows["norm"].to_numpy(np.float64))
    for name, look in zip(run.backends[:-1], looks(len(run.backends) - 1), strict=True):
        mine = rows[rows["backend"] == name]
        updates, distances = mine["step"].to_numpy(), mine["norm"].to_numpy(np.float64)
        draw_line(axes, updates, distances, look, plain(name), linewidth=1.0)
        _draw_fit(axes, plain(name), updates, distances, look.color)
    axes.set_ylabel("Euclidean distance of all parameters (log scale)")
    step_axis(axes, rows["step"].to_numpy())
    below(figure, "steps made", [axes], columns=3)
    return figure


def _draw_fit(axes: Axes, name: str, updates: Array, distances: Array, color: str) -> None:
    """Both models, the better one broad."""
    found = growth(updates, distances)
    if found is None:
        return
    words = {
        "power": f"{name}: like step^{found.power.rate:.2f}",
        "exponential": f"{name}: {'doubles' if found.doubling > 0 else 'halves'} in {abs(found.doubling):.3g} steps",
    }
    for model, line in fitted(updates, distances).items():
        better = model == found.better
        told = f"{words[model]}{' (fits better)' * better}"
        linestyle = "-" if model == "power" else "--"
        axes.plot(*line, linestyle, color=color, alpha=0.55, linewidth=3.0 if better else 1.2, label=told)


def fitted(updates: Array, distances: Array) -> dict[str, tuple[Array, Array]]:
    """The points of both models of ``growth`` through what it was fitted to."""
    found = growth(updates, distances)
    assert found is not None
    use = (updates > 0) & (distances > 0) & (distances <= LARGEST)
    k, log_d = updates[use].astype(np.float64), np.log(distances[use])
    at = np.unique(np.linspace(k.min(), k.max(), 200))
    lines = {}
    for model, rate, along in (
        ("power", found.power.rate, np.log),
        ("exponential", found.exponential.rate, np.asarray),
    ):
        line = log_d.mean() + rate * (along(at) - along(k).mean())
        lines[model] = (at, np.exp(np.clip(line, -700.0, 690.0)))
    return lines
