"""What may stand in the keys of others' launchers and sweepers that docs/scale names: their refusals name no key."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

from omegaconf import DictConfig, OmegaConf

from runner.errors import ConfigError

WHOLE = "a whole number"
Allowed = tuple[Callable[[object], bool], str]
"""Whether a value may stand there, and in words what may."""


def _from(least: float, words: str, or_null: bool = False) -> Allowed:
    kinds = int if words == WHOLE else int | float

    def fits(value: object) -> bool:
        if value is None:
            return or_null
        return isinstance(value, kinds) and not isinstance(value, bool) and value >= least

    return fits, f"{words} from {least}{', or null' if or_null else ''}"


QUEUE: Mapping[str, Allowed] = {
    **{key: _from(1, WHOLE) for key in ("timeout_min", "nodes", "tasks_per_node")},
    **{key: _from(1, WHOLE, or_null=True) for key in ("cpus_per_task", "mem_gb")},
    "gpus_per_node": _from(0, WHOLE, or_null=True),
}
LAUNCHERS: Mapping[str, Mapping[str, Allowed]] = {
    "JoblibLauncher": {
        "n_jobs": (lambda value: value != 0, "a whole number but 0; -1 is a process for each core"),
        "timeout": (lambda value: value is None or _number(value) > 0, "a number above 0, or null"),
    },
    "RayLauncher": {
        "ray.init.num_cpus": _from(1, WHOLE, or_null=True),
        "ray.remote.num_cpus": _from(0, "a number", or_null=True),
        "ray.remote.max_retries": _from(-1, WHOLE, or_null=True),
    },
    "LocalLauncher": QUEUE,
    "SlurmLauncher": {**QUEUE, "array_parallelism": _from(1, WHOLE)},
}
SWEEPERS: Mapping[str, Mapping[str, Allowed]] = {
    "OptunaSweeper": {
        "n_trials": _from(1, WHOLE),
        "n_jobs": _from(1, WHOLE),
        "direction": (lambda value: _word(value) in ("minimize", "maximize"), "minimize or maximize"),
    },
}


def check_engines(config: DictConfig) -> None:
    """Raises ConfigError where a key of the launcher or the sweeper has what it does not take.

    ``config`` is the whole one, with Hydra's node.
    """
    for engine, table in (("launcher", LAUNCHERS), ("sweeper", SWEEPERS)):
        node = config.hydra[engine]
        for key, (fits, words) in table.get(node._target_.rpartition(".")[2], {}).items():
            value = OmegaConf.select(node, key)
            if not fits(value):
                raise ConfigError(f"hydra.{engine}.{key}", "null" if value is None else _word(value), words)


def _number(value: object) -> float:
    """NaN of what is none: Hydra's launcher takes a text."""
    try:
        return float(str(value))
    except ValueError:
        return math.nan


def _word(value: object) -> str:
    """As it is typed: Optuna's sweeper makes a direction a member of an enumeration."""
    return str(getattr(value, "name", value))
