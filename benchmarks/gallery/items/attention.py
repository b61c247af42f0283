"""A transformer, and a gradient that is nothing but rounding."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from benchmarks.gallery.section import Item, Section, claim
from runner.arrays import Array
from runner.comparison.constants import LIMIT
from runner.records.plots.style import BLUE, GREEN, GREY, ORANGE, grid, log_axis, new_figure
from runner.records.reading import RecordedRun, read_run
from runner.records.words import number

BIAS = ".in_proj_bias"
QUERIES, KEYS, VALUES = range(3)

CAPTION = (
    "*Left: the bias of the first block's attention, an element a place, in the first step. Right: of each of the "
    "network's tensors the largest relative deviation of any element, and the most roundings of any; the green "
    "ones hold the keys' biases.*"
)


def tell(folder: Path) -> Section:
    run = read_run(folder / "run")
    scratch, torch = (
        np.concatenate([_thirds(run, side, name) for name in _biases(run)], axis=1) for side in run.backends
    )
    keys, others = np.abs(torch[:, :, KEYS]).max(), np.abs(torch[:, :, QUERIES]).max()
    opposite = float((scratch * torch < 0)[:, :, KEYS].mean())
    off = np.abs(scratch - torch)[:, :, KEYS] / np.maximum(np.abs(torch[:, :, KEYS]), np.finfo(np.float64).tiny)
    table = _by_tensor(run)
    off_by = max(_roundings_of_keys(run, name) for name in _biases(run))
    claim(run.verdict["verdict"] == "agree", "all steps agree")
    claim(keys < 1e-4 * others, "the gradients of the keys' biases are tiny beside those of the queries'")
    claim(off_by < 2, "they are hardly a rounding off")
    claim(opposite > 0.25, "a quarter of them and more have opposite signs")
    claim(float(np.median(off)) > 0.5, "half of them are off by half of themselves and more")
    claim(
        set(table["max_rel"].nlargest(len(_biases(run))).index) == set(_biases(run)),
        "their tensors deviate most, relatively",
    )
    sentence = (
        "The gradient of the keys' biases is 0 in theory, since a softmax does not see what is added to a whole "
        f"row: what stands there, {keys:.1e} at most where the queries' is {others:.1e}, is rounding alone, of "
        f"opposite sign in NumPy and in torch in {100 * opposite:.0f} % of the elements, and it is {number(off_by)} "
        f"roundings off at most; the most of all, {number(float(table['roundings'].max()))}, has "
        f"`{table['roundings'].idxmax()}`."
    )
    return Section(sentence, CAPTION, _figure(run, scratch, torch, table))


def _biases(run: RecordedRun) -> list[str]:
    return [name for name in run.tensors if name.endswith(BIAS)]


def _thirds(run: RecordedRun, side: str, name: str) -> Array:
    """The bias's gradient as (steps, 1, 3, width): queries, keys and values."""
    assert run.gradients is not None
    values = np.asarray(run.gradients[f"{side}/{name}"], np.float64)
    return values.reshape(len(values), 1, 3, -1)


def _roundings_of_keys(run: RecordedRun, name: str) -> float:
    """The most of any element of the keys' bias."""
    assert run.roundings is not None
    return float(run.roundings[f"precision/{run.backends[0]}/{name}"].reshape(3, -1)[KEYS].max())


def _by_tensor(run: RecordedRun) -> pd.DataFrame:
    """The largest ``max_rel`` and ``roundings`` of each gradient, over all steps."""
    rows = run.deviations[~run.deviations["tensor"].isin(["loss", "prediction"])]
    return rows.groupby("tensor")[["max_rel", "roundings"]].max()


def _figure(run: RecordedRun, scratch: Array, torch: Array, table: pd.DataFrame) -> Figure:
    figure = new_figure("A transformer: a gradient that is nothing but rounding", 3.9, run.title)
    left, right = grid(figure, 2, 2)
    first = [np.abs(side[0, 0]).ravel() for side in (torch, scratch)]
    log_axis(left, np.concatenate(first))
    for values, mark, colour, label, size in ((first[0], "o", BLUE, "torch", 5), (first[1], "x", ORANGE, "NumPy", 4)):
        left.plot(np.arange(len(values)), values, mark, color=colour, label=label, markersize=size, fillstyle="none")
    width = len(first[0]) // 3
    for third, words in enumerate(("queries", "keys", "values")):
        left.text((third + 0.5) * width, 1.01, words, ha="center", va="bottom", transform=left.get_xaxis_transform())
        left.axvline(third * width - 0.5, color=GREY, linewidth=0.6)
    left.set(xlabel="element of the bias", ylabel="|gradient| (log scale)")
    left.legend(loc="lower right", frameon=False)
    of_keys = table.index.isin(_biases(run))
    right.set_xscale("log")
    right.plot(table["max_rel"][~of_keys], table["roundings"][~of_keys], "o", color=BLUE, label="other tensors")
    right.plot(table["max_rel"][of_keys], table["roundings"][of_keys], "s", color=GREEN, label="with the keys' biases")
    right.axhline(LIMIT, color=GREY, linestyle="--", label=f"{LIMIT:.0f}: the limit")
    right.set_ylim(0, 1.1 * LIMIT)
    right.set(xlabel="largest relative deviation (log scale)", ylabel="most roundings")
    right.legend(loc="center left", frameon=False)
    return figure


ATTENTION = Item(
    "attention",
    "A gradient of nothing but rounding",
    "data=tokens target=given architecture=transformer_small architecture.vocabulary=8 architecture.out=8 "
    "architecture.width=16 loss=cross_entropy batch_size=20",
    tell,
)
