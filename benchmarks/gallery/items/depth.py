"""From one hidden layer to forty."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, NullLocator

from benchmarks.gallery.section import Item, Section, claim
from runner.records.plots.style import below, draw_line, grid, log_axis, looks, new_figure
from runner.records.reading import read_run
from runner.records.words import small

DEPTHS = (1, 2, 5, 10, 20, 40)
COLUMN = "architecture.depth"
OVERRIDES = f"architecture=deep_mlp architecture.depth={','.join(map(str, DEPTHS))} architecture.width=10"
FIRST, LAST = "first layer's weight", "last layer's weight"

CAPTION = (
    "*Of the run in float32: NumPy's largest deviation from torch over all steps and elements, and its most roundings.*"
)


def tell(folder: Path) -> Section:
    found = _by_depth(pd.read_parquet(folder / "sweep" / "sweep.parquet"))
    deviation, roundings = (found[FIRST][name].to_numpy() for name in ("max_abs", "roundings"))
    outcomes = pd.read_csv(folder / "sweep" / "sweep.csv")["verdict"]
    claim(bool((outcomes == "agree").all()), "all depths agree")
    claim(bool((np.diff(deviation) < 0).all()), "the first layer's deviation shrinks with every depth")
    claim(bool(roundings.max() < 2 * roundings.min()), "its roundings stay the same")
    sizes = _sizes(folder / "sweep")
    claim(bool((np.diff(sizes) < 0).all()), "the first layer's gradient shrinks with every depth")
    sentence = (
        f"From {DEPTHS[0]} hidden layer to {DEPTHS[-1]} the first layer's deviation falls from "
        f"{small(deviation[0])} to {small(deviation[-1])}, since its gradient falls from {sizes[0]:.1e} to "
        f"{sizes[-1]:.1e}, so that no one tolerance fits both; counted in roundings it is between "
        f"{roundings.min():.2f} and {roundings.max():.2f} at every depth."
    )
    return Section(sentence, CAPTION, _figure(found))


def _sizes(sweep: Path) -> list[float]:
    """Of every depth the largest gradient of the first layer's weight, in torch."""
    gradients = [read_run(sweep / str(job)).gradients for job in range(len(DEPTHS))]
    return [float(np.abs(of["torch/input_layer.weight"]).max()) for of in gradients if of is not None]


def _by_depth(table: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Of the first and the last layer's weight: a row a depth."""
    found: dict[str, list[pd.Series]] = {FIRST: [], LAST: []}
    for depth in DEPTHS:
        rows = table[table[COLUMN] == depth]
        weights = [name for name in rows["tensor"].unique() if name.endswith(".weight")]
        for label, name in ((FIRST, weights[0]), (LAST, weights[-1])):
            found[label].append(rows[rows["tensor"] == name][["max_abs", "roundings"]].max())
    return {label: pd.DataFrame(rows).reset_index(drop=True) for label, rows in found.items()}


def _figure(found: dict[str, pd.DataFrame]) -> Figure:
    figure = new_figure("One to forty hidden layers of 10, sigmoid", 3.9, OVERRIDES)
    left, right = grid(figure, 2, 2)
    for axes, measure, words in ((left, "max_abs", "largest deviation"), (right, "roundings", "most roundings")):
        if measure == "max_abs":
            log_axis(axes, np.concatenate([rows[measure] for rows in found.values()]))
        for (label, rows), look in zip(found.items(), looks(len(found)), strict=True):
            draw_line(axes, np.array(DEPTHS), rows[measure].to_numpy(), look, label)
        axes.set_ylabel(f"{words}{' (log scale)' * (measure == 'max_abs')}")
        _depth_axis(axes)
    right.set_ylim(0, 3)
    below(figure, "hidden layers (log scale)", [left])
    return figure


def _depth_axis(axes: Axes) -> None:
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(FixedLocator(DEPTHS))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xticklabels(list(map(str, DEPTHS)))


DEPTH = Item(
    "depth",
    "Forty layers deep",
    f"{OVERRIDES} architecture.activation=sigmoid data.samples=20 record.plots=false",
    tell,
    sweep=True,
)
