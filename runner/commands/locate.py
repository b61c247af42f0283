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
from runner.commands.store import URI, all_runs, open_store, whole_id
from runner.errors import ConfigError
from runner.paths import CONF
from runner.records.files import utf8
from runner.records.limits import LONGEST_NAME
from runner.records.plain_yaml import read_plain
from runner.records.readable import UNREADABLE
from runner.records.reading import RecordedRun, read_run
from runner.records.status import read_status
from runner.records.store import as_run_error
from runner.records.sweep.parent import PARENT
from runner.shell import shell_line, title_of

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

ALLOWED = "a run folder, the id of an MLflow run (or its first 6 digits or more), or the name of a run"
ID = re.compile(r"[0-9a-f]{6,32}")
WHOLE_ID = re.compile(r"[0-9a-f]{32}")
SWEEP = "sweep_folder"
REPLICA = "replica"
NOTE = "mlflow.note.content"
"""The tag of a run that is a sweep, which has no verdict of its own."""
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


def parse_words(command: str, argv: Sequence[str], names: Sequence[str], flags: str = "") -> tuple[list[str], str]:
    """The words that ``names`` stand for, and the URI of the store; ``flags`` is what may stand besides, taken already.

    Raises:
        ConfigError: There are more or fewer words, or a flag; the URI is none.
    """
    uris = [word.partition("=")[2] for word in argv if word.startswith(f"{URI}=")]
    words = [word for word in argv if not word.startswith(f"{URI}=")]
    usage = f"python -m runner {command} {' '.join(names)}{f' [{flags}]' if flags else ''} [{URI}=URI]"
    unknown = [word for word in words if word.startswith("-")]
    if unknown:
        raise ConfigError(command, unknown[0], usage)
    if len(words) != len(names):
        raise ConfigError(command, " ".join(map(repr, words)) or "nothing", usage)
    if not uris:
        return words, default_uri()
    check_tracking({"uri": uris[-1], "experiment": "any"})
    return words, uris[-1]


def default_uri() -> str:
    """The store of a run that names none."""
    return default_tracking("uri")


def default_tracking(key: str) -> str:
    """The value of ``tracking.<key>`` of a run that does not set it."""
    file = CONF / "tracking" / "sqlite.yaml"
    return str(yaml.safe_load(file.read_text(encoding="utf-8"))[key])


@contextmanager
def found_run(word: str, uri: str) -> Iterator[Found]:
    """The run that ``word`` names; what was downloaded of it is removed at the end.

    Raises:
        ConfigError: There is no such run or store, or the run has left nothing that can be read.
        RunError: The store cannot be reached.
    """
    if _is_folder(word):
        _check_is_no_sweep(Path(word))
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


def started(run: Run) -> str:
    """When it was begun, in local time."""
    return f"{datetime.fromtimestamp((run.info.start_time or 0) / 1000).astimezone():%Y-%m-%d %H:%M:%S}"


def short(run_id: str) -> str:
    """As much of an id as a person types."""
    return run_id[:8]


def _check_is_no_sweep(folder: Path) -> None:
    if (folder / PARENT).is_file():
        jobs = sorted(file.parent for file in folder.rglob("verdict.json"))
        such = f", such as {jobs[0]}" if jobs else ""
        raise ConfigError("RUN", f"{folder}, the folder of a sweep", f"the folder of one of its jobs{such}")


def _matching(client: MlflowClient, word: str, uri: str) -> list[Run]:
    """The one run whose id begins with ``word``, or all that are named so, the latest first."""
    whole = whole_id(client, word) if WHOLE_ID.fullmatch(word) else None
    if whole is not None:
        return [whole]
    runs = list(all_runs(client))
    named = [run for run in runs if ID.fullmatch(word) and run.info.run_id.startswith(word)]
    if len(named) > 1:
        ids = ", ".join(run.info.run_id for run in named)
        raise ConfigError("RUN", f"{word}, with which {len(named)} ids begin: {ids}", ALLOWED)
    named = named or [run for run in runs if run.info.run_name == utf8(word)[:LONGEST_NAME]]
    if len(utf8(word)) > LONGEST_NAME:  # which MLflow keeps the beginning of: others may begin so too
        named = [run for run in named if _title(client, run) == word]
    if not named:
        raise ConfigError("RUN", f"{word!r}, which is no folder and no run of {uri}", ALLOWED)
    return named


def _title(client: MlflowClient, run: Run) -> str | None:
    """The whole name, from what was recorded; None where that is gone."""
    if "overrides.yaml" not in {entry.path for entry in client.list_artifacts(run.info.run_id)}:
        return None
    with TemporaryDirectory(prefix="run-", ignore_cleanup_errors=True) as temporary:
        file = client.download_artifacts(run.info.run_id, "overrides.yaml", temporary)
        try:
            return title_of(read_plain(Path(file).read_text(encoding="utf-8")))
        except UNREADABLE:  # it is none that the program has written
            return None


def _in_store(client: MlflowClient, word: str, uri: str, into: Path) -> Found:
    named = _matching(client, word, uri)
    run = named[0]
    if not WHOLE_ID.fullmatch(run.info.run_id):
        raise ConfigError(
            "RUN", f"{word!r}, which {uri} gives the id {run.info.run_id!r}", "an id of 32 digits, 0 to f"
        )
    label = f"{run.info.run_name} ({short(run.info.run_id)})"
    several = f"{len(named)} runs are named {word}; taken is the latest, {short(run.info.run_id)} of {started(run)}"
    notes = (several,) if len(named) > 1 else ()
    folder = _own_folder(run)
    if folder is not None:
        return Found(read_run(folder), label, run.info.run_id, notes=notes)
    if SWEEP in run.data.tags:
        raise ConfigError("RUN", f"{label}, which is a sweep", _jobs_of(client, run, uri))
    if REPLICA in run.data.tags:
        command = run.data.tags.get(NOTE, "").rpartition("\n")[2].strip()
        raise ConfigError("RUN", f"{label}, which is one of many replicas", f"a run of its own, as by: {command}")
    if "verdict.json" not in {entry.path for entry in client.list_artifacts(run.info.run_id)}:
        got = f"{label}, which is {run.info.status} and has no verdict.json among its artifacts"
        raise ConfigError("RUN", got, "a run that has ended with a verdict")
    return Found(_download(client, run, into, label), label, run.info.run_id, downloaded=True, notes=notes)


def _jobs_of(client: MlflowClient, sweep: Run, uri: str) -> str:
    """What to name in place of a sweep, and how to find it."""
    store = [] if uri == default_uri() else [f"{URI}={uri}"]
    experiment = client.get_experiment(sweep.info.experiment_id).name
    line = shell_line(["python", "-m", "runner", "runs", f"experiment={experiment}", *store])
    return f"one of its jobs, which lie in {sweep.data.tags[SWEEP]} and are listed by: {line}"


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
    folder = Path(tag)
    own = read_status(folder).get("run_id") == run.info.run_id and (folder / "verdict.json").is_file()
    return folder if own else None


def _is_folder(word: str) -> bool:
    return bool(word) and os.path.isdir(word)  # noqa: PTH112  (a name may be too long for a path, which is no error)
