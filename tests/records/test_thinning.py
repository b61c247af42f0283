"""Long lines keep their extremes, and judged steps are not lost between others."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from runner.records import norms
from runner.records.norms import layer_norms
from runner.records.outline import outline_of_all
from runner.records.report.data import _thinned


def thinned(rows: pd.DataFrame, count: int) -> pd.DataFrame:
    """The rows that are shown of a line that is all of a table."""
    columns = {str(name): column.to_numpy() for name, column in rows.items()}
    return rows.iloc[_thinned(columns, np.arange(len(rows)), "", count)]


def table(steps: int, every: int) -> pd.DataFrame:
    """Roundings at every so many steps; the deviation grows from step to step."""
    numbers = np.arange(steps)
    roundings = np.where(numbers % every == 0, 1.0 + numbers % 7, np.nan)
    return pd.DataFrame({"step": numbers, "roundings": roundings, "max_abs": 1e-9 * numbers})


@pytest.mark.parametrize("every", [1, 100])
def test_the_worst_of_the_judged_steps_is_shown_wherever_it_lies(every: int) -> None:
    rows = table(10_000, every)
    rows.loc[4300, "roundings"] = 29.0
    shown = thinned(rows, 300)
    assert len(shown) <= 300
    assert 29.0 in set(shown["roundings"])
    assert shown["roundings"].notna().sum() >= min(100, 10_000 // every)
    assert {0, 9_999} <= set(shown["step"])
    assert shown["step"].is_monotonic_increasing


def test_a_line_without_any_judged_step_is_thinned_by_its_deviation() -> None:
    rows = table(1000, 1).assign(roundings=np.nan)
    rows.loc[500, "max_abs"] = 1.0
    assert 500 in set(thinned(rows, 20)["step"])


def test_the_extremes_of_every_line_are_among_the_steps() -> None:
    lines = [np.sin(np.arange(5000.0)), np.cos(np.arange(5000.0))]
    lines[0][1234], lines[1][4321] = 9, -9
    at = outline_of_all(lines, 100)
    assert {0, 1234, 4321, 4999} <= set(at.tolist())
    assert len(at) <= 200


def test_norms_are_those_of_all_parameters_of_a_layer(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(5)
    gradients = {
        "w": rng.normal(size=(700, 3, 2)).astype(np.float32),
        "b": rng.normal(size=(700, 3)).astype(np.float32),
    }
    at, found = layer_norms(gradients, {"layer": ["w", "b"]})
    whole = np.concatenate([gradients["w"].reshape(700, -1), gradients["b"]], axis=1).astype(np.float64)
    assert at.tolist() == list(range(700))
    np.testing.assert_allclose(found["layer"], np.linalg.norm(whole, axis=1), rtol=1e-12)
    monkeypatch.setattr(norms, "READ", 50 * 9 * 4)
    few, _ = layer_norms(gradients, {"layer": ["w", "b"]})
    assert (len(few), few[0], few[-1]) == (50, 0, 699)
