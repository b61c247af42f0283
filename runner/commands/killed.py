"""Runs of a folder whose process was killed outright, and the stores in which they are still RUNNING."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from runner.commands.store import open_store
from runner.errors import ConfigError
from runner.records.bearing import CONFIG
from runner.records.bringing import check_store
from runner.records.dead import end_dead_runs_below
from runner.records.plain_yaml import read_plain
from runner.records.readable import reading
from runner.records.status import STATUS
from runner.records.store import as_run_error, database_of
from runner.records.sweep.parent import PARENT, read_parent

BESIDE = "overrides.yaml"
"""By which, beside its configuration, the folder of a run is told from others."""


class Store(NamedTuple):
    """A store's address and an experiment in it."""

    uri: str
    experiment: str


def stores_of(folder: Path) -> list[Store]:
    """Those of the sweeps in ``folder`` or around it, and of the runs in it that have left no status.

    Raises:
        ConfigError: A file is damaged or a link; what it names is no store, or an address with a password in it.
        RunError: The file of a sweep cannot be read.
    """
    runs = [path for path in folder.rglob(CONFIG) if (path.parent / BESIDE).is_file()]
    begun = [path for path in runs if not (path.parent / STATUS).exists()]
    sweeps = [*folder.rglob(PARENT), *(above / PARENT for above in folder.absolute().parents)]
    found = [store for path in begun if (store := _store_of(path)) is not None]
    for path in sweeps:
        if path.is_file():
            parent = read_parent(path.parent)
            found.append(_checked(path, parent["uri"], parent["experiment"]))
    return sorted(set(found))


def end_dead_below(folder: Path, store: Store) -> list[tuple[Path, str, str]]:
    """Ends the runs of ``folder`` that nobody records any more: the folder of each, its id and what it was set to.

    Raises:
        ConfigError: It is no store.
        RunError: It cannot be reached.
    """
    database = database_of(store.uri)
    if database is not None and not database.is_file():
        return []
    client = open_store(store.uri)
    with as_run_error(store.uri):
        experiment = client.get_experiment_by_name(store.experiment)
        if experiment is None:
            return []
        ended = end_dead_runs_below(client, experiment.experiment_id, folder)
    place = folder.absolute()
    return [(folder / path.relative_to(place), run_id, state) for path, run_id, state in ended]


def _store_of(config: Path) -> Store | None:
    """None of a file that names no store."""
    if config.is_symlink():
        raise ConfigError("sync", f"{config}, a symbolic link", "a folder of files and folders")
    with reading(config.parent, CONFIG):
        found = read_plain(config.read_text(encoding="utf-8"))
    tracking = found.get("tracking") if isinstance(found, dict) else None
    match tracking:
        case {"uri": str(uri), "experiment": str(experiment)}:
            return _checked(config, uri, experiment)
    return None


def _checked(file: Path, uri: str, experiment: str) -> Store:
    check_store(file, uri, experiment)
    return Store(uri, experiment)
