"""`python -m runner replay RUN`: the same bits again, or what is different and since when."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest
import yaml

from runner import check
from runner.commands import run_command
from tests.cli.process import tree
from tests.cli.test_terminal import CONTROL, on_a_terminal

from .recorded import SMALL, Store
from .submissions import RIGHT


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("name", ["plain", "narrow", "free", "diverged", "bare", "gone", "wrong"])
def test_a_replay_is_bitwise_the_same_and_leaves_nothing(
    store: Store, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(store.place)
    before = tree(Path(store[name].folder))
    runs = len(store.client.search_runs(["1"]))
    trust = ["--trust"] if name == "wrong" else []
    assert run_command(["replay", store[name].run_id, *trust, store.word]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    said = dict(line.split("  ", 1) for line in out.splitlines() if "  " in line)
    assert {key: text.strip() for key, text in said.items()} == {
        "steps": "bitwise the same",
        "loss": "bitwise the same",
        "gradients": "not recorded" if name == "bare" else "bitwise the same",
        "last parameters": "bitwise the same",
        "verdict": "bitwise the same",
    }
    assert out.endswith("\nthe same: the run was reproduced bit by bit\n")
    assert tree(Path(store[name].folder)) == before
    assert len(store.client.search_runs(["1"])) == runs


@pytest.mark.parametrize("how", ["gone", "changed"])
def test_a_file_of_ones_own_that_is_gone_or_changed_is_taken_from_the_run_folder(
    store: Store, place: Path, capsys: pytest.CaptureFixture[str], how: str
) -> None:
    if how == "changed":
        (place / "own").mkdir()
        (place / "own" / "my.py").write_text(RIGHT.replace("2 * (p - y)", "3 * (p - y)"))
    assert run_command(["replay", "--trust", store["own"].folder]) == 0
    first = capsys.readouterr().out.splitlines()[0]
    words = "is gone" if how == "gone" else "has changed"
    assert first == f"own/my.py {words}: taken is files/function/my.py of the run folder"


def test_a_file_that_is_the_same_is_taken_where_it_lies(
    store: Store, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(store.place)
    assert run_command(["replay", "--trust", store["own"].folder]) == 0
    assert capsys.readouterr().out.startswith("steps ")


def changed(store: Store, place: Path, **keys: object) -> Path:
    """A copy of a run whose record says that it was set to something else."""
    copy = Path(shutil.copytree(store["plain"].folder, place / "copy"))
    config = yaml.safe_load((copy / "config.yaml").read_text())
    (copy / "config.yaml").write_text(yaml.safe_dump(config | keys))
    return copy


def test_what_is_not_the_same_is_told_with_its_first_step_and_the_versions(
    store: Store, place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copy = changed(store, place, lr=0.06)
    environment = json.loads((copy / "environment.json").read_text())
    environment["packages"]["numpy"] = "1.0"
    (copy / "environment.json").write_text(json.dumps(environment))
    assert run_command(["replay", str(copy)]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["steps", "bitwise", "the", "same"]
    assert lines[1].split(maxsplit=1) == ["loss", "not the same: scratch, torch"]
    (row,) = [line.split() for line in lines if line.startswith("scratch ") and " input_layer.weight " in line]
    assert float(row[3]) > 30
    assert row[4:] == ["1", "beyond", "30", "roundings", "from", "step", "1"]
    assert any(line.startswith("packages.numpy: 1.0 then, ") and line.endswith(" now") for line in lines)
    assert lines[-1] == "not the same; these versions or another machine are the likely reason"


def test_another_verdict_and_other_last_parameters_are_not_the_same(
    store: Store, place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copy = Path(shutil.copytree(store["plain"].folder, place / "copy"))
    verdict = json.loads((copy / "verdict.json").read_text())
    (copy / "verdict.json").write_text(json.dumps(verdict | {"second_looks": 7}))
    shutil.copy(Path(store["other"].folder) / "parameters.safetensors", copy)
    assert run_command(["replay", str(copy)]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[2].split(maxsplit=1) == ["gradients", "bitwise the same"]
    assert lines[3].startswith("last parameters  not the same: ")
    assert lines[4].split(maxsplit=1) == ["verdict", "not the same: second_looks"]
    assert lines[-1] == "not the same; versions are the same"


def test_a_run_that_ends_elsewhere_is_told(store: Store, place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(["replay", str(changed(store, place, lr=1e30))]) == 1
    assert "steps            not the same: 6 then, 2 now\n" in capsys.readouterr().out


def test_an_older_configuration_lacks_keys_that_bear_on_no_number(store: Store, place: Path) -> None:
    config = yaml.safe_load((Path(store["plain"].folder) / "config.yaml").read_text())
    tracking = {key: config["tracking"][key] for key in ("uri", "experiment")}
    record = {key: config["record"][key] for key in ("every", "gradients")}
    assert run_command(["replay", str(changed(store, place, tracking=tracking, record=record))]) == 0


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ({"lr": "fast"}, "runner: lr: got fast, in config.yaml of copy; allowed: a number"),
        ({"tempo": 3}, "runner: tempo: got a key that is not known, in config.yaml of copy; allowed: lr, lrs, seed, "),
        ({"data": {"_target_": "runner.data.gone.Gone"}}, "runner: data._target_: got "),
    ],
    ids=["value", "key", "class"],
)
def test_a_configuration_that_is_none_any_more_is_bad_input(
    store: Store, place: Path, capsys: pytest.CaptureFixture[str], keys: dict[str, object], told: str
) -> None:
    assert run_command(["replay", changed(store, place, **keys).name]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert err.startswith(told)
    assert ", in config.yaml of copy; allowed: " in err


def test_a_terminal_gets_a_progress_bar(store: Store) -> None:
    code, sent = on_a_terminal(store.place, "replay", store["plain"].folder)
    assert code == 0
    assert re.search(r"training .*\d+/6", CONTROL.sub("", sent))
    assert sent.endswith("the same: the run was reproduced bit by bit\x1b[0m\r\n")


def test_what_a_python_program_handed_over_cannot_be_replayed(
    store: Store, place: Path, migrated: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copy(migrated, place / "own.db")
    words = (*SMALL, "record.plots=false", f"tracking.uri=sqlite:///{place / 'own.db'}")
    check(lambda parameters, x, y: None, *words, record=True)
    (folder,) = place.glob("outputs/runs/*/*")
    capsys.readouterr()
    assert run_command(["replay", str(folder)]) == 2
    assert "which a Python program handed over; allowed: " in capsys.readouterr().err
