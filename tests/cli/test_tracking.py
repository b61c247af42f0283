"""Where the records go: another sqlite file, a tracking server, a server that is not there."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import mlflow
import pytest
from mlflow import MlflowClient

from .process import end, environment, finish, run, start
from .stores import FILES, artifacts, client, count_metrics, gradients, only_run
from .warm import SAFETY

IMPATIENT = (sys.executable, "-m", "tests.stores_that_fail.impatient", "2")
"""The program, which tries for two seconds."""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


@contextmanager
def serving(folder: Path, store: Path) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """A tracking server on loopback with its own store and artifacts; it and its workers are stopped by their group."""
    folder.mkdir()
    shutil.copy(store, folder / "server.db")
    port = free_port()
    arguments = ["server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1", "--serve-artifacts"]
    arguments += ["--backend-store-uri", f"sqlite:///{folder / 'server.db'}"]
    arguments += ["--artifacts-destination", str(folder / "artifacts")]
    with (folder / "server.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "mlflow", *arguments],
            cwd=folder,
            env=environment(),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    uri = f"http://127.0.0.1:{port}"
    try:
        deadline = time.monotonic() + SAFETY
        while not answers(f"{uri}/health"):
            assert process.poll() is None, (folder / "server.log").read_text(encoding="utf-8")
            assert time.monotonic() < deadline
            time.sleep(0.2)
        yield uri, process
    finally:
        stop(process)


def answers(url: str) -> bool:
    try:
        with urlopen(url, timeout=5) as reply:
            return bool(reply.status == 200)
    except (URLError, OSError):
        return False


def stop(process: subprocess.Popen[bytes]) -> None:
    """Ends a server and its workers; safe to call twice."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(SAFETY)


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
    with serving(tmp_path / "server", migrated) as (uri, _):
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
    with serving(tmp_path / "server", migrated) as (uri, server):
        words = ("data.samples=20000", "record.plots=false", f"tracking.uri={uri}")
        process = start(place, *words, program=IMPATIENT)
        try:
            while count_metrics(tmp_path / "server" / "server.db") == 0:
                assert process.poll() is None, process.communicate()
                time.sleep(0.05)
            stop(server)
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
    assert len(gradients(folder)["torch/input_layer.bias"]) == 20000
    assert not list(place.rglob("*.part*"))


@pytest.mark.parametrize("mode", [[], ["-m"]], ids=["run", "sweep"])
def test_a_tracking_server_that_is_not_there_is_told_in_one_line(mode: list[str], tmp_path: Path) -> None:
    uri = f"http://127.0.0.1:{free_port()}"
    finished = finish(tmp_path, [*IMPATIENT, *mode, "data.samples=3", f"tracking.uri={uri}"])
    assert finished.code == 3
    assert finished.err == f"runner: MLflow at {uri}: Connection refused\n"
    assert "Traceback" not in finished.out
    assert not list(tmp_path.rglob("*.journal"))
