"""docs/mlflow.md: its searches find runs, its Python runs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from mlflow import MlflowClient

from tests.cli.process import ROOT, python, run
from tests.sharing import furnish

PAGE = (ROOT / "docs" / "mlflow.md").read_text(encoding="utf-8")
FAULTS = ("--config-dir", str(ROOT / "tests" / "faults" / "conf"))


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, migrated: Path) -> Path:
    """A store with a run that each of the searches finds."""
    folder = tmp_path_factory.mktemp("mlflow")
    furnish(folder, migrated)
    wrong = ("backend=[missing_slope,torch]", "data.samples=2")
    assert run(folder, *FAULTS, *wrong, "lr=0.05", "seed=1").code == 1
    (command,) = re.findall(r"^    python -m runner (experiment=.*)$", PAGE, re.MULTILINE)
    assert run(folder, *command.split()).code == 0
    return folder


def client(place: Path) -> tuple[MlflowClient, list[str]]:
    made = MlflowClient(f"sqlite:///{place}/outputs/mlflow.db")
    return made, [experiment.experiment_id for experiment in made.search_experiments()]


@pytest.mark.parametrize("search", [line for block in blocks("sql") for line in block.splitlines()])
def test_a_search_is_taken_and_finds_what_it_says(search: str, place: Path) -> None:
    reader, experiments = client(place)
    found = reader.search_runs(experiments, search)
    if "held_out/accuracy" in search:  # two epochs are too few for it
        found = reader.search_runs(experiments, search.replace("0.97", "0.3"))
    assert found
    assert len(found) < 3


def test_its_python_runs(place: Path) -> None:
    reader, experiments = client(place)
    (trained,) = reader.search_runs(experiments, "tags.verdict = 'agree'")
    listing, predicting = blocks("python")
    listed, predicted = (python(place, code.replace("RUN_ID", trained.info.run_id)) for code in (listing, predicting))
    assert [line.split()[0] for line in listed.splitlines()] == ["mismatch", "agree"]
    assert len(predicted.splitlines()) == 2
