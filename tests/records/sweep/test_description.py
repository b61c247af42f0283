"""The description of a sweep's parent run."""

from __future__ import annotations

from dataclasses import replace

from runner.records.description import LONGEST
from runner.records.sweep.description import MOST_JOBS, sweep_description
from tests.records.sweep.made import jobs_of


def rows_of(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.startswith("| ")][1:]


def test_it_counts_the_jobs_and_has_a_row_of_each() -> None:
    jobs = jobs_of({"lr": [0.1, 0.2], "seed": [1, 2]}, lambda number: "mismatch" if number == 2 else "agree")
    text = sweep_description(jobs, ["lr", "seed"], {"best_job": "0 (lr=0.1 seed=1): *"})
    assert text.splitlines()[0] == "**A sweep of 4 jobs: 3 agree, 1 mismatch**"
    assert r"- best job: 0 (lr=0.1 seed=1): \*" in text
    assert rows_of(text)[1:] == [
        "| 0 | 0.1 | 1 | 10 | 1.0 | agree |",
        "| 1 | 0.1 | 2 | 20 | 2.0 | agree |",
        "| 2 | 0.2 | 1 | 30 | 3.0 | mismatch |",
        "| 3 | 0.2 | 2 | 40 | 4.0 | agree |",
    ]


def test_of_many_jobs_those_that_went_worst_are_told() -> None:
    jobs = jobs_of({"seed": list(range(100))}, lambda number: "rejected" if number == 7 else "agree")
    jobs[7] = replace(jobs[7], message="lr: got <x>|y; allowed: a number")
    first, second, *_ = rows = rows_of(text := sweep_description(jobs, ["seed"], {}))[1:]
    assert first == r"| 7 | 7 | - | - | rejected: lr: got &lt;x&gt;\|y; allowed: a number |"
    assert second.startswith("| 99 | 99 | ")
    assert len(rows) == MOST_JOBS
    assert "sweep.csv has all" in text


def test_it_is_cut_where_mlflow_would_cut_it() -> None:
    jobs = jobs_of({"seed": [1, 2], "data.file": ["x" * 3000, "y" * 3000]})
    text = sweep_description(jobs, ["seed", "data.file"], {})
    assert len(text) <= LONGEST
    assert text.endswith("sweep.csv has all of it)*")
