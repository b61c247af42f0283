"""What a page says of a tensor that is not finite, which verdict.json has no word for."""

from __future__ import annotations

from math import inf, isnan
from pathlib import Path

import numpy as np

from runner.records.reading import read_run
from runner.records.report.shown import rows_of

from .folders import write_folder


def test_the_largest_deviation_of_a_tensor_that_is_not_finite_is_infinite(tmp_path: Path) -> None:
    write_folder(tmp_path / "run", "lr=1e30", "data.samples=5")
    run = read_run(tmp_path / "run")
    assert run.verdict["verdict"] == "diverged"
    finite = run.deviations.groupby("tensor")["max_abs"].apply(lambda values: bool(np.isfinite(values).all()))
    rows = {row.tensor: row for row in rows_of(run)}
    assert not all(finite)
    assert {name: row.max_abs == inf for name, row in rows.items()} == {name: not finite[name] for name in rows}


def test_nothing_is_known_of_a_gradient_that_was_not_returned(tmp_path: Path) -> None:
    missing = "backend.function.path=tests.own.wrong:missing"
    write_folder(tmp_path / "run", "backend=[function,torch]", missing, "data.samples=3")
    (row,) = [row for row in rows_of(read_run(tmp_path / "run")) if not row.ok]
    assert isnan(row.max_abs)
