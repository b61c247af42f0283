"""`python -m runner export RUN FILE`: the same numbers in four kinds of file."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pyarrow.parquet import ParquetFile
from safetensors.numpy import load_file

from runner.commands import export, run_command
from runner.records import tables
from runner.records.reading import RecordedRun, read_run
from tests.cli.process import tree

from .recorded import Store

TABLES: dict[str, Callable[[str], pd.DataFrame]] = {".csv": pd.read_csv, ".parquet": pd.read_parquet}


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def exported(store: Store, name: str, file: str) -> RecordedRun:
    assert run_command(["export", store[name].folder, file]) == 0
    return read_run(Path(store[name].folder))


@pytest.mark.parametrize("suffix", TABLES)
@pytest.mark.parametrize("name", ["plain", "narrow", "diverged", "wrong"])
def test_a_table_has_a_row_an_element_with_its_exact_value(store: Store, name: str, suffix: str) -> None:
    run = exported(store, name, f"a{suffix}")
    assert run.gradients is not None
    table = TABLES[suffix](f"a{suffix}")
    assert list(table.columns) == ["step", "backend", "parameter", "index", "value"]
    assert len(table) == sum(array.size for array in run.gradients.values())
    for key, array in run.gradients.items():
        backend, parameter = key.split("/")
        mine = table[(table["backend"] == backend) & (table["parameter"] == parameter)]
        steps = np.repeat(run.steps, array[0].size)
        np.testing.assert_array_equal(mine["step"], steps)
        np.testing.assert_array_equal(mine["value"], array.astype(np.float64).ravel())
        assert list(mine["index"][: array[0].size]) == [str(list(at)) for at in np.ndindex(array.shape[1:])]


@pytest.mark.parametrize("suffix", TABLES)
@pytest.mark.parametrize("name", ["plain", "free"])
def test_the_deviations_lie_beside_it(store: Store, name: str, suffix: str) -> None:
    run = exported(store, name, f"a{suffix}")
    table = TABLES[suffix](f"a-deviations{suffix}")
    pd.testing.assert_frame_equal(table, run.deviations, check_dtype=False, check_exact=True)


def test_arrays_are_those_of_the_run_and_the_measures_of_every_tensor(store: Store) -> None:
    run = exported(store, "plain", "a.npz")
    exported(store, "plain", "a.safetensors")
    with np.load("a.npz", allow_pickle=False) as archive:
        both = [dict(archive), load_file("a.safetensors")]
    assert both[0].keys() == both[1].keys()
    assert run.gradients is not None
    for arrays in both:
        np.testing.assert_array_equal(arrays["step"], run.steps)
        for name, array in run.gradients.items():
            assert arrays[name].dtype == array.dtype
            np.testing.assert_array_equal(arrays[name], array)
        for tensor in run.tensors:
            rows = run.deviations[run.deviations["tensor"] == tensor]
            for measure in ("max_abs", "roundings", "sigma", "look", "logic_roundings", "worst_value", "error"):
                found = arrays[f"deviations/scratch/{tensor}/{measure}"]
                np.testing.assert_array_equal(found, rows[measure].to_numpy(dtype=np.float64))
    assert len(both[0]) == 1 + len(run.gradients) + len(run.tensors) * 18


def test_bfloat16_stays_so_where_the_file_knows_it(store: Store) -> None:
    run = exported(store, "narrow", "a.npz")
    exported(store, "narrow", "a.safetensors")
    assert run.gradients is not None
    name, array = next(iter(run.gradients.items()))
    with np.load("a.npz", allow_pickle=False) as archive:
        assert archive[name].dtype == np.float32
        np.testing.assert_array_equal(archive[name], array.astype(np.float32))
    np.testing.assert_array_equal(load_file("a.safetensors")[name], array)


def test_a_measure_that_is_not_known_is_nan(store: Store) -> None:
    exported(store, "free", "a.npz")
    with np.load("a.npz") as archive:
        known = np.isfinite(archive["deviations/scratch/loss/roundings"])
    assert list(known) == [True, False, False, False, False, False]


def test_rows_are_written_a_few_at_a_time(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "GROUP", 20)
    run = exported(store, "plain", "a.parquet")
    assert run.gradients is not None
    groups = ParquetFile("a.parquet").metadata
    sizes = [groups.row_group(i).num_rows for i in range(groups.num_row_groups)]
    assert len(sizes) > 5
    assert max(sizes) < 40
    assert sum(sizes) == sum(array.size for array in run.gradients.values())


def test_what_was_written_is_told(store: Store, capsys: pytest.CaptureFixture[str], place: Path) -> None:
    assert run_command(["export", store["gone"].run_id, "a.b.csv", store.word]) == 0
    assert capsys.readouterr().out == "written: a.b.csv\nwritten: a.b-deviations.csv\n"
    assert sorted(path.name for path in place.iterdir()) == ["a.b-deviations.csv", "a.b.csv"]


BAD = {
    "a.txt": "'a.txt'",
    "a": "'a'",
    "nowhere/a.csv": "'nowhere/a.csv'",
    "there.csv": "'there.csv', which is there already",
    "there-too.npz": "'there-too.npz', which is there already",
    "beside.csv": "'beside-deviations.csv', which is there already",
    "folder.parquet": "'folder.parquet', which is there already",
}


@pytest.mark.parametrize("file", BAD)
def test_no_file_is_overwritten_and_bad_names_are_refused(
    store: Store, capsys: pytest.CaptureFixture[str], place: Path, file: str
) -> None:
    for name in ("there.csv", "there-too.npz", "beside-deviations.csv"):
        (place / name).write_text("mine")
    (place / "folder.parquet").mkdir()
    before = tree(place)
    assert run_command(["export", store["plain"].folder, file]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert err.startswith(f"runner: FILE: got {BAD[file]}; allowed: a new file")
    assert tree(place) == before


def test_gradients_are_needed(store: Store, capsys: pytest.CaptureFixture[str], place: Path) -> None:
    assert run_command(["export", store["bare"].folder, "a.csv"]) == 2
    assert "recorded without gradients; allowed: a run of record.gradients=true" in capsys.readouterr().err
    assert not list(place.iterdir())


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no disk that refuses")
@pytest.mark.parametrize("suffix", [".csv", ".parquet", ".npz", ".safetensors"])
def test_a_disk_that_refuses_is_told_and_nothing_is_left(
    store: Store, capsys: pytest.CaptureFixture[str], place: Path, monkeypatch: pytest.MonkeyPatch, suffix: str
) -> None:
    full = place / "full"
    full.symlink_to("/dev/full")
    monkeypatch.setattr(export, "part_of", lambda file: full)
    assert run_command(["export", store["plain"].folder, f"a{suffix}"]) == 3
    err = capsys.readouterr().err
    assert (err.count("\n"), err.startswith("runner: ")) == (1, True)
    assert [path.name for path in place.iterdir()] == ["full"]


def test_a_table_that_is_cut_short_is_told(store: Store, place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    copy = Path(shutil.copytree(store["plain"].folder, place / "copy"))
    file = copy / "gradients.safetensors"
    file.write_bytes(file.read_bytes()[:-10])
    assert run_command(["export", "copy", "a.csv"]) == 2
    assert capsys.readouterr().err.startswith("runner: RUN: got copy (gradients.safetensors: cut short); allowed: ")
