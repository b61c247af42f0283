"""Sweeps that are killed outright and resumed; `make kills` does it at every point, and a hundred times at random."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from .campaign import Place, killed_at, killed_at_random, place

POINTS = [
    "create_run 1 after",  # the sweep's own, of which no file tells yet
    "create_run 2 after",
    "log_batch 3 before",
    "log_artifact 3 after",
    "replace 9 before",
    "set_terminated 1 before",
    "set_terminated 1 after",  # the first job's, whose status has not got its name
    "set_terminated 3 before",
]


@pytest.mark.parametrize("point", POINTS)
def test_a_sweep_that_was_killed_there_is_whole_once_it_was_resumed(point: str, migrated: Path) -> None:
    assert killed_at(migrated, point) == []


def test_a_sweep_that_was_killed_at_random_is_whole_once_it_was_resumed(migrated: Path) -> None:
    seed = random.SystemRandom().randrange(2**32)
    print(f"seed {seed}")
    _, found = killed_at_random(migrated, random.Random(seed), most=4)
    assert found == []


def test_the_invariants_see_what_is_wrong(migrated: Path) -> None:
    """A script that finds nothing is right only if it can find something."""
    with place(migrated, ("-m", "lr=0.05", "data.samples=3", "record.plots=false", "hydra.sweep.dir=S")) as here:
        assert here.run(False) == 0
        assert here.ends_well(set()) == []
        job = here.folder / "S" / "0"
        table = job / "deviations.parquet"
        whole = table.read_bytes()
        table.write_bytes(whole + b" ")
        with pytest.raises(Exception, match="magic bytes"):
            here.ends_well(set())
        table.write_bytes(whole)
        for file, wrong in (
            (job / "config.yaml.part", "is left"),
            (job / "run.lock", "is left"),
            (job / "extra", "extra is not the same in MLflow"),
        ):
            file.touch()
            assert [text for text in here.ends_well(set()) if wrong in text]
            file.unlink()
        _kill_one(here)
        assert "RUNNING" in " ".join(here.ends_well(set()))
        (job / "status.json").unlink()
        assert "job 0: no status" in here.ends_well(set())


def _kill_one(here: Place) -> None:
    """Leaves a run that goes on in nobody's hands."""
    more = Place(here.folder, ("lr=0.1", "data.samples=3", "record.plots=false"))
    assert more.run(False, KILL_AT="create_run 1 after") is None
