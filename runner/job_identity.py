"""What Hydra tells of the running job: where it works, what was typed for it, and what it is called."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.types import RunMode
from omegaconf import OmegaConf

from runner.catalog import Catalog
from runner.errors import NOT_FINISHED, ConfigError
from runner.shell import as_typed, lasting, shell_line

if TYPE_CHECKING:
    from runner.assemble import Setup
    from runner.records.identity import Identity


@dataclass(frozen=True)
class Asked:
    """One job.

    Attributes:
        folder: Its own.
        sweep: That of its sweep, from where the sweep was started; none for a run of its own.
        number: In the sweep.
        overrides: As they were typed, interpolations and all, but for what says how it is run and not what.
    """

    folder: Path
    sweep: Path | None
    number: int | None
    overrides: list[str]

    def status(self) -> dict[str, Any]:
        """What is known of how the job ended, as long as nothing is known."""
        told = {"overrides": self.overrides, "folder": str(self.folder), "number": self.number}
        return {"status": NOT_FINISHED, **told}


def asked() -> Asked:
    """The job that is running."""
    hydra = HydraConfig.get()
    in_sweep = hydra.mode == RunMode.MULTIRUN
    return Asked(
        folder=Path(hydra.runtime.output_dir),
        sweep=Path(hydra.runtime.cwd, hydra.sweep.dir) if in_sweep else None,
        number=hydra.job.num if in_sweep else None,
        overrides=_task_overrides(in_sweep),
    )


def identity_of(job: Asked, setup: Setup, config: Mapping[str, Any]) -> Identity:
    """Who the job's run is. ``resume`` says nothing of what is run.

    Raises:
        RunError: The sweep's file, which tells of its MLflow run, cannot be read.
    """
    from runner.records.identity import Identity
    from runner.records.sweep.parent import parent_of

    parent, sweep = None, None
    if job.sweep is not None:
        sweep = job.sweep.name
        parent = parent_of(job.sweep, setup.tracking_uri, setup.tracking_experiment)
    command = command_of(job.overrides)
    return Identity(shown(job.folder), job.overrides, sweep, {**config, "resume": False}, command, parent)


def command_of(overrides: list[str]) -> str:
    """What is typed to run a job with these overrides, alone."""
    hydra = HydraConfig.get()
    own = [shown(Path(s.path)) for s in hydra.runtime.config_sources if s.provider == "command-line"]
    flags = [word for folder in own for word in ("--config-dir", str(folder))]
    searched = [override for override in hydra.overrides.hydra if override.startswith("hydra.searchpath")]
    return shell_line(["python", "-m", "runner", *flags, *searched, *overrides])


def check_backend_names(names: Mapping[str, object], overrides: list[str], catalog: Catalog) -> None:
    """At least two backends; a name that the command line gives twice collapses in Hydra, so its text is read.

    Raises:
        ConfigError: There are fewer.
    """
    allowed = f"a list of at least two different names of {', '.join(catalog.names('backend'))}"
    chosen = [override for override in overrides if override.lstrip("+").startswith("backend")]
    for override in OverridesParser.create().parse_overrides(chosen):
        value = override.value() if override.key_or_group == "backend" else None
        if isinstance(value, list) and len(set(map(str, value))) < len(value):
            raise ConfigError("backend", str(override.input_line).partition("=")[2], allowed)
    if len(names) < 2:
        raise ConfigError("backend", f"[{', '.join(names)}]", allowed)


def shown(folder: Path) -> Path:
    """A folder as a person would type it: relative where it lies below the current one."""
    return folder.relative_to(Path.cwd()) if folder.is_relative_to(Path.cwd()) else folder


def _task_overrides(in_sweep: bool) -> list[str]:
    found = OmegaConf.to_container(HydraConfig.get().overrides.task, resolve=False)
    typed = lasting(map(str, found)) if isinstance(found, list) else []
    return list(map(as_typed, typed)) if in_sweep else typed
