"""Which jobs of a sweep may be stacked, by their configurations."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig

from runner.assemble import assemble
from runner.catalog import Catalog
from runner.config import catalog_of, own_part, resolved
from runner.errors import ConfigError

MAY_DIFFER = ("seed", "lr", "init")
"""Keys in which the jobs of a group may differ."""
SHAPED = ("data", "target")
"""Keys in which they may differ where the arrays that come of them have the same shapes."""
AT_MOST = 32
"""Jobs of a group: the tables, the gradients and the MLflow runs of all are open at once."""


@dataclass(frozen=True)
class _Kind:
    """What the jobs of a group have in common, as texts: all that may not differ, and where the samples come from."""

    rest: str
    samples: str


def groups_of(jobs: Iterable[tuple[int, DictConfig]]) -> list[list[int]]:
    """The numbers of the jobs that may be stacked, a list a group, in the order of their first jobs.

    ``jobs`` are numbers and whole configurations, Hydra's own node included: looked at one by one, and not kept. A job
    whose configuration is refused, or that is to run in a folder or an environment of its own, is a group of its own.
    """
    kinds: dict[int, _Kind] = {}
    examples: dict[_Kind, tuple[Mapping[str, Any], Catalog]] = {}
    for number, config in jobs:
        try:
            plain = _plain(config)
        except ConfigError:  # which the job itself tells
            plain = None
        if plain is None or config.hydra.job.chdir or config.hydra.job.env_set:
            kinds[number] = _Kind(f"job {number}", "")
        else:
            kinds[number] = kind = _kind_of(plain)
            examples.setdefault(kind, (plain, catalog_of(config.hydra)))
    groups: dict[tuple[str, str], list[int]] = {}
    shapes = _shapes(examples)
    for number, kind in kinds.items():
        groups.setdefault((kind.rest, shapes.get(kind, "")), []).append(number)
    return [numbers[at : at + AT_MOST] for numbers in groups.values() for at in range(0, len(numbers), AT_MOST)]


def _plain(config: DictConfig) -> dict[str, Any]:
    """The job's own configuration as plain values."""
    HydraConfig.instance().set_config(config)  # for interpolations that ask for it
    return resolved(own_part(config))


def _kind_of(plain: Mapping[str, Any]) -> _Kind:
    rest = {key: value for key, value in plain.items() if key not in (*MAY_DIFFER, *SHAPED)}
    return _Kind(json.dumps(rest, default=str), json.dumps([plain[key] for key in SHAPED], default=str))


def _shapes(examples: Mapping[_Kind, tuple[Mapping[str, Any], Catalog]]) -> dict[_Kind, str]:
    """The shapes of the samples, where jobs of the same rest have them from several sources."""
    found = {}
    for kind, (plain, catalog) in examples.items():
        if sum(other.rest == kind.rest for other in examples) > 1:
            try:
                setup = assemble(plain, catalog)
            except ConfigError:  # which the job itself tells
                found[kind] = kind.samples
            else:
                parts = (setup, setup.held_out) if setup.held_out is not None else (setup,)
                found[kind] = str([(array.shape, array.dtype.name) for part in parts for array in (part.x, part.y)])
    return found
