"""`python -m runner grade FOLDER`: one grading of many submissions, looked at from all sides."""

from __future__ import annotations

import csv
import os
import subprocess
from html import unescape
from pathlib import Path

import pytest

from runner.commands.own_function import run_line
from runner.compose import compose_config
from runner.records.files import utf8
from tests.cli.process import Finished, run

from .submissions import AGREE, LATIN_1, NOT_GRADED, OVERRIDES, RIGHT, TIMEOUT, WRONG

TENSORS = [
    "loss",
    "prediction",
    "input_layer.weight",
    "input_layer.bias",
    "hidden_layer_1.weight",
    "hidden_layer_1.bias",
]
RIGHT_SHARE = 2 / 6
"""Without the factor 2 the loss and the prediction are right all the same."""

Table = dict[str, dict[str, str]]


@pytest.fixture(scope="module")
def table(graded: Finished) -> Table:
    """Every row of grades.csv by its file."""
    with (graded.folder / "out" / "grades.csv").open(encoding="utf-8", newline="") as file:
        return {row["file"].removeprefix("./"): row for row in csv.DictReader(file)}


def as_bash_reads(line: str) -> list[str]:
    """The words of a command line."""
    split = subprocess.run(["bash", "-c", f"printf '%s\\0' {line}"], capture_output=True, check=True).stdout
    return os.fsdecode(split).removesuffix("\0").split("\0")


def page(graded: Finished, table: Table, name: str) -> str:
    return (graded.folder / "out" / table[name]["page"]).read_text(encoding="utf-8")


def test_every_file_is_graded_once_and_the_code_says_that_not_all_agree(graded: Finished, table: Table) -> None:
    assert (graded.code, graded.err) == (1, "")
    assert list(table) == [utf8(name) for name in sorted([*AGREE, *WRONG])]
    assert not set(table) & set(NOT_GRADED)


@pytest.mark.parametrize("name", AGREE)
def test_what_is_right_agrees_whatever_its_name(table: Table, name: str) -> None:
    row = table[utf8(name)]
    assert (row["verdict"], row["cause"], float(row["share_right"])) == ("agree", "", 1.0)
    assert row["sentence"].startswith("agree: the gradients of function and torch differ by rounding alone, over 3")
    assert all(float(row[f"roundings/{tensor}"]) < 100 for tensor in TENSORS)


@pytest.mark.parametrize("name", WRONG)
def test_what_is_not_is_a_finding_for_that_file_with_its_cause(table: Table, name: str) -> None:
    _, cause, sentence = WRONG[name]
    row = table[name]
    assert (row["cause"], row["sentence"][: len(sentence)]) == (cause, sentence)
    assert row["verdict"] == sentence.partition(":")[0]
    assert float(row["share_right"]) == pytest.approx(RIGHT_SHARE if cause == "missing_factor_2" else 0, abs=1e-4)


def test_the_columns_are_the_verdict_and_the_roundings_of_each_tensor(graded: Finished, table: Table) -> None:
    with (graded.folder / "out" / "grades.csv").open(encoding="utf-8", newline="") as file:
        head = next(csv.reader(file))
    first = ["file", "verdict", "cause", "sentence", "first_tensor", "share_right"]
    assert head == [*first, *(f"roundings/{tensor}" for tensor in TENSORS), "seconds", "page"]
    wrong = table["without_factor.py"]
    assert wrong["first_tensor"] == "hidden_layer_1.weight"
    assert float(wrong["roundings/loss"]) < 100 < 1e9 < float(wrong["roundings/hidden_layer_1.weight"])
    assert float(table["endless.py"]["seconds"]) > TIMEOUT


def test_each_has_a_page_with_its_sentence_cause_and_the_command_that_replays_it(
    graded: Finished, table: Table
) -> None:
    index = (graded.folder / "out" / "index.html").read_text(encoding="utf-8")
    assert len({row["page"] for row in table.values()}) == len(table)
    for name, row in table.items():
        text = page(graded, table, name)
        assert row["sentence"] in unescape(text)
        assert f"cause: {row['cause']}" in text or not row["cause"]
        assert f'href="{row["page"]}"' in index
        assert "<script" not in text
    text = page(graded, table, "without_factor.py")
    assert "right: L = the sum of (p - y)^2, dL/dp = 2 (p - y)" in text
    assert "33% of the tensors are right" in text
    assert text.count("<tr>") == 1 + len(TENSORS)


def test_what_a_submission_prints_is_on_its_page_and_cut(graded: Finished, table: Table) -> None:
    assert "&lt;b&gt;halfway&lt;/b&gt;" in page(graded, table, "prints <b>.py")
    flood = page(graded, table, "floods.py")
    assert "characters are left out here" in flood
    assert len(flood) < 20_000
    assert "What it printed" not in page(graded, table, "right.py")


@pytest.mark.parametrize("name", AGREE)
def test_the_page_tells_how_to_replay_a_submission_of_any_name(graded: Finished, table: Table, name: str) -> None:
    line = unescape(page(graded, table, utf8(name)).rpartition("<pre>")[2].partition("</pre>")[0])
    assert line.isprintable()
    python, *words = as_bash_reads(line)
    assert (python, words[:3]) == ("python", ["-m", "runner", "backend=[function,torch]"])
    config = compose_config(words[2:])
    assert config["backend"]["function"]["path"] == f"all of them/{name}:backprop"
    assert config["data"]["samples"] == 3
    assert (graded.folder / "all of them" / name).is_file()


def test_the_command_of_a_name_that_is_not_utf_8_can_be_run(tmp_path: Path) -> None:
    copy = tmp_path / "all of them" / LATIN_1
    copy.parent.mkdir()
    copy.write_text(RIGHT, encoding="utf-8")
    done = run(tmp_path, *as_bash_reads(run_line(f"all of them/{LATIN_1}:backprop", OVERRIDES))[3:])
    assert (done.code, done.err) == (0, "")
    assert "agree: the gradients of function and torch" in done.out


def test_what_shows_a_figure_opens_no_window(graded: Finished, table: Table) -> None:
    assert "shown by agg" in page(graded, table, "shows.py").lower()


def test_nothing_is_left_behind(graded: Finished, table: Table) -> None:
    submissions = graded.folder / "all of them"
    for note in (submissions / "sleeper.pid", submissions / "endless.pid"):
        with pytest.raises(ProcessLookupError):
            os.kill(int(note.read_text()), 0)
    assert not [*graded.folder.rglob("*.part"), *submissions.rglob("*.pyc")]
    assert (submissions / "notes.txt").read_text() == "raise SystemExit"
    assert not (graded.folder / "notes.txt").exists()


def test_a_line_a_submission_then_the_counts_and_the_places(graded: Finished) -> None:
    lines = graded.out.splitlines()
    assert len(lines) == len(AGREE) + len(WRONG) + 4
    assert any(line.startswith("two\\nlines ünï.py: agree: ") for line in lines)
    assert any(
        line.startswith("without_factor.py: mismatch: ") and line.endswith("(missing_factor_2)") for line in lines
    )
    failed = sum(sentence.startswith("failed") for _, _, sentence in WRONG.values())
    counts = f"{len(AGREE)} agree, {len(WRONG) - failed} mismatch, {failed} failed"
    assert lines[-3] == f"{len(AGREE) + len(WRONG)} submissions: {counts}"
    assert [line.split()[1] for line in lines[-2:]] == [str(Path("out/grades.csv")), str(Path("out/index.html"))]
