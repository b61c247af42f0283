"""A password in an address: refused in one line that does not repeat it, and nowhere to be found afterwards."""

from __future__ import annotations

from pathlib import Path

import pytest

from runner.errors import ConfigError, masked
from runner.secrecy import check_address, check_words
from tests.cli.process import Finished, environment, run

SECRET = "hunter-2"
HOLDING = [
    "http://ann:{}@127.0.0.1:5000",
    "https://{}@127.0.0.1",
    "http://ann:{}@host:port",
    "htp://ann:{}@host",
    "sqlite:///a.db,http://ann:{}@host",
    "[sqlite:///a.db,'http://ann:{}@host']",
    "postgresql://ann:{}@host/db",
    "postgresql+psycopg2://ann:{}@host:5432/db?sslmode=require",
    "postgresql://ann:a/b@c {}@host/db",
    "postgresql://:{}@host/db",
    "postgresql://ann@host/db?sslmode=require&password={}",
    "mysql+pymysql://ann:{}@host/db",
    "mssql+pyodbc://host/db?odbc_connect=PWD%3D{}",
]
FREE = [
    "sqlite:///outputs/mlflow.db",
    "sqlite:///of:me@here.db",
    "http://127.0.0.1:5000",
    "https://host/mlflow/at/place",
    "postgresql+psycopg2://ann@host:5432/db?sslmode=require",
    "postgresql://ann@host/db?passfile=/home/ann/.pgpass",
    "postgresql://host/db",
]


@pytest.mark.parametrize("address", HOLDING)
def test_an_address_with_a_password_is_refused_and_not_repeated(address: str) -> None:
    with pytest.raises(ConfigError) as refused:
        check_address("tracking.uri", address.format(SECRET))
    assert SECRET not in str(refused.value)
    assert str(refused.value).startswith("tracking.uri: got ")


@pytest.mark.parametrize("address", FREE)
def test_an_address_without_a_password_is_taken(address: str) -> None:
    check_address("tracking.uri", address)
    assert masked(address) == address


def test_the_complaint_says_where_the_password_comes_from() -> None:
    for address, place in {
        "http://a:b@h": "MLFLOW_TRACKING_PASSWORD",
        "postgresql+psycopg2://a:b@h/d": "PGPASSWORD",
    }.items():
        with pytest.raises(ConfigError, match=place):
            check_words(["lr=0.1", f"+tracking.uri={address}"])


def test_any_complaint_leaves_out_the_password_of_an_address() -> None:
    address = f"postgresql://ann:{SECRET}@host/db"
    assert SECRET not in str(ConfigError("key", f"unknown word {address!r}", f"not {address}"))


def assert_nothing_of_it(finished: Finished, folder: Path) -> None:
    assert finished.code == 2
    assert finished.err.count("\n") == 1
    assert SECRET not in finished.out + finished.err
    assert not [path for path in folder.rglob("*") if path.is_file() and SECRET.encode() in path.read_bytes()]


URI = f"http://ann:{SECRET}@127.0.0.1:9"


@pytest.mark.parametrize(
    "words",
    [
        (f"tracking.uri={URI}",),
        ("-m", "seed=1,2", f"tracking.uri={URI}"),
        ("-m", f"tracking.uri=sqlite:///a.db,{URI}"),
        (f"traking.uri={URI}",),
        ("--cfg", "job", f"tracking.uri={URI}"),
        (f"--nothing={URI}",),
        ("runs", f"tracking.uri={URI}"),
        ("replay", "1234567", f"tracking.uri={URI}"),
        ("report", URI),
        ("grade", "submissions", f"tracking.uri={URI}"),
        ("new-backprop", "my.py", f"tracking.uri={URI}"),
    ],
    ids=" ".join,
)
def test_a_password_that_is_typed_is_nowhere_afterwards(words: tuple[str, ...], place: Path) -> None:
    finished = run(place, *words)
    assert_nothing_of_it(finished, place)
    assert not list((place / "outputs").glob("*s/*"))


@pytest.mark.parametrize("mode", [(), ("-m", "seed=1,2", "hydra.sweep.dir=earlier")], ids=["run", "sweep"])
def test_a_password_from_a_file_or_the_environment_is_nowhere_afterwards(mode: tuple[str, ...], place: Path) -> None:
    (place / "earlier" / "0").mkdir(parents=True)
    (place / "earlier" / "0" / "status.json").write_text("{}")
    own = place / "my" / "experiment" / "mine.yaml"
    own.parent.mkdir(parents=True)
    own.write_text("# @package _global_\ntracking: {uri: '${oc.env:STORE}'}\n")
    finished = run(place, *mode, "--config-dir", "my", "experiment=mine", env=environment(STORE=URI))
    assert_nothing_of_it(finished, place)
    own.write_text(f"# @package _global_\ntracking: {{uri: '{URI}'}}\n")
    finished = run(place, *mode, "--config-dir", "my", "experiment=mine")
    own.unlink()
    assert_nothing_of_it(finished, place)


def test_a_password_that_one_job_of_a_sweep_has_from_a_file_is_nowhere_afterwards(place: Path) -> None:
    own = place / "my" / "tracking" / "mine.yaml"
    own.parent.mkdir(parents=True)
    own.write_text(f"uri: {URI}\nexperiment: runner\nsystem_metrics: false\n")
    words = ("tracking=sqlite,mine", "data.samples=3", "record.plots=false", "hydra.sweep.dir=sweep")
    finished = run(place, "-m", "--config-dir", "my", *words)
    own.unlink()
    assert_nothing_of_it(finished, place)
    assert "1 of 2 jobs agree" in finished.out
