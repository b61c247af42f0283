"""Each backend on its own path, at five learning rates."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from benchmarks.gallery.section import Item, Section, claim
from runner.comparison.drift import ALL
from runner.records.plots.style import GREY, draw_line, grid, log_axis, looks, new_figure
from runner.records.reading import read_run
from runner.records.words import number

RATES = (0.003, 0.01, 0.03, 0.1, 0.3)
OVERRIDES = f"lockstep=false epochs=5 lr={','.join(map(str, RATES))}"

CAPTION = (
    "*The Euclidean distance of all of NumPy's parameters from torch's: left after every step from where they "
    "first part, right after the last one, with what it would be in proportion to the rate.*"
)


def tell(folder: Path) -> Section:
    runs = [read_run(folder / "sweep" / str(job)) for job in range(len(RATES))]
    last: list[dict[str, Any]] = [run.verdict["drift"]["scratch"] for run in runs]
    distance = np.array([of["norm"] for of in last])
    ratio, times = RATES[-1] / RATES[0], float(distance[-1] / distance[0])
    roundings = max(of["roundings"] for of in last)
    claim(all(run.verdict["verdict"] == "agree" for run in runs), "all rates agree")
    claim(bool((np.diff(distance) > 0).all()), "a larger rate parts them further")
    claim(times < ratio / 2, "they part by less than in proportion to the rate")
    claim(roundings < 30, "they stay within 30 roundings")
    sentence = (
        f"Two right backends that go their own ways part by rounding alone, and {ratio:.0f} times the learning rate "
        f"parts them only {times:.1f} times as far in {last[0]['steps']} steps; at none of the rates are they more "
        f"than {number(roundings)} roundings apart."
    )
    tables = [_distances(run.drift) for run in runs]
    return Section(sentence, CAPTION, _figure(tables, distance))


def _distances(table: pd.DataFrame | None) -> pd.DataFrame:
    """Those of all parameters as one vector, after the first step and later."""
    assert table is not None
    return table[(table["tensor"] == ALL) & (table["step"] > 0)]


def _figure(tables: list[pd.DataFrame], distance: np.ndarray[Any, Any]) -> Figure:
    figure = new_figure("Two right backends, each on its own path", 3.9, OVERRIDES)
    left, right = grid(figure, 2, 2)
    proportional = distance[0] * np.array(RATES) / RATES[0]
    for axes, values in ((left, np.concatenate([rows["norm"] for rows in tables])), (right, proportional)):
        log_axis(axes, values)
        axes.set_xscale("log")
    for rate, rows, look in zip(RATES, tables, looks(len(RATES)), strict=True):
        parted = rows[rows["norm"] > 0]
        left.plot(parted["step"], parted["norm"], color=look.color, linestyle=look.linestyle, label=f"lr={rate:g}")
    left.set(xlabel="steps made (log scale)", ylabel="distance of all parameters (log scale)")
    draw_line(right, np.array(RATES), distance, looks(1)[0], "after the last step", markersize=6)
    right.plot(RATES, proportional, "--", color=GREY, label="in proportion to the rate")
    right.set_xlabel("learning rate (log scale)")
    for axes in (left, right):
        axes.legend(loc="lower right", frameon=False)
    return figure


DRIFT = Item("drift", "Left to themselves", f"{OVERRIDES} record.plots=false", tell, sweep=True)
