"""Where the records go: another sqlite file, a tracking server, a server that is not there."""

from __future__ import annotations

import shutil
import sqlite3
import sys
import time
from contextlib import ExitStack, closing
from pathlib import Path

import mlflow
import pytest
from mlflow import MlflowClient

from tests.ports import free_port
from tests.servers.tracking import small

from .process import end, finish, run, start
from .stores import FILES, artifacts, client, count_metrics, gradients, only_run

IMPATIENT = (sys.executable, "-m", "tests.stores_that_fail.impatient", "2")
"""The program, which tries for two seconds."""


def test_another_sqlite_file_takes_the_records(tmp_path: Path, migrated: Path) -> None:
    place = tmp_path / "place"
    (place / "elsewhere").mkdir(parents=True)
    shutil.copy(migrated, place / "elsewhere" / "mine.db")
    finished = run(
        place, "data.samples=3", "tracking.uri=sqlite:///elsewhere/mine.db", "tracking.experiment=a name/of mine"
    )
    assert (finished.code, finished.err) == (0, "")
    assert "mlflow ui --backend-store-uri sqlite:///elsewhere/mine.db" in finished.out
    reader = client(place, "elsewhere/mine.db")
    record = only_run(reader)
    assert reader.get_experiment(record.info.experiment_id).name == "a name/of mine"
    assert artifacts(reader, record) == FILES
    assert not (place / "outputs" / "mlflow.db").exists()
    assert (place / "elsewhere" / "mlartifacts").is_dir()


def test_an_experiment_that_was_deleted_is_told_as_a_wrong_key(place: Path) -> None:
    keeper = client(place)
    keeper.delete_experiment(keeper.create_experiment("gone"))
    finished = run(place, "data.samples=3", "tracking.experiment=gone")
    assert finished.code == 2
    assert finished.err.startswith("runner: tracking.experiment: got gone, which was deleted; allowed: ")
    assert finished.err.count("\n") == 1
    assert not list((place / "outputs").glob("runs*"))


def test_a_tracking_server_gets_the_run_its_artifacts_its_data_and_its_model(
    tmp_path: Path, migrated: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "place"
    place.mkdir()
    with small(tmp_path / "server", migrated) as uri:
        finished = run(place, "data.samples=3", "record.model=true", f"tracking.uri={uri}")
        assert (finished.code, finished.err) == (0, "")
        assert uri in finished.out
        reader = MlflowClient(uri)
        record = only_run(reader)
        assert (record.info.status, record.data.tags["verdict"]) == ("FINISHED", "agree")
        assert artifacts(reader, record) == FILES
        copy = Path(reader.download_artifacts(record.info.run_id, "gradients.safetensors", str(tmp_path)))
        assert copy.read_bytes() == (finished.run_folder / "gradients.safetensors").read_bytes()
        assert record.data.tags["mlflow.note.content"].startswith("**agree: ")
        assert record.inputs is not None
        (made,) = record.inputs.dataset_inputs
        assert made.dataset.name == "data=uniform target=half_sum_of_squares"
        monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
        places = (f"runs:/{record.info.run_id}/network", str(finished.run_folder / "model"))
        model, kept = map(mlflow.pyfunc.load_model, places)
        assert model.predict([[0.5, 0.25]]) == kept.predict([[0.5, 0.25]])
    assert not (place / "mlruns").exists()
    assert not (place / "outputs" / "mlflow.db").exists()


def test_a_tracking_server_that_goes_away_ends_the_run_with_3(tmp_path: Path, migrated: Path) -> None:
    place = tmp_path / "place"
    place.mkdir()
    with ExitStack() as server:
        uri = server.enter_context(small(tmp_path / "server", migrated))
        words = ("data.samples=8000", "record.plots=false", f"tracking.uri={uri}")
        process = start(place, *words, program=IMPATIENT)
        try:
            while count_metrics(tmp_path / "server" / "server.db") == 0:
                assert process.poll() is None, process.communicate()
                time.sleep(0.05)
            server.close()
            finished = end(process, place)
        finally:
            process.kill()
    folder = finished.run_folder
    assert finished.code == 3
    assert finished.err == (
        f"runner: MLflow at {uri}: Connection refused; the records in {folder.relative_to(place)} are whole; "
        f"to bring them in: python -m runner sync {folder.relative_to(place)}\n"
    )
    assert "\nagree: " in finished.out
    assert len(gradients(folder)["torch/input_layer.bias"]) == 8000
    assert not list(place.rglob("*.part*"))


def test_a_tracking_server_that_is_killed_and_comes_back_in_time_gets_all(tmp_path: Path, migrated: Path) -> None:
    place, port = tmp_path / "place", free_port()
    place.mkdir()
    with ExitStack() as server:
        uri = server.enter_context(small(tmp_path / "server", migrated, port))
        process = start(place, "data.samples=8000", "record.plots=false", f"tracking.uri={uri}")
        try:
            while count_metrics(tmp_path / "server" / "server.db") == 0:
                assert process.poll() is None, process.communicate()
                time.sleep(0.05)
            server.close()
            server.enter_context(small(tmp_path / "server", migrated, port))
            finished = end(process, place)
        finally:
            process.kill()
        assert (finished.code, finished.err) == (0, "")
        reader = MlflowClient(uri)
        record = only_run(reader)
        assert (record.info.status, record.data.tags["verdict"]) == ("FINISHED", "agree")
        drawn = ("plots/", "roundings.", "trajectories.")
        assert artifacts(reader, record) == {name for name in FILES if not name.startswith(drawn)}
    steps = [step for (step,) in _rows(tmp_path / "server" / "server.db", "loss/torch")]
    assert steps == list(range(8000))


def _rows(store: Path, key: str) -> list[tuple[int]]:
    with closing(sqlite3.connect(store)) as base:
        return base.execute("select step from metrics where key = ? order by step", (key,)).fetchall()


@pytest.mark.parametrize("mode", [[], ["-m"]], ids=["run", "sweep"])
def test_a_tracking_server_that_is_not_there_is_told_in_one_line(mode: list[str], tmp_path: Path) -> None:
    uri = f"http://127.0.0.1:{free_port()}"
    finished = finish(tmp_path, [*IMPATIENT, *mode, "lr=0.1,0.2" if mode else "lr=0.1", f"tracking.uri={uri}"])
    assert finished.code == 3
    assert finished.err == f"runner: MLflow at {uri}: Connection refused\n"
    assert finished.out == ""
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ([] if mode else ["status.json"])
