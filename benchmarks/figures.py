"""`python -m benchmarks.figures`: draws the figures of docs/verdict.md from what is computed here and now."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from runner.arrays import Array
from runner.assemble import Setup
from runner.backends.scratch import Scratch
from runner.comparison.constants import LIMIT, NOISE, POINTS, UNIT_ROUNDOFF
from runner.comparison.point import Point
from runner.comparison.sides import HIGH, Sides
from runner.comparison.tensors import layout_of
from tests.helpers import make_setup

FOLDER = Path("docs/figures")
BLUE, ORANGE, GREEN, GREY = "#0072b2", "#d55e00", "#009e73", "#666666"
DEEP = (f"architecture.hidden={[10] * 12}", "batch_size=10")


def main() -> None:
    """Writes every figure as a PNG file."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for draw in (tolerance, sigma, nearby):
        figure = draw()
        path = FOLDER / f"{draw.__name__}.png"
        figure.savefig(path, dpi=110, metadata={"Software": None})
        print(path)


def tolerance() -> Figure:
    """Every gradient of a deep net: right ones and ones without the factor 2, under a tolerance and under sigma."""
    setup = make_setup(*DEEP, "backend=[missing_factor,torch]")
    point = _point(setup)
    single = {
        n: choice.make(n, setup.problem, setup.dtype) for n, choice in {**setup.backends, "scratch": Scratch()}.items()
    }
    for side in single.values():
        side.load(setup.initial)
    flat = {n: point.layout.flat(n, side.step(setup.x[:10], setup.y[:10], draws={})) for n, side in single.items()}
    place = point.layout.gradients
    g = np.abs(point.reference[place])
    rounding = point.sigma_of_noise(NOISE * UNIT_ROUNDOFF["float32"])[place] + UNIT_ROUNDOFF["float32"] * g
    figure = Figure(figsize=(7.5, 5), layout="constrained")
    axes = figure.subplots()
    wrong, right = (np.abs(flat[n] - flat["torch"])[place] for n in ("missing_factor", "scratch"))
    axes.scatter(g, wrong, s=9, marker="x", color=ORANGE, label="wrong: the factor 2 is missing", zorder=3)
    axes.scatter(g[right > 0], right[right > 0], s=7, color=BLUE, label="right: NumPy against torch, float32", zorder=3)
    axes.scatter(g, LIMIT * rounding, s=5, marker="_", color=GREEN, label="30 roundings, measured for each", zorder=2)
    line = np.geomspace(g.min(), g.max())
    axes.plot(line, 1e-8 + 1e-5 * line, color=GREY, label="numpy.allclose calls equal what lies below")
    axes.set(xscale="log", yscale="log", xlabel="|gradient|, one mark an element", ylabel="|difference|")
    axes.legend(loc="upper left")
    return figure


def sigma() -> Figure:
    """What the library really errs by in float64, as extended precision shows it, over each look's sigma."""
    first, second = [], []
    for seed in range(1, 6):
        setup = make_setup(*DEEP, f"seed={seed}")
        point = _point(setup)
        exact = Scratch().make("exact", setup.problem, np.dtype(np.longdouble))
        exact.load(setup.initial)
        step = exact.step(setup.x[:10], setup.y[:10], draws={})
        parts = [step.loss, step.prediction, *(step.gradients[n] for n in point.layout.names[2:])]
        truth = np.concatenate([np.ravel(part) for part in parts])
        error = np.abs((point.library.astype(np.longdouble) - truth).astype(np.float64))
        unit = UNIT_ROUNDOFF["float64"] * np.abs(point.library)
        two = point.sigma_of_two_precisions({})
        assert two is not None
        first.append(error / (two * UNIT_ROUNDOFF["float64"] / UNIT_ROUNDOFF["float32"] + unit))
        second.append(error / (point.sigma_of_noise(NOISE * UNIT_ROUNDOFF["float64"]) + unit))
    figure = Figure(figsize=(7.5, 4), layout="constrained")
    axes = figure.subplots()
    bins = np.geomspace(1e-4, 1e3, 57).tolist()
    for found, colour, label in ((first, BLUE, "first look"), (second, ORANGE, "second look")):
        every = np.concatenate(found)
        text = f"{label}: median {np.median(every):.2g}, largest {every.max():.2g}"
        axes.hist(np.maximum(every, bins[0]), bins, histtype="step", linewidth=1.8, color=colour, label=text)
    _limit(axes)
    axes.set(xscale="log", xlabel="error in float64 / sigma, one count an element", ylabel="elements")
    axes.margins(y=0.3)
    axes.legend(loc="upper left")
    return figure


def nearby() -> Figure:
    """The deviation of the worst element at the points of the third look: a wrong formula and a lossy right one."""
    figure = Figure(figsize=(9, 4), layout="constrained")
    both = figure.subplots(1, 2)
    cases = (
        ("one_element_hardly_off", "wrong by 1e-12 of itself", ORANGE),
        ("sigmoid_in_single", "right, but lossy", BLUE),
    )
    for axes, (name, words, colour) in zip(both, cases, strict=True):
        point = _point(make_setup("batch_size=10", f"backend=[{name},torch]"))
        s = point.sigma_of_noise(NOISE * UNIT_ROUNDOFF["float64"]) + UNIT_ROUNDOFF["float64"] * np.abs(point.reference)
        worst = int(
            np.argmax(np.abs(point.high(name) - point.reference)[point.layout.gradients] / s[point.layout.gradients])
        )
        at = worst + point.layout.gradients.start

        def deviation(there: Point, name: str = name, at: int = at, unit: float = float(s[at])) -> float:
            return float((there.high(name) - there.reference)[at]) / unit

        here, around = deviation(point), [deviation(point.moved(k)) for k in range(POINTS)]
        steadiness = abs(np.mean(around)) / np.hypot(np.std(around, ddof=1), 1.0)
        axes.bar(range(POINTS), around, color=colour, width=0.6)
        axes.axhline(here, color=GREY, linestyle="--", label="at the given point")
        axes.axhline(0, color="black", linewidth=0.8)
        axes.set(
            title=f"{words}\n|mean| / scatter = {steadiness:.3g}",
            xlabel="nearby point",
            ylabel="deviation in roundings",
        )
        axes.legend(loc="lower right", framealpha=1)
    return figure


def _point(setup: Setup) -> Point:
    """The first step's point."""
    batch = setup.batch_size
    sides = Sides(setup.problem, setup.backends, list(setup.backends)[-1])
    parameters = {name: value.astype(HIGH) for name, value in setup.initial.parameters.items()}
    layout = layout_of(setup.problem.network, batch)
    return Point(sides, layout, parameters, _high(setup.x[:batch]), _high(setup.y[:batch]))


def _high(values: Array) -> Array:
    return values.astype(HIGH)


def _limit(axes: Axes) -> None:
    axes.axvline(LIMIT, color=GREY, linestyle="--")
    axes.annotate(
        f"{LIMIT:.0f} roundings",
        (LIMIT, 0.97),
        (4, 0),
        xycoords=("data", "axes fraction"),
        textcoords="offset points",
        va="top",
    )


if __name__ == "__main__":
    main()
