"""status.json: what is no status is none, and what a search is told of one."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest

from runner.errors import NOT_FINISHED
from runner.records.status import figure_of, is_done, prepare_status, publish_status, read_status

WHOLE: dict[str, Any] = {
    "status": 0,
    "overrides": ["lr=0.1"],
    "number": 0,
    "sweep": "s",
    "run_id": "r",
    "objective": "loss",
    "verdict": "agree",
    "loss": 0.5,
    "losses": {"torch": [1.0, 0.5]},
}


def test_a_whole_status_is_read_as_it_was_written(tmp_path: Path) -> None:
    prepare_status(tmp_path, WHOLE)
    publish_status(tmp_path)
    assert read_status(tmp_path) == WHOLE
    assert is_done(WHOLE, ["lr=0.1"], "s")


@pytest.mark.parametrize(
    "wrong",
    [
        {"status": 4},
        {"status": "0"},
        {"overrides": "lr=0.1"},
        {"number": "0"},
        {"objective": "message"},
        {"loss": "small"},
        {"losses": {"torch": [1.0]}},
        {"once_synced": 5},
        {"once_synced": {"status": 9}},
    ],
    ids=str,
)
def test_a_damaged_status_is_that_of_a_job_that_could_not_finish(wrong: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "status.json").write_text(json.dumps(WHOLE | wrong), encoding="utf-8")
    assert read_status(tmp_path) == {
        "status": NOT_FINISHED,
        "overrides": [],
        "folder": str(tmp_path),
        "number": None,
    }


@pytest.mark.parametrize(
    ("more", "figure"),
    [
        ({}, 0.5),
        ({"loss": None}, None),
        ({"loss": math.inf}, None),
        ({"loss": math.nan}, None),
        ({"verdict": "diverged"}, None),
        ({"verdict": "mismatch"}, 0.5),
        ({"objective": None}, None),
    ],
    ids=str,
)
def test_a_search_is_told_a_finite_figure_of_a_run_that_did_not_diverge(
    more: dict[str, Any], figure: float | None
) -> None:
    assert figure_of(WHOLE | more) == figure
