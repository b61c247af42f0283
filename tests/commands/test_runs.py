"""`python -m runner runs`: the runs of a store, sorted and chosen."""

from __future__ import annotations

import io
import random
import re
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from mlflow import MlflowClient
from mlflow.entities import RunStatus
from rich.cells import cell_len
from rich.console import Console

from runner.commands import run_command
from runner.commands import store as reading
from runner.commands.listing import COLUMNS, Row, listed, shortened
from runner.commands.runs import STATES
from runner.records.reading import read_run
from runner.records.sweep.parent import Parent
from runner.records.words import number
from tests.cli.test_terminal import CONTROL, on_a_terminal

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


def test_what_the_column_shows_can_be_asked_for(
    store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert {RunStatus.to_string(status).lower() for status in RunStatus.all_status()} == {*STATES} - {"sweep"}
    uri = f"sqlite:///{shutil.copy(store.place / 'store.db', tmp_path / 'copy.db')}"
    parent = Parent(tmp_path / "sweeps", uri, "runner", "seed=1,2", {"seed": "1, 2"}, {})
    parent.folder.mkdir()
    parent.announce({0: ["seed=1"]})
    everything = rows(capsys, f"tracking.uri={uri}")
    for shown in {row[2] for row in everything}:
        asked = rows(capsys, f"tracking.uri={uri}", f"verdict={shown}")
        assert asked == [row for row in everything if row[2] == shown]
    assert {"sweep", "failed", "agree"} <= {row[2] for row in everything}
    assert rows(capsys, f"tracking.uri={uri}", "verdict=killed") == []


LONG = Row(
    name="lr=0.05 seed=1 architecture.hidden=[32,32,32] architecture.activation=tanh data.samples=1000",
    experiment="an experiment of which the name is longer than anybody would read in a table",
    verdict="undecided",
    roundings=1.5,
    loss=0.00557022,
    start="2026-11-26 14:34:41",
    run_id="85e8a6df" * 4,
    folder="/home/me/outputs/runs/2026-11-26/14-34-26-d52e7e",
    milliseconds=0,
)


@pytest.mark.parametrize(
    ("width", "lacking"),
    [
        (60, ["experiment", "start", "folder"]),
        (80, ["experiment", "start", "folder"]),
        (100, ["experiment", "folder"]),
        (130, ["folder"]),
        (190, []),
        (400, []),
        (None, []),
    ],
)
def test_a_row_fits_a_terminal_and_is_whole_where_it_is_piped(width: int | None, lacking: list[str]) -> None:
    table, left_out = listed([replace(LONG, name="a"), LONG], width)
    assert left_out == lacking
    out = io.StringIO()
    Console(file=out, width=width or 10_000).print(table)
    head, _, row = out.getvalue().splitlines()
    cells = re.split(r" {3,}", row.strip())
    assert re.split(r" {3,}", head.strip()) == [column for column in COLUMNS if column not in lacking]
    assert len(head) <= (width or 10_000)
    begin, _, end = cells[0].partition("…")
    assert LONG.name.startswith(begin)
    assert LONG.name.endswith(end)
    if width is None:
        assert cells == [cell(LONG) for cell in COLUMNS.values()]
    assert ("…" in cells[0]) == (width is not None and width < 200)


def test_a_text_that_is_shortened_is_as_wide_as_it_may_be() -> None:
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    drawn = random.Random(seed)
    for _ in range(200):
        text = "".join(drawn.choice("ab=12 层é") for _ in range(drawn.randrange(40)))
        width = drawn.randrange(1, 40)
        short = shortened(text, width)
        assert cell_len(short) == min(width, cell_len(text)), (text, width)


def test_on_a_terminal_no_line_is_wider_than_it_is(store: Store) -> None:
    code, sent = on_a_terminal(store.place, "runs", store.word)
    lines = CONTROL.sub("", sent).splitlines()
    assert code == 0
    assert max(map(len, lines)) <= 100
    assert len(lines) == len(SHOWN) + 3
    assert lines[-1] == f"{len(SHOWN) + 1} runs; no room here for: experiment, folder"


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
    "verdict=done": "verdict: got 'done'; allowed: one of agree, imprecise, undecided, diverged, mismatch, sweep, ",
    "verdict=agre": "verdict: got 'agre'; allowed: one of agree, imprecise, undecided, diverged, mismatch, sweep, ",
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
    monkeypatch.setattr(reading, "PAGE", 5)
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


HALF = """
import os, signal, sqlite3, sys
store = sqlite3.connect(sys.argv[1], isolation_level=None)
store.execute("pragma cache_size=1")
store.execute("begin immediate")
store.execute("update metrics set timestamp = timestamp + 1")
store.execute("update tags set value = value || 'x'")
os.kill(os.getpid(), signal.SIGKILL)
"""
"""Is killed when a part of what it changes is in the file: a journal beside has what was there before."""


def test_a_store_of_which_a_process_was_killed_in_mid_write_is_as_it_was_before(
    store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copy = Path(shutil.copy(store.place / "store.db", tmp_path / "copy.db"))
    before = rows(capsys, f"tracking.uri=sqlite:///{copy}")
    subprocess.run([sys.executable, "-c", HALF, str(copy)], check=False)
    assert Path(f"{copy}-journal").stat().st_size > 0
    assert rows(capsys, f"tracking.uri=sqlite:///{copy}") == before
