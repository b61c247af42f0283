"""A run's checkpoint: what it holds, and whether the run at hand is the one to go on from it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from runner.assemble import Setup
from runner.carried import Carried
from runner.checkpoints.file import NAME, add, read_checkpoint, write_checkpoint
from runner.errors import ConfigError
from runner.records.bearing import bearing, check_same
from runner.records.console import PublishedRows
from runner.records.gradients import SHORT
from runner.records.identity import Identity
from runner.records.pending import Pending, flatten
from runner.records.run_files import FilesState

OWN_FILES = "files."
"""What the keys of the user's own files begin with in a flat environment; these may not differ."""


@dataclass(frozen=True)
class Records:
    """Where the records of a run stand.

    Attributes:
        run_id: Of its MLflow run.
        files: Of the run folder.
        published: What is printed beside a published table.
        samples: How many samples of the machine's load were taken.
        metrics: Those that are not known to be in MLflow, with their times, and what else is to be told.
        ended_at: When the last step was done, in milliseconds of the clock; None before.
    """

    run_id: str
    files: FilesState
    published: PublishedRows | None
    samples: int
    metrics: Pending
    ended_at: int | None


@dataclass(frozen=True)
class Checkpoint:
    """A run between two steps, and what it belongs to: a configuration, its data, and an environment."""

    config: Mapping[str, Any]
    data: str
    environment: Mapping[str, Any]
    carried: Carried
    records: Records


class Checkpoints:
    """The checkpoint of one run.

    Attributes:
        found: What the run is to go on from; None where it begins.
        stands: Whether there is one that the run, if it is broken off, could go on from.

    Raises:
        ConfigError: The one in the folder is of another configuration or other data.
        RunError: It is damaged.
    """

    def __init__(self, setup: Setup, identity: Identity) -> None:
        self._setup, self._identity = setup, identity
        self._path = identity.folder / NAME
        self.found = found_checkpoint(self._path, setup, identity) if setup.resume else None
        self.stands = self.found is not None
        self._data = ""

    def carried(self) -> Carried | None:
        """What is carried, once: a run that goes on does not keep it."""
        found, self.found = self.found, None
        return None if found is None else found.carried

    def write(self, environment: Mapping[str, Any], carried: Carried, records: Records) -> None:
        """Puts one into the place of the one before it.

        Raises:
            RunError: It cannot be written.
        """
        self._data = self._data or data_of(self._setup)
        config = bearing(self._identity.config)
        write_checkpoint(self._path, Checkpoint(config, self._data, environment, carried, records))
        self.stands = True

    def remove(self) -> None:
        """To be called when the run is recorded to its end."""
        self._path.unlink(missing_ok=True)


def leftovers(folder: Path) -> list[Path]:
    """What a run with checkpoints may leave in its folder if it is broken off."""
    return [folder / NAME, folder / SHORT]


def found_checkpoint(path: Path, setup: Setup, identity: Identity) -> Checkpoint | None:
    """What the run goes on from; None where there is no such file.

    Raises:
        ConfigError: It is of another configuration or other data.
        RunError: It is damaged.
    """
    if not path.exists():
        return None
    found = read_checkpoint(path, Checkpoint)
    check_same(found.config, identity.config, path)
    if found.data != data_of(setup):
        got = "true, where the samples or the first parameters have changed"
        raise ConfigError("resume", got, f"those that {path} was made with")
    return found


def changes(then: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """In words, what differs in two environments.

    Raises:
        ConfigError: A file of the user's own differs.
    """
    before, after = (dict(flatten(environment)) for environment in (then, now))
    different = [key for key in {**before, **after} if before.get(key) != after.get(key)]
    for key in different:
        if key.startswith(OWN_FILES):
            file = key.removeprefix(OWN_FILES)
            raise ConfigError("resume", f"true, where {file} has changed", "the file that the run began with")
    return [f"{key.removeprefix('packages.')} {after.get(key)}, not {before.get(key)}" for key in different]


def data_of(setup: Setup) -> str:
    """The SHA-256 of the samples, those that are held out too, and of what the run begins with."""
    found = hashlib.sha256()
    arrays = {"x": setup.x, "y": setup.y, **setup.initial.parameters, **setup.initial.buffers}
    if setup.held_out is not None:
        arrays |= {"held out x": setup.held_out.x, "held out y": setup.held_out.y}
    for name, array in arrays.items():
        add(found, name, array)
    return found.hexdigest()
