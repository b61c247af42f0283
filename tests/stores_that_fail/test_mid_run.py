"""A tracking server that fails in mid-run: the records are whole, and ``sync`` brings in what was not sent."""

from __future__ import annotations

import signal
import time
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient

from runner.records.reaching import DEADLINE
from runner.records.reading import read_run
from tests.cli.process import end, run, start
from tests.cli.stores import deviations, read_json

from .contents import QUICK, checksums, content, of_folder, run_impatient, runs_of
from .network import Network

MODEL = "record.model=true"


@pytest.fixture(scope="module")
def undisturbed(server: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What a run leaves that nothing happens to."""
    folder = tmp_path_factory.mktemp("undisturbed")
    words = (*QUICK, f"tracking.uri={server}", "tracking.experiment=undisturbed")
    assert run(folder, *words, MODEL).code == 0
    return content(server, runs_of(server, "undisturbed")[0])


FAULTS = [
    ("log_inputs", 1, "reset"),
    ("log_batch", 2, "hang"),
    ("log_batch", 3, "lose"),
    ("model", 1, "lose"),
    ("artifact", 3, "error"),
    ("end", 1, "cut"),
]


@pytest.mark.parametrize(("kind", "number", "fault"), FAULTS, ids=lambda value: str(value))
def test_from_wherever_it_fails_the_rest_is_brought_in(
    kind: str, number: int, fault: str, network: Network, undisturbed: dict[str, Any], tmp_path: Path
) -> None:
    """Once it has failed nothing goes through any more."""
    place, name = tmp_path / "place", f"{kind} {number} {fault}"
    place.mkdir()
    network.rule = lambda this, _: fault if network.seen.count(kind) >= number else "pass"
    finished = run_impatient(place, *QUICK, MODEL, f"tracking.uri={network.uri}", f"tracking.experiment={name}")
    folder = finished.run_folder.relative_to(place)
    assert finished.code == 3
    assert finished.err.startswith(f"runner: MLflow at {network.uri}: ")
    told = f"; the records in {folder} are whole; to bring them in: python -m runner sync {folder}\n"
    assert finished.err.endswith(told)
    assert finished.err.count("\n") == 1
    assert "\nagree: " in finished.out
    assert read_run(finished.run_folder).steps.tolist() == list(range(48))
    assert read_json(finished.run_folder / "status.json")["status"] == 3

    network.heal()
    synced = run_impatient(place, "sync", str(folder))
    assert (synced.code, synced.err) == (0, "")
    (made,) = runs_of(network.uri, name)
    assert content(network.uri, made) == undisturbed
    stored = checksums(network.uri, made, tmp_path / "stored")
    assert stored == of_folder(finished.run_folder, set(stored))
    status = read_json(finished.run_folder / "status.json")
    assert (status["status"], status["verdict"], status["run_id"]) == (0, "agree", made.info.run_id)
    assert not {"message", "unsent", "once_synced"} & set(status)
    again = run_impatient(place, "sync", str(folder))
    assert (again.code, again.out) == (0, f"nothing to bring in: there is no journal in {folder}\n")


def test_a_sync_that_is_cut_off_is_done_again_and_doubles_nothing(
    network: Network, undisturbed: dict[str, Any], tmp_path: Path
) -> None:
    network.rule = lambda kind, number: "error" if network.seen.count("log_inputs") else "pass"
    words = (*QUICK, MODEL, f"tracking.uri={network.uri}", "tracking.experiment=cut off")
    assert run_impatient(tmp_path, *words).code == 3
    (journal,) = tmp_path.rglob("*.journal")
    for kind, number in (("log_batch", 3), ("artifact", 5)):
        network.seen.clear()
        network.rule = lambda _, __, kind=kind, n=number: "lose" if network.seen.count(kind) >= n else "pass"  # type: ignore[misc]
        assert run_impatient(tmp_path, "sync", "outputs").code == 3
    with journal.open("a", encoding="utf-8") as file:
        file.write('{"do": "lo')  # the line that a process was killed at
    network.heal()
    assert run_impatient(tmp_path, "sync", "outputs").code == 0
    (made,) = runs_of(network.uri, "cut off")
    assert content(network.uri, made) == undisturbed


def test_what_passes_within_the_deadline_disturbs_nothing(
    network: Network, undisturbed: dict[str, Any], tmp_path: Path
) -> None:
    """Each request fails once, in turns before and after the server has done it."""
    faults, spared = ["reset", "lose", "error", "cut"], ("other", "model_file")
    network.rule = lambda kind, number: faults[number // 2 % 4] if number % 2 and kind not in spared else "pass"
    finished = run(tmp_path, *QUICK, MODEL, f"tracking.uri={network.uri}", "tracking.experiment=shaken")
    assert (finished.code, finished.err) == (0, "")
    assert not list(tmp_path.rglob("*.journal"))
    network.heal()
    (made,) = runs_of(network.uri, "shaken")
    assert content(network.uri, made) == undisturbed


def test_a_run_that_is_unknown_to_the_store_is_made_anew_once(network: Network, tmp_path: Path) -> None:
    """As in another database: here the run is gone for good."""
    network.rule = lambda kind, _: "error" if network.seen.count("artifact") else "pass"
    words = (*QUICK, f"tracking.uri={network.uri}", "tracking.experiment=anew")
    assert run_impatient(tmp_path, *words).code == 3
    network.heal()
    (journal,) = tmp_path.rglob("*.journal")
    run_id = read_json(next(tmp_path.rglob("status.json")))["run_id"]
    text = journal.read_text(encoding="utf-8")
    journal.write_text(text.replace(run_id, "0" * 32), encoding="utf-8")
    MlflowClient(network.uri).delete_run(run_id)
    network.rule = lambda kind, _: "lose" if network.seen.count("create_run") == 2 else "pass"
    assert run_impatient(tmp_path, "sync", "outputs").code == 3
    network.heal()
    assert run_impatient(tmp_path, "sync", "outputs").code == 0
    (made,) = runs_of(network.uri, "anew")
    assert made.info.status == "FINISHED"
    assert made.data.params["lr"] == "0.05"
    assert read_json(next(tmp_path.rglob("status.json")))["run_id"] == made.info.run_id


def test_a_run_is_stopped_at_once_though_the_server_hangs(network: Network, tmp_path: Path) -> None:
    network.rule = lambda kind, number: "hang" if kind == "log_batch" and number > 2 else "pass"
    words = (
        "data.samples=20000",
        "record.plots=false",
        f"tracking.uri={network.uri}",
        "tracking.experiment=stopped",
    )
    process = start(tmp_path, *words)
    try:
        while network.seen.count("log_batch") < 3:
            assert process.poll() is None, process.communicate()
            time.sleep(0.02)
        time.sleep(1.0)  # so that the queue of what is to be written is full
        process.send_signal(signal.SIGTERM)
        before = time.monotonic()
        finished = end(process, tmp_path)
        assert time.monotonic() - before < DEADLINE * 0.8  # 2 s where the machine has nothing else to do
    finally:
        process.kill()
    assert finished.code == 3
    folder = finished.run_folder.relative_to(tmp_path)
    assert finished.err.startswith("runner: interrupted; ")
    assert finished.err.endswith(
        f"; what was recorded is in {folder}; to bring it in: python -m runner sync {folder}\n"
    )
    network.heal()
    assert run_impatient(tmp_path, "sync", str(folder)).code == 0
    (made,) = runs_of(network.uri, "stopped")
    assert made.info.status == "KILLED"
    steps = [metric.step for metric in MlflowClient(network.uri).get_metric_history(made.info.run_id, "loss/torch")]
    assert sorted(steps) == deviations(finished.run_folder)["step"].unique().tolist()
    assert read_json(finished.run_folder / "status.json")["message"].startswith("interrupted")
