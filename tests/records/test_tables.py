"""deviations.parquet: readable by pandas, every measure of every tensor and step."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from runner.records import tables
from runner.records.files import part_of, parts_of
from runner.records.tables import SCHEMA, DeviationsTable
from runner.records.writer import Work
from tests.helpers import Kept, kept, make_setup

MEASURES = ["max_abs", "max_rel", "rms", "roundings", "sigma"]
WORST = ["worst_index", "worst_value", "worst_reference"]
COLUMNS = [
    *["step", "backend", "reference", "tensor", "verdict"],
    *[*MEASURES, "look", *WORST],
    *[f"logic_{name}" for name in [*MEASURES, "look", *WORST]],
    *["error", "reference_error"],
]


def written(path: Path, *overrides: str) -> tuple[pd.DataFrame, Kept]:
    _, recorder = kept(make_setup(*overrides))
    table = DeviationsTable(path)
    for record in recorder.records:
        for comparison in record.comparisons:
            table.add(record.step, comparison)
    assert not path.exists()
    table.close()
    assert not part_of(path).exists()
    return pd.read_parquet(path), recorder


def test_the_columns_are_those_that_are_documented_and_the_rows_one_a_step_backend_and_tensor(tmp_path: Path) -> None:
    frame, recorder = written(tmp_path / "t.parquet", "backend=[scratch,other_order,torch]", "data.samples=5")
    assert list(frame.columns) == COLUMNS == SCHEMA.names
    names = recorder.comparisons[0].layout.names
    assert len(frame) == 5 * 2 * len(names)
    assert list(frame["step"]) == list(np.repeat(range(5), 2 * len(names)))
    assert list(frame["tensor"]) == list(names) * 10
    assert set(frame["backend"]) == {"scratch", "other_order"}
    assert set(frame["reference"]) == {"torch"}
    assert set(frame["verdict"]) == {"agree"}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_values_are_those_of_the_comparisons(dtype: str, tmp_path: Path) -> None:
    frame, recorder = written(tmp_path / "t.parquet", "data.samples=4", "batch_size=2", f"dtype={dtype}")
    at = 0
    for record in recorder.records:
        (c,) = record.comparisons
        assert c.logic is not None
        assert c.error is not None
        steps = {name: c.layout.flat(name, step) for name, step in record.steps.items()}
        for i, (name, place) in enumerate(c.layout.slices().items()):
            row = frame.iloc[at]
            u, g = steps["scratch"][place], steps["torch"][place]
            assert (row["step"], row["tensor"]) == (record.step, name)
            assert row["max_abs"] == np.abs(u - g).max()
            assert row["rms"] == pytest.approx(float(np.sqrt(np.square(u - g).mean())), rel=1e-12)
            assert (row["roundings"], row["sigma"]) == (c.precision.roundings[i], c.precision.sigma[i])
            assert (row["logic_roundings"], row["logic_sigma"]) == (c.logic.roundings[i], c.logic.sigma[i])
            assert (row["look"], row["logic_look"]) == (c.precision_look, c.logic_look)
            index = np.array(json.loads(row["worst_index"]), dtype=int)
            flat = int(np.ravel_multi_index(tuple(index), c.layout.shapes[i])) if len(index) else 0
            assert row["worst_value"] == u[flat]
            assert (row["error"], row["reference_error"]) == (c.error[i], c.reference_error[i])  # type: ignore[index]
            at += 1
    assert at == len(frame)


def test_what_was_not_judged_is_null(tmp_path: Path) -> None:
    frame, _ = written(tmp_path / "t.parquet", "verdict.every=3", "data.samples=6")
    judged = frame["step"].isin([0, 3, 5])
    unknown = [name for name in COLUMNS if name.startswith("logic_")]
    unknown += ["roundings", "sigma", "look", "verdict", "error", "reference_error"]
    for name in unknown:
        assert frame.loc[~judged, name].isna().all(), name
        assert frame.loc[judged, name].notna().all(), name
    for name in ("max_abs", "max_rel", "rms", *WORST):
        assert frame[name].notna().all(), name


def test_a_step_that_diverged_keeps_what_is_known_of_it(tmp_path: Path) -> None:
    frame, _ = written(tmp_path / "t.parquet", "lr=1e30", "data.samples=6")
    last = frame[frame["step"] == frame["step"].max()]
    assert set(last["verdict"]) == {"diverged"}
    assert last["logic_roundings"].isna().all()
    assert last["roundings"].isna().all()


def test_a_wrong_gradient_stands_in_its_row_with_its_index_and_both_values(tmp_path: Path) -> None:
    frame, _ = written(tmp_path / "t.parquet", "backend=[one_element_off,torch]", "data.samples=1")
    row = frame[frame["tensor"] == "hidden_layer_1.weight"].iloc[0]
    assert row["verdict"] == "mismatch"
    assert row["logic_worst_index"] == "[3, 4]"
    assert row["logic_worst_value"] / row["logic_worst_reference"] - 1 == pytest.approx(1e-9, rel=1e-4)
    assert row["logic_max_abs"] == abs(row["logic_worst_value"] - row["logic_worst_reference"])


def test_many_rows_are_written_in_groups_and_none_is_lost(tmp_path: Path) -> None:
    _, recorder = kept(make_setup("data.samples=2"))
    table, (comparison, _) = DeviationsTable(tmp_path / "t.parquet"), recorder.comparisons
    count = 2 * tables.ROWS_AT_ONCE // len(comparison.layout.names) + 5
    for step in range(count):
        table.add(step, comparison)
    table.close()
    frame = pd.read_parquet(tmp_path / "t.parquet")
    assert list(frame["step"].unique()) == list(range(count))
    assert len(frame) == count * len(comparison.layout.names)


def test_a_table_without_rows_is_readable(tmp_path: Path) -> None:
    DeviationsTable(tmp_path / "t.parquet").close()
    assert list(pd.read_parquet(tmp_path / "t.parquet").columns) == COLUMNS


def test_parts_are_whole_while_the_table_grows_and_gone_once_it_is_merged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tables, "ROWS_AT_ONCE", 30)  # three steps of eight tensors, and no room for a fourth
    path, (_, recorder) = tmp_path / "t.parquet", kept(make_setup("data.samples=8"))
    table = DeviationsTable(path)
    for record in recorder.records:
        table.add(record.step, record.comparisons[0])
    assert not path.exists()
    assert list(pd.read_parquet(parts_of(path))["step"]) == list(np.repeat(range(6), 8))
    table.close()
    assert [file.name for file in tmp_path.iterdir()] == ["t.parquet"]
    frame = pd.read_parquet(path)
    assert list(frame["step"]) == list(np.repeat(range(8), 8))
    assert frame["max_abs"].tolist() == [v for c in recorder.comparisons for v in c.deviation.max_abs]


def test_a_part_that_could_not_be_written_ends_the_table_before_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tables, "ROWS_AT_ONCE", 8)
    path, waiting, (_, recorder) = tmp_path / "t.parquet", list[Work](), kept(make_setup("data.samples=5"))
    table = DeviationsTable(path, waiting.append)
    for record in recorder.records:
        table.add(record.step, record.comparisons[0])
    table.close()
    for k, work in enumerate(waiting):
        if k == 2:
            part_of(path).mkdir()
            with pytest.raises(OSError, match="directory"):
                work()
            part_of(path).rmdir()
        else:
            work()
    assert list(pd.read_parquet(path)["step"].unique()) == [0, 1]


def test_what_is_handed_over_no_longer_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever compares may use the arrays of a comparison again at the next step."""
    monkeypatch.setattr(tables, "ROWS_AT_ONCE", 8)
    waiting, (_, recorder) = list[Work](), kept(make_setup("data.samples=2"))
    table, first = DeviationsTable(tmp_path / "t.parquet", waiting.append), recorder.comparisons[0]
    wanted = first.deviation.max_abs.tolist()
    table.add(0, first)
    first.deviation.max_abs[...] = -1
    table.add(1, recorder.comparisons[1])
    table.close()
    for work in waiting:
        work()
    assert pd.read_parquet(tmp_path / "t.parquet")["max_abs"][:8].tolist() == wanted
