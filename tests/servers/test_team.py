"""A team's tracking server, with passwords, on PostgreSQL: what runs, sweeps and the commands do goes through it."""

from __future__ import annotations

from pathlib import Path

import mlflow
import pytest
from mlflow import MlflowClient
from mlflow.entities import Run

from tests.cli.process import Finished, environment, run
from tests.cli.stores import FILES, artifacts

from .postgres import PASSWORD
from .recording import check, record
from .team import Team, credentials, secrets

WRONG = "not-ann-Secret-5"
SHORT = ("data.samples=3", "record.plots=false")


@pytest.fixture(scope="package")
def member(server: Team) -> dict[str, str]:
    return environment(**credentials())


@pytest.fixture
def reader(server: Team, monkeypatch: pytest.MonkeyPatch) -> MlflowClient:
    for key, value in {**credentials("bob"), "MLFLOW_TRACKING_URI": server.address}.items():
        monkeypatch.setenv(key, value)
    return MlflowClient(server.address)


def runs_of(reader: MlflowClient, experiment: str) -> list[Run]:
    found = reader.get_experiment_by_name(experiment)
    assert found is not None
    return list(reader.search_runs([found.experiment_id], order_by=["attributes.start_time ASC"]))


def check_no_secret(server: Team, folder: Path, *ended: Finished) -> None:
    """No password is in any file below ``folder``, in MLflow's database, or in what was printed."""
    texts = {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    texts["the database"] = server.postgres.dump("mlflow").encode()
    texts |= {f"what run {i} printed": (finished.out + finished.err).encode() for i, finished in enumerate(ended)}
    for secret in secrets():
        assert not [name for name, text in texts.items() if secret.encode() in text]


def test_processes_that_record_at_once_lose_nothing_and_double_nothing(
    server: Team, member: dict[str, str], tmp_path: Path
) -> None:
    words = (*SHORT, f"tracking.uri={server.address}", "tracking.experiment=at once")
    record(tmp_path, 4, 3, words, member, run)
    found = check(tmp_path, 4, 3, server.rows, Path(server.artifacts), "at once")
    assert found.runs == 12
    check_no_secret(server, tmp_path)


def test_processes_that_make_a_database_at_once_do_so_one_after_the_other(server: Team, tmp_path: Path) -> None:
    words = (*SHORT, f"tracking.uri={server.postgres.create('direct')}")
    record(tmp_path, 3, 1, words, environment(PGPASSWORD=PASSWORD), run)
    check(tmp_path, 3, 1, lambda query: server.postgres.rows("direct", query), tmp_path, "runner")
    check_no_secret(server, tmp_path)
    assert PASSWORD not in server.postgres.dump("direct")


def test_a_run_is_shown_exported_compared_and_replayed_from_the_server_alone(
    server: Team, member: dict[str, str], reader: MlflowClient, tmp_path: Path
) -> None:
    uri = f"tracking.uri={server.address}"
    place, elsewhere = tmp_path / "place", tmp_path / "elsewhere"
    place.mkdir()
    elsewhere.mkdir()
    done = run(place, "data.samples=3", "record.model=true", uri, "tracking.experiment=alone", env=member)
    assert (done.code, done.err) == (0, "")
    (made,) = runs_of(reader, "alone")
    assert artifacts(reader, made) == FILES
    (kept,) = (place / "outputs" / "runs").glob("*/*")
    model = mlflow.pyfunc.load_model(f"runs:/{made.info.run_id}/network")
    assert model.predict([[0.5, 0.25]]) == mlflow.pyfunc.load_model(kept / "model").predict([[0.5, 0.25]])
    place.rename(tmp_path / "away")
    run_id = made.info.run_id
    told = {
        "report": run(elsewhere, "report", run_id, uri, env=member),
        "export": run(elsewhere, "export", run_id[:8], "gradients.npz", uri, env=member),
        "compare": run(elsewhere, "compare", run_id, run_id, uri, env=member),
        "replay": run(elsewhere, "replay", run_id, uri, env=member),
        "runs": run(elsewhere, "runs", "experiment=alone", uri, env=member),
    }
    assert {name: (finished.code, finished.err) for name, finished in told.items()} == dict.fromkeys(told, (0, ""))
    assert (elsewhere / f"report-{run_id[:8]}" / "report.html").is_file()
    assert (elsewhere / "gradients.npz").is_file()
    assert "losses and gradients are bitwise equal" in told["compare"].out
    assert "reproduced bit by bit" in told["replay"].out
    assert run_id[:8] in told["runs"].out
    check_no_secret(server, tmp_path, done, *told.values())


def test_every_replica_has_a_run_below_that_of_all(
    server: Team, member: dict[str, str], reader: MlflowClient, tmp_path: Path
) -> None:
    words = ("replicas=3", "record.replicas=each", f"tracking.uri={server.address}", "tracking.experiment=replicas")
    finished = run(tmp_path, *SHORT, *words, env=member)
    assert (finished.code, finished.err) == (0, "")
    assert "View run" not in finished.out
    whole, *each = runs_of(reader, "replicas")
    assert [replica.data.tags["mlflow.parentRunId"] for replica in each] == [whole.info.run_id] * 3
    assert {replica.data.params["seed"] for replica in each} == {"1", "2", "3"}
    assert "replicas.parquet" in artifacts(reader, whole)


@pytest.mark.parametrize(
    ("words", "password"),
    [(SHORT, None), (("-m", "seed=1,2", *SHORT), WRONG), (("runs",), WRONG)],
    ids=["run", "sweep", "runs"],
)
def test_whoever_is_not_known_is_told_so_in_one_line(
    words: tuple[str, ...], password: str | None, server: Team, tmp_path: Path
) -> None:
    env = environment(**({} if password is None else {**credentials(), "MLFLOW_TRACKING_PASSWORD": password}))
    finished = run(tmp_path, *words, f"tracking.uri={server.address}", env=env)
    assert finished.code == 3
    assert finished.err.startswith(f"runner: MLflow at {server.address}: not authenticated; the environment says who")
    assert finished.err.count("\n") == 1
    assert "MLFLOW_TRACKING_PASSWORD" in finished.err
    assert password is None or password not in finished.err + finished.out
    assert not list(tmp_path.rglob("config.yaml"))


def test_a_database_that_refuses_is_told_at_once_and_in_one_line(server: Team, tmp_path: Path) -> None:
    uri = f"postgresql+psycopg2://runner@127.0.0.1:{server.port}/mlflow"
    env = environment(PGPASSWORD="not-that-one")
    for words in (SHORT, ("runs",)):
        finished = run(tmp_path, *words, f"tracking.uri={uri}", env=env)
        assert finished.code == 3
        assert finished.err.startswith(f"runner: MLflow at {uri}: ")
        assert "password authentication failed" in finished.err
        assert finished.err.count("\n") == 1


def test_the_database_of_a_server_is_no_store_of_its_experiments(
    server: Team, member: dict[str, str], tmp_path: Path
) -> None:
    named = "tracking.experiment=served"
    assert run(tmp_path, *SHORT, f"tracking.uri={server.address}", named, env=member).code == 0
    uri = f"postgresql+psycopg2://runner@127.0.0.1:{server.port}/mlflow"
    finished = run(tmp_path, *SHORT, f"tracking.uri={uri}", named, env=environment(PGPASSWORD=PASSWORD))
    assert finished.code == 2
    assert "tracking.uri: got " in finished.err
    assert "a tracking server keeps the artifacts of experiment served" in finished.err
    counted = "select count(*) from runs join experiments e using (experiment_id) where e.name = 'served'"
    assert server.rows(counted) == [(1,)]


def test_looking_at_a_database_that_is_no_store_makes_nothing_in_it(server: Team, tmp_path: Path) -> None:
    uri = server.postgres.create("empty")
    finished = run(tmp_path, "runs", f"tracking.uri={uri}", env=environment(PGPASSWORD=PASSWORD))
    assert finished.code == 2
    assert "which is no store of MLflow" in finished.err
    tables = "select count(*) from information_schema.tables where table_schema = 'public'"
    assert server.postgres.rows("empty", tables) == [(0,)]
