"""Whatever the numbers of a run are, each of its plots is drawn, without a warning."""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from runner.arrays import Array
from runner.records.elements import EDGES
from runner.records.plots import OF_RECORDS, OF_SETUP, figure_of
from runner.records.plots.drawing import drawing

from .conftest import Drawn, Recorded
from .looking import GIVEN, REGIONS, SEVERAL

WIDE = ("dtype=float64",)
RUNS = {
    "every record": (*SEVERAL, "lockstep=false", "epochs=2", *WIDE),
    "two inputs": ("data.samples=5", *WIDE),
    "one input": ("data.features=1", "target=sine", "data.samples=5", *WIDE),
    "two classes of one output": (*GIVEN, *WIDE),
    "three classes": (*REGIONS, *WIDE),
}
EVERY: dict[str, Sequence[str]] = {"every record": tuple(OF_RECORDS)}
"""What is drawn of a run: what its records alone suffice for, else what looks at the network."""

NUMBERS: dict[str, list[float]] = {
    **{f"{value:g}": [value] for value in (1e300, -1e300, 1.7e308, np.inf, np.nan, 0.0, 5e-324, 1e51)},
    "the largest and the least": [1e300, 5e-324],
    "all kinds": [1e300, np.nan, 0.0, np.inf, 5e-324, 1.0, -1e300, -np.inf],
}


def filled(numbers: list[float], like: Array) -> Array:
    return np.resize(np.array(numbers), like.shape).astype(like.dtype)


def of_numbers(drawn: Drawn, numbers: list[float]) -> Drawn:
    """The same run, as if everything that was measured had been these; what is learnt from stays finite."""
    run, setup = drawn.run, drawn.setup
    known = [value for value in numbers if np.isfinite(value)] or [1e300]
    rows: list[dict[str, Any]] = [dict(row) for row in run.verdict["tensors"]]
    for row in rows:
        row |= {"roundings": known[0], "logic_roundings": known[0]}
    other = dataclasses.replace(run, verdict={**run.verdict, "tensors": rows})
    for name in ("deviations", "drift"):
        table = getattr(run, name)
        if table is not None:
            table = table.copy()
            for column in table.select_dtypes("floating"):
                table[column] = filled(numbers, table[column].to_numpy())
        other.__dict__[name] = table
    for name in ("roundings", "trajectories", "gradients", "parameters"):
        arrays = getattr(run, name)
        kept = known if name == "parameters" else numbers
        of_floats = {key: filled(kept, a) if a.dtype.kind == "f" else np.asarray(a) for key, a in arrays.items()}
        other.__dict__[name] = of_floats
    places = np.maximum(np.searchsorted(EDGES, numbers, "right") - 1, 0)
    counts = 100 * np.bincount(places, minlength=len(EDGES))
    other.__dict__["roundings"] |= {key: counts for key in other.__dict__["roundings"] if key.startswith("counts/")}
    y = setup.y if drawn.run.config["target"]["_target_"].endswith("Given") else filled(known, setup.y)
    return Drawn(other, dataclasses.replace(setup, y=y, x=filled(known, setup.x)))


@pytest.mark.parametrize("numbers", NUMBERS)
@pytest.mark.parametrize("kind", RUNS)
def test_a_plot_of_any_numbers_is_drawn(recorded: Recorded, kind: str, numbers: str) -> None:
    drawn = of_numbers(recorded(*RUNS[kind]), NUMBERS[numbers])
    with drawing(), warnings.catch_warnings():
        warnings.simplefilter("error")
        for name in EVERY.get(kind, tuple(OF_SETUP)):
            figure = figure_of(name, drawn.run, drawn.setup)
            if figure is not None:
                FigureCanvasAgg(figure).draw()  # type: ignore[no-untyped-call]
            assert figure is not None or name in ("function", "confusion", "roundings", "heat_map")
