"""Where `make ui` begins."""

from __future__ import annotations

from pathlib import Path

import pytest

from runner.commands.front_page import PAGES, front_page
from runner.errors import ConfigError
from tests.cli.stores import client, uri

VIEW = "viewStateShareKey=verdicts&workflowType=machine_learning"


def test_the_first_visit_finds_an_experiment_that_says_what_it_is_about(place: Path) -> None:
    address = front_page(uri(place), "runner")
    made = client(place).get_experiment_by_name("runner")
    assert made is not None
    assert "mlflow.note.content" in made.tags
    assert address == f"{PAGES}/{made.experiment_id}/runs?{VIEW}"
    assert front_page(uri(place), "runner") == address


def test_it_is_the_experiment_that_was_run_last(place: Path) -> None:
    front_page(uri(place), "runner")
    reader = client(place)
    theirs = reader.create_experiment("theirs", (place / "theirs").as_uri())
    reader.create_run(theirs)
    assert front_page(uri(place), "runner") == f"{PAGES}/{theirs}/runs?workflowType=machine_learning"


def test_an_experiment_that_was_deleted_is_told(place: Path) -> None:
    front_page(uri(place), "runner")
    reader = client(place)
    made = reader.get_experiment_by_name("runner")
    assert made is not None
    reader.delete_experiment(made.experiment_id)
    with pytest.raises(ConfigError, match="was deleted"):
        front_page(uri(place), "runner")
