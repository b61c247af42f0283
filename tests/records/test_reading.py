"""A run folder read back: what is not finite is read as it is, what is not whole is told in one line."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from safetensors.numpy import load_file, save_file

from runner.arrays import Array
from runner.errors import ConfigError
from runner.records.mapped import release
from runner.records.reading import RecordedRun, read_run
from runner.records.report.data import data_of
from tests.records.folders import write_folder

Damage = Callable[[Path], object]
ARRAYS = ("gradients", "parameters", "roundings", "trajectories")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run's folder, made once."""
    folder = tmp_path_factory.mktemp("whole") / "run"
    write_folder(folder, "data.samples=3", "optimizer=adam", "lockstep=false")
    return folder


@pytest.fixture
def folder(whole: Path, tmp_path: Path) -> Path:
    """A copy of it, to be damaged."""
    return Path(shutil.copytree(whole, tmp_path / "run"))


def everything(run: RecordedRun) -> list[object]:
    """All that a run has, each file read."""
    tables = [run.deviations, run.updates, run.drift, run.losses]
    return [*tables, run.gradients, run.parameters, run.roundings, run.trajectories]


def test_a_run_is_whole(folder: Path) -> None:
    run = read_run(folder)
    assert all(part is not None for part in everything(run))
    assert {len(value) for value in (run.gradients or {}).values()} == {3} == {len(run.steps)}


def test_parameters_that_are_not_finite_are_read(folder: Path) -> None:
    spoil(folder / "parameters.safetensors", lambda a: a["last/input_layer.bias"].put([0, 1], [np.inf, np.nan]))
    assert read_run(folder).parameters["last/input_layer.bias"][:2].tolist() == [
        np.inf,
        pytest.approx(np.nan, nan_ok=True),
    ]


def test_rows_are_those_of_the_whole_table(folder: Path) -> None:
    """Whether the table is in memory or not; the file's dictionaries of texts differ from part to part of it."""
    whole = read_run(folder).deviations
    halves = pa.table(whole[:11]), pa.table(whole[11:])
    with pq.ParquetWriter(folder / "deviations.parquet", halves[0].schema) as writer:
        for half in halves:
            writer.write_table(half)
    columns, places = ["tensor", "worst_index", "max_abs", "logic_roundings", "look"], np.array([0, 7, 10, 11, 23])
    run, known = read_run(folder), read_run(folder)
    assert known.deviations.equals(whole)
    for found, wanted in (
        (run.rows(columns), whole),
        (run.rows(columns, "input_layer.bias"), whole[whole["tensor"] == "input_layer.bias"]),
        (run.rows(columns, places=places), whole.iloc[places]),
        (run.rows(columns, "nothing"), whole[:0]),
        (known.rows(columns, "input_layer.bias"), whole[whole["tensor"] == "input_layer.bias"]),
        (known.rows(columns, places=places), whole.iloc[places]),
    ):
        texts = [rows.astype(str).to_numpy().tolist() for rows in (found, wanted[columns])]
        assert texts[0] == texts[1]
    assert "deviations" not in run.__dict__


@pytest.mark.parametrize("name", ARRAYS)
def test_an_array_file_that_is_cut_short_is_told(name: str, folder: Path) -> None:
    file = folder / f"{name}.safetensors"
    whole = file.read_bytes()
    file.write_bytes(whole[: len(whole) // 2])
    run = read_run(folder)
    with pytest.raises(ConfigError, match=rf"run \({file.name}: cut short\)"):
        getattr(run, name)


def test_a_page_reads_of_the_table_only_what_it_shows(folder: Path) -> None:
    run = read_run(folder)
    assert data_of(run)["series"]
    assert "deviations" not in run.__dict__


def test_what_was_given_back_can_be_read_again(folder: Path) -> None:
    gradients = read_run(folder).gradients
    assert gradients is not None
    value = gradients["torch/input_layer.weight"]
    before = np.array(value)
    release(value[1:])
    assert np.array_equal(value, before)
    release(before[1:])
    assert np.array_equal(value, before)


def test_a_folder_that_is_no_run_is_told(folder: Path) -> None:
    with pytest.raises(ConfigError, match=r"RUN: got .*nowhere"):
        read_run(folder / "nowhere")


def spoil(file: Path, change: Callable[[dict[str, Array]], object]) -> None:
    arrays = load_file(file)
    change(arrays)
    save_file(arrays, file)


def rewrite(file: Path, change: Callable[[pd.DataFrame], pd.DataFrame]) -> None:
    change(pd.read_parquet(file)).to_parquet(file)


def header(file: Path, text: str) -> None:
    file.write_bytes(len(text).to_bytes(8, "little") + text.encode())


def put(keys: Mapping[str, Any]) -> Damage:
    """Other values of some of a document's keys."""

    def change(file: Path) -> None:
        text = file.read_text(encoding="utf-8")
        document = json.loads(text) if file.suffix == ".json" else yaml.safe_load(text)
        file.write_text(json.dumps(document | keys), encoding="utf-8")

    return change


def replaced(file: Path) -> None:
    file.unlink()
    file.mkdir()


def emptied(file: Path) -> None:
    file.write_bytes(b"")


ENTRY = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}
ROW = {"tensor": "loss", "max_abs": "large", "roundings": None, "logic_roundings": None, "ok": True}
DAMAGES: list[tuple[str, Damage, str]] = [
    ("verdict.json", put({"schema": 99}), "a record of version 99; allowed: one of version 1"),
    ("verdict.json", put({"schema": True}), "a record of version True; allowed: one of version 1"),
    ("verdict.json", lambda f: f.write_text('{"schema": 1}'), "verdict.json: no verdict)"),
    ("verdict.json", lambda f: f.write_text("[1]"), "verdict.json: it is [1], not an object)"),
    ("verdict.json", put({"verdict": "fine"}), "verdict.json: verdict is 'fine', not one of agree, imprecise, "),
    ("verdict.json", put({"judged_steps": True}), "verdict.json: judged_steps is True, not a whole number)"),
    ("verdict.json", put({"judged_steps": 3}), "deviations.parquet: 1 judged steps, where verdict.json has 3)"),
    ("verdict.json", put({"backends": ["torch"]}), "verdict.json: backends is ['torch'], not a list of at least 2)"),
    ("verdict.json", put({"tensors": [ROW]}), "verdict.json: tensors[0].max_abs is 'large', not a number)"),
    ("verdict.json", put({"first": {}}), "verdict.json: no first.backend)"),
    ("config.yaml", put({"dtype": "int8"}), "config.yaml: dtype is 'int8', not one of float32, "),
    ("config.yaml", lambda f: f.write_text("lr: 0.1\n"), "config.yaml: no dtype)"),
    ("config.yaml", put({"backend": None}), "config.yaml: backend is None, not an object)"),
    ("config.yaml", lambda f: f.write_text("lr: [0.1\n"), "(config.yaml: while parsing a flow sequence"),
    ("config.yaml", emptied, "config.yaml: it is None, not an object)"),
    ("overrides.yaml", emptied, "overrides.yaml: it is None, not a list)"),
    ("overrides.yaml", lambda f: f.write_text("- lr=1\n- 2\n"), "overrides.yaml: [1] is 2, not a text)"),
    ("environment.json", lambda f: f.write_text("{}"), "environment.json: no runner)"),
    ("environment.json", lambda f: f.write_text("null"), "environment.json: it is None, not an object)"),
    ("environment.json", put({"packages": {"numpy": 2}}), "environment.json: packages.numpy is 2, not a text)"),
    ("deviations.parquet", replaced, "deviations.parquet: "),
    ("deviations.parquet", emptied, "deviations.parquet: "),
    ("deviations.parquet", lambda f: rewrite(f, lambda t: t.drop(columns="sigma")), "parquet: no column sigma)"),
    ("deviations.parquet", lambda f: rewrite(f, lambda t: t.assign(sigma="x")), "column sigma is of type "),
    ("deviations.parquet", lambda f: rewrite(f, lambda t: t.iloc[:-1]), "23 rows where its 3 steps have 24)"),
    ("deviations.parquet", lambda f: rewrite(f, lambda t: t.iloc[:0]), "0 judged steps, where verdict.json has 1)"),
    (
        "deviations.parquet",
        lambda f: rewrite(f, lambda t: t[t["step"] < 2]),
        " is of shape (3, 10, 2), not (2, 10, 2))",
    ),
    (
        "deviations.parquet",
        lambda f: rewrite(f, lambda t: t[t["tensor"] != "loss"]),
        "not those of verdict.json: ['loss'",
    ),
    ("updates.parquet", lambda f: rewrite(f, lambda t: t.drop(columns="tensor")), "updates.parquet: no column tensor)"),
    ("drift.parquet", lambda f: rewrite(f, lambda t: t.drop(columns="norm")), "drift.parquet: no column norm)"),
    ("gradients.safetensors", emptied, "gradients.safetensors: cut short)"),
    ("gradients.safetensors", replaced, "gradients.safetensors: Is a directory)"),
    ("gradients.safetensors", lambda f: header(f, '"a"'), "gradients.safetensors: it is 'a', not an object)"),
    ("gradients.safetensors", lambda f: header(f, "{}"), "gradients.safetensors: no scratch/input_layer.weight)"),
    ("gradients.safetensors", lambda f: header(f, '{"a": "b"}'), "gradients.safetensors: a is 'b', not an object)"),
    (
        "gradients.safetensors",
        lambda f: header(f, json.dumps({"a": {**ENTRY, "dtype": "Q9"}})),
        "a.dtype is 'Q9', not ",
    ),
    ("gradients.safetensors", lambda f: header(f, json.dumps({"a": ENTRY})), "gradients.safetensors: cut short)"),
    (
        "gradients.safetensors",
        lambda f: header(f, json.dumps({"a": {**ENTRY, "data_offsets": [0, 0]}})),
        "a of shape [2] ",
    ),
    (
        "gradients.safetensors",
        lambda f: spoil(f, lambda a: a.update(b=a["torch/input_layer.bias"])),
        "b, which is nothing",
    ),
    (
        "parameters.safetensors",
        lambda f: spoil(f, lambda a: a.pop("last/input_layer.bias")),
        "no last/input_layer.bias)",
    ),
    ("parameters.safetensors", lambda f: spoil(f, dict.clear), "no first/input_layer.weight)"),
    ("roundings.safetensors", lambda f: spoil(f, lambda a: a.pop("counts/logic/scratch")), "no counts/logic/scratch)"),
    ("roundings.safetensors", lambda f: spoil(f, dict.clear), "roundings.safetensors: no counts/"),
    ("trajectories.safetensors", lambda f: spoil(f, lambda a: a.pop("at/input_layer.bias")), "no at/input_layer.bias)"),
    ("trajectories.safetensors", lambda f: spoil(f, dict.clear), "trajectories.safetensors: no steps)"),
]


@pytest.mark.parametrize(("name", "damage", "told"), DAMAGES)
def test_what_is_damaged_is_named_in_one_line(name: str, damage: Damage, told: str, folder: Path) -> None:
    damage(folder / name)
    with pytest.raises(ConfigError) as found:
        everything(read_run(folder))
    assert told in str(found.value)
    assert "\n" not in str(found.value)


KEPT = [
    *("config.yaml", "overrides.yaml", "environment.json", "verdict.json"),
    *("deviations.parquet", "updates.parquet", "drift.parquet"),
    *(f"{name}.safetensors" for name in ARRAYS),
]


@pytest.mark.parametrize("name", KEPT)
def test_what_is_gone_though_it_was_kept_is_named(name: str, folder: Path) -> None:
    (folder / name).unlink()
    with pytest.raises(ConfigError, match=rf"run, which has no {name}; allowed: "):
        everything(read_run(folder))


def test_what_was_not_to_be_kept_is_not_missed(folder: Path) -> None:
    put({"record": {"gradients": False, "plots": False}})(folder / "config.yaml")
    put({"drift": None, "updates": []})(folder / "verdict.json")
    for name in ("gradients.safetensors", "roundings.safetensors", "trajectories.safetensors"):
        (folder / name).unlink()
    for name in ("updates.parquet", "drift.parquet"):
        (folder / name).unlink()
    run = read_run(folder)
    assert [run.gradients, run.roundings, run.trajectories, run.updates, run.drift] == [None] * 5


def test_a_file_is_read_when_it_is_asked_for(folder: Path) -> None:
    for name in ("deviations.parquet", *(f"{name}.safetensors" for name in ARRAYS)):
        emptied(folder / name)
    assert read_run(folder).tensors[:2] == ["loss", "prediction"]
