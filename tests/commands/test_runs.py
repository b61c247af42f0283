"""`python -m runner runs`: the runs of a store, sorted and chosen."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from mlflow import MlflowClient

from runner.commands import locate, run_command
from runner.records.reading import read_run
from runner.records.words import number

from .recorded import RUNS, Store

SHOWN = [name for name in RUNS if name != "deleted"]


def rows(capsys: pytest.CaptureFixture[str], *words: str) -> list[list[str]]:
    """The cells of every row that the command prints, without the head and the count."""
    assert run_command(["runs", *words]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    return [re.split(r" {3,}", line.strip()) for line in out.splitlines()[1:-1]]


def ids(found: list[list[str]]) -> list[str]:
    return [row[6] for row in found]


def test_every_run_that_is_not_deleted_is_listed_the_latest_first(
    store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    found = rows(capsys, store.word)
    assert ids(found)[1:] == [store[name].run_id[:8] for name in reversed(SHOWN)]
    assert found[0][:5] == ["failed", "runner", "failed", "-", "-"]
    assert found[0][7] == "-"
    run = read_run(Path(store["plain"].folder))
    (row,) = [row for row in found if row[6] == store["plain"].run_id[:8]]
    figures = [number(run.verdict["precision_roundings"]), f"{run.losses['torch'][-1]:.6g}"]
    assert row[:5] == [store["plain"].name, "runner", "agree", *figures]
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", row[5])
    assert row[7] == store["plain"].folder


def test_the_columns_and_the_count_are_told(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(["runs", store.word, "limit=3"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == [
        *("name", "experiment", "verdict", "roundings", "last", "loss", "start", "run", "folder")
    ]
    assert (len(lines), lines[-1]) == (5, f"3 of {len(SHOWN) + 1} runs")
    assert run_command(["runs", store.word, "name=no such name"]) == 0
    assert capsys.readouterr().out == "no run\n"


@pytest.mark.parametrize(
    ("words", "names"),
    [
        (["verdict=mismatch"], ["wrong"]),
        (["verdict=diverged"], ["diverged"]),
        (["verdict=agree", "name=my.py"], ["own"]),
        (["name=seed=1"], ["wrong", "again", "plain"]),
        (["name=lr=0.02", "limit=1"], ["again"]),
        (["experiment=runner", "name=dtype=float64"], ["double"]),
        (["experiment=Default"], []),
    ],
    ids=lambda value: " ".join(value),
)
def test_filters_leave_those_that_fit(
    store: Store, capsys: pytest.CaptureFixture[str], words: list[str], names: list[str]
) -> None:
    assert ids(rows(capsys, store.word, *words)) == [store[name].run_id[:8] for name in names]


def test_every_order_sorts_and_what_is_not_known_comes_last(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    by_roundings = rows(capsys, store.word, "sort=roundings")
    assert by_roundings[0][2] == "mismatch"
    known = [float(row[3]) for row in by_roundings if row[3] != "-"]
    assert known == sorted(known, reverse=True)
    assert [row[3] for row in by_roundings][len(known) :] == ["-"]
    by_loss = rows(capsys, store.word, "sort=loss")
    losses = [float(row[4]) for row in by_loss if row[4] != "-"]
    assert losses == sorted(losses)
    assert {row[2] for row in by_loss[len(losses) :]} == {"failed", "diverged"}
    names = [row[0] for row in rows(capsys, store.word, "sort=name")]
    assert names == sorted(names)


BAD = {
    "verdict=agre": "verdict: got 'agre'; allowed: one of agree, imprecise, undecided, diverged, mismatch (did you",
    "experiment=runne": "experiment: got 'runne'; allowed: one of Default, runner (did you mean runner?)",
    "sort=size": "sort: got 'size'; allowed: one of start, roundings, loss, name",
    "limit=0": "limit: got '0'; allowed: a whole number from 1",
    "limit=-1": "limit: got '-1'; allowed: a whole number from 1",
    "limit=many": "limit: got 'many'; allowed: a whole number from 1",
    "limit=²": "limit: got '²'; allowed: a whole number from 1",
    "limits=3": "runs: got limits=3; allowed: KEY=VALUE, KEY one of verdict, experiment, name, sort, limit,",
    "verdict": "runs: got verdict; allowed: KEY=VALUE",
    "uri=x": "runs: got uri=x; allowed: KEY=VALUE",
    "-m": "runs: got -m; allowed: KEY=VALUE",
}


@pytest.mark.parametrize("word", BAD)
def test_bad_input_is_one_line(store: Store, capsys: pytest.CaptureFixture[str], word: str) -> None:
    assert run_command(["runs", store.word, word]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert err.startswith(f"runner: {BAD[word]}")


def test_more_runs_than_a_page_are_all_listed(
    store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(locate, "PAGE", 5)
    assert sorted(ids(rows(capsys, store.word))[1:]) == sorted(store[name].run_id[:8] for name in SHOWN)


def test_a_store_of_another_version_of_mlflow_is_told(
    store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copy = tmp_path / "old.db"
    with (
        closing(sqlite3.connect(store.place / "store.db")) as source,
        closing(sqlite3.connect(copy)) as target,
        target,
    ):
        source.backup(target)
        target.execute("update alembic_version set version_num = '451aebb31d03'")
    assert run_command(["runs", f"tracking.uri=sqlite:///{copy}"]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert err.startswith(f"runner: tracking.uri: got sqlite:///{copy} (Detected out-of-date database schema")


def test_an_empty_store_has_no_run(store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    uri = f"sqlite:///{tmp_path / 'new.db'}"
    MlflowClient(uri).search_experiments()
    assert run_command(["runs", f"tracking.uri={uri}"]) == 0
    assert capsys.readouterr().out == "no run\n"
