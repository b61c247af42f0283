"""What the run's own keys may be, checked before anything is made of them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from math import isfinite
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import ml_dtypes
import numpy as np

from runner.arrays import DTYPES
from runner.backends.base import BackendChoice
from runner.errors import ConfigError, choices
from runner.network import Network
from runner.secrecy import check_address

SCHEMES = ("sqlite", "postgresql", "mysql", "mssql", "http", "https")
LONGEST_NAME = 500
"""MLflow's limit."""
LONGEST_BACKEND = 100
"""Room for what stands around it in the names of files and metrics, which end at 250 characters."""
MOST_THREADS = 1024
OBJECTIVES = {
    "precision_roundings": "roundings",
    "logic_roundings": "logic_roundings",
    "last_loss": "loss",
    "drift": "drift",
}
"""What a sweeper may optimise, and what a job's status calls it."""
METRICS = ("every", "summary")
"""Which metrics go to MLflow: those of every recorded step, or the last value of each."""
REPLICAS = ("summary", "each")
"""What is kept of many replicas in MLflow: one run for all, or a run for each of them too."""


def check_numbers(config: Mapping[str, Any]) -> None:
    """Raises ConfigError where a number at the top level, or how often something is done, is out of range."""
    if not (isfinite(config["lr"]) and config["lr"] >= 0):
        raise ConfigError("lr", config["lr"], "a finite number from 0")
    rates = config["lrs"]
    if rates is not None and not (rates and all(isfinite(lr) and lr >= 0 for lr in rates)):
        raise ConfigError("lrs", rates, "null, or a list of finite numbers from 0")
    if rates is not None and len(set(rates)) < len(rates):
        raise ConfigError("lrs", rates, "different numbers")
    if config["seed"] < 0:
        raise ConfigError("seed", config["seed"], "a whole number from 0")
    for key in ("replicas", "epochs", "batch_size", "threads"):
        if config[key] < 1:
            raise ConfigError(key, config[key], "a whole number from 1")
    if config["threads"] > MOST_THREADS:
        raise ConfigError("threads", config["threads"], f"a whole number from 1 to {MOST_THREADS}")
    for group in ("verdict", "record"):
        if config[group]["every"] < 1:
            raise ConfigError(f"{group}.every", config[group]["every"], "a whole number from 1")
    every = config["checkpoint"]["every"]
    if every is not None and every < 1:
        raise ConfigError("checkpoint.every", every, "a whole number from 1, or null")
    if config["dtype"] not in DTYPES:
        raise ConfigError("dtype", config["dtype"], choices(DTYPES, config["dtype"]))


def check_objective(objective: str, lockstep: bool) -> None:
    """Raises ConfigError where a run cannot tell a sweeper what it is to optimise."""
    if objective not in OBJECTIVES:
        raise ConfigError("objective", objective, choices(OBJECTIVES, objective))
    if objective == "drift" and lockstep:
        allowed = choices([name for name in OBJECTIVES if name != "drift"], "")
        raise ConfigError("objective", objective, f"{allowed}; with lockstep=false also drift")


def check_plots(record: Mapping[str, Any]) -> None:
    """Raises ConfigError where plots are to be of a kind, and there are to be none."""
    if record["svg"] and not record["plots"]:
        raise ConfigError("record.svg", "true", "false where record.plots=false: SVG files are drawn beside the plots")


def check_in_mlflow(record: Mapping[str, Any]) -> None:
    """Raises ConfigError where it is not told how many metrics and replicas are to be kept in MLflow."""
    for key, allowed in (("metrics", METRICS), ("replicas", REPLICAS)):
        if record[key] not in allowed:
            raise ConfigError(f"record.{key}", record[key], choices(allowed, record[key]))


def check_name(key: str, name: str) -> None:
    """Raises ConfigError where a backend's name could not be that of a metric or of a file."""
    if not re.fullmatch(r"\w[\w.-]*", name, re.ASCII):
        raise ConfigError(key, repr(name), "a name of letters, digits, _, . and -")
    if len(name) > LONGEST_BACKEND:
        raise ConfigError(key, f"a name of {len(name)} characters", f"at most {LONGEST_BACKEND}")


def check_backends(backends: Mapping[str, BackendChoice], dtype: np.dtype[Any]) -> None:
    """Raises ConfigError where a backend is not for the run's dtype, or the last one could not be a reference.

    Files are named after backends, and some disks do not tell names apart that differ in their letters' case alone.
    """
    folded: dict[str, str] = {}
    for name in backends:
        other = folded.setdefault(name.casefold(), name)
        if other != name:
            raise ConfigError(f"backend.{name}", f"a name beside {other}", "names that differ in more than case")
    for name, choice in backends.items():
        try:
            choice.check_dtype(dtype)
        except ConfigError as error:
            raise error.below(f"backend.{name}") from error
    last, choice = list(backends.items())[-1]
    if choice.rounds_factors(dtype):
        allowed = "false: the last backend is the one that the others are compared to"
        raise ConfigError(f"backend.{last}.tf32", "true", allowed)


def check_restorable(every: int, backends: Mapping[str, BackendChoice], network: Network) -> None:
    """Raises ConfigError where a backend carries from step to step what no checkpoint of it would have."""
    for name, choice in backends.items():
        hidden = choice.hidden(network)
        if hidden:
            raise ConfigError(
                "checkpoint.every", f"{every} with backend.{name}, {hidden}", "null beside such a backend"
            )


def check_range(key: str, part: object, dtype: np.dtype[Any]) -> None:
    """Raises ConfigError where a finite number of ``part``, or of what lies in it, is beyond the run's dtype."""
    largest = float(ml_dtypes.finfo(dtype).max)  # type: ignore[no-untyped-call]
    for found, value in _numbers(key, part):
        if isfinite(value) and abs(value) > largest:
            raise ConfigError(found, value, f"a number in the range of {dtype.name}: at most {largest:.8g} in size")


def _numbers(key: str, part: object) -> Iterator[tuple[str, float]]:
    """Every floating-point number of an object that was built of a configuration, with its key."""
    if isinstance(part, float):
        yield key, part
    elif isinstance(part, list):
        for i, item in enumerate(part):
            yield from _numbers(f"{key}.{i}", item)
    elif is_dataclass(part):
        for field in fields(part):
            yield from _numbers(f"{key}.{field.name}", getattr(part, field.name))


def check_tracking(tracking: Mapping[str, Any]) -> None:
    """Raises ConfigError where MLflow could not take the URI or the experiment's name, or the URI has a password."""
    uri, key, name = tracking["uri"], "tracking.uri", tracking["experiment"]
    check_address(key, uri)
    allowed = f"an MLflow tracking URI: {', '.join(SCHEMES)}, e.g. sqlite:///outputs/mlflow.db"
    try:
        parts = urlsplit(uri)
        scheme, _ = parts.scheme, parts.port
    except ValueError as error:
        raise ConfigError(key, f"{uri!r} ({error})", allowed) from error
    if scheme.partition("+")[0] not in SCHEMES or scheme.startswith("sqlite+"):
        raise ConfigError(key, repr(uri), allowed)
    if scheme == "sqlite":
        if not uri.partition(":///")[2]:
            raise ConfigError(key, repr(uri), "sqlite:///PATH of a file")
        _check_database(key, uri, Path(uri.partition(":///")[2].partition("?")[0]))
    elif not parts.netloc:
        raise ConfigError(key, repr(uri), allowed)
    if not name.strip() or len(name) > LONGEST_NAME:
        raise ConfigError("tracking.experiment", repr(name), f"a name of at most {LONGEST_NAME} characters")


def check_system_metrics(wanted: bool) -> None:
    """Raises ConfigError where the system does not tell how busy it is."""
    if wanted and not Path("/proc/meminfo").is_file():
        raise ConfigError("tracking.system_metrics", "true", "false: this system has no /proc to read them from")


def _check_database(key: str, uri: str, path: Path) -> None:
    ours = "a file that MLflow made, or a new one"
    try:
        if path.exists() and not _is_sqlite(path):
            raise ConfigError(key, f"{uri}, which is no sqlite file", ours)
        blocked = next((p for p in path.parents if p.exists() and not p.is_dir()), None)
    except OSError as error:
        raise ConfigError(key, f"{uri} ({error.strerror})", ours) from error
    if blocked is not None:
        raise ConfigError(key, f"{uri}, where {blocked} is a file", "a path whose folders can be made")
    wrong = _wrong_with(path) if path.exists() else ""
    if wrong:
        raise ConfigError(key, f"{uri}, {wrong}", ours)


def _is_sqlite(path: Path) -> bool:
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(16) in (b"", b"SQLite format 3\0")


def _wrong_with(database: Path) -> str:
    """What is wrong with it, in words: it is damaged, or another program's, in which MLflow would make its tables."""
    import sqlite3
    from contextlib import closing
    from urllib.parse import quote

    try:
        with closing(sqlite3.connect(f"file:{quote(str(database))}?mode=ro", uri=True)) as reader:
            tables = {row[0] for row in reader.execute("select name from sqlite_master where type = 'table'")}
    except sqlite3.OperationalError:  # it is locked, say: MLflow will wait for it, or tell
        return ""
    except sqlite3.DatabaseError as error:
        return f"which is damaged ({error})"
    return "" if not tables or "experiments" in tables else "the database of another program"
