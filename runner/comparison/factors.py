"""Whether factors of products that are rounded to TF32 account for the digits that a right formula has lost."""

from __future__ import annotations

import numpy as np

from runner.comparison.constants import LIMIT, NOISE, TF32
from runner.comparison.explanation import Explanation
from runner.comparison.looks import Judged, measured
from runner.comparison.observed import Cause


def explain_factors(name: str, judged: Judged) -> Explanation | None:
    """The explanation of a side that is imprecise in float32 and whose configuration says that it multiplies in TF32.

    Proved as every cause is, or not named: with noise of TF32's size in place of float32's, and TF32's unit roundoff of
    the value, the side stands within 30 roundings of the reference in float64.
    """
    point = judged.point
    assert point is not None
    sigma = point.sigma_of_noise(NOISE * TF32) + TF32 * np.abs(judged.g)
    worst = float(measured(2, judged.u, judged.g, sigma, "float32").roundings.max())
    if worst > LIMIT:
        return None
    places = point.layout.slices()
    cause = Cause(
        "tf32",
        "the factors of its products are rounded to TF32, which keeps 10 of float32's 23 bits of mantissa; with "
        f"rounding of that size the step is right, at most {worst:.1f} roundings away",
        point.sides.choices[name].as_told(name, "tf32", "false"),
        tuple(t for t in point.layout.order if judged.roundings[places[t]].max() > LIMIT),
        worst,
    )
    return Explanation(name, (cause,))
