"""Finds a recorded run: by its folder, by the id of its MLflow run, or by its name."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import yaml

from runner.checks import check_tracking
from runner.errors import ConfigError, one_line
from runner.paths import CONF
from runner.records.files import utf8
from runner.records.mlflow import LONGEST_NAME, as_run_error, database_of, prepare
from runner.records.reading import RecordedRun, read_run

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

URI = "tracking.uri"
ALLOWED = "a run folder, the id of an MLflow run (or its first 6 digits or more), or the name of a run"
ID = re.compile(r"[0-9a-f]{6,32}")
PAGE = 500
RUN_HELP = f"""\
RUN is {ALLOWED}.
{URI}=URI says which MLflow store has it; the default is that of every run, sqlite:///outputs/mlflow.db."""


@dataclass(frozen=True)
class Found:
    """A run that was looked for.

    Attributes:
        run: What it has left.
        label: What it is called where something is said of it.
        run_id: That of the MLflow run by which it was found.
        downloaded: Its folder is a temporary one, to which MLflow's artifacts were copied.
        notes: What is to be said of how it was found.
    """

    run: RecordedRun
    label: str
    run_id: str = ""
    downloaded: bool = False
    notes: tuple[str, ...] = ()


def parse_words(command: str, argv: Sequence[str], names: Sequence[str]) -> tuple[list[str], str]:
    """The words that ``names`` stand for, and the URI of the store.

    Raises:
        ConfigError: There are more or fewer words, or a flag.
    """
    uris = [word.partition("=")[2] for word in argv if word.startswith(f"{URI}=")]
    words = [word for word in argv if not word.startswith(f"{URI}=")]
    usage = f"python -m runner {command} {' '.join(names)} [{URI}=URI]"
    flags = [word for word in words if word.startswith("-")]
    if flags:
        raise ConfigError(command, flags[0], usage)
    if len(words) != len(names):
        raise ConfigError(command, " ".join(map(repr, words)) or "nothing", usage)
    return words, uris[-1] if uris else default_uri()


def default_uri() -> str:
    """The store of a run that names none."""
    file = CONF / "tracking" / "sqlite.yaml"
    return str(yaml.safe_load(file.read_text(encoding="utf-8"))["uri"])


@contextmanager
def found_run(word: str, uri: str) -> Iterator[Found]:
    """The run that ``word`` names; what was downloaded of it is removed at the end.

    Raises:
        ConfigError: There is no such run or store, or the run has left nothing that can be read.
        RunError: The store cannot be reached.
    """
    if _is_folder(word):
        yield Found(read_run(Path(word)), word)
        return
    try:
        client = open_store(uri)
    except ConfigError as error:
        raise ConfigError("RUN", f"{word!r}, no folder; and {error.key} is {error.got}", ALLOWED) from error
    with TemporaryDirectory(prefix="run-", ignore_cleanup_errors=True) as temporary:
        with as_run_error(uri):
            found = _in_store(client, word, uri, Path(temporary))
        yield found


def open_store(uri: str) -> MlflowClient:
    """A client that only reads: nothing is made by looking.

    Raises:
        ConfigError: It is no URI, there is no such sqlite file, or it is none that this MLflow has made.
    """
    check_tracking({"uri": uri, "experiment": "any"})
    database = database_of(uri)
    made_by = "an MLflow store that is there"
    if database is not None and not database.is_file():
        raise ConfigError(URI, f"{uri}, which is not there", made_by)
    if database is not None and not _has_runs(database):
        raise ConfigError(URI, f"{uri}, which is no store of MLflow", made_by)
    prepare()
    from mlflow import MlflowClient
    from mlflow.exceptions import MlflowException

    try:
        return MlflowClient(uri)
    except MlflowException as error:  # a database of another version of MLflow
        raise ConfigError(URI, f"{uri} ({one_line(str(error))[:200]})", made_by) from error


def _has_runs(database: Path) -> bool:
    """MLflow would make its tables in any sqlite file that it opens."""
    import sqlite3
    from contextlib import closing
    from urllib.parse import quote

    try:
        with closing(sqlite3.connect(f"file:{quote(str(database))}?mode=ro", uri=True)) as reader:
            names = {row[0] for row in reader.execute("select name from sqlite_master where type = 'table'")}
    except sqlite3.Error:
        return False
    return {"experiments", "runs", "alembic_version"} <= names


def all_runs(client: MlflowClient, experiments: Sequence[str] | None = None) -> Iterator[Run]:
    """Every run that is not deleted, the latest of each page first; ``experiments`` are ids, by default all."""
    ids = [e.experiment_id for e in client.search_experiments()] if experiments is None else list(experiments)
    token = None
    while True:
        page = client.search_runs(ids, max_results=PAGE, order_by=["attributes.start_time DESC"], page_token=token)
        yield from page
        token = page.token
        if not token:
            return


def started(run: Run) -> str:
    """When it was begun, in local time."""
    return f"{datetime.fromtimestamp((run.info.start_time or 0) / 1000).astimezone():%Y-%m-%d %H:%M:%S}"


def short(run_id: str) -> str:
    """As much of an id as a person types."""
    return run_id[:8]


def _in_store(client: MlflowClient, word: str, uri: str, into: Path) -> Found:
    runs = list(all_runs(client))
    named = [run for run in runs if ID.fullmatch(word) and run.info.run_id.startswith(word)]
    if len(named) > 1:
        ids = ", ".join(run.info.run_id for run in named)
        raise ConfigError("RUN", f"{word}, with which {len(named)} ids begin: {ids}", ALLOWED)
    named = named or [run for run in runs if run.info.run_name == utf8(word)[:LONGEST_NAME]]
    if not named:
        raise ConfigError("RUN", f"{word!r}, which is no folder and no run of {uri}", ALLOWED)
    run = named[0]
    label = f"{run.info.run_name} ({short(run.info.run_id)})"
    several = f"{len(named)} runs are named {word}; taken is the latest, {short(run.info.run_id)} of {started(run)}"
    notes = (several,) if len(named) > 1 else ()
    folder = _own_folder(run)
    if folder is not None:
        return Found(read_run(folder), label, run.info.run_id, notes=notes)
    if "verdict.json" not in {entry.path for entry in client.list_artifacts(run.info.run_id)}:
        got = f"{label}, which is {run.info.status} and has no verdict.json among its artifacts"
        raise ConfigError("RUN", got, "a run that has ended with a verdict")
    return Found(_download(client, run, into, label), label, run.info.run_id, downloaded=True, notes=notes)


def _download(client: MlflowClient, run: Run, into: Path, label: str) -> RecordedRun:
    folder = Path(client.download_artifacts(run.info.run_id, "", str(into)))
    try:
        return read_run(folder)
    except ConfigError as error:
        raise ConfigError(error.key, str(error.got).replace(str(folder), label), error.allowed) from error


def _own_folder(run: Run) -> Path | None:
    """The folder that it was recorded in, if that is still there and no other run has been recorded in it since."""
    tag = run.data.tags.get("run_folder", "")
    if not _is_folder(tag):
        return None
    try:
        recorded = read_run(Path(tag))
    except ConfigError:  # the artifacts are a copy of what it was
        return None
    kept, metrics, tags = recorded.verdict, run.data.metrics, run.data.tags
    same = all(metrics.get(f"verdict/{key}") == kept[key] for key in ("logic_roundings", "precision_roundings"))
    overrides = utf8(" ".join(sorted(recorded.overrides)))
    same = same and tags.get("verdict") == kept["verdict"] and tags.get("job_key", "").endswith(overrides)
    return Path(tag) if same else None


def _is_folder(word: str) -> bool:
    return bool(word) and os.path.isdir(word)  # noqa: PTH112  (a name may be too long for a path, which is no error)
