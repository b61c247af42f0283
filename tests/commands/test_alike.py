"""Of runs that are alike, by their names or in their folders, the one that was meant is found, or none."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
import yaml
from mlflow import MlflowClient

from runner.commands.locate import found_run
from runner.errors import ConfigError, RunError
from runner.records.limits import LONGEST_NAME

from .recorded import Store


@pytest.fixture
def copy(store: Store, tmp_path: Path) -> str:
    """The URI of a copy of the store."""
    return f"sqlite:///{shutil.copy(store.place / 'store.db', tmp_path / 'copy.db')}"


def test_a_folder_in_which_the_same_was_run_again_is_not_that_of_the_first_run(store: Store, copy: str) -> None:
    first, second = store["plain"], store["again"]
    MlflowClient(copy).set_tag(first.run_id, "run_folder", second.folder)
    with found_run(first.run_id, copy) as found:
        assert found.downloaded
    with found_run(second.run_id, copy) as found:
        assert str(found.run.folder) == second.folder


def test_names_that_mlflow_has_cut_alike_are_told_apart(store: Store, copy: str, tmp_path: Path) -> None:
    client = MlflowClient(copy)
    experiment = client.get_run(store["plain"].run_id).info.experiment_id
    long = f"data.x=[{'0.5,' * LONGEST_NAME}1]"
    ids = {}
    for lr in ("0.01", "0.5"):
        folder = shutil.copytree(store["plain"].folder, tmp_path / lr)
        (folder / "overrides.yaml").write_text(yaml.safe_dump([long, f"lr={lr}"]), encoding="utf-8")
        ids[lr] = client.create_run(experiment, run_name=f"{long} lr={lr}"[:LONGEST_NAME]).info.run_id
        client.log_artifacts(ids[lr], str(folder))
    for lr, run_id in ids.items():
        with found_run(f"{long} lr={lr}", copy) as found:
            assert (found.run_id, found.notes) == (run_id, ())
    with pytest.raises(ConfigError, match="no run of"), found_run(f"{long} lr=0.2", copy):
        pass


def test_a_store_that_another_process_has_locked_is_not_called_none(copy: str) -> None:
    with closing(sqlite3.connect(copy.removeprefix("sqlite:///"))) as other:
        other.execute("begin exclusive")
        with pytest.raises(RunError, match="locked"), found_run("0123abcd", copy):
            pass
