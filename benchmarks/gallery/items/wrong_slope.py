"""A user's function with a mistake that no tolerance sees."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from benchmarks.gallery.section import Item, Section, claim
from runner.records.reading import RecordedRun, read_run
from runner.records.words import number

FILE = Path("benchmarks", "gallery", "first_slope.py")
CAUSE = "slope_at_activation"
WRONG = ("input_layer.weight", "input_layer.bias")

MARK = "  # the mistake"

CAPTION = "*The formula, judged in float64: the largest roundings of each element. The file's mistake is `{mistake}`.*"


def tell(folder: Path) -> Section:
    run = read_run(folder / "run")
    claim(run.verdict["verdict"] == "mismatch", "there is a mismatch")
    causes = [cause for explanation in run.verdict["explanations"].values() for cause in explanation["causes"]]
    claim([cause["name"] for cause in causes] == [CAUSE], f"the cause is {CAUSE}")
    wrong = tuple(row["tensor"] for row in run.verdict["tensors"] if not row["ok"])
    claim(wrong == WRONG, "the first layer alone is wrong")
    accepted, compared, share = _by_tolerance(run)
    claim(accepted == compared, "numpy.allclose accepts every tensor of every step")
    claim(share > 0.1, "the wrong gradients are off by a tenth of themselves and more")
    sentence = (
        "A slope taken at the activation, in the first of nine layers alone, makes that layer's gradients wrong by "
        f"up to {100 * share:.0f} %; since they are small, `numpy.allclose` with its defaults accepts each of the "
        f"{compared} tensors of the {run.verdict['judged_steps']} steps, while the verdict sees "
        f"up to {number(run.verdict['logic_roundings'])} roundings and names the cause: *{causes[0]['sentence']}*."
    )
    (line,) = (line for line in FILE.read_text(encoding="utf-8").splitlines() if MARK in line)
    caption = CAPTION.format(mistake=line.partition(MARK)[0].strip())
    return Section(sentence, caption, folder / "run" / "plots" / "heat_map.png")


def _by_tolerance(run: RecordedRun) -> tuple[int, int, float]:
    """How many tensors of how many allclose accepts, and the largest relative error of what is wrong (norm by norm)."""
    assert run.gradients is not None
    accepted, compared, share = 0, 0, 0.0
    for name in run.tensors[2:]:
        mine, right = (np.asarray(run.gradients[f"{side}/{name}"], np.float64) for side in run.backends)
        for u, g in zip(mine, right, strict=True):
            accepted += bool(np.allclose(u, g))
            compared += 1
            if name in WRONG:
                share = max(share, float(np.linalg.norm(u - g) / np.linalg.norm(g)))
    return accepted, compared, share


WRONG_SLOPE = Item(
    "wrong_slope",
    "A mistake that a tolerance accepts",
    f"'backend=[function,torch]' backend.function.path={FILE}:backprop "
    "'architecture.hidden=[10,10,10,10,10,10,10,10]' data.samples=20",
    tell,
    status=1,
)
