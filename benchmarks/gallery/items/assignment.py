"""One step on one sample: what one rounding is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from benchmarks.gallery.section import Item, Section, claim
from runner.arrays import Array
from runner.comparison.constants import LIMIT
from runner.records.plots.style import BLUE, GREY, ORANGE, grid, log_axis, new_figure
from runner.records.reading import RecordedRun, read_run
from runner.records.words import number

CAPTION = (
    "*Every gradient of the one step, a mark each. Left: how far NumPy's number is from torch's, and the distance "
    "of one float32 number from the next at that size; a stroke at the bottom is a gradient of the same bits. "
    "Right: the same step counted in roundings, NumPy's gradients against the exact ones (torch's in float64). One "
    "rounding is the standard deviation of what rounding does to that very number.*"
)


def tell(folder: Path) -> Section:
    run = read_run(folder / "run")
    scratch, torch, roundings = _step(run)
    apart = np.abs(scratch.astype(np.float64) - torch)
    digits = float((apart / _spacing(torch)).max())
    other, worst = int((apart > 0).sum()), float(roundings.max())
    claim(run.verdict["verdict"] == "agree", "the two agree")
    claim(other > len(apart) / 4, "a quarter of the gradients and more have other bits")
    claim(digits >= 2, "some are two steps of the last digit apart")
    claim(worst < 2, "no gradient is off by two roundings")
    sentence = (
        f"The same formula in NumPy and in torch gives other bits in {other} of {len(apart)} gradients, up to "
        f"{digits:.0f} float32 numbers apart, and yet none is further from the exact one than {number(worst)} times "
        "what rounding does to it."
    )
    return Section(sentence, CAPTION, _figure(run, torch, apart, roundings))


def _step(run: RecordedRun) -> tuple[Array, Array, Array]:
    """All gradients of the first step, of both backends, and the roundings of scratch's, (elements,)."""
    assert run.gradients is not None
    assert run.roundings is not None
    names = run.tensors[2:]
    scratch, torch = (
        np.concatenate([run.gradients[f"{side}/{name}"][0].ravel() for name in names]) for side in run.backends
    )
    return scratch, torch, np.concatenate([run.roundings[f"precision/scratch/{name}"].ravel() for name in names])


def _spacing(values: Array) -> Array:
    """From each float32 number to the next larger one."""
    return np.spacing(np.abs(values)).astype(np.float64)


def _figure(run: RecordedRun, torch: Array, apart: Array, roundings: Array) -> Figure:
    figure = new_figure("One step on one sample: what one rounding is", 3.9, run.title)
    left, right = grid(figure, 2, 2)
    size, spacing = np.abs(torch), _spacing(torch)
    log_axis(left, np.concatenate([apart, spacing]))
    left.set_xscale("log")
    powers = 2.0 ** np.arange(np.floor(np.log2(size.min())), np.ceil(np.log2(size.max())) + 1)
    steps = _spacing(powers.astype(np.float32))
    left.step(powers, steps, where="post", color=GREY, label="from one float32 number to the next")
    there = apart > 0
    left.plot(size[there], apart[there], "o", color=BLUE, label="|NumPy - torch|")
    bottom = left.get_xaxis_transform()
    left.plot(size[~there], np.full(int((~there).sum()), 0.02), "|", color=BLUE, transform=bottom, label="exactly 0")
    left.set(xlabel="|gradient|", ylabel="difference (log scale)")
    left.legend(loc="upper left", frameon=False)
    bins = np.geomspace(1e-3, 100, 41)
    right.hist(np.maximum(roundings, bins[0]), bins.tolist(), color=BLUE)
    right.axvline(LIMIT, color=ORANGE, linestyle="--")
    right.annotate(
        f"{LIMIT:.0f}: the limit", (LIMIT, 0.97), (-4, 0), ("data", "axes fraction"), "offset points", ha="right"
    )
    right.set(xscale="log", xlabel="roundings from the exact gradient (log scale)", ylabel="gradients")
    return figure


ASSIGNMENT = Item("assignment", "What one rounding is", "experiment=assignment", tell)
