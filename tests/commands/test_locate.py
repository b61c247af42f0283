"""A recorded run is found by its folder, its MLflow run's id or its name; looking makes nothing."""

from __future__ import annotations

import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from runner.checks import check_tracking
from runner.commands import run_command
from runner.commands import store as reading
from runner.commands.locate import ALLOWED, default_uri, found_run
from runner.errors import ConfigError, RunError
from runner.records.sweep.parent import Parent
from tests.cli.process import run, tree

from .recorded import Store


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def uri(store: Store) -> str:
    return store.word.partition("=")[2]


@pytest.mark.parametrize("how", ["folder", "run_id", "name"])
def test_each_way_leads_to_the_run_folder_itself(store: Store, how: str) -> None:
    run = store["other"]
    with found_run(getattr(run, how), uri(store)) as found:
        assert (str(found.run.folder), found.downloaded, found.notes) == (run.folder, False, ())
        assert found.run.config["seed"] == 2


def test_the_first_digits_of_an_id_are_enough(store: Store) -> None:
    run = store["other"]
    with found_run(run.run_id[:12], uri(store)) as found:
        assert found.run_id == run.run_id


def test_a_whole_id_is_found_without_a_search(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "PAGE", 10**9)  # more than MLflow gives: a search would fail
    run = store["other"]
    with found_run(run.run_id, uri(store)) as found:
        assert found.run_id == run.run_id
    with pytest.raises(RunError), found_run(run.run_id[:-1], uri(store)):
        pass


def test_of_several_of_one_name_it_is_the_latest_and_that_is_said(store: Store) -> None:
    assert store["plain"].name == store["again"].name
    with found_run(store["plain"].name, uri(store)) as found:
        assert found.run_id == store["again"].run_id
        (note,) = found.notes
    assert note.startswith("2 runs are named ")
    assert store["again"].run_id[:8] in note


def test_a_folder_that_is_gone_is_replaced_by_the_artifacts(store: Store) -> None:
    with found_run(store["gone"].run_id, uri(store)) as found:
        assert found.downloaded
        assert found.run.folder != Path(store["gone"].folder)
        assert tree(store.place / "moved").items() >= tree(found.run.folder).items()
        assert found.run.gradients is not None
        kept = found.run.folder
    assert not kept.exists()


def test_a_folder_in_which_another_run_was_recorded_since_is_not_taken(store: Store) -> None:
    place = Path(store["gone"].folder)
    shutil.copytree(store["wrong"].folder, place)
    try:
        with found_run(store["gone"].run_id, uri(store)) as found:
            assert found.downloaded
            assert found.run.config["seed"] == 3
    finally:
        shutil.rmtree(place)


COMMANDS = {"report": 1, "replay": 1, "compare": 2, "export": 1}


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("word", ["nowhere", "0123456789abcdef0123456789abcdef", "", "a" * 5000, "seed='7\""])
def test_no_such_run_is_one_line(
    store: Store, capsys: pytest.CaptureFixture[str], place: Path, command: str, word: str
) -> None:
    words = [word] * COMMANDS[command] + (["new.csv"] if command == "export" else [])
    assert run_command([command, *words, store.word]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert err == f"runner: RUN: got {word!r}, which is no folder and no run of {uri(store)}; allowed: {ALLOWED}\n"
    assert not list(place.iterdir())


@pytest.mark.parametrize(("name", "told"), [("deleted", "no run of"), ("failed", "which is FAILED and has no verdict")])
def test_a_run_that_is_deleted_or_could_not_finish_is_none(
    store: Store, capsys: pytest.CaptureFixture[str], name: str, told: str
) -> None:
    word = store[name].run_id if name in store.runs else name
    assert run_command(["replay", word, store.word]) == 2
    assert told in capsys.readouterr().err


@pytest.fixture
def sweep(store: Store, place: Path) -> Parent:
    """A sweep in a copy of the store, of one job."""
    database = shutil.copy(store.place / "store.db", place / "copy.db")
    folder = place / "sweeps" / "1"
    shutil.copytree(store["plain"].folder, folder / "0")
    parent = Parent(folder, f"sqlite:///{database}", "runner", "seed=1,2", {"seed": "1, 2"}, {})
    parent.announce({0: ["seed=1"], 1: ["seed=2"]})
    return parent


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("how", ["folder", "title", "run_id"])
def test_in_place_of_a_sweep_its_jobs_are_named(
    sweep: Parent, capsys: pytest.CaptureFixture[str], command: str, how: str
) -> None:
    word = f"tracking.uri={sweep.uri}"
    words = [str(getattr(sweep, how))] * COMMANDS[command] + (["new.csv"] if command == "export" else [])
    assert run_command([command, *words, word]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    if how == "folder":
        folder = f"{sweep.folder}, the folder of a sweep; allowed: the folder of one of its jobs"
        assert err == f"runner: RUN: got {folder}, such as {sweep.folder / '0'}\n"
        return
    assert sweep.run_id is not None
    told = f"runner: RUN: got seed=1,2 ({sweep.run_id[:8]}), which is a sweep; allowed: one of its jobs, which lie in "
    line = f"python -m runner runs experiment=runner {word}"
    assert err == f"{told}{sweep.folder} and are listed by: {line}\n"
    assert run_command(line.split()[3:]) == 0


def test_the_store_of_a_run_that_names_none_is_not_repeated(sweep: Parent, place: Path) -> None:
    (place / "outputs").mkdir()
    shutil.copy(place / "copy.db", place / "outputs" / "mlflow.db")
    finished = run(place, "replay", sweep.title)
    assert (finished.code, finished.out) == (2, "")
    assert finished.err.endswith("and are listed by: python -m runner runs experiment=runner\n")


def test_digits_with_which_several_ids_begin_are_refused(
    store: Store, place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copy(store.place / "store.db", "copy.db")
    first = store["plain"].run_id
    twin = f"{first[:8]}{'0' * 24}"
    with closing(sqlite3.connect("copy.db")) as database, database:
        assert database.execute("update runs set run_uuid = ? where name = 'failed'", [twin]).rowcount == 1
    assert run_command(["replay", first[:8], "tracking.uri=sqlite:///copy.db"]) == 2
    err = capsys.readouterr().err
    assert f"got {first[:8]}, with which 2 ids begin: " in err
    assert first in err
    assert twin in err
    assert run_command(["replay", first[:5], "tracking.uri=sqlite:///copy.db"]) == 2
    assert "no run of" in capsys.readouterr().err


STORES = {
    "tracking.uri=sqlite:///not_there.db": "not_there.db, which is not there",
    "tracking.uri=sqlite:///empty.db": "empty.db, which is no store of MLflow",
    "tracking.uri=sqlite:///text.db": "text.db, which is no sqlite file",
    "tracking.uri=nothing": "'nothing'",
    "tracking.uri=": "''",
}


@pytest.mark.parametrize("word", STORES)
@pytest.mark.parametrize("command", [["runs"], ["report", "seed=1"]], ids=lambda command: command[0])
def test_a_store_that_is_none_is_told_and_none_is_made(
    place: Path, capsys: pytest.CaptureFixture[str], command: list[str], word: str
) -> None:
    (place / "empty.db").touch()
    (place / "text.db").write_text("no database")
    before = tree(place)
    assert run_command([*command, word]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    opened = "not_there" in word or "empty" in word
    assert err.startswith(
        "runner: RUN: got 'seed=1', " if opened and len(command) > 1 else "runner: tracking.uri: got "
    )
    assert STORES[word] in err
    assert tree(place) == before


@pytest.mark.parametrize("word", ["tracking.uri=nothing", "tracking.uri=", "tracking.uri=ftp://nowhere"])
@pytest.mark.parametrize("command", COMMANDS)
def test_a_uri_that_is_none_is_refused_by_the_words_of_a_run_though_a_folder_needs_none(
    store: Store, capsys: pytest.CaptureFixture[str], command: str, word: str
) -> None:
    words = [store["plain"].folder] * COMMANDS[command] + (["new.csv"] if command == "export" else [])
    assert run_command([command, *words, word]) == 2
    with pytest.raises(ConfigError) as refused:
        check_tracking({"uri": word.partition("=")[2], "experiment": "runner"})
    assert capsys.readouterr() == ("", f"runner: {refused.value}\n")


def test_the_store_of_a_run_that_names_none_is_the_default(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert default_uri() == "sqlite:///outputs/mlflow.db"
    assert run_command(["runs"]) == 2
    assert "sqlite:///outputs/mlflow.db, which is not there" in capsys.readouterr().err
    assert not list(place.iterdir())


@pytest.mark.parametrize("command", [["runs"], ["report", "seed=1"]], ids=lambda command: command[0])
def test_a_server_that_is_gone_is_no_bad_input(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, command: list[str]
) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    assert run_command([*command, "tracking.uri=http://localhost:9"]) == 3
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert err.startswith("runner: MLflow at http://localhost:9: ")


def test_a_record_of_another_version_and_one_that_is_cut_short_are_told(
    store: Store, place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copy = place / "copy"
    shutil.copytree(store["plain"].folder, copy)
    verdict = json.loads((copy / "verdict.json").read_text())
    (copy / "verdict.json").write_text(json.dumps(verdict | {"schema": 0}))
    for command in COMMANDS:
        words = ["copy"] * COMMANDS[command] + (["new.csv"] if command == "export" else [])
        assert run_command([command, *words]) == 2
        assert capsys.readouterr().err.startswith("runner: RUN: got copy, a record of version 0; allowed: ")
    (copy / "verdict.json").unlink()
    assert run_command(["replay", "copy"]) == 2
    assert "copy, which has no verdict.json" in capsys.readouterr().err


@pytest.mark.parametrize("words", [[], ["a", "b", "c"], ["-m", "a"]], ids=len)
@pytest.mark.parametrize("command", COMMANDS)
def test_too_few_or_too_many_words_and_flags_are_refused(
    capsys: pytest.CaptureFixture[str], command: str, words: list[str]
) -> None:
    assert run_command([command, *words]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert err.startswith(f"runner: {command}: got ")
    assert f"python -m runner {command} RUN" in err


@pytest.mark.parametrize("command", [*COMMANDS, "runs"])
def test_help_is_printed(capsys: pytest.CaptureFixture[str], command: str) -> None:
    assert run_command([command, "--help"]) == 0
    out = capsys.readouterr().out
    assert out.startswith(f"python -m runner {command} ")
    assert "tracking.uri=URI" in out
    assert "Exit code: 0 " in out
    assert max(map(len, out.splitlines())) <= 120
