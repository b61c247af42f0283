"""One network in four precisions."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from benchmarks.gallery.section import Item, Section, claim
from runner.comparison.constants import LIMIT
from runner.records.plots.style import ORANGE, below, draw_line, grid, log_axis, looks, new_figure
from runner.records.words import number, small

DTYPES_SWEPT = ("bfloat16", "float16", "float32", "float64")
OVERRIDES = f"dtype={','.join(DTYPES_SWEPT)} data.samples=50 record.plots=false"
ERRORS = ("error/scratch", "error/torch")
MEASURES = {"max_abs": "NumPy from torch", "error/scratch": "NumPy from float64", "error/torch": "torch from float64"}

CAPTION = (
    "*The largest values over all gradients and steps. A stroke at the bottom is exactly 0; float64 has no error "
    "here, since it is what the others are held against.*"
)


def tell(folder: Path) -> Section:
    table = pd.read_parquet(folder / "sweep" / "sweep.parquet")
    gradients = table[~table["tensor"].isin(["loss", "prediction"])]
    worst = gradients.groupby("dtype")[[*MEASURES, "roundings"]].max().loc[list(DTYPES_SWEPT)]
    narrow = gradients[gradients["dtype"] == "bfloat16"]
    same, error = float((narrow["max_abs"] == 0).mean()), float(narrow[list(ERRORS)].to_numpy().max())
    claim(bool((pd.read_csv(folder / "sweep" / "sweep.csv")["verdict"] == "agree").all()), "all precisions agree")
    claim(same > 0.9, "most gradients in bfloat16 have the same bits in both backends")
    claim(bool((np.diff(worst["error/scratch"][:3]) < 0).all()), "every wider precision errs by less")
    claim(float(narrow["max_abs"].max()) < error / 2, "bfloat16 deviates by less than it errs")
    sentence = (
        f"In bfloat16 {100 * same:.3g} % of the gradients' tensors have the same bits in NumPy and in torch, and "
        f"lie up to {small(error)} from the exact ones all the same: that two agree does not make them accurate; in "
        "float64 they do differ, and counted in roundings all four precisions are within "
        f"{number(float(worst['roundings'].max()))}."
    )
    return Section(sentence, CAPTION, _figure(worst))


def _figure(worst: pd.DataFrame) -> Figure:
    figure = new_figure("One network in four precisions", 3.9, OVERRIDES)
    left, right = grid(figure, 2, 2)
    at = np.arange(len(DTYPES_SWEPT), dtype=np.float64)
    shown = worst.copy()
    shown.loc["float64", list(ERRORS)] = np.nan
    log_axis(left, np.nan_to_num(shown[list(MEASURES)].to_numpy()))
    for k, ((measure, label), look) in enumerate(zip(MEASURES.items(), looks(len(MEASURES)), strict=True)):
        there = shown[measure].notna().to_numpy()
        places = at + 0.16 * (k - 1)
        draw_line(
            left, places[there], shown[measure].to_numpy()[there], look._replace(linestyle="none"), label, markersize=7
        )
    left.set_ylabel("largest distance (log scale)")
    right.bar(at, worst["roundings"].to_numpy(), width=0.5, color=looks(1)[0].color)
    right.axhline(LIMIT, color=ORANGE, linestyle="--", label=f"{LIMIT:.0f}: the limit")
    right.set_ylabel("most roundings")
    for axes in (left, right):
        axes.set_xticks(at, DTYPES_SWEPT)
        axes.set_xlim(-0.5, len(at) - 0.5)
    below(figure, "precision", [left, right], columns=5)
    return figure


DTYPES = Item("dtypes", "Agreement is not accuracy", OVERRIDES, tell, sweep=True)
