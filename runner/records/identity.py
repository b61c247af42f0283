"""Who a run is: what its folder, its title and its tags come of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from runner.assemble import Setup
from runner.records.environment import environment_tags
from runner.records.resume_key import RESUME_KEY, key_of
from runner.shell import title_of


@dataclass(frozen=True)
class Identity:
    """Who a run is: its folder, its overrides, its sweep (none for a run of its own), its whole configuration.

    ``command`` replays it; empty where none can, a backend having been handed over by a Python program. ``parent`` is
    the MLflow run of its sweep, where that is in the same experiment.
    """

    folder: Path
    overrides: list[str]
    sweep: str | None
    config: Mapping[str, Any]
    command: str
    parent: str | None = None

    @property
    def title(self) -> str:
        """The overrides, as the run's name."""
        return title_of(self.overrides)

    @property
    def job_key(self) -> str:
        """What a job is found again by: the sweep and the overrides, in an order that does not matter."""
        return " ".join([self.sweep or str(self.folder), *sorted(self.overrides)])


def tags_of(identity: Identity, setup: Setup, found: Mapping[str, Any]) -> dict[str, str]:
    """What a run in MLflow is found again by from its beginning; ``found`` is its environment."""
    tags = {"job_key": identity.job_key, "run_folder": str(identity.folder.absolute())}
    tags |= {} if identity.parent is None else {"mlflow.parentRunId": identity.parent}
    tags |= {RESUME_KEY: key_of("run", identity.overrides)} if identity.sweep is None else {}
    return tags | {"backends": ", ".join(setup.backends), "dtype": setup.dtype.name, **environment_tags(found)}
