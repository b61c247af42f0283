"""Sweepers that search: what they are asked is looked at before the first job, and what cannot succeed is ended."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import IntervalSweep, Override, RangeSweep
from omegaconf import DictConfig

from runner import resuming
from runner.errors import BAD_INPUT, ConfigError
from runner.launching.engines import BASIC_SWEEPER
from runner.records.files import remove_empty
from runner.records.journal import as_synced
from runner.records.status import figure_of, remove_status


def is_search(config: DictConfig) -> bool:
    """Whether what the jobs come to decides about the next ones; ``config`` is the whole one, with Hydra's node."""
    return bool(config.hydra.sweeper._target_ != BASIC_SWEEPER)


def check_search(config: DictConfig) -> None:
    """Raises ConfigError where there is nothing to search in, or fewer trials are asked for than there are already."""
    from runner.records.sweep.parent import PARENT, read_parent

    if not is_search(config):
        return
    for override in OverridesParser.create().parse_overrides(resuming.typed_overrides(config, "sweep")):
        _check_space(override)
    folder, trials = Path(config.hydra.sweep.dir), config.hydra.sweeper.get("n_trials")
    if trials is not None and resuming.wanted(config) and (folder / PARENT).is_file():
        there = len(read_parent(folder)["jobs"])
        if trials < there:
            allowed = f"a whole number from {there}, the trials that the sweep in {folder} has"
            raise ConfigError("hydra.sweeper.n_trials", trials, allowed)


def _check_space(override: Override) -> None:
    value = override.value()
    if isinstance(value, IntervalSweep):
        low, high, form = value.start, value.end, "interval(LOW,HIGH)"
    elif isinstance(value, RangeSweep):
        low, high, form = value.start, value.stop, "range(LOW,HIGH)"
    else:
        return
    got = str(override.input_line).partition("=")[2]
    if low is None or high is None or not (math.isfinite(low) and math.isfinite(high) and low <= high):
        raise ConfigError(override.key_or_group, got, f"{form}, LOW no more than HIGH")
    if "log" in value.tags and low <= 0:
        raise ConfigError(override.key_or_group, got, f"tag(log,{form}), LOW above 0")


def check_first(statuses: Sequence[Mapping[str, Any]], searched: Mapping[str, str]) -> None:
    """Takes what the first jobs of a search have left, unless all were rejected for what is not searched.

    Nothing of such jobs is left. ``searched`` are the keys that are searched.

    Raises:
        ConfigError: They were: so would be all that follow.
    """
    told = {status.get("message") if status["status"] == BAD_INPUT else None for status in statuses}
    message = next(iter(told)) if len(told) == 1 else None
    if message is None or message.partition(":")[0] in searched:
        return
    for folder in (Path(status["folder"]) for status in statuses):
        remove_status(folder)
        remove_empty([folder])
    got = f"a search of which each of the first {len(statuses)} jobs is rejected, as told"
    raise ConfigError("hydra/sweeper", got, "values that a run takes beside those that are searched")


def is_fruitless(statuses: Sequence[Mapping[str, Any]]) -> bool:
    """Whether no job has come to a figure that a search can compare."""
    return all(figure_of(as_synced(status)) is None for status in statuses)
