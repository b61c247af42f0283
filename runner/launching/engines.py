"""What runs a sweep's jobs, launchers and sweepers of others: what is asked of them, and what they raise."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from hydra.core.global_hydra import GlobalHydra
from hydra.errors import HydraException
from omegaconf import DictConfig
from omegaconf.errors import OmegaConfBaseException

from runner.errors import ConfigError, RunError, one_line

BASIC_SWEEPER = "hydra._internal.core_plugins.basic_sweeper.BasicSweeper"
LONGEST = 300
"""Characters of what an engine says: some say a page."""


class EngineError(Exception):
    """An engine failed after jobs had begun.

    Args:
        name: What was chosen, e.g. ``hydra/launcher=joblib``.
        error: What it raised.

    Attributes:
        found_nothing: Whether it may be a sweeper that searches and has nothing to tell of.
    """

    def __init__(self, name: str, error: Exception) -> None:
        self.found_nothing = name.startswith("hydra/sweeper") and isinstance(error, ValueError)
        super().__init__(f"{name}: {type(error).__name__}: {one_line(str(error))[:LONGEST]}")


@contextmanager
def engine(name: str) -> Iterator[None]:
    """Tells what an engine raises from what is raised in it about the configuration, the store or a file of ours.

    A job raises nothing: what comes of a launcher is that a job's process was killed, or that no process can be had.

    Raises:
        EngineError: The engine failed.
    """
    try:
        yield
    except (ConfigError, RunError, HydraException, OmegaConfBaseException, EngineError):
        raise
    except Exception as error:
        if isinstance(error, OSError) and error.filename is not None:
            raise
        raise EngineError(name, error) from error


def compose_first(config: DictConfig, job_overrides: Sequence[Sequence[str]]) -> None:
    """Composes jobs that nobody has composed: Hydra's own sweeper has, before it launches any; others have not.

    Raises:
        HydraException, OmegaConfBaseException: A job cannot be composed.
    """
    if config.hydra.sweeper._target_ == BASIC_SWEEPER:
        return
    hydra = GlobalHydra.instance().hydra
    assert hydra is not None
    for overrides in job_overrides:
        hydra.config_loader.load_sweep_config(config, list(overrides))
