"""Random optimizers, schedules and clipping, each with random keys; new ones join by existing."""

from __future__ import annotations

from math import exp, inf, log
from typing import Any

import numpy as np

from tests.fuzzing.written import CATALOG, defaults, written

OPTIMIZER: dict[str, list[Any]] = {
    "momentum": [0.5, 0.9],
    "dampening": [0.3],
    "weight_decay": [0.01, 0.1],
    "nesterov": [True],
    "maximize": [True],
    "betas": [[0.5, 0.7], [0.9, 0.9], [0.0, 0.5], [0.0, 0.0]],
    "eps": [1e-3, 0.1, 1e-6],
    "amsgrad": [True],
    "rho": [0.5, 0.99],
    "alpha": [0.5, 0.9],
    "centered": [True],
    "lr_decay": [0.1],
    "initial_accumulator_value": [0.5],
    "momentum_decay": [0.1],
    "decoupled_weight_decay": [True],
}
SCHEDULE: dict[str, list[Any]] = {
    "per": ["step", "epoch"],
    "t_max": [2, 5],
    "eta_min": [1e-3],
    "gamma": [0.5, 0.99],
    "max_lr": [0.1],
    "total_steps": [8, 20],
    "anneal_strategy": ["linear"],
    "cycle_momentum": [False],
    "three_phase": [True],
    "div_factor": [5.0],
    "mode": ["max"],
    "factor": [0.5],
    "patience": [0, 1],
    "threshold_mode": ["abs"],
    "cooldown": [1],
    "min_lr": [1e-3],
    "step_size": [1, 2],
    "start_factor": [0.1],
    "end_factor": [0.5],
    "total_iters": [1, 2],
}
CLIP: dict[str, list[Any]] = {"max_norm": [0.01, 0.3, 10.0], "norm_type": [inf], "clip_value": [1e-3, 0.1, 10.0]}
"""Values to try for each key besides its default."""


def draw_training(rng: np.random.Generator, steps: int) -> list[str]:
    """Overrides of the learning rate, the optimizer, the schedule and the clipping of a run of so many steps."""
    optimizer = str(rng.choice(CATALOG.names("optimizer")))
    keys = _keys(rng, "optimizer", optimizer, OPTIMIZER)
    if not keys.get("momentum") or "dampening" in keys:
        keys.pop("nesterov", None)
    schedule = str(rng.choice(CATALOG.names("schedule"))) if rng.random() < 0.5 else "constant"
    moved = _keys(rng, "schedule", schedule, SCHEDULE)
    if schedule == "one_cycle":
        moved |= {"per": "step", "total_steps": moved.get("total_steps", steps + 7)}
        if not {"momentum", "betas"} & set(defaults("optimizer", optimizer)):
            moved["cycle_momentum"] = False
    clip = str(rng.choice(CATALOG.names("clip"))) if rng.random() < 0.5 else "none"
    # What is not divided by its own size can blow up within a step.
    fastest = 0.01 if optimizer == "sgd" and steps > 1 and clip == "none" else 0.3
    lr = float(f"{exp(rng.uniform(log(1e-6), log(fastest))):.3g}")
    return [
        f"lr={written(lr)}",
        *_overrides("optimizer", optimizer, keys),
        *_overrides("schedule", schedule, moved),
        *_overrides("clip", clip, _keys(rng, "clip", clip, CLIP)),
    ]


def draw_init(rng: np.random.Generator) -> list[str]:
    """Mostly torch's own laws; any other that needs no file, sometimes."""
    if rng.random() > 0.15:
        return []
    name = str(rng.choice([n for n in CATALOG.names("init") if n != "file"]))
    return _overrides("init", name, {"value": 0.1} if name == "constant" else {})


def _overrides(group: str, name: str, keys: dict[str, Any]) -> list[str]:
    return [f"{group}={name}", *(f"{group}.{key}={written(value)}" for key, value in keys.items())]


def _keys(rng: np.random.Generator, group: str, name: str, values: dict[str, list[Any]]) -> dict[str, Any]:
    """Some of its keys, each with one of the values to try."""
    known = [key for key in defaults(group, name) if key in values and rng.random() < 0.35]
    return {key: values[key][int(rng.integers(len(values[key])))] for key in known}
