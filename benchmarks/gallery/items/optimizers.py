"""A sweep over two keys."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from benchmarks.gallery.section import Item, Section, claim
from runner.records.words import number

OVERRIDES = "optimizer=sgd,rmsprop,adam,adagrad lr=0.001,0.01,0.1,1"

CAPTION = "*The sweep's own plot: as all jobs agree it shows the last loss, of all samples; a circle is agreement.*"


def tell(folder: Path) -> Section:
    jobs = pd.read_csv(folder / "sweep" / "sweep.csv")
    losses = {
        str(name): dict(zip(rows["lr"], rows["last_loss/torch"], strict=True))
        for name, rows in jobs.groupby("optimizer")
    }
    best = {name: min(of_rate, key=of_rate.__getitem__) for name, of_rate in losses.items()}
    low, high = min(best, key=best.__getitem__), max(best, key=best.__getitem__)
    claim(bool((jobs["verdict"] == "agree").all()), "all jobs agree")
    claim(best[low] < best[high], "the optimizers' best rates differ")
    sentence = (
        f"The best rate of one optimizer is none for another: {low} does best with {best[low]:g} and {high} with "
        f"{best[high]:g}, where {low} ends at a loss of {losses[low][best[high]]:.2g} in place of "
        f"{losses[low][best[low]]:.2g}; all {len(jobs)} jobs, the bad ones too, agree to within "
        f"{number(float(jobs['roundings'].max()))} roundings."
    )
    return Section(sentence, CAPTION, folder / "sweep" / "sweep.png")


OPTIMIZERS = Item(
    "optimizers",
    "Sixteen runs in one command",
    f"{OVERRIDES} loss=mse data.samples=50 batch_size=50 epochs=200 record.every=20 record.plots=false",
    tell,
    sweep=True,
)
