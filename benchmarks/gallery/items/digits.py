"""A convolutional network on images of digits."""

from __future__ import annotations

from pathlib import Path

from benchmarks.gallery.section import Item, Section, claim
from runner.records.reading import read_run
from runner.records.words import number

CAPTION = "*How many held-out digits of each kind (a row) are taken for which (a column): the run's own plot.*"


def tell(folder: Path) -> Section:
    run = read_run(folder / "run")
    held_out = run.verdict["evaluation"]["held_out"]
    scratch, torch = (held_out[side]["accuracy"] for side in ("scratch", "torch"))
    elements = sum(run.parameters[f"last/{name}"].size for name in run.tensors[2:])
    steps = run.verdict["judged_steps"]
    rows = run.deviations
    apart = int((rows.loc[rows["tensor"] == "loss", "max_abs"] > 0).sum())
    claim(run.verdict["verdict"] == "agree", "all steps agree")
    claim(steps == len(run.steps), "every step is judged")
    claim(scratch == torch, "both backends have the same accuracy")
    claim(scratch > 0.95, "more than 95 % of the held-out digits are right")
    claim(apart > steps / 10, "the two losses are often not the same number")
    sentence = (
        f"Gradients derived by hand train a convolutional network to {100 * scratch:.2f} % of held-out digits, as "
        f"torch's do; over {steps} steps of {elements} gradients none is off by more than "
        f"{number(run.verdict['precision_roundings'])} roundings, though the two losses are not the same number in "
        f"{apart} of the steps."
    )
    return Section(sentence, CAPTION, run.folder / "plots" / "confusion.png")


DIGITS = Item("digits", "A network that learns to read", "experiment=digits_lenet", tell)
